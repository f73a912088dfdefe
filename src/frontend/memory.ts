/**
 * Memories and tables at run time: growing, and the block operations that wasm code calls once it has checked the bounds. A memory never
 * moves: growing makes more of its reservation accessible.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { Value } from "../ir/function.ts";
import { Op } from "../ir/ops.ts";
import { I32, I64, type Type, V128 } from "../ir/types.ts";
import { FUNCREF_SIZE } from "../layout/funcref.ts";
import { InstanceLimits, MemoryDefinition, PAGE_SIZE, TableDefinition, WIDE_COPY } from "../layout/offsets.ts";
import type { MemoryIndex, TableIndex } from "../plan/component.ts";
import { EINTR, PROT_READ_WRITE, Sys, Timespec } from "./linux.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";
import { SUPPORT } from "./support.ts";

/** Rounds a length in bytes (i64, far below 2^63) up to native pages. */
export function emitPageAlign(e: Emitter, length: Value): Value {
  return e.and(e.offset(length, PAGE_SIZE - 1), e.i64(-PAGE_SIZE));
}

/** Whether a memory counts against the host's limit: the built-in WASI's own does not. */
export function limited(program: Program, memory: MemoryIndex): boolean {
  return program.component.memories.get(memory).instance !== program.component.builtin;
}

/** Makes whole pages of the region accessible: not 0 where the kernel has no more. */
export function emitMap(e: Emitter, address: Value, bytes: Value): Value {
  return e.syscall(Sys.mprotect, address, bytes, e.i64(PROT_READ_WRITE));
}

/** Maps what is at `base` from `old` to `length` bytes; returns -1 from the function where the kernel has no more. */
function emitMapMore(e: Emitter, base: Value, old: Value, length: Value): void {
  const mapped = emitPageAlign(e, old);
  const needed = emitPageAlign(e, length);
  e.if(e.ugt(needed, mapped), () => {
    e.if(e.nez(emitMap(e, e.add(base, mapped), e.sub(needed, mapped))), () => e.return(e.i64(-1)));
  });
}

/** `memory_grow` of one memory: (context, pages) → pages before, or -1. */
export function buildMemoryGrow(e: Emitter, program: Program, memory: MemoryIndex): void {
  const { type, maxBytes } = program.component.memories.get(memory);
  const pageSize = 2 ** type.pageSizeLog2;
  const context = e.param(0);
  const pages = e.param(1);
  const lengthAt = program.offsets.memoryDefinition(memory) + MemoryDefinition.currentLength;
  const old = e.load64(context, lengthAt);
  const oldPages = e.shr(old, type.pageSizeLog2);
  const maxPages = Math.floor(maxBytes / pageSize);
  // No sum: the count is any 64-bit number.
  e.if(e.ugt(pages, e.sub(e.i64(maxPages), oldPages)), () => e.return(e.i64(-1)));
  const more = e.shl(pages, type.pageSizeLog2);
  const left = limited(program, memory) ? e.load64(context, program.offsets.limits + InstanceLimits.memory) : undefined;
  if (left !== undefined) e.if(e.ugt(more, left), () => e.return(e.i64(-1)));
  const length = e.add(old, more);
  emitMapMore(e, e.offset(context, program.offsets.memory(memory)), old, length);
  e.store(context, lengthAt, length);
  if (left !== undefined) e.store(context, program.offsets.limits + InstanceLimits.memory, e.sub(left, more));
  e.return(oldPages);
}

/** `table_grow` of one table: (context, elements, initial reference) → elements before, or -1. */
export function buildTableGrow(e: Emitter, program: Program, table: TableIndex): void {
  const { maxElements } = program.component.tables.get(table);
  const context = e.param(0);
  const count = e.param(1);
  const lengthAt = program.offsets.tableDefinition(table) + TableDefinition.currentLength;
  const old = e.load64(context, lengthAt);
  e.if(e.ugt(count, e.sub(e.i64(maxElements), old)), () => e.return(e.i64(-1)));
  const left = e.load64(context, program.offsets.limits + InstanceLimits.table);
  e.if(e.ugt(count, left), () => e.return(e.i64(-1)));
  const base = e.offset(context, program.offsets.table(table));
  const bytes = (elements: Value): Value => e.shl(elements, Math.log2(FUNCREF_SIZE));
  const length = e.add(old, count);
  if (!program.offsets.isMappedTable(table)) emitMapMore(e, base, bytes(old), bytes(length));
  e.store(context, program.offsets.limits + InstanceLimits.table, e.sub(left, count));
  e.call(program.support("table_fill"), SUPPORT.table_fill, [context, e.add(base, bytes(old)), e.param(2), count]);
  e.store(context, lengthAt, length);
  e.return(old);
}

