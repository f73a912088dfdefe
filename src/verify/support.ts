/** Arguments of support functions, which trust their caller: that what they copy and fill is the function's own. */

import { inElements, isBelowLength, isReference, tokenOfBits } from "./access.ts";
import { FUNCREF_SIZE } from "./context.ts";
import { type Machine, Reg } from "./machine.ts";
import { isFunctionReference } from "./types.ts";
import { AtomKind, Base, combine, Form } from "./values.ts";

export function checkSupport(m: Machine, name: string): void {
  const { state } = m;
  if (m.speculative) return checkSupportAhead(m, name);
  m.dependsOnBranches = true;
  if (COUNTED.has(name) && isNothing(m, state.register(Reg.rcx))) return;
  const at = state.register(Reg.rsi);
  switch (name) {
    case "memory_fill": {
      const to = rangeOf(m, at, state.register(Reg.rcx));
      if (to?.kind !== "memory") m.fail("fills bytes that are not known to be in a memory of its own");
      return;
    }
    case "table_fill": {
      const count = state.register(Reg.rcx);
      const bytes = combine(count, count, FUNCREF_SIZE - 1);
      const to = bytes === undefined ? undefined : rangeOf(m, at, bytes);
      if (to?.kind !== "table") return m.fail("fills elements that are not known to be in a table of its own");
      const { element: token = "x", constant = true } = m.world.map.policy.tables[to.index] ?? {};
      if (constant) m.fail(`fills table ${to.index}, which does not change`);
      if (isFunctionReference(token) && !isReference(m, state.register(Reg.rdx), token)) {
        m.fail(`fills table ${to.index} with something that is no reference to a function of its type`);
      }
      return;
    }
    case "memory_copy": {
      const bytes = state.register(Reg.rcx);
      const to = rangeOf(m, at, bytes);
      const from = rangeOf(m, state.register(Reg.rdx), bytes);
      if (to === undefined || (to.kind !== "memory" && to.kind !== "table")) {
        return m.fail("copies to bytes that are not known to be in a memory or table of its own");
      }
      if (from === undefined) return m.fail("copies bytes that are not known to be its own");
      if (to.kind === "table" && m.world.map.policy.tables[to.index]?.constant !== false) {
        return m.fail(`copies to table ${to.index}, which does not change`);
      }
      if (to.kind === "memory") {
        if (from.kind === "memory" || from.kind === "data") return;
      } else if (fitsElements(m, from, m.world.map.policy.tables[to.index]?.element ?? "x")) return;
      m.fail(`copies from ${from.kind} to ${to.kind}`);
    }
  }
}

/** They work on so many bytes or elements as rcx says; of none they touch none. */
const COUNTED: ReadonlySet<string> = new Set(["memory_fill", "table_fill", "memory_copy"]);

function isNothing(m: Machine, count: Form): boolean {
  return m.state.isExact(count) && m.state.upperBound(count) === 0;
}

/** If the processor runs ahead of the checks: where each range begins, and its length, might be those of one that is inside. */
function checkSupportAhead(m: Machine, name: string): void {
  const { state } = m;
  if (!COUNTED.has(name)) return;
  const count = state.register(Reg.rcx);
  if (isNothing(m, count)) return;
  state.range(count);
  const most = state.isExact(count) ? state.hi : Number.POSITIVE_INFINITY;
  for (const register of name === "memory_copy" ? [Reg.rsi, Reg.rdx] : [Reg.rsi]) {
    const start = state.register(register);
    state.range(start);
    const { lo, hi } = state;
    const space = spaceAt(m, start.base, lo);
    if (space === undefined || hi > space.end || most > space.end - space.start) {
      m.failAccess("may run ahead and copy or fill something that is not its own");
    }
  }
}

/** What the address `lo` from `base` is inside of. */
function spaceAt(m: Machine, base: number, lo: number): { readonly start: number; readonly end: number } | undefined {
  const { image, map } = m.world;
  const { rodataStart, rodata } = image;
  if (base === Base.image)
    return lo < rodataStart ? undefined : { start: rodataStart, end: rodataStart + rodata.length };
  if (base !== Base.context) return undefined;
  const field = map.field(lo);
  if (field?.kind === "element area") return field;
  const region = map.region(lo);
  if (region?.kind === "memory") return m.rights.memories.has(region.index) ? region : undefined;
  return region?.kind === "table" && m.rights.tables.has(region.index) ? region : undefined;
}

