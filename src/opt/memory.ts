/**
 * What memory holds: each region has a version at each point of the function, and a load is known by its address, its shape and the
 * version that it reads. Two loads with the same name give the same value; a store gives the name of the load behind it.
 *
 * Versions are those of memory SSA without merging instructions: a write makes a new one; a block has its predecessors' if they agree (a loop
 * has the one before it in the regions that it doesn't write), else a new one. A version from a store leads back to the one before it
 * for loads that the store can't touch: same base, other bytes.
 *
 * Receives blocks in an order in which forward edges go forward. Linear.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../base/columns.ts";
import { entity } from "../base/entity.ts";
import type { ControlFlowGraph } from "../ir/cfg.ts";
import { type Block, type Func, NONE, type Value } from "../ir/function.ts";
import {
  ACCESS_TRAPS,
  accessOf,
  accessSize,
  FLAG_EFFECT,
  OP_FLAGS,
  Op,
  Region,
  REGION_NAMES,
  regionOf,
} from "../ir/ops.ts";
import { typeFromCode } from "../ir/types.ts";

const REGIONS = REGION_NAMES.length;
/** Every region that anything writes. */
const ALL = (1 << REGIONS) - 1;
const ENTRY = 6;
const LOAD = Op.load;
const STORE = Op.store;
/** How many stores a load looks past. */
const MAX_STEPS = 8;
/** Slots of the table that a name may be in. */
const MAX_PROBES = 8;

/** The regions that an instruction may write, as bits; a region's writes are those of `any` as well. */
export function writtenRegions(func: Func, inst: number): number {
  const op = func.op.get(inst);
  if ((OP_FLAGS[op]! & FLAG_EFFECT) === 0) return 0;
  switch (op) {
    case Op.trapz:
    case Op.trapnz:
    case Op.trap:
    case Op.poll:
    case Op.probe:
    case Op.jump:
    case Op.brif:
    case Op.br_table:
    case Op.return:
      return 0;
    case Op.store:
    // Other threads may write what an atomic access sees them write: all of its region.
    case Op.atomic_load:
    case Op.atomic_store:
    case Op.atomic_add:
    case Op.atomic_sub:
    case Op.atomic_and:
    case Op.atomic_or:
    case Op.atomic_xor:
    case Op.atomic_xchg:
    case Op.atomic_cas: {
      const region = regionOf(func.hi.get(inst));
      return region === Region.any ? ALL : (1 << region) | (1 << Region.any);
    }
    default:
      return ALL;
  }
}

/** By header of a loop: the regions that the loop may write. */
export function loopWrites(func: Func, cfg: ControlFlowGraph, header: Int32Array, parent: Int32Array): Uint8Array {
  const out = func.work.u8(func.blockCount);
  const { order } = cfg;
  for (let o = order.length - 1; o >= 0; o--) {
    const block = order[o]!;
    const h = header[block]!;
    if (h < 0) continue;
    let written = out[h]!;
    for (let i = func.firstInst.get(block); i !== NONE && written !== ALL; i = func.next.get(i)) {
      written |= writtenRegions(func, i);
    }
    out[h] = written;
    // A header is the first block of its loop: all others were seen.
    if (h === block && parent[h]! >= 0) out[parent[h]!]! |= written;
  }
  return out;
}

export class MemoryState {
  readonly #func: Func;
  readonly #cfg: ControlFlowGraph;
  readonly #loopHeader: Int32Array;
  readonly #loopWrites: Uint8Array;
  /** Current version of each region. */
  readonly #current: Int32Array;
  /** Versions at the end of each block that was left, REGIONS to a block; NONE for others. */
  readonly #out: Int32Array;
  /** By version: the store that made it, or NONE; and the version before. */
  readonly #versionStore: I32Column;
  readonly #versionBefore: I32Column;

  // The table of names.
  readonly #mask: number;
  /** ENTRY to a slot: address (plus one; 0: empty), offset, shape, version; value, block. */
  readonly #table: Int32Array;
  /** The version up to which the last `find` looked. */
  #foundVersion = 0;

