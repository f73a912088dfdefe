/** Random calls through compiled adapters and through the model, over the same memories: both must end alike, byte for byte, or trap. */

import assert from "node:assert/strict";
import { HANDLE_BORROW, HANDLE_OWN, HandleEntry, InstanceFlag, InstanceTask } from "../../src/layout/offsets.ts";
import type { Program } from "../../src/frontend/program.ts";
import { TRAP_NAMES } from "../../src/layout/traps.ts";
import type { OptLevel } from "../../src/opt/pipeline.ts";
import { planOfText } from "../support/components.ts";
import { buildScript } from "../wast/build.ts";
import { callCommand, type Command, readCommand, ScriptProcess, writeCommand } from "../wast/child.ts";
import {
  alignment,
  call,
  context,
  type CoreType,
  elemSize,
  type Handle,
  Instance,
  lowerFlatValues,
  MAX_FLAT_PARAMS,
  MAX_FLAT_RESULTS,
  maxFlat,
  ModelTrap,
  type Options,
  type PtrType,
  resourceDrop,
  type Type,
} from "./model.ts";
import { Random, randomValue } from "./random.ts";
import {
  ARGS,
  BUMP,
  CALLS,
  coreSignature,
  droppedParams,
  HEAP,
  isAsyncFunction,
  LOG,
  LOG_SIZE,
  MEMORY_SIZE,
  MODE,
  Mode,
  pairText,
  POST,
  RESULT,
  RETURNS,
  returnParams,
  RUIN,
  RUINED,
  SEEN,
  type Signature,
  TASK,
  WHEN,
} from "./wat.ts";
import { BOTH_32, POINTERS, Q, R, randomSignature, RESOURCES } from "./signatures.ts";

/** A guest's memory as the model has it, and its `realloc`. */
class Guest {
  readonly memory = new Uint8Array(MEMORY_SIZE);
  readonly view = new DataView(this.memory.buffer);
  readonly #isWide: boolean;

  constructor(heap: number, ptr: PtrType) {
    this.view.setUint32(BUMP, heap, true);
    this.#isWide = ptr === "i64";
  }

  readonly realloc = (old: number, oldSize: number, align: number, size: number): number => {
    const { view, memory } = this;
    const calls = view.getUint32(CALLS, true);
    [old, oldSize, align, size].forEach((x, i) => {
      view.setUint32(LOG + 16 * (calls % LOG_SIZE) + 4 * i, x, true);
    });
    const mode = calls === view.getUint32(WHEN, true) ? view.getUint32(MODE, true) : 0;
    view.setUint32(CALLS, calls + 1, true);
    let ptr = Math.ceil(view.getUint32(BUMP, true) / align) * align;
    view.setUint32(BUMP, ptr + size, true);
    const last = Math.floor((MEMORY_SIZE - size) / align) * align;
    if (mode === Mode.atEnd && last >= 0) ptr = last;
    if (old !== 0) {
      const length = Math.min(oldSize, size);
      if (ptr + length > MEMORY_SIZE || old + length > MEMORY_SIZE) throw new ModelTrap("memory.copy");
      memory.copyWithin(ptr, old, old + length);
    }
    switch (mode) {
      case Mode.leaves:
        throw new ModelTrap("realloc may not leave");
      case Mode.misaligned:
        return ptr + 1 - (ptr % 2);
      case Mode.wrapping:
        // 64 bits of it are as well aligned, and further outside.
        return 2 ** 32 - 16;
      case Mode.beyondEnd:
        return last >= 0 ? last + align : ptr;
      case Mode.end:
        return MEMORY_SIZE;
      case Mode.upperHalf:
        return this.#isWide ? ptr + 2 ** 32 : ptr;
      default:
        return ptr;
    }
  };

  store(at: number, type: CoreType, bits: bigint): void {
    if (type === "i32" || type === "f32") this.view.setUint32(at, Number(BigInt.asUintN(32, bits)), true);
    else this.view.setBigUint64(at, bits, true);
  }
  load(at: number, type: CoreType): bigint {
    return type === "i32" || type === "f32" ? BigInt(this.view.getUint32(at, true)) : this.view.getBigUint64(at, true);
  }
}

/** Component instances of `pairText`. */
const CALLEE = 2;
const CALLER = 3;

/** The guests of a case. */
interface World {
  readonly callee: Guest;
  readonly caller: Guest;
  readonly calleeInstance: Instance;
  readonly callerInstance: Instance;
}