export function checkTableGrow(m: Machine, index: number): void {
  const token = m.world.map.policy.tables[index]?.element ?? "x";
  if (isFunctionReference(token) && !isReference(m, m.state.register(Reg.rdx), token)) {
    m.fail(`grows table ${index} with something that is no reference to a function of its type`);
  }
}

type Extent =
  | { readonly kind: "memory" | "table"; readonly index: number }
  /** `whole`: they begin and end where elements do. */
  | { readonly kind: "element area"; readonly index: number; readonly whole: boolean }
  | { readonly kind: "data"; readonly from: number; readonly to: number; readonly whole: boolean };

/** What [start, start + bytes) lies in, for every value that these may have; undefined when that is not known. */
function rangeOf(m: Machine, start: Form, bytes: Form): Extent | undefined {
  const { state, world } = m;
  if (!state.isExact(bytes)) return undefined;
  const end = state.sum(start, bytes, 1);
  if (end === undefined) return undefined;
  state.range(start);
  const { lo } = state;
  if (start.base === Base.image) return dataRange(m, lo, start, end);
  if (start.base !== Base.context) return undefined;
  const field = world.map.field(lo);
  if (field?.kind === "element area") {
    const whole = isWhole(start, field.start) && isWhole(end, field.start);
    return m.state.upperBound(end) <= field.end ? { kind: "element area", index: field.index, whole } : undefined;
  }
  const region = world.map.region(lo);
  if (region === undefined || region.kind === "handles" || region.kind === "exceptions") return undefined;
  const { kind, index } = region;
  const length = new Form(Base.number, end.c - region.start, end.a, end.s, end.b, end.t);
  const limit = m.state.upperBound(length);
  if (kind === "memory") {
    if (!m.rights.memories.has(index)) return undefined;
    const min = world.map.policy.memories[index]?.minBytes ?? 0;
    const inside = limit <= min || isBelowLength(m, length, AtomKind.memoryLength, index, 0);
    return inside ? { kind, index } : undefined;
  }
  if (!m.rights.tables.has(index)) return undefined;
  if (!isWhole(start, region.start) || !isWhole(end, region.start)) return undefined;
  const min = world.map.policy.tables[index]?.minElements ?? 0;
  const elements = inElements(length);
  const inside = m.state.upperBound(elements) <= min || isBelowLength(m, elements, AtomKind.tableLength, index, 0);
  return inside ? { kind, index } : undefined;
}

/** Whatever its unknowns are, `f` is a number of elements away from `origin`. */
function isWhole(f: Form, origin: number): boolean {
  return [f.c - origin, f.s, f.t].every((n) => n % FUNCREF_SIZE === 0);
}

function dataRange(m: Machine, lo: number, start: Form, end: Form): Extent | undefined {
  const { rodataStart, rodata } = m.world.image;
  const hi = m.state.upperBound(end);
  if (lo < rodataStart || hi > rodataStart + rodata.length) return undefined;
  const whole = isWhole(start, rodataStart) && isWhole(end, rodataStart);
  return { kind: "data", from: lo - rodataStart, to: hi - rodataStart, whole };
}

/** These bytes of the read-only data are references that fit `token`, or null. */
function isImage(m: Machine, from: number, to: number, token: string): boolean {
  const { rodata } = m.world.image;
  const view = new DataView(rodata.buffer, rodata.byteOffset, rodata.length);
  for (let at = from; at < to; at += 8) {
    const [code, half] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    if (code === 0 && half === 0) continue;
    const found = tokenOfBits(m, code, half);
    if (found === undefined || !m.world.types.fits(found, token)) return false;
  }
  return true;
}

/** The references in `from` may be copied to a table of elements `token`. */
function fitsElements(m: Machine, from: Extent, token: string): boolean {
  if (!isFunctionReference(token)) return true;
  const { policy } = m.world.map;
  const fits = (sub = "x"): boolean => isFunctionReference(sub) && m.world.types.fits(sub, token);
  switch (from.kind) {
    case "table":
      return fits(policy.tables[from.index]?.element);
    case "data":
      return from.whole && isImage(m, from.from, from.to, token);
    case "element area":
      return from.whole && fits(policy.elementAreas[from.index]);
    case "memory":
      return false;
  }
}
