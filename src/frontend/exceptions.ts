/**
 * Exceptions at run time: throwing, and the store of those that are caught by reference (ARCHITECTURE "Exceptions").
 *
 * Nothing here allocates but `exception_new`; an exception that no handler takes by reference is never in the store. The store is a fixed
 * area of equal cells. When it is used up to its limit, what nothing refers to is freed: roots are the exception at hand, globals and tables
 * of exception references, and whatever looks like such a reference in the stack of the active entries. Registers are in the stack as
 * well, because `exception_reserve` calls the collector with `call_catch`, behind which no register survives.
 */

import type { Value } from "../ir/function.ts";
import { EXCEPTION_MARK, EXCEPTION_TAG, ExceptionCell, ExceptionState, TableDefinition } from "../layout/offsets.ts";
import { FUNCREF_SIZE } from "../layout/funcref.ts";
import { Trap } from "../layout/traps.ts";
import { isExceptionReference } from "./exception-layout.ts";
import { emitMap, emitPageAlign } from "./memory.ts";
import type { Program, ProgramExceptions } from "./program.ts";
import { emitInnermostEntry, emitRowKey, FRAME_CALLER, FRAME_RETURN } from "./raise.ts";
import type { Emitter } from "./structured.ts";
import { SUPPORT } from "./support.ts";

/** Cells that are used before the first collection; between two, as many as survived and one for each so many bytes that were looked at. */
const FEWEST_CELLS = 1024;
const BYTES_PER_CELL = 64;
/** A longer payload is copied by a block copy. */
const LONGEST_UNROLLED = 64;

function exceptionsOf(program: Program): ProgramExceptions {
  const { exceptions } = program;
  if (exceptions === undefined) throw new RangeError("the program has no exceptions");
  return exceptions;
}

function stateOf(e: Emitter, program: Program): Value {
  return e.offset(e.param(0), program.offsets.exceptionState);
}

/** Address of cell `index` (i32). */
function cellAt(e: Emitter, program: Program, index: Value): Value {
  const cells = e.offset(e.param(0), program.offsets.exceptionCells);
  return e.add(cells, e.mul(e.zext(index), e.i64(program.offsets.exceptionSize)));
}

/** Copies a payload. */
function copyPayload(e: Emitter, program: Program, to: Value, toOffset: number, from: Value, fromOffset: number): void {
  const { size } = exceptionsOf(program).layout;
  if (size > LONGEST_UNROLLED) e.copy(e.offset(to, toOffset), e.offset(from, fromOffset), e.i64(size));
  else for (let at = 0; at < size; at += 8) e.store(to, toOffset + at, e.load64(from, fromOffset + at));
}

/** Goes on where the exception with this status is caught, from the frame of the support function that is running. */
function emitUnwind(e: Emitter, program: Program, status: Value): void {
  const frame = e.framePointer();
  const found = e.call1(program.support("find_handler"), SUPPORT.find_handler, [frame]);
  e.if(e.nez(found), () => e.unwindTo(e.load64(found, FRAME_CALLER), e.load64(found, FRAME_RETURN), status));
  // Nobody catches it: a trap, where it was thrown.
  const pc = e.load64(frame, FRAME_RETURN);
  const thrower = e.load64(frame, FRAME_CALLER);
  const { inner, entry, context, returns } = emitInnermostEntry(e, program, thrower);
  const code = e.i32(Trap.uncaught_exception);
  e.call(program.support("record_trap"), SUPPORT.record_trap, [context, thrower, pc, code, e.i64(0), inner]);
  e.unwindTo(entry, returns, code);
}

export function buildThrow(e: Emitter, program: Program): void {
  e.store(stateOf(e, program), ExceptionState.reference, e.i64(0));
  emitUnwind(e, program, e.param(1));
}

/** A reference that is none traps as null does: wasm code can't make one, and this must not depend on it. */
export function buildThrowRef(e: Emitter, program: Program): void {
  const state = stateOf(e, program);
  const reference = e.param(1);
  const index = e.wrap(reference);
  e.trapIf(e.neImm(e.wrap(e.shr(reference, 32)), EXCEPTION_TAG | 0), Trap.null_exception_reference);
  const known = e.ult(e.offset(index, -1), e.load32(state, ExceptionState.used));
  e.trapUnless(known, Trap.null_exception_reference);
  const cell = cellAt(e, program, index);
  copyPayload(e, program, state, ExceptionState.payload, cell, ExceptionCell.payload);
  e.store(state, ExceptionState.reference, reference);
  const status = e.load32(cell, ExceptionCell.status);
  e.trapUnless(status, Trap.null_exception_reference);
  emitUnwind(e, program, status);
}

