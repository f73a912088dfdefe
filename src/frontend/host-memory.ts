/**
 * Memory for the values of a host (host ABI `typed`), all of one instance and none of it on the native stack.
 *
 * Values are given out from `hostCursor` up to `hostEnd`. While a host function runs that is the arena, which is empty again when the next one is called:
 * no two host functions of an instance run at once, because a host may not come back into one that is active. The result of an export goes into
 * blocks, of which the first is what its `_drop` finds: the first pointer of the result that is not null leads to its beginning.
 *
 * Blocks come from the host's own functions if it has given them; else from lists of free blocks by size, in the region; large ones from the kernel.
 * What is not in the region is on a list, so that deleting the instance leaves nothing behind.
 */

import type { Value } from "../ir/function.ts";
import { I64 } from "../ir/types.ts";
import { CallField, HostStatus } from "../layout/host.ts";
import {
  BLOCK_LIVE,
  BlockHeader,
  ContextField,
  FIRST_BLOCK_CLASS,
  HOST_ARENA_MAPPED,
  HOST_ARENA_SIZE,
  HOST_HEAP_MAPPED,
  HOST_HEAP_SIZE,
  HostHeap,
  LAST_BLOCK_CLASS,
  MAPPING_STEP,
} from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { Variable } from "./flow.ts";
import { HOST_SUPPORT } from "./host-support.ts";
import { MAP_ANONYMOUS, PROT_READ_WRITE, Sys } from "./linux.ts";
import { emitMap } from "./memory.ts";
import { emitGiveBack as emitGiveBackSpace } from "./options.ts";
import type { Program } from "./program.ts";
import { cSignature } from "./signatures.ts";
import type { Emitter } from "./structured.ts";

/** The host's functions of `windlass_options_t`: (data, size) → address. */
const HOST_ALLOCATE = cSignature([I64, I64], I64);

/** The first block of a result is at least this long, so that small ones are one block. A power of two. */
export const FIRST_BLOCK_BYTES = 512;
const LARGEST_STEP = 1024 * 1024;

/** Everything a host function of the instance was given is gone: the cursor is at the arena's beginning, behind `used` bytes. */
export function emitResetArena(e: Emitter, program: Program, used: number): void {
  const context = e.param(0);
  const cursor = e.offset(context, program.offsets.hostArena + used);
  if (used > HOST_ARENA_MAPPED) e.call(program.hostSupport("arena_grow"), HOST_SUPPORT.arena_grow, [context, cursor]);
  else e.store(context, ContextField.hostCursor, cursor);
}

/** Values of a result go into blocks, of which there is none yet. */
export function emitBeginResult(e: Emitter, program: Program): void {
  const context = e.param(0);
  e.store(context, ContextField.hostCursor, e.i64(0));
  e.store(context, ContextField.hostEnd, e.i64(0));
  e.store(context, program.offsets.hostHeapState + HostHeap.current, e.i64(0));
}

export function emitOpenArena(e: Emitter, program: Program, context: Value): void {
  e.store(context, ContextField.hostCursor, e.offset(context, program.offsets.hostArena));
  e.store(context, ContextField.hostEnd, e.load64(context, program.offsets.hostHeapState + HostHeap.arenaEnd));
}

/** Maps more of the arena, so that it reaches `end`, and takes what is before that. `none` leaves the function where there is no more. */
function emitGrowArena(e: Emitter, program: Program, context: Value, end: Value, none: () => void): void {
  const { hostArena, hostHeapState } = program.offsets;
  e.if(e.ugt(e.sub(end, e.offset(context, hostArena)), e.i64(HOST_ARENA_SIZE)), none);
  const mapped = e.load64(context, hostHeapState + HostHeap.arenaEnd);
  e.if(e.ugt(end, mapped), () => {
    const bytes = e.andImm(e.offset(e.sub(end, mapped), MAPPING_STEP - 1), -MAPPING_STEP);
    e.if(e.nez(emitMap(e, mapped, bytes)), none);
    const after = e.add(mapped, bytes);
    e.store(context, hostHeapState + HostHeap.arenaEnd, after);
    e.store(context, ContextField.hostEnd, after);
  });
  e.store(context, ContextField.hostCursor, end);
}

