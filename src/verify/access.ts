/**
 * Every memory access of a function: proves that it is inside something that the function may touch, and says what a load gives.
 *
 * Allowed are: the function's own frame and arguments; named fields of the context; linear memories of its instance, by an index that the
 * guard covers or that was compared with the length; elements of its tables, by an index that was compared; read-only data.
 */

import { Part } from "./atoms.ts";
import {
  ContextField,
  FUNCREF_CODE_OFFSET,
  FUNCREF_SIGNATURE_OFFSET,
  FUNCREF_SIZE,
  type Field,
  MemoryDefinition,
} from "./context.ts";
import type { Machine } from "./machine.ts";
import { RED_ZONE, Reg } from "./machine.ts";
import { referenceToken, lengthClass, RESULT_SLOTS } from "./state.ts";
import { isFunctionReference } from "./types.ts";
import { AtomKind, Base, Form, isConstant } from "./values.ts";
import { GUARDED_RESERVATION } from "../layout/offsets.ts";

/** Bytes that a function may use without having compared its stack pointer. */
export const UNCHECKED_STACK = 256 + 16;

/** What an access touches. */
type Place =
  | { readonly kind: "slot"; readonly at: number }
  | { readonly kind: "field"; readonly field: Field; readonly at: number }
  /** `within`: byte in the element. */
  | { readonly kind: "table"; readonly table: number; readonly address: Form; readonly within: number }
  | { readonly kind: "jump table"; readonly start: number; readonly entries: number }
  | { readonly kind: "other" };

const OTHER: Place = { kind: "other" };

/** Reads `size` bytes at the memory operand. */
export function loadValue(m: Machine, size: number): Form {
  const place = locate(m, size, false);
  if (place === undefined) return m.fresh(size, Part.load);
  switch (place.kind) {
    case "slot":
      return loadSlot(m, place.at, size);
    case "field":
      return loadField(m, place.field, place.at, size);
    case "table":
      return loadElement(m, place.table, place.address, place.within, size);
    case "jump table":
      return m.atom(0xffff_ffff, AtomKind.jumpTable, place.start, `${place.entries}`, Part.load);
    case "other":
      return m.fresh(size, Part.load);
  }
}

/** Writes `value` to the memory operand. */
export function storeValue(m: Machine, value: Form, size: number): void {
  const place = locate(m, size, true);
  if (place !== undefined) storeAt(m, place, value, size);
}

/** An access whose value doesn't matter. */
export function touch(m: Machine, size: number, write: boolean): void {
  const place = locate(m, size, write);
  if (write && place !== undefined) storeAt(m, place, undefined, size);
}

function storeAt(m: Machine, place: Place, value: Form | undefined, size: number): void {
  const { state } = m;
  switch (place.kind) {
    case "slot":
      state.killSlots(place.at, place.at + size);
      if (size === 8 && value !== undefined) state.slots.set(place.at, value);
      return;
    case "field":
      return storeField(m, place.field, place.at, value, size);
    case "table": {
      m.tablesChange();
      const { element: token = "x", constant = true } = m.world.map.policy.tables[place.table] ?? {};
      if (constant) m.fail(`writes to table ${place.table}, which does not change`);
      if (!isFunctionReference(token)) return;
      if (size !== FUNCREF_SIZE || place.within !== 0 || value === undefined || !isReference(m, value, token)) {
        m.fail(`writes something to table ${place.table} that is no reference to a function of its type`);
      }
    }
  }
}

/** Whether a value is null or a reference of a subtype of `token`. */
export function isReference(m: Machine, value: Form, expected: string): boolean {
  const { types } = m.world;
  const known = referenceToken(m.atoms, value);
  if (known === null) return true;
  if (known !== undefined) return types.fits(known, expected);
  const token = constantToken(m, value);
  return token !== undefined && types.fits(token, expected);
}

/** What a constant is a reference to: the offset of a function's code, and the number of its signature. */
export function constantToken(m: Machine, value: Form): string | undefined {
  if (!isConstant(value) || value.c < 0) return undefined;
  return tokenOfBits(m, value.c % 2 ** 32, Math.floor(value.c / 2 ** 32));
}

/** The token of the reference that has these halves, if there is one. */
export function tokenOfBits({ world: { types, image } }: Machine, code: number, half: number): string | undefined {
  const target = image.byStart.get(image.textStart + code);
  const type = types.ofHalf(half);
  if (target?.type === undefined || type < 0 || types.list[type]?.text !== target.type) return undefined;
  return `r${half - 1}`;
}

// Where an access goes.

