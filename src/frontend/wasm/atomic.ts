/**
 * Operators of the threads proposal, on shared and unshared memories. An address that is not a multiple of the access's size traps first,
 * then one out of bounds.
 *
 * An instance runs one thread at a time and its memories are its own, so nobody can be waiting when something runs: `notify` wakes no one,
 * a wait for what is not there yet ends with its timeout, and one without a timeout is a trap instead of a hang.
 */

import { NONE, type Value } from "../../ir/function.ts";
import { Access, accessFlags, accessSize, IntCC, Op, Region } from "../../ir/ops.ts";
import { I32, I64, type Type } from "../../ir/types.ts";
import { Trap } from "../../layout/traps.ts";
import { Opcode } from "../../wasm/opcodes.ts";
import type { Body } from "./body.ts";
import type { MemoryView } from "./instance.ts";
import { locateAccess } from "./memory.ts";

const FIRST_REGULAR = Opcode.i32_atomic_load;
const LAST_REGULAR = Opcode.i64_atomic_rmw32_cmpxchg_u;

/** Operators from `i32.atomic.load` on come in groups of these, one group for each of `GROUPS`. */
const FORMS: readonly (readonly [type: Type, access: number])[] = [
  [I32, Access.full],
  [I64, Access.full],
  [I32, Access.u8],
  [I32, Access.u16],
  [I64, Access.u8],
  [I64, Access.u16],
  [I64, Access.u32],
];

const GROUPS: readonly number[] = [
  Op.atomic_load,
  Op.atomic_store,
  Op.atomic_add,
  Op.atomic_sub,
  Op.atomic_and,
  Op.atomic_or,
  Op.atomic_xor,
  Op.atomic_xchg,
  Op.atomic_cas,
];

/** What `memory.atomic.wait` gives. */
const WAIT_NOT_EQUAL = 1;
const WAIT_TIMED_OUT = 2;

/** Whether `opcode` is one of these operators; then it is translated. */
export function translateAtomic(body: Body, opcode: number): boolean {
  switch (opcode) {
    case Opcode.memory_atomic_notify:
      translateNotify(body);
      return true;
    case Opcode.memory_atomic_wait32:
      translateWait(body, I32);
      return true;
    case Opcode.memory_atomic_wait64:
      translateWait(body, I64);
      return true;
    case Opcode.atomic_fence:
      body.builder.fence();
      return true;
    default:
      if (opcode < FIRST_REGULAR || opcode > LAST_REGULAR) return false;
      translateRegular(body, opcode - FIRST_REGULAR);
      return true;
  }
}

function translateRegular(body: Body, index: number): void {
  const form = FORMS[index % FORMS.length];
  const op = GROUPS[Math.floor(index / FORMS.length)];
  if (form === undefined || op === undefined) throw new RangeError("no such access");
  const [type, access] = form;
  const replacement = op === Op.atomic_cas ? body.pop() : undefined;
  const value = op === Op.atomic_load ? undefined : body.pop();
  const flags = locateAtomic(body, body.view.memory(body.reader.memory), type, access);
  if (body.dead) return;
  const { builder, base, offset } = body;
  if (value === undefined) body.push(builder.atomicLoad(type, base, offset, flags));
  else if (op === Op.atomic_store) builder.atomicStore(type, base, value, offset, flags);
  else if (replacement === undefined) body.push(builder.atomicUpdate(op, type, base, value, offset, flags));
  else body.push(builder.atomicCas(type, base, value, replacement, offset, flags));
}

/**
 * Takes the address from the stack, and leaves that of the access in `body.base` and `body.offset`, checked; gives its flags. `body.dead` is
 * set when it always traps.
 */
function locateAtomic(body: Body, memory: MemoryView, type: Type, access: number): number {
  const index = body.pop();
  const size = accessSize(access, type);
  checkAlignment(body, index, size, memory.is64);
  if (body.dead) return 0;
  const traps = locateAccess(body, memory, index, size);
  return accessFlags(access, Region.heap, traps);
}

function checkAlignment(body: Body, index: Value, size: number, is64: boolean): void {
  const { builder, func, reader } = body;
  const mask = size - 1;
  if (mask === 0) return;
  const rest = reader.offsetLo & mask;
  const constant = body.constantInst(index);
  if (constant !== NONE) {
    if (((func.lo.get(constant) + rest) & mask) !== 0) body.trap(Trap.unaligned_atomic);
    return;
  }
  let low = is64 ? builder.unary(Op.ireduce, I32, index) : index;
  if (rest !== 0) low = builder.binary(Op.iadd, I32, low, builder.iconst32(rest));
  builder.trapIf(Op.trapnz, builder.binary(Op.band, I32, low, builder.iconst32(mask)), Trap.unaligned_atomic);
}

function translateNotify(body: Body): void {
  body.pop();
  const flags = locateAtomic(body, body.view.memory(body.reader.memory), I32, Access.full);
  if (body.dead) return;
  // For its fault.
  body.builder.atomicLoad(I32, body.base, body.offset, flags);
  body.push(body.builder.iconst32(0));
}

function translateWait(body: Body, type: Type): void {
  const { builder } = body;
  const memory = body.view.memory(body.reader.memory);
  const timeout = body.pop();
  const expected = body.pop();
  const flags = locateAtomic(body, memory, type, Access.full);
  if (body.dead) return;
  const value = builder.atomicLoad(type, body.base, body.offset, flags);
  if (!memory.shared) {
    body.trap(Trap.expected_shared_memory);
    return;
  }
  const wait = builder.createBlock();
  const next = builder.createBlock();
  const result = body.func.appendBlockParam(next, I32);
  const equal = builder.icmp(IntCC.eq, type, value, expected);
  builder.brif(equal, wait, [], next, [builder.iconst32(WAIT_NOT_EQUAL)]);
  builder.switchTo(wait);
  const endless = builder.icmp(IntCC.slt, I64, timeout, builder.iconst64(0, 0));
  builder.trapIf(Op.trapnz, endless, Trap.endless_wait);
  body.support("sleep", [timeout]);
  builder.jump(next, [builder.iconst32(WAIT_TIMED_OUT)]);
  builder.switchTo(next);
  body.push(result);
}