/** `arena_grow`. */
export function emitArenaGrow(e: Emitter, program: Program): void {
  emitGrowArena(e, program, e.param(0), e.param(1), () => e.trap(Trap.host_memory_exhausted));
  e.return();
}

/**
 * So many bytes (`i64`, below 2^40) from the cursor. `full` is what happens when they do not fit: it makes room up to `end`, or gives another address.
 */
export function emitTake(e: Emitter, alignment: number, bytes: Value, full: (end: Value) => Value | undefined): Value {
  const context = e.param(0);
  const cursor = e.load64(context, ContextField.hostCursor);
  const start = alignment === 1 ? cursor : e.andImm(e.offset(cursor, alignment - 1), -alignment);
  const end = e.add(start, bytes);
  const place = e.variable(start);
  e.if(
    e.ule(end, e.load64(context, ContextField.hostEnd)),
    () => e.store(context, ContextField.hostCursor, end),
    () => {
      const other = full(end);
      if (other !== undefined) e.set(place, other);
    },
  );
  return e.get(place);
}

/** The class (i32) of a block of so many bytes, at most those of the last class. */
function emitClass(e: Emitter, bytes: Value): Value {
  const found = e.variable(e.i32(FIRST_BLOCK_CLASS));
  e.while(
    () => e.ult(e.shlBy(e.i64(1), e.zext(e.get(found))), bytes),
    () => e.set(found, e.offset(e.get(found), 1)),
  );
  return e.get(found);
}

function heapOf(e: Emitter, program: Program): Value {
  return e.offset(e.param(0), program.offsets.hostHeapState);
}

/** Where the first free block of a class is. */
function freeList(e: Emitter, heap: Value, index: Value): Value {
  return e.offset(e.add(heap, e.shl(e.zext(index), 3)), HostHeap.free - 8 * FIRST_BLOCK_CLASS);
}

function emitFinishBlock(e: Emitter, block: Value, index: Value, bytes: Value): void {
  e.store(block, BlockHeader.next, e.i64(0));
  e.store(block, BlockHeader.class, index);
  e.store(block, BlockHeader.magic, e.i32(BLOCK_LIVE));
  e.store(block, BlockHeader.size, bytes);
  e.return(block);
}

/** The next `size` bytes of the heap, a power of two up to a mapping step; goes on behind this where there are no more. */
function emitTakeFromHeap(e: Emitter, program: Program, heap: Value, size: Value, then: (top: Value) => void): void {
  const { hostHeap, hostHeapMore } = program.offsets;
  const context = e.param(0);
  const take = (top: Value, end: Value): void => {
    e.store(heap, HostHeap.top, end);
    then(top);
  };
  const top = e.load64(heap, HostHeap.top);
  const next = e.add(top, size);
  const mapped = e.load64(heap, HostHeap.end);
  e.if(e.ule(next, mapped), () => take(top, next));
  const isFirst = e.eq(mapped, e.offset(context, hostHeap + HOST_HEAP_MAPPED));
  const from = e.select(isFirst, e.offset(context, hostHeapMore), mapped);
  const start = e.select(isFirst, from, top);
  const after = e.offset(from, MAPPING_STEP);
  const last = e.offset(context, hostHeapMore + HOST_HEAP_SIZE);
  e.if(e.ule(after, last), () => {
    e.if(e.eqz(emitMap(e, from, e.i64(MAPPING_STEP))), () => {
      e.store(heap, HostHeap.end, after);
      take(start, e.add(start, size));
    });
  });
}