function locate(m: Machine, size: number, write: boolean): Place | undefined {
  const address = m.address();
  if (address === undefined) {
    m.failAccess("the address can't be followed");
    return undefined;
  }
  switch (address.base) {
    case Base.frame:
      return locateFrame(m, address, size);
    case Base.context:
      return locateContext(m, address, size, write);
    case Base.image:
      return locateImage(m, address, size, write);
    default:
      m.failAccess("the address is not relative to the context, the frame or the program's data");
      return undefined;
  }
}

function locateFrame(m: Machine, address: Form, size: number): Place | undefined {
  const sp = m.state.register(Reg.rsp);
  const top = 16 + m.type.stackBytes;
  const inside =
    address.a === 0 && sp.base === Base.frame && sp.a === 0 && address.c >= sp.c - RED_ZONE && address.c + size <= top;
  if (!inside) {
    m.failAccess("accesses the stack outside of the function's frame");
    return undefined;
  }
  return checkDepth(m, address.c) ? { kind: "slot", at: address.c } : undefined;
}

/** The frame's byte `at` is no deeper than what was compared with the limit allows. */
function checkDepth(m: Machine, at: number): boolean {
  if (m.speculative || at >= Math.min(-UNCHECKED_STACK, m.state.floor - UNCHECKED_STACK) - RED_ZONE) return true;
  m.fail("uses more stack than was compared with the limit");
  return false;
}

/** A push to the frame's byte `at`, wherever the stack pointer was put before. */
export function checkPush(m: Machine, at: number): boolean {
  if (at + 8 <= 16 + m.type.stackBytes) return checkDepth(m, at);
  m.failAccess("pushes to outside of the function's frame");
  return false;
}

function locateImage(m: Machine, address: Form, size: number, write: boolean): Place | undefined {
  const { image } = m.world;
  if (write) {
    m.failAccess("writes to the program's text or read-only data");
    return undefined;
  }
  m.state.range(address);
  const { lo, hi } = m.state;
  if (address.a !== 0) m.dependsOnBranches = true;
  if (lo >= image.rodataStart && hi + size <= image.rodataStart + image.rodata.length) return OTHER;
  const { end, constantsEnd } = m.f;
  if (lo >= end && hi + size <= constantsEnd) {
    // Entries of a jump table: distances from the table's start.
    if (size === 4 && address.b === 0 && (lo === hi || address.s === 4)) {
      return { kind: "jump table", start: lo, entries: (hi - lo) / 4 + 1 };
    }
    return OTHER;
  }
  m.failAccess("reads data that is not the function's own or is not known to be in bounds");
  return undefined;
}

function locateContext(m: Machine, place: Form, size: number, write: boolean): Place | undefined {
  const { map } = m.world;
  const address = m.state.byKnownSum(place);
  const hi = m.state.upperBound(address);
  const { lo } = m.state;
  if (address.a === 0 && address.c < map.contextSize) return locateField(m, address.c, size, write);
  const region = map.region(lo);
  if (region === undefined)
    return refuse(m, `accesses the context's region at displacement ${hex(lo)}, where nothing is`);
  const { kind, index, start } = region;
  if (kind === "memory") {
    if (!m.rights.memories.has(index)) return refuse(m, `accesses memory ${index}, which is not its own`);
    if (m.speculative) return hi + size <= region.end ? OTHER : refuse(m, `may run ahead out of memory ${index}`);
    if (address.a !== 0 && !isCovered(m, address, start, region.end - size)) m.dependsOnBranches = true;
    const offset = new Form(Base.number, address.c - start, address.a, address.s, address.b, address.t);
    const memory = map.policy.memories[index];
    if (memory === undefined) return undefined;
    if (hi + size <= start + memory.minBytes) return OTHER;
    if (memory.guarded && hi + size <= start + GUARDED_RESERVATION) {
      checkFrame(m, "an access that may fault");
      return OTHER;
    }
    if (isBelowLength(m, offset, AtomKind.memoryLength, index, size)) return OTHER;
    return refuse(m, `accesses memory ${index} at an index that is not known to be in bounds`);
  }
  if (kind === "table") {
    if (!m.rights.tables.has(index)) return refuse(m, `accesses table ${index}, which is not its own`);
    if (address.a !== 0) m.dependsOnBranches = true;
    const offset = new Form(Base.number, address.c - start, address.a, address.s, address.b, address.t);
    return locateElement(m, address, offset, index, size);
  }
  return refuse(m, `accesses ${kind === "handles" ? "handle tables" : "the store of exceptions"}`);
}

