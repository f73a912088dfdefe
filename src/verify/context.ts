/**
 * What is where behind the context, and which of it a function may read and write: the layout tables of the compiler, filled with the
 * policy's numbers. The only knowledge that the verifier shares with the compiler.
 */

import { FUNCREF_CODE_OFFSET, FUNCREF_SIGNATURE_OFFSET, FUNCREF_SIZE } from "../layout/funcref.ts";
import {
  ContextField,
  ExceptionState,
  GLOBAL_SIZE,
  GUARDED_RESERVATION,
  Lowering,
  MemoryDefinition,
  PASSIVE_SEGMENT_SIZE,
  RESULT_AREA,
  RESULT_SLOT_SIZE,
  TableDefinition,
  TrapRecord,
  VMComponentOffsets,
} from "../layout/offsets.ts";
import type { SandboxInstance, SandboxPolicy } from "../layout/sandbox.ts";
import type { CodeFunction } from "./image.ts";
import { malformed } from "./image.ts";

/** One field, or an array of them, behind the context. */
export type FieldKind =
  | "fixed"
  | "result"
  | "flags"
  | "lowering"
  | "memory definition"
  | "table definition"
  | "global"
  | "host resource"
  | "passive segment"
  | "element area"
  | "exception reference"
  | "exception payload"
  | "exception state"
  | "trap record";

export interface Field {
  readonly kind: FieldKind;
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

export interface Region {
  readonly kind: "memory" | "table" | "handles" | "exceptions";
  readonly index: number;
  readonly start: number;
  /** Behind the last byte that is reserved. */
  readonly end: number;
}

export class ContextMap {
  readonly policy: SandboxPolicy;
  readonly offsets: VMComponentOffsets;
  /** In ascending order. */
  readonly fields: readonly Field[];
  readonly regions: readonly Region[];
  readonly contextSize: number;

  /** Throws `WindlassError` when the policy's numbers don't fit together. */
  constructor(policy: SandboxPolicy) {
    this.policy = policy;
    checkPolicy(policy);
    this.offsets = new VMComponentOffsets(policy.shape);
    this.fields = listFields(policy, this.offsets);
    this.regions = listRegions(policy, this.offsets);
    this.contextSize = this.offsets.contextSize;
  }

  /** The field that holds byte `at`. */
  field(at: number): Field | undefined {
    return findRange(this.fields, at);
  }
  region(at: number): Region | undefined {
    return findRange(this.regions, at);
  }
}

function findRange<T extends { readonly start: number; readonly end: number }>(
  list: readonly T[],
  at: number,
): T | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.start ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  const found = list[low - 1];
  return found !== undefined && at < found.end ? found : undefined;
}

function checkPolicy(policy: SandboxPolicy): void {
  const { shape } = policy;
  const same = (what: string, described: number, laidOut: number): void => {
    if (described !== laidOut) throw malformed(`.windlass.info: ${described} ${what}, but a place for ${laidOut}`);
  };
  same("memories", policy.memories.length, shape.memories.length);
  same("tables", policy.tables.length, shape.tables.length);
  same("globals", policy.globals.length, shape.globals);
  same("passive segments", policy.passive.length, shape.passiveSegments);
  same("areas of elements", policy.elementAreas.length, shape.elementAreas.length);
  policy.memories.forEach(({ minBytes, guarded }, i) => {
    const memory = shape.memories[i];
    const fits = memory !== undefined && minBytes <= memory.maxBytes && (!guarded || memory.style === "guarded");
    if (!fits || memory.maxBytes > 2 ** 48) throw malformed(`.windlass.info: the sizes of memory ${i}`);
    if (memory.style === "guarded" && memory.maxBytes > GUARDED_RESERVATION) {
      throw malformed(`.windlass.info: memory ${i} is larger than its reservation`);
    }
  });
  policy.tables.forEach(({ minElements }, i) => {
    const table = shape.tables[i];
    if (table === undefined || minElements > table.maxElements || table.maxElements >= 2 ** 32) {
      throw malformed(`.windlass.info: the sizes of table ${i}`);
    }
  });
}