export function emitBlockNew(e: Emitter, program: Program): void {
  const heap = heapOf(e, program);
  const bytes = e.param(1);
  const allocate = e.load64(heap, HostHeap.allocate);
  const inHeap = e.and(e.eqz(allocate), e.ule(bytes, e.i64(2 ** LAST_BLOCK_CLASS)));
  e.if(inHeap, () => {
    const index = emitClass(e, bytes);
    const size = e.shlBy(e.i64(1), e.zext(index));
    const list = freeList(e, heap, index);
    const free = e.load64(list, 0);
    e.if(e.nez(free), () => {
      e.store(list, 0, e.load64(free, BlockHeader.next));
      emitFinishBlock(e, free, index, size);
    });
    emitTakeFromHeap(e, program, heap, size, (top) => emitFinishBlock(e, top, index, size));
  });
  const made = e.variable(e.i64(0));
  e.if(
    e.nez(allocate),
    () => e.set(made, e.callIndirect1(allocate, HOST_ALLOCATE, [e.load64(heap, HostHeap.data), bytes])),
    () => {
      const [none, protection, flags] = [e.i64(0), e.i64(PROT_READ_WRITE), e.i64(MAP_ANONYMOUS)];
      const mapped = e.syscall(Sys.mmap, none, bytes, protection, flags, e.i64(-1), none);
      e.set(made, e.select(e.failed(mapped), none, mapped));
    },
  );
  const block = e.get(made);
  e.if(e.eqz(block), () => e.return(block));
  const first = e.load64(heap, HostHeap.blocks);
  e.store(block, BlockHeader.before, e.i64(0));
  e.store(block, BlockHeader.after, first);
  e.if(e.nez(first), () => e.store(first, BlockHeader.before, block));
  e.store(heap, HostHeap.blocks, block);
  emitFinishBlock(e, block, e.i32(0), bytes);
}

/** What gives a block back that is not in the heap. It is not looked for in the context any more: the host's function may delete the instance. */
function givesBack(e: Emitter, heap: Value): (block: Value) => void {
  const [release, data] = [e.load64(heap, HostHeap.release), e.load64(heap, HostHeap.data)];
  return (block) => emitGiveBackSpace(e, block, e.load64(block, BlockHeader.size), release, data);
}

export function emitBlockGrow(e: Emitter, program: Program): void {
  const [context, alignment, bytes, least] = [e.param(0), e.param(1), e.param(2), e.param(3)];
  const heap = heapOf(e, program);
  const last = e.load64(heap, HostHeap.current);
  const wanted = e.offset(e.add(bytes, alignment), BlockHeader.byteSize);
  // Most results are one small block, and there is one that a result before had.
  e.if(e.eqz(last), () => {
    const list = HostHeap.free + 8 * (Math.log2(FIRST_BLOCK_BYTES) - FIRST_BLOCK_CLASS);
    const free = e.load64(heap, list);
    e.if(e.nez(free), () => {
      e.if(e.ule(wanted, e.i64(FIRST_BLOCK_BYTES)), () => {
        e.store(heap, list, e.load64(free, BlockHeader.next));
        e.store(free, BlockHeader.next, e.i64(0));
        e.store(free, BlockHeader.magic, e.i32(BLOCK_LIVE));
        e.store(heap, HostHeap.current, free);
        const start = e.offset(free, BlockHeader.byteSize);
        e.store(context, ContextField.hostCursor, e.add(start, bytes));
        e.store(context, ContextField.hostEnd, e.offset(free, FIRST_BLOCK_BYTES));
        e.return(start);
      });
    });
  });
  const step = e.variable(least);
  e.if(e.and(e.nez(last), e.nez(least)), () => {
    const double = e.shl(e.load64(last, BlockHeader.size), 1);
    e.set(step, e.select(e.ult(double, e.i64(LARGEST_STEP)), double, e.i64(LARGEST_STEP)));
  });
  const size = e.select(e.ult(wanted, e.get(step)), e.get(step), wanted);
  const block = e.call1(program.hostSupport("block_new"), HOST_SUPPORT.block_new, [context, size]);
  e.trapIf(e.eqz(block), Trap.host_memory_exhausted);
  e.if(e.nez(last), () => e.store(last, BlockHeader.next, block));
  e.store(heap, HostHeap.current, block);
  // Contents begin at a multiple of 16, which is enough for every type.
  const start = e.offset(block, BlockHeader.byteSize);
  e.store(context, ContextField.hostCursor, e.add(start, bytes));
  e.store(context, ContextField.hostEnd, e.add(block, e.load64(block, BlockHeader.size)));
  e.return(start);
}