/** Follows frame pointers to a return address of the table of catches. Entries, trampolines and adapters let nothing through. */
export function buildFindHandler(e: Emitter, program: Program): void {
  const { catchTable, firstWasm } = exceptionsOf(program);
  const first = e.funcAddress(program.entries.first);
  const size = e.sub(e.funcAddress(firstWasm), first);
  const base = e.textBase();
  const table = e.dataAddress(catchTable);
  const frame = e.variable(e.param(0));
  e.loop((loop) => {
    const at = e.get(frame);
    const returns = e.load64(at, FRAME_RETURN);
    e.if(e.ult(e.sub(returns, first), size), () => e.return(e.i64(0)));
    const key = e.wrap(e.sub(returns, base));
    const row = e.call1(program.support("find_row"), SUPPORT.find_row, [table, key]);
    e.if(e.neImm(row, -1), () => e.breakIf(loop, e.eq(emitRowKey(e, table, row), key)));
    e.set(frame, e.load64(at, FRAME_CALLER));
  });
  e.return(e.get(frame));
}

export function buildExceptionCapture(e: Emitter, program: Program): void {
  const known = e.load64(stateOf(e, program), ExceptionState.reference);
  e.if(e.nez(known), () => e.return(known));
  const fresh = program.support("exception_new");
  const reference = e.call1(fresh, SUPPORT.exception_new, e.params);
  e.store(stateOf(e, program), ExceptionState.reference, reference);
  e.return(reference);
}

export function buildExceptionNew(e: Emitter, program: Program): void {
  const state = stateOf(e, program);
  const full = e.uge(e.load32(state, ExceptionState.used), e.load32(state, ExceptionState.limit));
  e.if(e.and(full, e.eqz(e.load32(state, ExceptionState.free))), () => {
    e.call(program.support("exception_reserve"), SUPPORT.exception_reserve, [e.param(0)]);
  });
  const index = e.variable(e.load32(state, ExceptionState.free));
  e.if(
    e.nez(e.get(index)),
    () => {
      e.store(state, ExceptionState.free, e.load32(cellAt(e, program, e.get(index)), ExceptionCell.link));
    },
    () => {
      e.set(index, e.offset(e.load32(state, ExceptionState.used), 1));
      e.store(state, ExceptionState.used, e.get(index));
    },
  );
  const cell = cellAt(e, program, e.get(index));
  e.store(cell, ExceptionCell.status, e.param(1));
  e.store(cell, ExceptionCell.link, e.i32(0));
  copyPayload(e, program, cell, ExceptionCell.payload, state, ExceptionState.payload);
  e.return(e.or(e.zext(e.get(index)), e.shl(e.i64(EXCEPTION_TAG), 32)));
}

/** The call leaves nothing in registers, so that the collector sees all of the caller's in the frame. */
export function buildExceptionReserve(e: Emitter, program: Program): void {
  e.callCatch(program.support("exception_collect"), SUPPORT.exception_collect, [e.param(0)]);
  e.return();
}

export function buildExceptionMark(e: Emitter, program: Program): void {
  const state = stateOf(e, program);
  const used = e.load32(state, ExceptionState.used);
  const at = e.variable(e.param(1));
  e.while(
    () => e.ult(e.get(at), e.param(2)),
    () => {
      const word = e.load64(e.get(at), 0);
      e.set(at, e.offset(e.get(at), 8));
      e.if(e.eqImm(e.wrap(e.shr(word, 32)), EXCEPTION_TAG | 0), () => {
        const index = e.wrap(word);
        e.if(e.ult(e.offset(index, -1), used), () => {
          const cell = cellAt(e, program, index);
          const status = e.load32(cell, ExceptionCell.status);
          // Neither free nor marked.
          e.if(e.slt(e.i32(0), status), () => {
            e.store(cell, ExceptionCell.status, e.or(status, e.i32(EXCEPTION_MARK | 0)));
            e.store(cell, ExceptionCell.link, e.load32(state, ExceptionState.marked));
            e.store(state, ExceptionState.marked, index);
          });
        });
      });
    },
  );
  e.return();
}

/** Marks what the roots refer to; gives the number of bytes that were looked at. */
function emitMarkRoots(e: Emitter, program: Program, top: Value): Value {
  const { component, offsets } = program;
  const context = e.param(0);
  const { exceptionReferences } = exceptionsOf(program).layout;
  const mark = (from: Value, to: Value): void => {
    e.call(program.support("exception_mark"), SUPPORT.exception_mark, [context, from, to]);
  };
  const state = stateOf(e, program);
  mark(e.offset(state, ExceptionState.reference), e.offset(state, ExceptionState.payload + 8 * exceptionReferences));
  const frame = e.framePointer();
  mark(frame, top);
  const bytes = e.variable(e.sub(top, frame));
  for (const [index, { type }] of component.globals.entries()) {
    if (!isExceptionReference(type.type)) continue;
    const at = e.offset(context, offsets.global(index));
    mark(at, e.offset(at, 8));
  }
  for (const [index, { type }] of component.tables.entries()) {
    if (!isExceptionReference(type.element)) continue;
    const from = e.offset(context, offsets.table(index));
    const length = e.load64(context, offsets.tableDefinition(index) + TableDefinition.currentLength);
    const size = e.mul(length, e.i64(FUNCREF_SIZE));
    mark(from, e.add(from, size));
    e.set(bytes, e.add(e.get(bytes), size));
  }
  return e.get(bytes);
}