/** Stores handles as they are. */
class RawInstance extends Instance {
  override add(handle: Handle): number {
    return handle.rep;
  }
}

/** Some handles, some of them gone again. */
function randomHandles(r: Random): Instance {
  const instance = new Instance();
  for (let n = 2 + r.below(40); n > 0; n--) {
    const own = r.chance(85);
    instance.add({ resource: r.pick(RESOURCES), rep: r.next(), own, scope: undefined, lends: 0 });
  }
  for (let n = r.below(3); n > 0; n--) {
    const index = r.below(instance.handles.length);
    if (instance.handles[index] !== undefined) instance.remove(index);
  }
  return instance;
}

/** A handle that fits, mostly: one that the call has not given away or lent before. */
function randomHandle(r: Random, t: Type, instance: Instance, given: Set<number>): number {
  if (t.k !== "own" && t.k !== "borrow") throw new Error("no handle");
  const again = r.chance(3);
  const fitting = instance.handles.flatMap((h, i) =>
    h?.resource === t.resource && (h.own || t.k === "borrow") && (again || !given.has(i)) ? [i] : [],
  );
  const handle = fitting.length === 0 || r.chance(1) ? r.below(10) : r.pick(fitting);
  if (t.k === "own" || r.chance(50)) given.add(handle);
  return handle;
}

