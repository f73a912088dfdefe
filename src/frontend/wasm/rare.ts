/**
 * Operators that a body has few of: division and other arithmetic that traps or takes several operations, whole memories and tables, references.
 * Apart from `translate.ts`, whose dispatch is for what bodies consist of.
 */

import { Op } from "../../ir/ops.ts";
import { F32, F64, I32, I64 } from "../../ir/types.ts";
import { Trap } from "../../layout/traps.ts";
import { Opcode } from "../../wasm/opcodes.ts";
import { translateDivision, translateTruncation, translateWideAdd, translateWideMul } from "./arithmetic.ts";
import type { Body } from "./body.ts";
import { checkNonNull, functionReference, isNull } from "./calls.ts";
import type { Control } from "./control.ts";
import {
  translateDrop,
  translateMemoryCopy,
  translateMemoryFill,
  translateMemoryGrow,
  translateMemoryInit,
  translateMemorySize,
} from "./memory.ts";
import {
  translateTableCopy,
  translateTableFill,
  translateTableGet,
  translateTableGrow,
  translateTableInit,
  translateTableSet,
  translateTableSize,
} from "./tables.ts";

/** Whether `opcode` is one of these operators; then it is translated. */
export function translateRare(body: Body, control: Control, opcode: number): boolean {
  switch (opcode) {
    case Opcode.i32_div_s:
      translateDivision(body, Op.sdiv, I32);
      break;
    case Opcode.i32_div_u:
      translateDivision(body, Op.udiv, I32);
      break;
    case Opcode.i32_rem_s:
      translateDivision(body, Op.srem, I32);
      break;
    case Opcode.i32_rem_u:
      translateDivision(body, Op.urem, I32);
      break;
    case Opcode.i64_div_s:
      translateDivision(body, Op.sdiv, I64);
      break;
    case Opcode.i64_div_u:
      translateDivision(body, Op.udiv, I64);
      break;
    case Opcode.i64_rem_s:
      translateDivision(body, Op.srem, I64);
      break;
    case Opcode.i64_rem_u:
      translateDivision(body, Op.urem, I64);
      break;
    case Opcode.i32_trunc_f32_s:
      translateTruncation(body, F32, I32, true);
      break;
    case Opcode.i32_trunc_f32_u:
      translateTruncation(body, F32, I32, false);
      break;
    case Opcode.i32_trunc_f64_s:
      translateTruncation(body, F64, I32, true);
      break;
    case Opcode.i32_trunc_f64_u:
      translateTruncation(body, F64, I32, false);
      break;
    case Opcode.i64_trunc_f32_s:
      translateTruncation(body, F32, I64, true);
      break;
    case Opcode.i64_trunc_f32_u:
      translateTruncation(body, F32, I64, false);
      break;
    case Opcode.i64_trunc_f64_s:
      translateTruncation(body, F64, I64, true);
      break;
    case Opcode.i64_trunc_f64_u:
      translateTruncation(body, F64, I64, false);
      break;
    case Opcode.i64_add128:
      translateWideAdd(body, Op.iadd);
      break;
    case Opcode.i64_sub128:
      translateWideAdd(body, Op.isub);
      break;
    case Opcode.i64_mul_wide_s:
      translateWideMul(body, Op.smulhi);
      break;
    case Opcode.i64_mul_wide_u:
      translateWideMul(body, Op.umulhi);
      break;
    case Opcode.memory_size:
      translateMemorySize(body);
      break;
    case Opcode.memory_grow:
      translateMemoryGrow(body);
      break;
    case Opcode.memory_init:
      translateMemoryInit(body);
      break;
    case Opcode.data_drop:
      translateDrop(body, "data");
      break;
    case Opcode.memory_copy:
      translateMemoryCopy(body);
      break;
    case Opcode.memory_fill:
      translateMemoryFill(body);
      break;
    case Opcode.table_get:
      translateTableGet(body);
      break;
    case Opcode.table_set:
      translateTableSet(body);
      break;
    case Opcode.table_init:
      translateTableInit(body);
      break;
    case Opcode.elem_drop:
      translateDrop(body, "element");
      break;
    case Opcode.table_copy:
      translateTableCopy(body);
      break;
    case Opcode.table_grow:
      translateTableGrow(body);
      break;
    case Opcode.table_size:
      translateTableSize(body);
      break;
    case Opcode.table_fill:
      translateTableFill(body);
      break;
    default:
      return translateReference(body, control, opcode);
  }
  return true;
}

function translateReference(body: Body, control: Control, opcode: number): boolean {
  const { builder, reader, view } = body;
  switch (opcode) {
    case Opcode.ref_null:
      body.push(builder.iconst64(0, 0));
      break;
    case Opcode.ref_is_null:
      body.push(isNull(body, body.pop()));
      break;
    case Opcode.ref_func:
      body.push(functionReference(body, view.func(reader.index), view.funcSignature(reader.index)));
      break;
    case Opcode.ref_as_non_null:
      checkNonNull(body, body.peek(), Trap.null_reference);
      break;
    case Opcode.br_on_null: {
      // The reference goes on only when it is none.
      const reference = body.pop();
      control.branchIf(reader.index, isNull(body, reference));
      body.push(reference);
      break;
    }
    case Opcode.br_on_non_null: {
      // The label takes the reference.
      const reference = body.peek();
      control.branchIf(reader.index, isNull(body, reference), true);
      body.pop();
      break;
    }
    default:
      return false;
  }
  return true;
}