function listFields(policy: SandboxPolicy, offsets: VMComponentOffsets): Field[] {
  const { shape } = policy;
  const fields: Field[] = [];
  const add = (kind: FieldKind, index: number, start: number, size: number): void => {
    fields.push({ kind, index, start, end: start + size });
  };
  add("fixed", 0, 0, RESULT_AREA);
  if (shape.resultSlots > 0) add("result", 0, RESULT_AREA, shape.resultSlots * RESULT_SLOT_SIZE);
  for (let i = 0; i < shape.componentInstances; i++) add("flags", i, offsets.instanceFlags(i), 4);
  for (let i = 0; i < shape.lowerings; i++) add("lowering", i, offsets.lowering(i), Lowering.size);
  for (let i = 0; i < shape.memories.length; i++) {
    add("memory definition", i, offsets.memoryDefinition(i), MemoryDefinition.size);
  }
  for (let i = 0; i < shape.tables.length; i++) {
    add("table definition", i, offsets.tableDefinition(i), TableDefinition.size);
  }
  for (let i = 0; i < shape.globals; i++) add("global", i, offsets.global(i), GLOBAL_SIZE);
  for (let i = 0; i < shape.hostResources; i++) add("host resource", i, offsets.hostResource(i), 16);
  for (let i = 0; i < shape.passiveSegments; i++) {
    add("passive segment", i, offsets.passiveSegment(i), PASSIVE_SEGMENT_SIZE);
  }
  shape.elementAreas.forEach((count, i) => {
    if (count > 0) add("element area", i, offsets.elementArea(i), count * FUNCREF_SIZE);
  });
  if (shape.exceptionPayload !== undefined) {
    const payload = offsets.exceptionState + ExceptionState.payload;
    add("exception state", 0, offsets.exceptionState, ExceptionState.payload);
    let plain = 0;
    policy.exceptionReferences.forEach(([offset], i) => {
      if (offset < plain) throw malformed(".windlass.info: the places of an exception's references");
      // In front are exception references, and behind everything else.
      if (offset > plain) add("exception payload", 0, payload + plain, offset - plain);
      add("exception reference", i, payload + offset, FUNCREF_SIZE);
      plain = offset + FUNCREF_SIZE;
    });
    if (plain > shape.exceptionPayload) throw malformed(".windlass.info: the size of an exception");
    if (plain < shape.exceptionPayload) {
      add("exception payload", 0, payload + plain, shape.exceptionPayload - plain);
    }
  }
  add("trap record", 0, offsets.trap, TrapRecord.size);
  return fields.sort((x, y) => x.start - y.start);
}

function listRegions(policy: SandboxPolicy, offsets: VMComponentOffsets): Region[] {
  const { shape } = policy;
  const regions: Region[] = [];
  shape.tables.forEach(({ maxElements }, index) => {
    const start = offsets.table(index);
    regions.push({ kind: "table", index, start, end: start + maxElements * FUNCREF_SIZE });
  });
  const handles = offsets.handleArea;
  if (handles.bytes > 0)
    regions.push({ kind: "handles", index: 0, start: handles.at, end: handles.at + handles.bytes });
  if (offsets.exceptionLimit > 0) {
    const start = offsets.exceptionCells;
    const size = (offsets.exceptionLimit + 1) * offsets.exceptionSize;
    regions.push({ kind: "exceptions", index: 0, start, end: start + size });
  }
  shape.memories.forEach(({ style, maxBytes }, index) => {
    const start = offsets.memory(index);
    regions.push({ kind: "memory", index, start, end: start + (style === "guarded" ? GUARDED_RESERVATION : maxBytes) });
  });
  return regions.sort((x, y) => x.start - y.start || x.end - y.end);
}

/** What a function of one kind may do with the context's fields. */
export interface Rights {
  readonly memories: ReadonlySet<number>;
  readonly tables: ReadonlySet<number>;
  readonly globals: ReadonlySet<number>;
}

function mergeInstances(instances: readonly (SandboxInstance | undefined)[]): SandboxInstance {
  const all = instances.filter((i) => i !== undefined);
  return {
    memories: all.flatMap((i) => i.memories),
    tables: all.flatMap((i) => i.tables),
    globals: all.flatMap((i) => i.globals),
  };
}

export class RightsOf {
  readonly #policy: SandboxPolicy;
  readonly #known = new Map<string, Rights>();
  constructor(policy: SandboxPolicy) {
    this.#policy = policy;
  }
  of(f: CodeFunction): Rights {
    const instances = [f.of, ...f.inlined];
    const key = instances.join();
    let rights = this.#known.get(key);
    if (rights === undefined) {
      const { memories, tables, globals } = mergeInstances(instances.map((i) => this.#policy.instances[i]));
      rights = { memories: new Set(memories), tables: new Set(tables), globals: new Set(globals) };
      this.#known.set(key, rights);
    }
    return rights;
  }
}

export { ContextField, FUNCREF_CODE_OFFSET, FUNCREF_SIGNATURE_OFFSET, FUNCREF_SIZE, MemoryDefinition };