/** The entries of a handle table. */
function tableBytes(instance: Instance): Uint8Array {
  const bytes = new Uint8Array(HandleEntry.size * instance.handles.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(HandleEntry.tag, instance.handles.length - 1, true);
  let next = 0;
  for (const index of instance.free) {
    view.setUint32(HandleEntry.size * index + HandleEntry.link, next, true);
    next = index;
  }
  view.setUint32(HandleEntry.link, next, true);
  instance.handles.forEach((h, i) => {
    if (h === undefined) return;
    const at = HandleEntry.size * i;
    const kind = h.own ? HANDLE_OWN : HANDLE_BORROW;
    view.setUint32(at + HandleEntry.tag, kind | (RESOURCES.findIndex((x) => x === h.resource) << 2), true);
    view.setBigUint64(at + HandleEntry.rep, BigInt(h.rep), true);
  });
  return bytes;
}

/** Handle tables of several owners as they are in the context: entries with one index side by side, `at` bytes from the first. */
function interleaved(tables: readonly Uint8Array[], at: readonly number[], stride: number): Uint8Array {
  const { size } = HandleEntry;
  const bytes = new Uint8Array(stride * Math.max(...tables.map((t) => t.length / size)));
  tables.forEach((table, i) => {
    for (let k = 0; k * size < table.length; k++) {
      bytes.set(table.subarray(k * size, (k + 1) * size), k * stride + (at[i] ?? 0));
    }
  });
  return bytes;
}

/** The first `count` entries of one of them. */
function entriesOf(bytes: Uint8Array, at: number, stride: number, count: number): Buffer {
  const { size } = HandleEntry;
  return Buffer.concat(
    Array.from({ length: count }, (_, k) => bytes.subarray(k * stride + at, k * stride + at + size)),
  );
}

export interface Statistics {
  cases: number;
  traps: number;
  readonly types: Map<string, number>;
  readonly trapNames: Map<string, number>;
  /** Calls by address types, and by encodings: caller's to callee's. */
  readonly pointers: Map<string, number>;
  readonly encodings: Map<string, number>;
  /** Calls by what of them is `async`. */
  readonly abis: Map<string, number>;
}

export function statistics(): Statistics {
  return {
    cases: 0,
    traps: 0,
    types: new Map(),
    trapNames: new Map(),
    pointers: new Map(),
    encodings: new Map(),
    abis: new Map(),
  };
}

function count(into: Map<string, number>, name: string): void {
  into.set(name, (into.get(name) ?? 0) + 1);
}

function countTypes(t: Type, into: Map<string, number>): void {
  const parts: readonly (Type | undefined)[] =
    t.k === "list" || t.k === "option"
      ? [t.of]
      : t.k === "map"
        ? [t.key, t.value]
        : t.k === "record" || t.k === "tuple"
          ? t.fields
          : t.k === "variant"
            ? t.cases
            : t.k === "result"
              ? [t.ok, t.err]
              : [];
  const name = t.k === "list" && t.length !== undefined ? "fixed list" : t.k;
  count(into, name);
  for (const part of parts) if (part !== undefined) countTypes(part, into);
}

/** The memories and flat arguments that a case begins with. */
function prepare(r: Random, signature: Signature): World {
  const callee = new Guest(HEAP, signature.liftPtr);
  const caller = new Guest(HEAP, signature.lowerPtr);
  const calleeInstance = randomHandles(r);
  const callerInstance = randomHandles(r);
  callerInstance.mayLeave = !r.chance(1);
  const nobody = new RawInstance();
  const options = (guest: Guest, encoding: Options["encoding"], ptr: PtrType): Options => ({
    memory: guest.memory,
    ptr,
    encoding,
    realloc: guest.realloc,
    wide: encoding === "latin1+utf16" && r.chance(25),
    cut: r.chance(6),
  });
  const { params, result } = signature;

  const given = new Set<number>();
  const values = params.map((t) => randomValue(r, t, (h) => randomHandle(r, h, callerInstance, given)));
  const flat = lowerFlatValues(
    context(options(caller, signature.lower, signature.lowerPtr), nobody),
    maxFlat(signature).params,
    values,
    params,
  );
  const core = coreSignature(signature, "lower");
  if (core.params.length > flat.length && result !== undefined) {
    flat.push(
      BigInt(caller.realloc(0, 0, alignment(result, signature.lowerPtr), elemSize(result, signature.lowerPtr))),
    );
  }
  core.params.forEach((type, i) => {
    let bits = flat[i] ?? 0n;
    // What is above the bits of a small type is nobody's business.
    if (r.chance(4)) bits = mutate(r, bits);
    caller.store(ARGS + 8 * i, type, bits);
  });

  if (result !== undefined) {
    const cx = context(options(callee, signature.lift, signature.liftPtr), nobody);
    given.clear();
    const value = randomValue(r, result, (h) => randomHandle(r, h, calleeInstance, given));
    const { asyncLift } = signature;
    const bits = lowerFlatValues(cx, asyncLift ? MAX_FLAT_PARAMS : MAX_FLAT_RESULTS, [value], [result]);
    const types = asyncLift ? returnParams(signature) : coreSignature(signature, "lift").results;
    types.forEach((type, i) => {
      const given = bits[i] ?? 0n;
      callee.store((asyncLift ? RETURNS : RESULT) + 8 * i, type, r.chance(4) ? mutate(r, given) : given);
    });
  }
  for (const guest of [callee, caller]) {
    const end = guest.view.getUint32(BUMP, true);
    if (end > HEAP && r.chance(15)) {
      for (let n = 1 + r.below(3); n > 0; n--) {
        guest.memory[HEAP + r.below(end - HEAP)] = r.pick([0, 1, 2, 0x7f, 0x80, 0xc3, 0xd8, 0xff, r.below(256)]);
      }
    }
    if (end > HEAP + 8 && r.chance(4)) {
      const at = HEAP + 8 * r.below(Math.floor((end - HEAP) / 8));
      if (at + 8 <= MEMORY_SIZE) guest.view.setBigUint64(at, r.pick(WIDE), true);
    }
    if (r.chance(6)) spoil(r, guest, end);
    if (r.chance(8)) {
      guest.view.setUint32(MODE, r.pick(REALLOC_MODES), true);
      guest.view.setUint32(WHEN, guest.view.getUint32(CALLS, true) + r.below(r.chance(50) ? 1 : 6), true);
    } else if (r.chance(4)) guest.view.setUint32(BUMP, MEMORY_SIZE - r.below(64), true);
  }
  if (r.chance(2)) callee.view.setUint32(MODE, Mode.postReturnLeaves, true);
  if (r.chance(3)) callee.view.setUint32(TASK, 1 + r.below(4), true);
  return { callee, caller, calleeInstance, callerInstance };
}

const BAD_UTF8_3: readonly (readonly number[])[] = [
  [0xe0, 0x80, 0x80],
  [0xe0, 0x9f, 0xbf],
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
];
const BAD_UTF8_4: readonly (readonly number[])[] = [
  [0xf0, 0x80, 0x80, 0x80],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x90, 0x80, 0x80],
  // A byte that continues nothing, in each place.
  [0xf0, 0x41, 0x98, 0x80],
  [0xf0, 0x9f, 0xc0, 0x80],
  [0xf0, 0x9f, 0x98, 0x41],
];