/** Whatever its unknowns are, the address is at least `start` and at most `limit`. */
function isCovered(m: Machine, address: Form, start: number, limit: number): boolean {
  const { hi } = m.atoms;
  const most = (atom: number, scale: number): number => (atom === 0 ? 0 : scale * (hi[atom] ?? 0));
  return (
    address.s >= 0 &&
    address.t >= 0 &&
    address.c >= start &&
    address.c + most(address.a, address.s) + most(address.b, address.t) <= limit
  );
}

/** rbp is the frame record, and that is as it was made, so that a trap's unwinder finds its way. */
export function checkFrame(m: Machine, where: string): boolean {
  const { state } = m;
  const frame = state.register(Reg.rbp);
  if (frame.base !== Base.frame || frame.a !== 0 || frame.c !== 0) {
    m.fail(`rbp is not the frame pointer at ${where}`);
    return false;
  }
  if (state.slots.get(0)?.base === Base.saved + Reg.rbp && state.slots.get(8)?.base === Base.returnAddress) return true;
  m.fail(`the caller's frame or the return address may have been overwritten at ${where}`);
  return false;
}

function refuse(m: Machine, reason: string): undefined {
  m.failAccess(reason);
  return undefined;
}

function hex(n: number): string {
  return Number.isFinite(n) ? `0x${n.toString(16)}` : `${n}`;
}

/** sum + constant + extra ≤ the current length. */
export function isBelowLength(m: Machine, f: Form, kind: number, index: number, extra: number): boolean {
  const { state } = m;
  const length = lengthClass(kind, index);
  if (state.margin(f, length) >= f.c + extra) return true;
  // Everything that it may be is below what the length is known to be at least.
  const hi = state.upperBound(f);
  return state.lo >= 0 && hi + extra <= state.leastOf(length);
}

function locateElement(m: Machine, address: Form, offset: Form, index: number, size: number): Place | undefined {
  const table = m.world.map.policy.tables[index];
  const within = ((offset.c % FUNCREF_SIZE) + FUNCREF_SIZE) % FUNCREF_SIZE;
  if (
    table === undefined ||
    offset.s % FUNCREF_SIZE !== 0 ||
    offset.t % FUNCREF_SIZE !== 0 ||
    within + size > FUNCREF_SIZE
  ) {
    return refuse(m, `accesses table ${index} across its elements`);
  }
  const element = inElements(offset);
  const hi = m.state.upperBound(element);
  const max = m.world.map.policy.shape.tables[index]?.maxElements ?? 0;
  if (m.speculative && hi >= max) return refuse(m, `may run ahead out of table ${index}`);
  const inside =
    m.speculative ||
    (m.state.lo >= 0 && (hi < table.minElements || isBelowLength(m, element, AtomKind.tableLength, index, 1)));
  if (!inside) return refuse(m, `accesses table ${index} at an index that is not known to be in bounds`);
  const start = new Form(address.base, address.c - within, address.a, address.s, address.b, address.t);
  return { kind: "table", table: index, address: start, within };
}

/** A byte offset as an index of elements, rounded down. */
export function inElements(f: Form): Form {
  return new Form(Base.number, Math.floor(f.c / FUNCREF_SIZE), f.a, f.s / FUNCREF_SIZE, f.b, f.t / FUNCREF_SIZE);
}

// Fields of the context.

function locateField(m: Machine, at: number, size: number, write: boolean): Place | undefined {
  const field = m.world.map.field(at);
  if (field === undefined || at + size > field.end) {
    return refuse(m, `accesses the context at displacement ${hex(at)}, where no field is`);
  }
  if (!mayAccess(m, field, at, write)) {
    const which = field.kind === "fixed" ? `field at ${hex(at)}` : `${field.kind} ${field.index}`;
    return refuse(m, `${write ? "writes" : "reads"} the context's ${which}`);
  }
  return { kind: "field", field, at };
}

function mayAccess(m: Machine, field: Field, at: number, write: boolean): boolean {
  const { rights } = m;
  switch (field.kind) {
    case "fixed":
      if (write) return false;
      return (at >= ContextField.stackLimit && at < ContextField.stackLimit + 8) || at === ContextField.interrupt;
    case "result":
      return true;
    case "memory definition":
      return !write && rights.memories.has(field.index);
    case "table definition":
      return !write && rights.tables.has(field.index);
    case "global":
      return rights.globals.has(field.index);
    case "passive segment":
    case "exception reference":
    case "exception payload":
      return true;
    default:
      return false;
  }
}

/** What a global or a place of an exception's payload holds. */
function tokenOf(m: Machine, { kind, index }: Field): string {
  const { globals, exceptionReferences } = m.world.map.policy;
  return (kind === "global" ? globals[index] : exceptionReferences[index]?.[1]) ?? "x";
}