/** (context, destination, reference, elements). */
export function buildTableFill(e: Emitter): void {
  const reference = e.param(2);
  const at = e.variable(e.param(1));
  const end = e.add(e.param(1), e.shl(e.param(3), Math.log2(FUNCREF_SIZE)));
  e.while(
    () => e.ne(e.get(at), end),
    () => {
      e.store(e.get(at), 0, reference);
      e.set(at, e.offset(e.get(at), FUNCREF_SIZE));
    },
  );
  e.return();
}

/** (context, destination, source, length): `memmove`. */
export function buildMemoryCopy(e: Emitter): void {
  const [destination, source, length] = [e.param(1), e.param(2), e.param(3)];
  // The destination lies inside the source: only then does an upward copy read what it wrote.
  e.if(e.uge(e.sub(destination, source), length), () => {
    e.copy(destination, source, length);
    e.return();
  });
  const rest = e.variable(length);
  e.loop((loop) => {
    e.breakUnless(loop, e.uge(e.get(rest), e.i64(8)));
    const next = e.offset(e.get(rest), -8);
    e.store(e.add(destination, next), 0, e.load64(e.add(source, next), 0));
    e.set(rest, next);
  });
  e.loop((loop) => {
    e.breakIf(loop, e.eqz(e.get(rest)));
    const next = e.offset(e.get(rest), -1);
    e.store8(e.add(destination, next), 0, e.load8(e.add(source, next), 0));
    e.set(rest, next);
  });
  e.return();
}

/** From so many bytes on a copy is worth to know the processor for, and a call of `copy_long`. */
export const LONG_COPY = 256;
/** From so many bytes on the string instruction, which takes a while to begin, is as fast as a loop; as one with wide registers. */
const STRING_COPY = 2048;
export const WIDE_STRING_COPY = 4096;

/** `copy_bytes`. What is longer than a step ends with a step that may overlap the one before. */
export function buildCopyBytes(e: Emitter, program: Program): void {
  const [destination, source, length] = [e.param(1), e.param(2), e.param(3)];
  e.if(e.uge(length, e.i64(LONG_COPY)), () => {
    // What is usual is here: a call more costs as much as a few hundred bytes.
    const wide = e.load32(e.param(0), program.offsets.wideCopy);
    e.if(e.ult(length, e.i64(WIDE_STRING_COPY)), () => {
      e.if(e.eqImm(wide, WIDE_COPY.widest), () => {
        e.copyWidest(destination, source, length);
        e.return();
      });
      e.if(e.eqImm(wide, WIDE_COPY.wide), () => {
        e.copyWide(destination, source, length);
        e.return();
      });
    });
    e.call(program.support("copy_long"), SUPPORT.copy_long, e.params);
    e.return();
  });
  const end = e.add(source, length);
  const shift = e.sub(destination, source);
  const move = (type: Type, from: Value): void => e.store(e.add(from, shift), 0, e.load(type, from, 0));
  /** Both ends, `size` bytes each. */
  const ends = (type: Type, size: number): void => {
    e.if(e.uge(length, e.i64(size)), () => {
      const last = e.load(type, end, -size);
      move(type, source);
      e.store(e.add(end, shift), -size, last);
      e.return();
    });
  };
  e.if(e.ult(length, e.i64(16)), () => {
    ends(I64, 8);
    ends(I32, 4);
    e.if(e.nez(length), () => {
      const middle = e.add(source, e.shr(length, 1));
      const [first, half, last] = [e.load8(source, 0), e.load8(middle, 0), e.load8(end, -1)];
      e.store8(destination, 0, first);
      e.store8(e.add(middle, shift), 0, half);
      e.store8(e.add(end, shift), -1, last);
    });
    e.return();
  });
  emitCopySteps(e, destination, source, length);
  e.return();
}