/** Makes one character, wherever it is, one that its encoding has no place for. */
function spoil(r: Random, { memory, view }: Guest, end: number): void {
  const places: (() => void)[] = [];
  for (let at = HEAP; at + 4 <= Math.min(end, MEMORY_SIZE); at++) {
    const byte = memory[at] ?? 0;
    if (byte >= 0xf0 && byte <= 0xf4) places.push(() => memory.set(r.pick(BAD_UTF8_4), at));
    else if (byte >= 0xe0 && byte <= 0xef) places.push(() => memory.set(r.pick(BAD_UTF8_3), at));
    if (at % 2 === 0 && (view.getUint16(at, true) & 0xf800) === 0xd800) {
      places.push(() => view.setUint16(at, r.pick([0xdc00, 0xdfff, 0xd800, 0x41]), true));
    }
    const word = view.getUint32(at, true);
    if (at % 4 === 0 && word > 0x1000 && word < 0x11_0000) {
      places.push(() => view.setUint32(at, r.pick([0xd800, 0xdfff, 0x11_0000, 0xffff_ffff]), true));
    }
  }
  if (places.length > 0) r.pick(places)();
}

const REALLOC_MODES = Object.values(Mode).filter((mode) => mode !== Mode.postReturnLeaves);

/** Pointers and lengths that overflow something. */
const WIDE: readonly bigint[] = [28n, 31n, 32n, 60n, 61n, 62n, 63n].flatMap((n) => [1n << n, (1n << n) + 1n]);

function mutate(r: Random, bits: bigint): bigint {
  switch (r.below(5)) {
    case 0:
      return bits ^ (1n << BigInt(r.below(64)));
    case 3:
      return r.pick(WIDE);
    case 1:
      return bits | 0xffff_0000n;
    case 2:
      return BigInt(r.pick([0, 1, MEMORY_SIZE - 8, MEMORY_SIZE - 1, MEMORY_SIZE, 0x8000_0000, 0xffff_ffff]));
    default:
      return bits + 1n;
  }
}

function postReturn({ view }: Guest): void {
  if (view.getUint32(MODE, true) === Mode.postReturnLeaves) throw new ModelTrap("post-return may not leave");
  view.setUint32(POST, view.getUint32(POST, true) + 1, true);
}

/** The same call by the model: changes the guests; whether it trapped. */
function byModel(signature: Signature, world: World): string | undefined {
  const { callee, caller, calleeInstance, callerInstance } = world;
  R.impl = calleeInstance;
  const lower = coreSignature(signature, "lower");
  const lift = coreSignature(signature, "lift");
  const side = (guest: Guest, encoding: Options["encoding"], ptr: PtrType, instance: Instance) => ({
    options: { memory: guest.memory, ptr, encoding, realloc: guest.realloc },
    instance,
  });
  const dropped = droppedParams(signature);
  const task = callee.view.getUint32(TASK, true);
  try {
    if (!callerInstance.mayLeave) throw new ModelTrap("may not leave");
    if (isAsyncFunction(signature) && signature.syncTask && !signature.asyncLower) throw new ModelTrap("may not block");
    const results = call(
      signature,
      side(caller, signature.lower, signature.lowerPtr, callerInstance),
      side(callee, signature.lift, signature.liftPtr, calleeInstance),
      signature.params,
      signature.result,
      lower.params.map((type, i) => caller.load(ARGS + 8 * i, type)),
      (args, taskReturn) => {
        lift.params.forEach((type, i) => {
          callee.store(ARGS + 8 * i, type, args[i] ?? 0n);
        });
        for (const i of dropped) {
          const index = Number(args[i] ?? 0n);
          callee.view.setUint32(SEEN, calleeInstance.handles[index]?.rep ?? 0, true);
          resourceDrop(calleeInstance, index, Q);
        }
        if (task === 3) throw new ModelTrap("task.return of another type, or none");
        if (task === 4 && !isAsyncFunction(signature)) throw new ModelTrap("the callee may not block");
        if (!signature.asyncLift) return lift.results.map((type) => callee.load(RESULT, type));
        if (task === 1 || task === 2) throw new ModelTrap("no task.return, or two");
        taskReturn(returnParams(signature).map((type, i) => callee.load(RETURNS + 8 * i, type)));
        callee.memory.fill(RUIN, HEAP, HEAP + RUINED);
        return [];
      },
      signature.postReturn ? () => postReturn(callee) : undefined,
    );
    lower.results.forEach((type, i) => {
      caller.store(RESULT, type, results[i] ?? 0n);
    });
    return undefined;
  } catch (error) {
    if (error instanceof ModelTrap) return error.message;
    throw error;
  }
}