function loadField(m: Machine, field: Field, at: number, size: number): Form {
  const { policy } = m.world.map;
  const within = at - field.start;
  switch (field.kind) {
    case "fixed":
      return at === ContextField.stackLimit && size === 8
        ? m.atom(Number.POSITIVE_INFINITY, AtomKind.stackLimit, 0, undefined, Part.load)
        : m.fresh(size, Part.load);
    case "result":
      return loadSlot(m, RESULT_SLOTS + at, size);
    case "memory definition": {
      const memory = policy.memories[field.index];
      const max = policy.shape.memories[field.index]?.maxBytes ?? 0;
      if (within !== MemoryDefinition.currentLength || memory === undefined) return m.fresh(size, Part.load);
      return length(m, AtomKind.memoryLength, field.index, memory.minBytes, max, size);
    }
    case "table definition": {
      const table = policy.tables[field.index];
      const max = policy.shape.tables[field.index]?.maxElements ?? 0;
      if (within !== 0 || table === undefined) return m.fresh(size, Part.load);
      return length(m, AtomKind.tableLength, field.index, table.minElements, max, size);
    }
    case "global":
    case "exception reference": {
      const token = tokenOf(m, field);
      if (!isFunctionReference(token) || within !== 0 || size !== 8) return m.fresh(size, Part.load);
      return m.atom(Number.POSITIVE_INFINITY, AtomKind.reference, 0, token, Part.load);
    }
    case "passive segment":
      return size === 4 ? segmentLength(m, field.index, policy.passive[field.index] ?? 0) : m.fresh(size, Part.load);
    default:
      return m.fresh(size, Part.load);
  }
}

/** The current length of a memory or table. Half of it will do when no length has more bits. */
function length(m: Machine, kind: number, index: number, min: number, max: number, size: number): Form {
  if (size !== 8 && (size !== 4 || max >= 2 ** 32)) return m.fresh(size, Part.load);
  const f = m.atom(max, kind, index, undefined, Part.load);
  m.state.narrow(f.a, min, max);
  const sum = new Form(Base.number, 0, f.a, 1);
  m.state.relate(sum, lengthClass(kind, index), 0);
  return f;
}

/** What is left of a passive segment. */
function segmentLength(m: Machine, index: number, whole: number): Form {
  const f = m.atom(whole, AtomKind.segmentLength, index, undefined, Part.load);
  m.state.narrow(f.a, 0, whole);
  return f;
}

function storeField(m: Machine, field: Field, at: number, value: Form | undefined, size: number): void {
  switch (field.kind) {
    case "result":
      m.state.killSlots(RESULT_SLOTS + at, RESULT_SLOTS + at + size);
      if (size === 8 && value !== undefined) m.state.slots.set(RESULT_SLOTS + at, value);
      return;
    case "global":
    case "exception reference": {
      const token = tokenOf(m, field);
      if (!isFunctionReference(token)) return;
      const whole = size === 8 && at === field.start && value !== undefined;
      if (!whole || !isReference(m, value, token)) {
        m.fail(`writes something to ${field.kind} ${field.index} that is no reference to a function of its type`);
      }
      return;
    }
    case "passive segment":
      if (value === undefined || !isConstant(value) || value.c !== 0 || size !== 4) {
        m.fail(`writes something other than 0 to the length of passive segment ${field.index}`);
      }
  }
}

// What loads give.

function loadSlot(m: Machine, at: number, size: number): Form {
  const known = m.state.slots.get(at);
  if (known === undefined) return m.fresh(size, Part.load);
  return m.truncate(known, size);
}

function loadElement(m: Machine, index: number, address: Form, within: number, size: number): Form {
  const { element: token = "x", constant = false } = m.world.map.policy.tables[index] ?? {};
  if (!isFunctionReference(token)) return m.fresh(size, Part.load);
  // What does not change has been so from the start.
  const since = constant ? 0 : m.state.tables;
  if (size === FUNCREF_SIZE) return m.atom(Number.POSITIVE_INFINITY, AtomKind.reference, 0, token, Part.load);
  if (size === 4 && within === FUNCREF_SIGNATURE_OFFSET) {
    return m.atom(0xffff_ffff, AtomKind.signature, since, address, Part.load);
  }
  if (size === 4 && within === FUNCREF_CODE_OFFSET) {
    const type = m.state.elementType(address, since);
    if (type >= 0) return m.atom(0xffff_ffff, AtomKind.code, type, undefined, Part.load);
    return m.atom(0xffff_ffff, AtomKind.elementCode, since, address, Part.load);
  }
  return m.fresh(size, Part.load);
}
