/**
 * Decodes constant expressions and, because they consist of them, element segments.
 *
 * An expression is a list of operators, not a tree: it is short, and both the validator and whoever evaluates it want
 * the postfix order. Segments of tens of thousands of `ref.func` become one column of function indices.
 */

import type { ByteReader } from "../base/bytes.ts";
import { WindlassError } from "../base/diagnostics.ts";
import { readItemCount, readRefType } from "./binary-types.ts";
import { MAX_ELEMENTS_PER_SEGMENT } from "./limits.ts";
import {
  type ConstExpr,
  type ConstOperator,
  type ElementItems,
  type ElementSegment,
  NULL_FUNCTION,
  type SegmentMode,
} from "./module.ts";
import { Opcode, opcodeFeature, opcodeName } from "./opcodes.ts";
import { OperatorReader } from "./operators.ts";
import { abstractRef, FUNCREF, HEAP_FUNC, type ValType } from "./types.ts";

const NON_NULL_FUNC = abstractRef(HEAP_FUNC, false);

/** Reads from, and moves, the reader that it is made with. Throws `ReadError` and `WindlassError`. */
export class ExpressionDecoder {
  readonly #reader: ByteReader;
  readonly #operators: OperatorReader;

  constructor(reader: ByteReader) {
    this.#reader = reader;
    this.#operators = new OperatorReader(reader.bytes, reader.pos, reader.end);
  }

  elementSegment(): ElementSegment {
    const reader = this.#reader;
    const offset = reader.pos;
    // Bit 0: not active; bit 1: an explicit table index, or declared; bit 2: expressions.
    const flags = reader.varU32();
    if (flags > 7) reader.fail("malformed element segment kind", offset);
    let mode: SegmentMode;
    if (flags & 1) mode = { kind: flags & 2 ? "declared" : "passive" };
    else {
      const index = flags & 2 ? reader.varU32() : 0;
      mode = { kind: "active", index, offset: this.constExpr() };
    }
    if (flags & 4) {
      const type = flags & 3 ? readRefType(reader) : FUNCREF;
      return { type, mode, items: this.#elementExpressions(), offset };
    }
    if ((flags & 3) !== 0 && reader.u8() !== 0) reader.fail("malformed element kind", reader.pos - 1);
    const count = readItemCount(reader, MAX_ELEMENTS_PER_SEGMENT, "element");
    const functions = new Uint32Array(count);
    for (let i = 0; i < count; i++) functions[i] = reader.varU32();
    return { type: NON_NULL_FUNC, mode, items: { kind: "functions", functions, nullType: undefined }, offset };
  }

  #elementExpressions(): ElementItems {
    const reader = this.#reader;
    const count = readItemCount(reader, MAX_ELEMENTS_PER_SEGMENT, "element");
    const functions = new Uint32Array(count);
    let nullType: ValType | undefined;
    const operators = this.#operators;
    operators.seek(reader.pos, reader.end);
    let plain = true;
    for (let i = 0; i < count && plain; i++) {
      operators.next();
      const { op } = operators;
      if (op === Opcode.ref_func && operators.index !== NULL_FUNCTION) {
        functions[i] = operators.index;
      } else if (op === Opcode.ref_null && (nullType === undefined || nullType === operators.type)) {
        nullType = operators.type;
        functions[i] = NULL_FUNCTION;
      } else {
        plain = false;
        break;
      }
      operators.next();
      plain = operators.op === Opcode.end;
    }
    if (plain) {
      reader.pos = operators.reader.pos;
      return { kind: "functions", functions, nullType };
    }
    const expressions: ConstExpr[] = [];
    for (let i = 0; i < count; i++) expressions.push(this.constExpr());
    return { kind: "expressions", expressions };
  }

  constExpr(): ConstExpr {
    const reader = this.#reader;
    const start = reader.pos;
    const o = this.#operators;
    o.seek(start, reader.end);
    const operators: ConstOperator[] = [];
    for (;;) {
      o.next();
      const { op, offset } = o;
      const operator = { op, offset, index: 0, lo: 0, hi: 0, lo2: 0, hi2: 0, type: 0 };
      switch (op) {
        case Opcode.end:
          reader.pos = o.reader.pos;
          return { operators, start, end: reader.pos };
        case Opcode.global_get:
        case Opcode.ref_func:
          operator.index = o.index;
          break;
        case Opcode.ref_null:
          operator.type = o.type;
          break;
        case Opcode.v128_const:
          operator.lo = o.lo;
          operator.hi = o.hi;
          operator.lo2 = o.lo2;
          operator.hi2 = o.hi2;
          break;
        case Opcode.i64_const:
        case Opcode.f64_const:
          operator.lo = o.lo;
          operator.hi = o.hi;
          break;
        case Opcode.i32_const:
        case Opcode.f32_const:
          operator.lo = o.lo;
          break;
        case Opcode.i32_add:
        case Opcode.i32_sub:
        case Opcode.i32_mul:
        case Opcode.i64_add:
        case Opcode.i64_sub:
        case Opcode.i64_mul:
          break;
        default: {
          const name = opcodeName(op);
          const gc = opcodeFeature(op) === "gc";
          throw new WindlassError({
            kind: gc ? "unsupported" : "invalid",
            subject: "module",
            offset,
            message: gc ? `${name} needs the gc feature` : `constant expression required: ${name} is not constant`,
          });
        }
      }
      operators.push(operator);
    }
  }
}