/** How much of a memory is not 0, or before something that is not. */
function usedOf(memory: Uint8Array): number {
  let used = memory.length;
  while (used > 0 && memory[used - 1] === 0) used--;
  return used;
}

/** Compiled components around some signatures, in a process. */
export class Pair {
  readonly signatures: readonly Signature[];
  readonly #program: Program;
  readonly #process: ScriptProcess;
  /** Of each memory, what is not known to be 0 in the process. */
  readonly #used = [0, 0];
  /** The last call did not trap, and nothing differed. */
  #isClean = true;

  private constructor(signatures: readonly Signature[], program: Program, executable: Uint8Array) {
    this.signatures = signatures;
    this.#program = program;
    this.#process = new ScriptProcess(executable, 20_000);
  }

  static async start(signatures: readonly Signature[], optLevel: OptLevel, verify: boolean): Promise<Pair> {
    const plan = await planOfText(pairText(signatures));
    const built = buildScript(plan, undefined, { optLevel, verify });
    assert.deepEqual(built.refused, []);
    return Pair.run(signatures, built.program, built.executable);
  }

  /** One that is compiled. */
  static async run(signatures: readonly Signature[], program: Program, executable: Uint8Array): Promise<Pair> {
    const pair = new Pair(signatures, program, executable);
    const answer = await pair.#process.call(
      "call",
      program.enterInstantiate - program.entries.first,
      new Uint8Array(),
      0,
    );
    assert.equal(answer.status, 0);
    return pair;
  }

  close(): void {
    this.#process.close();
  }

  /** One call, both ways. Throws what `assert` throws. */
  async check(r: Random, index: number, stats: Statistics): Promise<void> {
    const signature = this.signatures[index];
    assert(signature !== undefined);
    const world = prepare(r, signature);
    const { callee, caller, calleeInstance, callerInstance } = world;
    const program = this.#program;
    const { handleArea, handleStride } = program.offsets;
    const tables = [CALLEE, CALLER].map((i) => program.offsets.handleTable(i) - handleArea.at);
    const memories = [program.offsets.memory(0), program.offsets.memory(1)];
    const before = this.#isClean ? [] : this.#restore();
    const handles = [calleeInstance, callerInstance].map(tableBytes);
    before.push(writeCommand(handleArea.at, interleaved(handles, tables, handleStride)));
    for (const [i, { memory }] of [callee, caller].entries()) {
      const used = Math.max(this.#used[i] ?? 0, usedOf(memory));
      before.push(writeCommand(memories[i] ?? 0, memory.subarray(0, used)));
    }
    if (!callerInstance.mayLeave) before.push(writeCommand(program.offsets.instanceFlags(CALLER), new Uint8Array(4)));
    const call = { parts: [callCommand("call", this.#entry(index), new Uint8Array(), 0)], answer: 0 };
    this.#isClean = false;
    const answers = await this.#process.askAll([...before, call]);
    const status = answers.at(-1)?.status ?? 0;
    const reason = byModel(signature, world);
    stats.cases++;
    count(stats.pointers, `${signature.lowerPtr} to ${signature.liftPtr}`);
    const { asyncLower, asyncLift, callback } = signature;
    const lifted = asyncLift ? (callback ? "callback" : "async") : "sync";
    count(stats.abis, `${asyncLower ? "async" : "sync"} to ${lifted}`);
    count(stats.encodings, `${signature.lower} to ${signature.lift}`);
    for (const t of [...signature.params, ...(signature.result === undefined ? [] : [signature.result])]) {
      countTypes(t, stats.types);
    }
    if (reason !== undefined) {
      stats.traps++;
      assert.notEqual(status, 0, `the model traps: ${reason}`);
      const name = TRAP_NAMES[status] ?? `status ${status}`;
      count(stats.trapNames, name);
      assert(status < 256, name);
      return;
    }
    assert.equal(TRAP_NAMES[status], "none");
    const instances = [calleeInstance, callerInstance].map((instance) => Buffer.from(tableBytes(instance)));
    const places: readonly (readonly [place: number, length: number])[] = [
      ...memories.map((place) => [place, MEMORY_SIZE] as const),
      [handleArea.at, handleStride * Math.max(...[calleeInstance, callerInstance].map((i) => i.handles.length))],
      [program.offsets.instanceBorrows(CALLEE), 4],
      ...[CALLEE, CALLER].map((i) => [program.offsets.instanceTask(i), InstanceTask.result] as const),
    ];
    const after = await this.#process.askAll(places.map(([place, length]) => readCommand(place, length)));
    const bytesOf = (i: number): Uint8Array => after[i]?.bytes ?? new Uint8Array();
    for (const [i, guest] of [callee, caller].entries()) {
      const found = bytesOf(i);
      if (Buffer.compare(found, guest.memory) === 0) {
        this.#used[i] = usedOf(found);
        continue;
      }
      const at = found.findIndex((byte, k) => byte !== guest.memory[k]);
      const show = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(at & ~7, (at & ~7) + 16)).toString("hex");
      assert.fail(
        `${i === 0 ? "callee" : "caller"} at 0x${at.toString(16)}: ${show(found)} where the model has ${show(guest.memory)}`,
      );
    }
    for (const [i, instance] of [calleeInstance, callerInstance].entries()) {
      const found = entriesOf(bytesOf(2), tables[i] ?? 0, handleStride, instance.handles.length);
      // What an entry holds that is free is nobody's business but for its link.
      for (const free of instance.free)
        found.fill(0, HandleEntry.size * free + HandleEntry.rep, HandleEntry.size * (free + 1));
      assert.equal(
        found.toString("hex"),
        instances[i]?.toString("hex"),
        `handles of the ${i === 0 ? "callee" : "caller"}`,
      );
    }
    assert.deepEqual(bytesOf(3), new Uint8Array(4), "number of borrowed handles");
    // Where the result went stays.
    for (const i of [4, 5]) {
      assert.deepEqual(bytesOf(i), new Uint8Array(InstanceTask.result), "what is known of a task that is over");
    }
    this.#isClean = true;
  }

  #entry(index: number): number {
    const program = this.#program;
    const at = program.api.exports.findIndex((e) => e.path.at(-1) === `run${index}`);
    return program.exportEntry(at) - program.entries.first;
  }

  /** Makes good what a trap leaves behind. */
  #restore(): Command[] {
    const { offsets, component } = this.#program;
    this.#used.fill(MEMORY_SIZE);
    const flags = new Uint8Array(Uint32Array.of(InstanceFlag.mayLeave).buffer);
    return Array.from({ length: component.componentInstances.size }, (_, i) => [
      writeCommand(offsets.instanceFlags(i), flags),
      writeCommand(offsets.instanceBorrows(i), new Uint8Array(4)),
      writeCommand(offsets.instanceLenders(i), new Uint8Array(4)),
      writeCommand(offsets.instanceTask(i), new Uint8Array(InstanceTask.size)),
    ]).flat();
  }
}

