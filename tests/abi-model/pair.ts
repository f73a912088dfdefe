/** Random calls through compiled adapters and through the model, over the same memories: both must end alike, byte for byte, or trap. */

import assert from "node:assert/strict";
import { HANDLE_BORROW, HANDLE_OWN, HandleEntry, InstanceFlag, InstanceTask } from "../../src/layout/offsets.ts";
import { TRAP_NAMES } from "../../src/layout/traps.ts";
import type { OptLevel } from "../../src/opt/pipeline.ts";
import type { Component } from "../../src/plan/component.ts";
import { planOfText } from "../support/components.ts";
import { type BuiltScript, buildScript } from "../wast/build.ts";
import { ScriptProcess } from "../wast/child.ts";
import {
  alignment,
  call,
  context,
  type CoreType,
  elemSize,
  flattenType,
  type Handle,
  Instance,
  lowerFlatValues,
  MAX_FLAT_PARAMS,
  MAX_FLAT_RESULTS,
  maxFlat,
  ModelTrap,
  type Options,
  type PtrType,
  type Resource,
  resourceDrop,
  type Type,
} from "./model.ts";
import { ENCODINGS, footprint, Random, randomType, randomValue } from "./random.ts";
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
  MODE,
  pairText,
  POST,
  RESULT,
  RETURNS,
  returnParams,
  RUIN,
  RUINED,
  type Signature,
  TASK,
} from "./wat.ts";

export const MEMORY_SIZE = 65536;

/** A guest's memory as the model has it, and its `realloc`. */
class Guest {
  readonly memory = new Uint8Array(MEMORY_SIZE);
  readonly view = new DataView(this.memory.buffer);

  constructor(heap: number) {
    this.view.setUint32(BUMP, heap, true);
  }

