/**
 * The textual form of a function: what `--emit ir` shows, filetests pin and `parse.ts` reads back.
 *
 * ```
 * function "core0::f" (i64, i32) -> i32 wasm [stack_check] {
 *   sig0 = (i64, i32) -> i32 wasm
 *   fn0 = @7 sig0
 * block0(v0: i64, v1: i32):
 *   v2 = iconst.i32 4
 *   v3 = iadd.i32 v1, v2
 *   brif v3, block1(v3), block2
 * …
 * }
 * ```
 */

import { entity } from "../base/entity.ts";
import { i64ToBigInt } from "../base/int64.ts";
import type { Block, Func, Inst, Value } from "./function.ts";
import { NONE } from "./function.ts";
import {
  ACCESS_NAMES,
  ACCESS_TRAPS,
  accessOf,
  FLOAT_CC_NAMES,
  INT_CC_NAMES,
  Op,
  type OpRow,
  opName,
  opRow,
  REGION_NAMES,
  regionOf,
} from "./ops.ts";
import { formatSignature, I32, typeFromCode, typeName } from "./types.ts";
import { SHAPE_NAMES } from "./vector.ts";

function value(func: Func, raw: number): string {
  return `v${func.resolve(entity<Value>(raw))}`;
}

function list(func: Func, start: number, length: number): string {
  const out: string[] = [];
  for (let i = 0; i < length; i++) out.push(value(func, func.pool.get(start + i)));
  return out.join(", ");
}

function blockCall(func: Func, call: number): string {
  const args = list(func, func.callArgsStart.get(call), func.callArgsLength.get(call));
  return `block${func.callBlock.get(call)}${args === "" ? "" : `(${args})`}`;
}

function offset(n: number): string {
  return n === 0 ? "" : n > 0 ? ` + ${n}` : ` - ${-n}`;
}

function hex(bytes: Uint8Array | undefined): string {
  return [...(bytes ?? [])].map((b) => b.toString(16).padStart(2, "0")).join("");
}

function access(flags: number): string {
  const words: (string | undefined)[] = [ACCESS_NAMES[accessOf(flags)], REGION_NAMES[regionOf(flags)]];
  if (flags & ACCESS_TRAPS) words.push("traps");
  return words.join(" ");
}

/** An op on lanes: `viadd.i8x16 v1, v2`, `vextract.i8x16 3 v1`, `vicmp.i16x8 slt v1, v2`. */
function lanes(func: Func, inst: Inst, row: OpRow, operands: string): string {
  const hi = func.hi.get(inst);
  const name = `${opName(func.op.get(inst))}.${SHAPE_NAMES[func.lo.get(inst)]}`;
  switch (row.detail) {
    case "lane":
      return `${name} ${hi} ${operands}`;
    case "intcc":
      return `${name} ${INT_CC_NAMES[hi]} ${operands}`;
    case "floatcc":
      return `${name} ${FLOAT_CC_NAMES[hi]} ${operands}`;
    default:
      return `${name} ${operands}`;
  }
}