/** Marks what marked exceptions refer to. */
function emitFollowMarked(e: Emitter, program: Program): void {
  const { exceptionReferences } = exceptionsOf(program).layout;
  const state = stateOf(e, program);
  e.loop((loop) => {
    const index = e.load32(state, ExceptionState.marked);
    e.breakIf(loop, e.eqz(index));
    const cell = cellAt(e, program, index);
    e.store(state, ExceptionState.marked, e.load32(cell, ExceptionCell.link));
    const from = e.offset(cell, ExceptionCell.payload);
    const args = [e.param(0), from, e.offset(from, 8 * exceptionReferences)];
    e.call(program.support("exception_mark"), SUPPORT.exception_mark, args);
  });
}

export function buildExceptionCollect(e: Emitter, program: Program): void {
  const { exceptionLimit, exceptionSize } = program.offsets;
  const most = e.i32(exceptionLimit);
  const state = stateOf(e, program);
  const used = e.load32(state, ExceptionState.used);
  const limit = e.variable(e.i32(Math.min(FEWEST_CELLS, exceptionLimit)));
  const top = e.load64(state, ExceptionState.stackTop);
  e.if(
    e.eqz(top),
    // The entries are on several stacks, and where the outer ones' end is not known: only more cells are left.
    () => e.set(limit, e.select(e.ult(used, most), e.offset(used, 1), most)),
    () => {
      const bytes = emitMarkRoots(e, program, top);
      if (exceptionsOf(program).layout.exceptionReferences > 0) emitFollowMarked(e, program);
      else e.store(state, ExceptionState.marked, e.i32(0));
      const alive = e.variable(e.i32(0));
      const free = e.variable(e.i32(0));
      const index = e.variable(used);
      const cell = e.variable(cellAt(e, program, used));
      e.while(
        () => e.nez(e.get(index)),
        () => {
          const at = e.get(cell);
          const status = e.load32(at, ExceptionCell.status);
          e.if(
            e.slt(status, e.i32(0)),
            () => {
              e.store(at, ExceptionCell.status, e.xor(status, e.i32(EXCEPTION_MARK | 0)));
              e.set(alive, e.offset(e.get(alive), 1));
            },
            () => {
              e.store(at, ExceptionCell.status, e.i32(0));
              e.store(at, ExceptionCell.link, e.get(free));
              e.set(free, e.get(index));
            },
          );
          e.set(index, e.offset(e.get(index), -1));
          e.set(cell, e.offset(at, -exceptionSize));
        },
      );
      e.store(state, ExceptionState.free, e.get(free));
      const earned = e.add(e.zext(e.shl(e.get(alive), 1)), e.shr(bytes, Math.log2(BYTES_PER_CELL)));
      const wanted = e.select(e.ult(earned, e.zext(most)), e.wrap(earned), most);
      e.set(limit, e.select(e.ult(e.get(limit), wanted), wanted, e.get(limit)));
    },
  );
  // The store is mapped up to its largest limit so far.
  e.if(e.ult(e.load32(state, ExceptionState.limit), e.get(limit)), () => {
    const bytes = emitPageAlign(e, e.mul(e.offset(e.zext(e.get(limit)), 1), e.i64(exceptionSize)));
    const cells = e.offset(e.param(0), program.offsets.exceptionCells);
    e.trapIf(e.nez(emitMap(e, cells, bytes)), Trap.exceptions_exhausted);
  });
  e.store(state, ExceptionState.limit, e.get(limit));
  const none = e.and(e.uge(used, e.get(limit)), e.eqz(e.load32(state, ExceptionState.free)));
  e.trapIf(none, Trap.exceptions_exhausted);
  e.return();
}

/**
 * An entry becomes active: says how far up the stack exceptions may be referred to. Gives what says so again when the entry is left.
 * `sameStack`: this entry's frame is below an outer one's, if there is one.
 */
export function emitEnterStack(
  e: Emitter,
  program: Program,
  context: Value,
  outermost: Value,
  sameStack: Value,
): () => void {
  const at = program.offsets.exceptionState + ExceptionState.stackTop;
  const outer = e.load64(context, at);
  const nested = e.select(sameStack, outer, e.i64(0));
  e.store(context, at, e.select(e.eqz(outermost), e.framePointer(), nested));
  return () => e.store(context, at, outer);
}