  readonly realloc = (old: number, oldSize: number, align: number, size: number): number => {
    const { view, memory } = this;
    const calls = view.getUint32(CALLS, true);
    [old, oldSize, align, size].forEach((x, i) => {
      view.setUint32(LOG + 16 * (calls % LOG_SIZE) + 4 * i, x, true);
    });
    view.setUint32(CALLS, calls + 1, true);
    const ptr = Math.ceil(view.getUint32(BUMP, true) / align) * align;
    view.setUint32(BUMP, ptr + size, true);
    if (old !== 0) {
      const length = Math.min(oldSize, size);
      if (ptr + length > MEMORY_SIZE || old + length > MEMORY_SIZE) throw new ModelTrap("memory.copy");
      memory.copyWithin(ptr, old, old + length);
    }
    const mode = view.getUint32(MODE, true);
    if (mode === 3) throw new ModelTrap("realloc may not leave");
    if (mode === 1) return ptr + 1 - (ptr % 2);
    return mode === 2 ? 2 ** 64 - 16 : ptr;
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

/** Resource types, in the order of their numbers in the plan. Who implements `r` differs from case to case. */
class ResourceType implements Resource {
  readonly name: string;
  impl: Instance | undefined;
  constructor(name: string) {
    this.name = name;
  }
}
const Q = new ResourceType("q");
const R = new ResourceType("r");
const RESOURCES: readonly ResourceType[] = [Q, R];

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

/** A handle table as it is in the context. */
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

type Pointers = Pick<Signature, "lowerPtr" | "liftPtr">;

/** `handles`: percent of leaves that are handles. */
export function randomSignature(r: Random, handles: number, pointers: Pointers): Signature {
  const type = (isParam: boolean): Type => {
    for (;;) {
      const leaf = (): Type | undefined => {
        if (!r.chance(handles)) return undefined;
        return { k: isParam && r.chance(50) ? "borrow" : "own", resource: r.pick(RESOURCES) };
      };
      const t = randomType(r, r.below(6), leaf);
      if (footprint(t) < 600 && flattenType(t, "i32").length < 400) return t;
    }
  };
  const asyncLift = r.chance(20);
  return {
    params: r.list(r.chance(10) ? 8 : r.below(4), () => type(true)),
    result: r.chance(25) ? undefined : type(false),
    lower: r.pick(ENCODINGS),
    lift: r.pick(ENCODINGS),
    ...pointers,
    asyncLower: r.chance(20),
    asyncLift,
    callback: asyncLift && r.chance(50),
    syncTask: r.chance(20),
    postReturn: !asyncLift && r.chance(30),
  };
}

/** The memories and flat arguments that a case begins with. */
function prepare(r: Random, signature: Signature): World {
  const callee = new Guest(HEAP);
  const caller = new Guest(HEAP);
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
    if (r.chance(6)) guest.view.setUint32(MODE, 1 + r.below(3), true);
    if (r.chance(4)) guest.view.setUint32(BUMP, MEMORY_SIZE - r.below(64), true);
  }
  if (r.chance(2)) callee.view.setUint32(MODE, 4, true);
  if (r.chance(3)) callee.view.setUint32(TASK, 1 + r.below(3), true);
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
  if (view.getUint32(MODE, true) === 4) throw new ModelTrap("post-return may not leave");
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
        for (const i of dropped) resourceDrop(calleeInstance, Number(args[i] ?? 0n), Q);
        if (task === 3) throw new ModelTrap("task.return of another type, or none");
        if (!signature.asyncLift) return lift.results.map((type) => callee.load(RESULT, type));
        if (task !== 0) throw new ModelTrap("no task.return, or two");
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

/** Compiled components around some signatures, in a process. */
export class Pair {
  readonly signatures: readonly Signature[];
  readonly plan: Component;
  readonly #built: BuiltScript;
  readonly #process: ScriptProcess;

  private constructor(signatures: readonly Signature[], plan: Component, built: BuiltScript) {
    this.signatures = signatures;
    this.plan = plan;
    this.#built = built;
    this.#process = new ScriptProcess(built.executable, 20_000);
  }

  static async start(signatures: readonly Signature[], optLevel: OptLevel, verify: boolean): Promise<Pair> {
    const plan = await planOfText(pairText(signatures));
    const built = buildScript(plan, undefined, { optLevel, verify });
    assert.deepEqual(built.refused, []);
    const pair = new Pair(signatures, plan, built);
    const { program } = built;
    const answer = await pair.#process.call("call", program.enterInstantiate - program.firstEntry, new Uint8Array(), 0);
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
    const { program } = this.#built;
    const tables = [program.offsets.handleTable(CALLEE), program.offsets.handleTable(CALLER)];
    await this.#process.write(tables[0] ?? 0, tableBytes(calleeInstance));
    await this.#process.write(tables[1] ?? 0, tableBytes(callerInstance));
    const memories = [program.offsets.memory(0), program.offsets.memory(1)];
    await this.#process.write(memories[0] ?? 0, callee.memory);
    await this.#process.write(memories[1] ?? 0, caller.memory);
    const reason = byModel(signature, world);
    if (!callerInstance.mayLeave) {
      await this.#process.write(program.offsets.instanceFlags(CALLER), new Uint8Array(4));
    }
    const { status } = await this.#process.call("call", this.#entry(index), new Uint8Array(), 0);
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
      await this.#restore();
      return;
    }
    assert.equal(TRAP_NAMES[status], "none");
    for (const [i, guest] of [callee, caller].entries()) {
      const found = await this.#process.read(memories[i] ?? 0, MEMORY_SIZE);
      if (Buffer.compare(found, guest.memory) === 0) continue;
      const at = found.findIndex((byte, k) => byte !== guest.memory[k]);
      const show = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(at & ~7, (at & ~7) + 16)).toString("hex");
      assert.fail(
        `${i === 0 ? "callee" : "caller"} at 0x${at.toString(16)}: ${show(found)} where the model has ${show(guest.memory)}`,
      );
    }
    for (const [i, instance] of [calleeInstance, callerInstance].entries()) {
      const expected = Buffer.from(tableBytes(instance));
      const found = Buffer.from(await this.#process.read(tables[i] ?? 0, expected.length));
      // What an entry holds that is free is nobody's business but for its link.
      for (const free of instance.free)
        found.fill(0, HandleEntry.size * free + HandleEntry.rep, HandleEntry.size * (free + 1));
      assert.equal(found.toString("hex"), expected.toString("hex"), `handles of the ${i === 0 ? "callee" : "caller"}`);
    }
    const borrows = await this.#process.read(program.offsets.instanceBorrows(CALLEE), 4);
    assert.deepEqual(borrows, new Uint8Array(4), "number of borrowed handles");
  }

  #entry(index: number): number {
    const { program } = this.#built;
    const at = program.api.exports.findIndex((e) => e.path.at(-1) === `run${index}`);
    return (program.exportEntries[at] ?? 0) - program.firstEntry;
  }

