/** Operators on linear memories. */

import type { Value } from "../../ir/function.ts";
import { Access, accessSize, IntCC, Op, Region } from "../../ir/ops.ts";
import { F32, F64, I32, I64, type Type } from "../../ir/types.ts";
import { GUARD_SIZE, GUARDED_RESERVATION } from "../../layout/offsets.ts";
import { Trap } from "../../layout/traps.ts";
import { Opcode } from "../../wasm/opcodes.ts";
import { MEMORY_GROW_SIGNATURE } from "../environment.ts";
import type { Body } from "./body.ts";
import type { MemoryView } from "./instance.ts";

const FIRST_LOAD = Opcode.i32_load;
const FIRST_STORE = Opcode.i32_store;

type Row = readonly [type: Type, access: number];

/** From `i32.load` on, in the order of opcodes. */
const LOADS: readonly Row[] = [
  [I32, Access.full],
  [I64, Access.full],
  [F32, Access.full],
  [F64, Access.full],
  [I32, Access.s8],
  [I32, Access.u8],
  [I32, Access.s16],
  [I32, Access.u16],
  [I64, Access.s8],
  [I64, Access.u8],
  [I64, Access.s16],
  [I64, Access.u16],
  [I64, Access.s32],
  [I64, Access.u32],
];

/** From `i32.store` on. */
const STORES: readonly Row[] = [
  [I32, Access.full],
  [I64, Access.full],
  [F32, Access.full],
  [F64, Access.full],
  [I32, Access.u8],
  [I32, Access.u16],
  [I64, Access.u8],
  [I64, Access.u16],
  [I64, Access.u32],
];

function row(rows: readonly Row[], index: number): Row {
  const found = rows[index];
  if (found === undefined) throw new RangeError("no such access");
  return found;
}

export function translateLoad(body: Body, opcode: number): void {
  const [type, access] = row(LOADS, opcode - FIRST_LOAD);
  translateAccess(body, type, access, undefined);
}

export function translateStore(body: Body, opcode: number): void {
  const [type, access] = row(STORES, opcode - FIRST_STORE);
  translateAccess(body, type, access, body.pop());
}

/** Loads from, or stores `value` to, the address on the stack. `body.dead` is set when that always traps. */
export function translateAccess(body: Body, type: Type, access: number, value: Value | undefined): void {
  const memory = body.view.memory(body.reader.memory);
  const traps = locateAccess(body, memory, body.pop(), accessSize(access, type));
  if (body.dead) return;
  const { builder, base, offset } = body;
  if (value === undefined) body.push(builder.load(type, base, offset, Region.heap, access, traps));
  else builder.store(type, base, value, offset, Region.heap, access, traps);
}

/**
 * Leaves the address of an access at `index` plus the reader's static offset in `body.base` and `body.offset`, checked, and says whether
 * the access may still fault. `body.dead` is set when it always traps.
 */
export function locateAccess(body: Body, memory: MemoryView, index: Value, size: number): boolean {
  const { builder, reader } = body;
  const { displacement, is64 } = memory;
  // Above 2^53 it is rounded, and out of bounds.
  const offset = (reader.offsetHi >>> 0) * 2 ** 32 + (reader.offsetLo >>> 0);
  const known = body.constantIndex(index, is64);
  const limit = memory.fixedBytes ?? memory.maxBytes;
  const end = Math.max(known, 0) + offset + size;
  if (end > limit) {
    body.trap(Trap.memory_out_of_bounds);
    return false;
  }
  if (known >= 0) {
    const inside = end <= memory.minBytes;
    const faults = !inside && memory.guarded && end <= GUARDED_RESERVATION;
    if (!inside && !faults) {
      const over = builder.icmp(IntCC.ugt, I64, builder.iconst64n(end), memoryLength(body, memory));
      builder.trapIf(Op.trapnz, over, Trap.memory_out_of_bounds);
    }
    body.locate(displacement, undefined, known + offset);
    return faults;
  }
  const wide = body.extend(index, is64);
  if (memory.guarded && offset < GUARD_SIZE - 16) {
    body.locate(displacement, wide, offset);
    return true;
  }
  const length = memoryLength(body, memory);
  const span = builder.iconst64n(offset + size);
  let out: Value;
  if (is64 || offset + size <= memory.minBytes) {
    // The same for all accesses with this offset.
    let rest = builder.binary(Op.isub, I64, length, span);
    if (offset + size > memory.minBytes) {
      const short = builder.bounds(IntCC.ugt, I64, span, length);
      builder.trapIf(Op.trapnz, short, Trap.memory_out_of_bounds);
      rest = builder.guard(I64, short, builder.iconst64(0, 0), rest);
    }
    out = builder.bounds(IntCC.ugt, I64, wide, rest);
  } else out = builder.bounds(IntCC.ugt, I64, builder.binary(Op.iadd, I64, wide, span), length);
  body.locateBelow(displacement, wide, offset, out, Trap.memory_out_of_bounds);
  return false;
}