  constructor(func: Func, cfg: ControlFlowGraph) {
    this.#func = func;
    this.#versionStore = func.work.column();
    this.#versionBefore = func.work.column();
    this.#current = func.work.i32(REGIONS);
    this.#cfg = cfg;
    const { loops } = cfg;
    this.#loopHeader = loops.header;
    this.#loopWrites = loopWrites(func, cfg, loops.header, loops.parent);
    this.#out = func.work.filled(func.blockCount * REGIONS, NONE);
    let accesses = 0;
    const { data, length } = func.op;
    for (let i = 0; i < length; i++) if (data[i] === LOAD || data[i] === STORE) accesses++;
    let size = 8;
    while (size < accesses * 2) size *= 2;
    this.#mask = size - 1;
    this.#table = func.work.i32(size * ENTRY);
    // Version 0: memory at the entry, and `constant` memory always.
    this.#newVersion(NONE, NONE);
  }

  #newVersion(store: number, before: number): number {
    this.#versionStore.push(store);
    return this.#versionBefore.push(before);
  }

  /** Sets the versions at the beginning of `block`. */
  enter(block: Block): void {
    const { predStart, pred, position } = this.#cfg;
    const current = this.#current;
    const from = predStart[block]!;
    const to = predStart[block + 1]!;
    let first = true;
    /** Regions whose predecessors differ. */
    let differ = 0;
    const isHeader = this.#loopHeader[block] === block;
    for (let e = from; e < to; e++) {
      const p = pred[e]!;
      if (position[p]! < 0) continue;
      const at = p * REGIONS;
      if (this.#out[at] === NONE) {
        // A back edge: of a loop, or else of a cycle of which nothing is known.
        if (isHeader && this.#cfg.dominates(block, entity<Block>(p))) differ |= this.#loopWrites[block]!;
        else differ = ALL;
        continue;
      }
      for (let r = 0; r < REGIONS; r++) {
        const version = this.#out[at + r]!;
        if (first) current[r] = version;
        else if (current[r] !== version) differ |= 1 << r;
      }
      first = false;
    }
    if (first) {
      // The entry, or a block that only a cycle reaches.
      for (let r = 0; r < REGIONS; r++) current[r] = 0;
      if (to > from) differ = ALL;
    }
    if (differ === 0) return;
    const version = this.#newVersion(NONE, NONE);
    for (let r = 0; r < REGIONS; r++) if (differ & (1 << r)) current[r] = version;
  }

  /** Remembers the versions at the end of `block`. */
  leave(block: Block): void {
    for (let r = 0; r < REGIONS; r++) this.#out[block * REGIONS + r] = this.#current[r]!;
  }

  /** Something that isn't a store may have written `regions`. */
  clobber(regions: number): void {
    const version = this.#newVersion(NONE, NONE);
    for (let r = 0; r < REGIONS; r++) if (regions & (1 << r)) this.#current[r] = version;
  }

  #hash(address: number, offset: number, shape: number, version: number): number {
    let hash = Math.imul(address, 0x9e3779b1) ^ Math.imul(offset, 0x85ebca6b);
    hash ^= Math.imul(shape, 0xc2b2ae35) ^ Math.imul(version, 0x27d4eb2f);
    return (hash ^ (hash >>> 15)) & this.#mask;
  }

  /** The value of a name where it is known in `block`, or NONE. */
  #lookup(block: Block, address: number, offset: number, shape: number, version: number): number {
    const table = this.#table;
    let slot = this.#hash(address, offset, shape, version);
    for (let probe = 0; probe < MAX_PROBES; probe++, slot = (slot + 1) & this.#mask) {
      const at = slot * ENTRY;
      if (table[at] === 0) return NONE;
      if (
        table[at] === address + 1 &&
        table[at + 1] === offset &&
        table[at + 2] === shape &&
        table[at + 3] === version
      ) {
        return this.#cfg.dominates(entity<Block>(table[at + 5]!), block) ? table[at + 4]! : NONE;
      }
    }
    return NONE;
  }

  #enter(block: Block, address: number, offset: number, shape: number, version: number, value: number): void {
    const table = this.#table;
    const home = this.#hash(address, offset, shape, version);
    // When it is crowded, the first one goes: an entry is a chance, not a duty.
    let at = home * ENTRY;
    for (let probe = 0, slot = home; probe < MAX_PROBES; probe++, slot = (slot + 1) & this.#mask) {
      const here = slot * ENTRY;
      const same =
        table[here] === address + 1 &&
        table[here + 1] === offset &&
        table[here + 2] === shape &&
        table[here + 3] === version;
      if (table[here] !== 0 && !same) continue;
      at = here;
      break;
    }
    table[at] = address + 1;
    table[at + 1] = offset;
    table[at + 2] = shape;
    table[at + 3] = version;
    table[at + 4] = value;
    table[at + 5] = block;
  }

  /** The address of a load or store: behind its check a guard is the value that it guards. */
  #addressOf(inst: number): number {
    const f = this.#func;
    let address: number = f.resolve(entity<Value>(f.a.get(inst)));
    for (let def = f.valueDef.get(address); def >= 0 && f.op.get(def) === Op.guard; def = f.valueDef.get(address)) {
      address = f.resolve(entity<Value>(f.c.get(def)));
    }
    return address;
  }

  /** The store can't touch the bytes `offset` to `offset + size` behind `address`. */
  #passes(store: number, address: number, offset: number, size: number): boolean {
    const f = this.#func;
    if (this.#addressOf(store) !== address) return false;
    const at = f.lo.get(store);
    const bytes = accessSize(accessOf(f.hi.get(store)), typeFromCode(f.type.get(store)));
    return at + bytes <= offset || offset + size <= at;
  }

  /** What the memory that `inst` (a load or store) accesses holds, or NONE. `flags`: how it would be loaded. */
  #find(block: Block, inst: number, flags: number): number {
    const f = this.#func;
    const address = this.#addressOf(inst);
    const offset = f.lo.get(inst);
    const type = f.type.get(inst);
    const size = accessSize(accessOf(flags), typeFromCode(type));
    const region = regionOf(flags);
    const shape = ((flags & ~ACCESS_TRAPS) << 3) | type;
    let version = region === Region.constant ? 0 : this.#current[region]!;
    for (let step = 0; step < MAX_STEPS; step++) {
      const value = this.#lookup(block, address, offset, shape, version);
      if (value !== NONE) return value;
      const store = this.#versionStore.get(version);
      if (store === NONE || !this.#passes(store, address, offset, size)) break;
      version = this.#versionBefore.get(version);
    }
    this.#foundVersion = version;
    return NONE;
  }

  /** The value that the load `inst` gives if it is known; else its result is known from now on. */
  load(block: Block, inst: number): number {
    const f = this.#func;
    const flags = f.hi.get(inst);
    const found = this.#find(block, inst, flags);
    if (found !== NONE) return found;
    const shape = ((flags & ~ACCESS_TRAPS) << 3) | f.type.get(inst);
    this.#enter(block, this.#addressOf(inst), f.lo.get(inst), shape, this.#foundVersion, f.firstResult.get(inst));
    return NONE;
  }

  /** Whether memory holds already what the store `inst` writes. */
  isRedundant(block: Block, inst: number): boolean {
    const flags = this.#func.hi.get(inst);
    return regionOf(flags) !== Region.constant && this.#find(block, inst, flags) === this.#func.b.get(inst);
  }

  /** The store `inst` happens. `whole`: a load of the same shape gives the stored value. */
  store(block: Block, inst: number, whole: boolean): void {
    const f = this.#func;
    const flags = f.hi.get(inst);
    const regions = writtenRegions(f, inst);
    const region = regionOf(flags);
    for (let r = 0; r < REGIONS; r++) {
      if (regions & (1 << r)) this.#current[r] = this.#newVersion(inst, this.#current[r]!);
    }
    if (!whole || region === Region.constant) return;
    const shape = ((flags & ~ACCESS_TRAPS) << 3) | f.type.get(inst);
    this.#enter(block, this.#addressOf(inst), f.lo.get(inst), shape, this.#current[region]!, f.b.get(inst));
  }
}