  /** What a trap leaves behind. */
  async #restore(): Promise<void> {
    const { program } = this.#built;
    const flags = new Uint8Array(Uint32Array.of(InstanceFlag.mayLeave).buffer);
    for (let i = 0; i < program.component.componentInstances.size; i++) {
      await this.#process.write(program.offsets.instanceFlags(i), flags);
      await this.#process.write(program.offsets.instanceBorrows(i), new Uint8Array(4));
      await this.#process.write(program.offsets.instanceLenders(i), new Uint8Array(4));
      await this.#process.write(program.offsets.instanceTask(i), new Uint8Array(InstanceTask.size));
    }
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

function repeat<T>(count: number, list: readonly T[]): T[] {
  return Array.from({ length: count }, () => list).flat();
}

/** Functions that between them have every check: few and small, so that calls of them often come upon what is rare in random ones. */
export function denseSignatures(pointers: Pointers): readonly Signature[] {
  const sync = { asyncLower: false, asyncLift: false, callback: false, syncTask: false, postReturn: true } as const;
  const utf8 = { ...sync, ...pointers, lower: "utf8", lift: "utf8" } as const;
  const string: Type = { k: "string" };
  const list = (of: Type, length?: number): Type => ({ k: "list", of, length });
  const many = (count: number, k: "u16" | "u64"): Type => ({ k: "tuple", fields: new Array<Type>(count).fill({ k }) });
  const own = (resource: ResourceType): Type => ({ k: "own", resource });
  const borrow = (resource: ResourceType): Type => ({ k: "borrow", resource });
  const texts = ENCODINGS.flatMap((lower) =>
    ENCODINGS.map(
      (lift): Signature => ({ ...utf8, params: [string, list({ k: "char" })], result: string, lower, lift }),
    ),
  );
  const others: readonly (readonly [readonly Type[], Type | undefined])[] = [
    [[{ k: "char" }, { k: "bool" }, { k: "s8" }, { k: "s16" }, { k: "flags", count: 5 }], { k: "char" }],
    [[list({ k: "u64" }), { k: "option", of: list({ k: "u16" }) }], list({ k: "bool" })],
    [[many(17, "u64")], many(17, "u16")],
    [[borrow(R), own(R)], own(Q)],
    [[borrow(Q), own(R), { k: "enum", count: 3 }], list(own(R), 2)],
    // A callee that gets its parameters in memory keeps what it borrows.
    [[borrow(Q), many(17, "u64")], undefined],
    [[borrow(Q), string], { k: "result", ok: own(R), err: { k: "u8" } }],
  ];
  const rest = others.map(([params, result]): Signature => ({ ...utf8, params, result }));
  const isAsync = [
    { asyncLower: false, asyncLift: true, callback: true, syncTask: false },
    { asyncLower: true, asyncLift: true, callback: false, syncTask: false },
    { asyncLower: false, asyncLift: true, callback: false, syncTask: true },
  ].flatMap((how) => rest.slice(-2).map((s): Signature => ({ ...s, ...how, postReturn: false })));
  // What goes through memory, or is rarely wrong, several times.
  return [...texts, ...rest, ...isAsync, ...repeat(4, [...rest.slice(2, 3), ...isAsync.slice(0, 2)])];
}

export const BOTH_32: Pointers = { lowerPtr: "i32", liftPtr: "i32" };
/** 32-bit memories most of the time. */
export const POINTERS: readonly Pointers[] = [
  BOTH_32,
  { lowerPtr: "i64", liftPtr: "i32" },
  BOTH_32,
  { lowerPtr: "i32", liftPtr: "i64" },
  { lowerPtr: "i64", liftPtr: "i64" },
];

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
