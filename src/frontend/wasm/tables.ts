/** Operators on tables. Every element, whatever its type, is a reference of 8 bytes. */

import type { Value } from "../../ir/function.ts";
import { Access, IntCC, Op, Region } from "../../ir/ops.ts";
import { I32, I64 } from "../../ir/types.ts";
import { FUNCREF_SIZE } from "../../layout/funcref.ts";
import { Trap } from "../../layout/traps.ts";
import { TABLE_GROW_SIGNATURE } from "../environment.ts";
import { Body } from "./body.ts";
import type { TableView } from "./instance.ts";
import { isPassive } from "./memory.ts";

const LOG2_SIZE = Math.log2(FUNCREF_SIZE);

/** In elements, i64. */
function tableLength(body: Body, table: TableView): Value {
  const { builder } = body;
  if (table.size !== undefined) return builder.iconst64n(table.size);
  return builder.load(I64, body.context, table.length, Region.context);
}

export function tableRegion(table: TableView): number {
  return Body.tableRegion(table.facts?.constant === true);
}

/**
 * Leaves the address of element `index` in `body.base` and `body.offset`; traps with `code` when there is none. `body.dead` is set when
 * it always traps.
 */
export function locateElement(body: Body, table: TableView, index: Value, code: number): void {
  const { builder } = body;
  const { is64, size } = table;
  const known = body.constantIndex(index, is64);
  // A table without elements has no place that a refused index could lead to.
  if (Math.max(known, 0) >= (size ?? table.maxElements)) {
    body.trap(code);
    return;
  }
  if (known >= 0 && known < table.minElements) {
    body.locate(table.displacement, undefined, known * FUNCREF_SIZE);
    return;
  }
  let out: Value;
  if (is64) out = builder.bounds(IntCC.uge, I64, index, tableLength(body, table));
  else {
    // No table has 2^32 elements: the low half is the length.
    const length =
      size !== undefined ? builder.iconst32(size) : builder.load(I32, body.context, table.length, Region.context);
    out = builder.bounds(IntCC.uge, I32, index, length);
  }
  body.locateBelow(table.displacement, scale(body, body.extend(index, is64)), 0, out, code);
}

function scale(body: Body, index: Value): Value {
  return body.builder.binary(Op.ishl, I64, index, body.builder.iconst64(LOG2_SIZE, 0));
}

export function translateTableGet(body: Body): void {
  const table = body.view.table(body.reader.index);
  locateElement(body, table, body.pop(), Trap.table_out_of_bounds);
  if (body.dead) return;
  body.push(body.builder.load(I64, body.base, body.offset, tableRegion(table)));
}

export function translateTableSet(body: Body): void {
  const table = body.view.table(body.reader.index);
  const value = body.pop();
  locateElement(body, table, body.pop(), Trap.table_out_of_bounds);
  if (body.dead) return;
  body.builder.store(I64, body.base, value, body.offset, Region.table);
}

export function translateTableSize(body: Body): void {
  const table = body.view.table(body.reader.index);
  const length = tableLength(body, table);
  body.push(table.is64 ? length : body.builder.unary(Op.ireduce, I32, length));
}

export function translateTableGrow(body: Body): void {
  const { builder } = body;
  const table = body.view.table(body.reader.index);
  const delta = body.extend(body.pop(), table.is64);
  const initial = body.pop();
  const callee = builder.importFunc(body.env.tableGrow(table.index), TABLE_GROW_SIGNATURE);
  const [before] = builder.call(callee, [body.context, delta, initial]);
  if (before === undefined) throw new RangeError("table.grow gives no result");
  body.push(table.is64 ? before : builder.unary(Op.ireduce, I32, before));
}

export function translateTableFill(body: Body): void {
  const table = body.view.table(body.reader.index);
  const count = body.extend(body.pop(), table.is64);
  const value = body.pop();
  const index = body.extend(body.pop(), table.is64);
  const length = tableLength(body, table);
  const [from, elements] = body.checkRange(index, count, length, table.is64, Trap.table_out_of_bounds);
  body.support("table_fill", [body.address(table.displacement, scale(body, from)), value, elements]);
}

export function translateTableCopy(body: Body): void {
  const to = body.view.table(body.reader.index);
  const from = body.view.table(body.reader.index2);
  const count = body.extend(body.pop(), to.is64 && from.is64);
  const source = body.extend(body.pop(), from.is64);
  const destination = body.extend(body.pop(), to.is64);
  const trap = Trap.table_out_of_bounds;
  const [target, fitting] = body.checkRange(destination, count, tableLength(body, to), to.is64, trap);
  const [origin, elements] = body.checkRange(source, fitting, tableLength(body, from), from.is64, trap);
  body.support("memory_copy", [
    body.address(to.displacement, scale(body, target)),
    body.address(from.displacement, scale(body, origin)),
    scale(body, elements),
  ]);
}

export function translateTableInit(body: Body): void {
  const { builder, reader, env } = body;
  const segment = reader.index;
  const table = body.view.table(reader.index2);
  const count = body.extend(body.pop(), false);
  const source = body.extend(body.pop(), false);
  const destination = body.extend(body.pop(), table.is64);
  const passive = isPassive(body, "element", segment);
  const length = passive
    ? builder.load(I64, body.context, env.segmentLength("element", segment), Region.context, Access.u32)
    : builder.iconst64(0, 0);
  const trap = Trap.table_out_of_bounds;
  const [origin, fitting] = body.checkRange(source, count, length, false, trap);
  const [target, elements] = body.checkRange(destination, fitting, tableLength(body, table), table.is64, trap);
  // Active and declared segments are dropped before code runs.
  if (!passive) return;
  const image = env.elementSegment(segment);
  const first = scale(body, origin);
  const from =
    image.kind === "image"
      ? builder.binary(Op.iadd, I64, builder.dataAddr(image.symbol), first)
      : body.address(image.displacement, first);
  body.support("memory_copy", [body.address(table.displacement, scale(body, target)), from, scale(body, elements)]);
}