/** One instruction without its results: `iadd.i32 v1, v2`. */
function body(func: Func, inst: Inst): string {
  const op = func.op.get(inst);
  const type = typeName(typeFromCode(func.type.get(inst)));
  const a = func.a.get(inst);
  const b = func.b.get(inst);
  const c = func.c.get(inst);
  const lo = func.lo.get(inst);
  const hi = func.hi.get(inst);
  const row = opRow(op);
  const name = opName(op);
  const typed = `${name}.${type}`;
  switch (row.format) {
    case "const":
      if (op === Op.iconst) return `${typed} ${func.type.get(inst) === I32 ? lo : i64ToBigInt(lo, hi)}`;
      if (op === Op.f32const) return `${name} 0x${(lo >>> 0).toString(16)}`;
      if (op === Op.f64const) return `${name} 0x${BigInt.asUintN(64, i64ToBigInt(lo, hi)).toString(16)}`;
      return `${name} 0x${hex(func.vectors[lo])}`;
    case "nullary":
      return name;
    case "unary":
      if (row.lanes !== undefined) return lanes(func, inst, row, value(func, a));
      return `${typed} ${value(func, a)}`;
    case "binary":
      if (row.lanes !== undefined) return lanes(func, inst, row, `${value(func, a)}, ${value(func, b)}`);
      if (row.detail === "indices") return `${name} 0x${hex(func.vectors[lo])} ${value(func, a)}, ${value(func, b)}`;
      return `${typed} ${value(func, a)}, ${value(func, b)}`;
    case "compare": {
      const cc = op !== Op.fcmp ? INT_CC_NAMES[lo] : FLOAT_CC_NAMES[lo];
      return `${typed} ${cc} ${value(func, a)}, ${value(func, b)}`;
    }
    case "select":
      return `${typed} ${value(func, a)}, ${value(func, b)}, ${value(func, c)}`;
    case "load":
      return `${typed} [${value(func, a)}${offset(lo)}] ${access(hi)}`;
    case "store":
      return `${typed} [${value(func, a)}${offset(lo)}], ${value(func, b)} ${access(hi)}`;
    case "rmw":
      return `${typed} [${value(func, a)}${offset(lo)}], ${value(func, b)} ${access(hi)}`;
    case "cas":
      return `${typed} [${value(func, a)}${offset(lo)}], ${value(func, b)}, ${value(func, c)} ${access(hi)}`;
    case "call":
      return `${name} fn${a}(${list(func, b, c)})`;
    case "call_indirect":
      return `${name} sig${lo} ${value(func, a)}(${list(func, b, c)})`;
    case "address":
      if (op === Op.func_addr) return `${name} @${lo}`;
      return `${name} ${op === Op.data_addr ? "$" : "slot"}${lo}${offset(hi)}`;
    case "jump":
      return `${name} ${blockCall(func, a)}`;
    case "brif":
      return `${name} ${value(func, a)}, ${blockCall(func, b)}, ${blockCall(func, c)}`;
    case "br_table": {
      const targets: string[] = [];
      for (let i = 0; i < c; i++) targets.push(blockCall(func, func.pool.get(b + i)));
      return `${name} ${value(func, a)}, [${targets.join(", ")}]`;
    }
    case "return":
      return c === 0 ? name : `${name} ${list(func, b, c)}`;
    case "trap":
      return op === Op.trap ? `${name} code${lo}` : `${name} ${value(func, a)}, code${lo}`;
    case "list":
      return `${name} ${list(func, b, c)}`;
  }
}

/** One instruction as a line without indentation. */
export function printInst(func: Func, inst: Inst): string {
  const first = func.firstResult.get(inst);
  const results: string[] = [];
  if (first !== NONE) for (let i = 0; i < func.resultCount.get(inst); i++) results.push(`v${first + i}`);
  return `${results.length === 0 ? "" : `${results.join(", ")} = `}${body(func, inst)}`;
}

function printBlockHead(func: Func, block: Block): string {
  const params = func.paramsOf(block).map((p) => `v${p}: ${typeName(func.typeOf(p))}`);
  return `block${block}${params.length === 0 ? "" : `(${params.join(", ")})`}:`;
}

/** The whole function; ends in a newline. */
export function printFunc(func: Func): string {
  const flags = [
    func.attributes.stackCheck ? "stack_check" : "",
    func.attributes.entry ? "entry" : "",
    func.attributes.entered === true ? "entered" : "",
  ].filter(Boolean);
  const lines: string[] = [
    `function ${JSON.stringify(func.name)} ${formatSignature(func.signature)}${flags.length === 0 ? "" : ` [${flags.join(", ")}]`} {`,
  ];
  for (const [key, slot] of func.slots.entries()) lines.push(`  slot${key} = ${slot.size} align ${slot.align}`);
  for (const [key, signature] of func.signatures.entries()) lines.push(`  sig${key} = ${formatSignature(signature)}`);
  for (const [key, ext] of func.functions.entries()) lines.push(`  fn${key} = @${ext.symbol} sig${ext.signature}`);
  for (const block of func.layout) {
    lines.push(printBlockHead(func, block));
    for (let inst = func.firstInst.get(block); inst !== NONE; inst = func.next.get(inst)) {
      lines.push(`  ${printInst(func, entity<Inst>(inst))}`);
    }
  }
  lines.push("}");
  return `${lines.join("\n")}\n`;
}