/** `calls` random calls of each function. `what` is said of a failure. */
export async function runSignatures(
  r: Random,
  signatures: readonly Signature[],
  calls: number,
  stats: Statistics,
  options: { readonly optLevel: OptLevel; readonly verify: boolean; readonly what: string },
): Promise<void> {
  const pair = await Pair.start(signatures, options.optLevel, options.verify);
  try {
    for (let f = 0; f < signatures.length; f++) {
      for (let n = 0; n < calls; n++) {
        try {
          await pair.check(r, f, stats);
        } catch (error) {
          const text = JSON.stringify(signatures[f], (key, value) => (key === "impl" ? undefined : value));
          throw new Error(`${options.what}, function ${f}, call ${n}: ${String(error)}\n${text}`, { cause: error });
        }
      }
    }
  } finally {
    pair.close();
  }
}

/** `components` pairs of `functions` random signatures with `calls` calls each. `handles`: percent of leaves that are handles; `first`:
 * the number of the first component, which says what its memories are. */
export async function runRandom(
  seed: number,
  size: {
    readonly components: number;
    readonly functions: number;
    readonly calls: number;
    readonly handles: number;
    readonly first?: number;
  },
  stats: Statistics,
): Promise<void> {
  for (let c = 0; c < size.components; c++) {
    const r = new Random(seed + c);
    const number = c + (size.first ?? 0);
    const pointers = POINTERS[number % POINTERS.length] ?? BOTH_32;
    const signatures = r.list(size.functions, () => randomSignature(r, size.handles, pointers));
    const options = { optLevel: number % 3 === 0 ? 0 : 2, verify: number === 0, what: `seed ${seed + c}` } as const;
    await runSignatures(r, signatures, size.calls, stats, options);
  }
}