export function emitBlockRelease(e: Emitter, program: Program): void {
  const heap = heapOf(e, program);
  const contents = e.param(1);
  e.if(e.eqz(contents), () => e.return(e.i32(0)));
  const status = e.variable(e.i32(0));
  const next = e.variable(e.offset(contents, -BlockHeader.byteSize));
  // Those that go back, when nothing refers to any of them: a list by `after`.
  const gone = e.variable(e.i64(0));
  e.loop((loop) => {
    const block = e.get(next);
    e.breakIf(loop, e.eqz(block));
    e.if(e.neImm(e.load32(block, BlockHeader.magic), BLOCK_LIVE), () => {
      e.set(status, e.i32(HostStatus.invalid_argument));
      e.break(loop);
    });
    e.store(block, BlockHeader.magic, e.i32(0));
    e.set(next, e.load64(block, BlockHeader.next));
    const index = e.load32(block, BlockHeader.class);
    e.if(
      e.nez(index),
      () => {
        const list = freeList(e, heap, index);
        e.store(block, BlockHeader.next, e.load64(list, 0));
        e.store(list, 0, block);
      },
      () => {
        const before = e.load64(block, BlockHeader.before);
        const after = e.load64(block, BlockHeader.after);
        e.if(
          e.nez(before),
          () => e.store(before, BlockHeader.after, after),
          () => e.store(heap, HostHeap.blocks, after),
        );
        e.if(e.nez(after), () => e.store(after, BlockHeader.before, before));
        e.store(block, BlockHeader.after, e.get(gone));
        e.set(gone, block);
      },
    );
  });
  e.if(e.nez(e.get(gone)), () => emitEach(e, gone, givesBack(e, heap)));
  e.return(e.get(status));
}

/** Each block of a list by `after`, which may be gone afterwards. */
function emitEach(e: Emitter, next: Variable, body: (block: Value) => void): void {
  e.loop((loop) => {
    const block = e.get(next);
    e.breakIf(loop, e.eqz(block));
    e.set(next, e.load64(block, BlockHeader.after));
    body(block);
  });
}

export function emitBlocksDelete(e: Emitter, program: Program): void {
  const heap = heapOf(e, program);
  emitEach(e, e.variable(e.load64(heap, HostHeap.blocks)), givesBack(e, heap));
  e.return();
}

/** The call is at a fixed place in the context of its instance. 0 outside of a call. */
export function emitCallAlloc(e: Emitter, program: Program): void {
  const context = e.load64(e.param(0), CallField.instance);
  const size = e.param(1);
  e.if(e.ugt(size, e.i64(HOST_ARENA_SIZE)), () => e.return(e.i64(0)));
  e.if(e.eqz(e.load64(context, ContextField.outermostFrame)), () => e.return(e.i64(0)));
  const cursor = e.load64(context, ContextField.hostCursor);
  const start = e.andImm(e.offset(cursor, 15), -16);
  const end = e.add(start, size);
  e.if(
    e.ule(end, e.load64(context, ContextField.hostEnd)),
    () => e.store(context, ContextField.hostCursor, end),
    () => emitGrowArena(e, program, context, end, () => e.return(e.i64(0))),
  );
  e.return(start);
}