/** In bytes, i64. */
function memoryLength(body: Body, memory: MemoryView): Value {
  const { builder } = body;
  if (memory.fixedBytes !== undefined) return builder.iconst64n(memory.fixedBytes);
  return builder.load(I64, body.context, memory.length, Region.context);
}

export function translateMemorySize(body: Body): void {
  const { builder } = body;
  const memory = body.view.memory(body.reader.index);
  let pages = memoryLength(body, memory);
  if (memory.pageSizeLog2 > 0) {
    pages = builder.binary(Op.ushr, I64, pages, builder.iconst64(memory.pageSizeLog2, 0));
  }
  body.push(memory.is64 ? pages : builder.unary(Op.ireduce, I32, pages));
}

export function translateMemoryGrow(body: Body): void {
  const { builder } = body;
  const memory = body.view.memory(body.reader.index);
  const delta = body.extend(body.pop(), memory.is64);
  const callee = builder.importFunc(body.env.memoryGrow(memory.index), MEMORY_GROW_SIGNATURE);
  const [before] = builder.call(callee, [body.context, delta]);
  if (before === undefined) throw new RangeError("memory.grow gives no result");
  body.push(memory.is64 ? before : builder.unary(Op.ireduce, I32, before));
}

export function translateMemoryFill(body: Body): void {
  const memory = body.view.memory(body.reader.index);
  const count = body.extend(body.pop(), memory.is64);
  const byte = body.pop();
  const index = body.extend(body.pop(), memory.is64);
  const length = memoryLength(body, memory);
  const [from, bytes] = body.checkRange(index, count, length, memory.is64, Trap.memory_out_of_bounds);
  body.support("memory_fill", [body.address(memory.displacement, from), byte, bytes]);
}

export function translateMemoryCopy(body: Body): void {
  const to = body.view.memory(body.reader.index);
  const from = body.view.memory(body.reader.index2);
  const count = body.extend(body.pop(), to.is64 && from.is64);
  const source = body.extend(body.pop(), from.is64);
  const destination = body.extend(body.pop(), to.is64);
  const trap = Trap.memory_out_of_bounds;
  const [target, fitting] = body.checkRange(destination, count, memoryLength(body, to), to.is64, trap);
  const [origin, bytes] = body.checkRange(source, fitting, memoryLength(body, from), from.is64, trap);
  body.support("memory_copy", [body.address(to.displacement, target), body.address(from.displacement, origin), bytes]);
}

export function translateMemoryInit(body: Body): void {
  const { builder, reader, env } = body;
  const segment = reader.index;
  const memory = body.view.memory(reader.index2);
  const count = body.extend(body.pop(), false);
  const source = body.extend(body.pop(), false);
  const destination = body.extend(body.pop(), memory.is64);
  const passive = isPassive(body, "data", segment);
  const length = passive
    ? builder.load(I64, body.context, env.segmentLength("data", segment), Region.context, Access.u32)
    : builder.iconst64(0, 0);
  const trap = Trap.memory_out_of_bounds;
  const [origin, fitting] = body.checkRange(source, count, length, false, trap);
  const [target, size] = body.checkRange(destination, fitting, memoryLength(body, memory), memory.is64, trap);
  // Code never sees an active segment before it is dropped: its length is 0, and so is the count.
  if (!passive) return;
  const bytes = builder.binary(Op.iadd, I64, builder.dataAddr(env.dataSegment(segment)), origin);
  body.support("memory_copy", [body.address(memory.displacement, target), bytes, size]);
}

/** `data.drop` and `elem.drop`. */
export function translateDrop(body: Body, kind: "data" | "element"): void {
  const { builder, reader } = body;
  if (!isPassive(body, kind, reader.index)) return;
  const displacement = body.env.segmentLength(kind, reader.index);
  builder.store(I32, body.context, builder.iconst32(0), displacement, Region.context);
}

export function isPassive(body: Body, kind: "data" | "element", segment: number): boolean {
  const { data, elements } = body.view.module;
  return (kind === "data" ? data : elements)[segment]?.mode.kind === "passive";
}