/** At least 16 bytes, 16 or 64 at a time. */
function emitCopySteps(e: Emitter, destination: Value, source: Value, length: Value): void {
  const end = e.add(source, length);
  const shift = e.sub(destination, source);
  const move = (from: Value): void => e.store(e.add(from, shift), 0, e.load(V128, from, 0));
  const last = e.offset(end, -16);
  const at = e.variable(source);
  const wide = e.offset(end, -64);
  e.if(e.uge(length, e.i64(64)), () => {
    e.loop((loop) => {
      const from = e.get(at);
      e.breakUnless(loop, e.ule(from, wide));
      const to = e.add(from, shift);
      const parts = [0, 16, 32, 48].map((k) => e.load(V128, from, k));
      parts.forEach((part, k) => {
        e.store(to, 16 * k, part);
      });
      e.set(at, e.offset(from, 64));
    });
  });
  e.loop((loop) => {
    const from = e.get(at);
    e.breakUnless(loop, e.ult(from, last));
    move(from);
    e.set(at, e.offset(from, 16));
  });
  move(last);
}

/** `copy_long`: what `copy_bytes` leaves. */
export function buildCopyLong(e: Emitter, program: Program): void {
  const [context, destination, source, length] = [e.param(0), e.param(1), e.param(2), e.param(3)];
  const known = e.load32(context, program.offsets.wideCopy);
  e.if(e.eqz(known), () => {
    e.call(program.support("find_wide_copy"), SUPPORT.find_wide_copy, [context]);
    e.call(program.support("copy_bytes"), SUPPORT.copy_bytes, e.params);
    e.return();
  });
  e.if(e.and(e.eqImm(known, WIDE_COPY.no), e.ult(length, e.i64(STRING_COPY))), () => {
    emitCopySteps(e, destination, source, length);
    e.return();
  });
  e.copy(destination, source, length);
  e.return();
}

/** `find_wide_copy`. Asking takes a microsecond in a virtual machine: once for an instance that copies much. */
export function buildFindWideCopy(e: Emitter, program: Program): void {
  const found = e.offset(e.wrap(e.hasWideCopy()), WIDE_COPY.no);
  e.store(e.param(0), program.offsets.wideCopy, found);
  e.return(found);
}

/** (context, destination, byte, length). */
export function buildMemoryFill(e: Emitter): void {
  e.builder.block3(Op.fill, e.param(1), e.param(2), e.param(3));
  e.return();
}

/** (context, nanoseconds): what `memory.atomic.wait` waits. A signal's handler may run meanwhile. */
export function buildSleep(e: Emitter): void {
  const time = e.slotAddress(e.slot(Timespec.size));
  const nanoseconds = e.param(1);
  const seconds = e.udivImm(nanoseconds, 1_000_000_000);
  e.store(time, Timespec.seconds, seconds);
  e.store(time, Timespec.nanoseconds, e.sub(nanoseconds, e.mul(seconds, e.i64(1_000_000_000))));
  e.loop((loop) => e.breakIf(loop, e.neImm(e.syscall(Sys.nanosleep, time, time), -EINTR)));
  e.return();
}

/** Displacement of memory 0 of the built-in WASI's instance, and of its definition. */
export function ownMemory(program: Program): { readonly memory: number; readonly definition: number } {
  const { builtin, instances } = program.component;
  const memory = builtin === undefined ? undefined : instances.get(builtin).memories[0];
  if (memory === undefined) throw new InternalError("frontend", "the built-in WASI has no memory");
  return { memory: program.offsets.memory(memory), definition: program.offsets.memoryDefinition(memory) };
}

/**
 * Traps unless `pointer` is aligned (with `misaligned`) and `[pointer, pointer + length)` is inside the memory whose definition is at `memory`.
 * Gives the pointer, zero-extended; 0 where the processor runs on although it should trap. Pointer, length and alignment have the memory's address type.
 */
export function emitCheckRange(
  e: Emitter,
  memory: Value,
  pointer: Value,
  length: Value,
  alignment: Value,
  trap: number,
  misaligned: number = trap,
): Value {
  const wide = e.func.typeOf(pointer) === I64;
  const extra = e.and(pointer, e.offset(alignment, -1));
  e.trapIf(wide ? e.nez(extra) : extra, misaligned);
  const size = e.load64(memory, MemoryDefinition.currentLength);
  if (!wide) {
    const at = e.zext(pointer);
    return e.below(at, e.add(at, e.zext(length)), size, trap);
  }
  const start = e.below(pointer, pointer, size, trap);
  return e.below(start, length, e.sub(size, start), trap);
}
