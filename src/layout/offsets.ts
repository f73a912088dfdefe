/**
 * The layout of `VMComponentContext` and of the reserved region that it heads: the one place that knows an offset.
 *
 * An instantiated component is one reserved region of address space:
 *
 *     context │ small tables │ memory of a typed host │ handle tables │ exceptions │ tables │ checked memories │ guarded memory 0 │ …
 *
 * What is small is mapped writable when the instance is made (`eagerSize`); everything else is address space until it is used.
 *
 * Everything sits at a displacement from the context that is known when the component is compiled, so that a linear memory needs no
 * base register: the address of `memory[i]` is `context + displacement + i`. Read by the code that is generated and by
 * `bindings/` (C declarations); tested against the C compiler's `offsetof`.
 */

import { FUNCREF_SIZE } from "./funcref.ts";

export const PAGE_SIZE = 4096;
export const WASM_PAGE_SIZE = 65536;

/** What is added to the address in `ContextField.self`: below a page, where the address has zeros. */
export const InstanceState = { ready: 0, trapped: 1, instantiating: 2 } as const;
export const STATE_MASK = PAGE_SIZE - 1;

/** A component instance's flags (Canonical ABI: `ComponentInstance.may_leave`), or 0. Whether it may be entered is `outermostFrame`. */
export const InstanceFlag = { mayLeave: 1 } as const;

/** A 32-bit index reaches 4 GiB; a static offset below this needs no check. */
export const GUARD_SIZE = 32 * 1024 * 1024;
export const GUARDED_RESERVATION = 0x1_0000_0000 + GUARD_SIZE;

/** Elements that a table without a maximum may grow to. */
export const TABLE_LIMIT = 10_000_000;

/** Entries of a handle table: index 0 is its header. */
export const HANDLE_LIMIT = 1 << 20;
/** Handle tables are mapped as they are used, so many bytes at a time, or one entry of each. */
const HANDLE_STEP = 16 * 1024;
/** The arena and the heap of a typed host are mapped so many bytes at a time, where their first parts do not suffice. */
export const MAPPING_STEP = 64 * 1024;

/** What a table may become is mapped from the start up to this many bytes, so that most instances need one call for all of them. */
const MAPPED_TABLE_BYTES = 64 * 1024;

/** Frames that a trap records. */
export const BACKTRACE_LIMIT = 64;

/** Bytes between the stack limit and the end of what an entry may use: for `raise`, the signal handler and support functions. */
export const STACK_SLACK = 32 * 1024;
/** Stack that an entry may use when the host does not say. */
export const DEFAULT_STACK_BUDGET = 512 * 1024;

/** Code bytes between the return address of a `call_catch` and where unwinding continues (ARCHITECTURE "Calling conventions"). */
export const LANDING_OFFSET = 3;

/**
 * What a row of the trap table has in place of a trap's number: reading there may fault, and the code goes on behind the instruction, of this
 * many bytes, with -1 in r11.
 */
export const PROBE_ROW = 0xff;
export const PROBE_LENGTH = 3;

/** Room for the text of a trap: message and backtrace; a longer one is cut at a line. */
export const TRAP_TEXT_SIZE = 16 * 1024;

/** An entry of a handle table. Header (index 0): `tag` = entries ever used (its own excluded), `link` = first free index or 0. */
export const HandleEntry = {
  size: 16,
  /** u32: 0 free; else kind (1 own, 2 borrow, 3 waitable set) | resource index << 2. */
  tag: 0,
  /**
   * u32: own: 0, or not 0 while it is lent; borrow: displacement of its scope's count from the context, or 0; free: next free index.
   * Lent handles of one call are a list: the index of the next, or `LENDERS_END`.
   */
  link: 4,
  /**
   * u64: representation: i32 of the guest, or the host's pointer. Of a handle of the host's: the representation, and above it the number that
   * the handle has above its index, different for each handle.
   */
  rep: 8,
} as const;
export const HANDLE_OWN = 1;
export const HANDLE_BORROW = 2;
/** A waitable set (kind 3): its number in place of a resource's is one that no resource has. */
export const HANDLE_WAITABLE_SET = 3;
export const WAITABLE_SET_NUMBER = 0x3fff_ffff;
/** The number of what is never in a table: the ends of streams and futures, and subtasks. */
export const NO_SUCH_NUMBER = 0x3fff_fffe;
/** No index of a handle. */
export const LENDERS_END = 0xffff_ffff;

/** One linear memory. */
export interface MemoryShape {
  /** `guarded`: reserved for every index; `checked`: every access is compared with the current length. */
  readonly style: "guarded" | "checked";
  /** Largest size in bytes that it may grow to. */
  readonly maxBytes: number;
}

export interface TableShape {
  /** Largest number of elements. */
  readonly maxElements: number;
}

/**
 * The exception that is being thrown or was just caught, and the state of the store of exceptions. A `throw` writes the payload here, and
 * handlers read it from here; only one that is caught by reference is copied into a cell of the store.
 */
export const ExceptionState = {
  /** u64: frame pointer of the outermost active entry; 0 when the active entries are not all on one stack. */
  stackTop: 0,
  /** u32: cells that were ever used; the first is number 1. */
  used: 8,
  /** u32: first free cell, or 0. */
  free: 12,
  /** u32: cells that may be used before the next collection. */
  limit: 16,
  /** u32: during a collection: first cell that is marked and whose references are not yet followed, or 0. */
  marked: 20,
  /** u64: the `exnref` that it was thrown with, or 0 when it has no cell. */
  reference: 24,
  payload: 32,
} as const;

/** A cell of the store. Its payload is as in `ExceptionState`. */
export const ExceptionCell = {
  /** u32: 0 free; else the number of its tag plus one, with `EXCEPTION_MARK` during a collection. */
  status: 0,
  /** u32: next free, or next marked cell, or 0. */
  link: 4,
  payload: 8,
} as const;
export const EXCEPTION_MARK = 0x8000_0000;
/** Upper half of an `exnref` that is not null; the lower half is the number of its cell. No function reference looks like it. */
export const EXCEPTION_TAG = 0xe8ce_9710;

/** Exceptions that are alive at once, and bytes of address space for them. */
const EXCEPTION_LIMIT = 1 << 20;
const EXCEPTION_SPACE = 1 << 28;

/** What the layout depends on. */
export interface ContextShape {
  readonly lowerings: number;
  readonly componentInstances: number;
  /** Resource types that the host implements (each has a destructor slot). */
  readonly hostResources: number;
  readonly memories: readonly MemoryShape[];
  readonly tables: readonly TableShape[];
  readonly globals: number;
  /** Passive segments, of data and of elements: each has its current length (0 once dropped). */
  readonly passiveSegments: number;
  /** Numbers of elements of the segments whose items are only known when the component is instantiated. */
  readonly elementAreas: readonly number[];
  /** Results beyond registers of the widest wasm signature. */
  readonly resultSlots: number;
  /** A host calls or is called with C values: there is memory for them. */
  readonly typedHost: boolean;
  /** Bytes of the payload of an exception, a multiple of 8; undefined when there are no tags, hence no exceptions. */
  readonly exceptionPayload: number | undefined;
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** Fields before the arrays; byte offsets. Hot ones first: they get a one-byte displacement. */
export const ContextField = {
  /** u64: the context's own address plus its InstanceState; deleting an instance clears it. */
  self: 0,
  /** u64: the lowest stack pointer that wasm code may have. */
  stackLimit: 8,
  /** u64: frame pointer of the outermost active entry (`frontend/active.ts`); 0 while none is active. */
  outermostFrame: 16,
  /** u64: its return address; stale while none is active. In one cache line with the two before: an entry writes all three, and stores are what it costs. */
  outermostReturns: 24,
  /** u64: bytes of stack that an entry may use. */
  stackBudget: 32,
  /** u64: address of the VMMemoryDefinition of the lowering that is being called. */
  currentMemory: 40,
  /** u64: code address of its realloc, or 0. */
  currentRealloc: 48,
  /** u64: address of the handle table of its component instance. */
  currentHandles: 56,
  /** u64: address of the flags of that component instance. */
  currentFlags: 64,
  /** u64: the pointer of the host's options, for its functions to find. */
  user: 72,
  /** u64: address of the process's initial stack (argc) in an executable, else 0. */
  startup: 80,
  /** u32: set by a host function that has no status to return (host ABI `flat`): its trampoline traps. */
  hostFailure: 88,
  /** u32: not 0 while the host wants the guest to stop (`--interruptible`). Written by any thread. */
  interrupt: 92,
  /** u64 each: where the next value for a host goes, and what it may not go beyond (`frontend/host-memory.ts`). */
  hostCursor: 96,
  hostEnd: 104,
  /** The `windlass_call_t` that host functions get. */
  hostCall: 112,
} as const;

/** What the running task of a component instance has (Canonical ABI: `Thread.storage`, `Task`), and the instance's `backpressure`. */
export const InstanceTask = {
  size: 40,
  /** u64 for each slot; zero between tasks. */
  storage: 0,
  /** u32. */
  backpressure: 16,
  /** u32: not 0 while the task is one of an `async` function, which may block. */
  mayBlock: 20,
  /** u32: who gets the result (`frontend/tasks.ts`) while the task of an `async`-lifted function owes one; `TASK_RESOLVED` afterwards; else 0. */
  resolver: 24,
  /** u64: where that one wants the result; or the result, if it is flat. */
  result: 32,
} as const;
export const TASK_RESOLVED = 0xffff_ffff;

/** The trap record, relative to `VMComponentOffsets.trap`. */
export const TrapRecord = {
  /** u32: Trap; u32: exit status of `exit`. */
  code: 0,
  exitStatus: 4,
  /** In its place: the index that a handle trap is about, or the status with which a typed host function failed. */
  handle: 4,
  /** u64: code address of the trap; of a fault the address that was touched. */
  pc: 8,
  faultAddress: 16,
  /** u32: how many frames were recorded; then u64 return addresses, innermost first (the first is the trap's own pc). */
  frameCount: 24,
  frames: 32,
  text: 32 + 8 * BACKTRACE_LIMIT,
  size: 32 + 8 * BACKTRACE_LIMIT + TRAP_TEXT_SIZE,
} as const;

/** What the host allows and offers an instance, relative to `VMComponentOffsets.limits`. */
export const InstanceLimits = {
  /** u64: bytes that memories, and elements that tables may still grow by. */
  memory: 0,
  table: 8,
  /** u64: who takes the region back, or 0; and what it gets. */
  unmap: 16,
  hookData: 24,
  size: 32,
} as const;

/** Whether there are registers of 32 or of 64 bytes to copy with, see `VMComponentOffsets.wideCopy`: one more than `has_wide_copy` says. */
export const WIDE_COPY = { no: 1, wide: 2, widest: 3 } as const;

/** `VMLoweringCallee` and its data pointer. */
export const Lowering = { size: 16, callee: 0, data: 8 } as const;
/** Destructor of a resource that the host implements. */
export const HostResource = { size: 16, destructor: 0, data: 8 } as const;
export const MemoryDefinition = { size: 16, base: 0, currentLength: 8 } as const;
/** Current length in elements, as u64. */
export const TableDefinition = { size: 8, currentLength: 0 } as const;
export const GLOBAL_SIZE = 16;
/** u32: bytes, or elements; 0 once the segment was dropped. */
export const PASSIVE_SEGMENT_SIZE = 4;
export const RESULT_SLOT_SIZE = 16;
/** Scratch memory of a call of a host function, for values that can't be views; so much of it is mapped from the start. */
export const HOST_ARENA_SIZE = 64 * 1024 * 1024;
export const HOST_ARENA_MAPPED = 16 * 1024;
/** Memory for small results of exports: a part that is mapped from the start, and what is mapped when that is full. */
export const HOST_HEAP_MAPPED = 32 * 1024;
export const HOST_HEAP_SIZE = 64 * 1024 * 1024;
/** Results of one size: `1 << class` bytes, header included. */
export const FIRST_BLOCK_CLASS = 6;
export const LAST_BLOCK_CLASS = 16;
/** What the allocator of results knows, relative to `VMComponentOffsets.hostHeapState`. */
export const HostHeap = {
  /** u64: never used from here on; u64: the end of what is mapped. */
  top: 0,
  end: 8,
  /** u64: the first block that is not in the heap, or 0. */
  blocks: 16,
  /** u64: the block that values of a result go to. */
  current: 24,
  /** u64 each: the host's functions, or 0; and what they get. */
  allocate: 32,
  release: 40,
  data: 48,
  /** u32: of the next handle of the host's, see `HandleEntry.rep`. */
  serial: 56,
  /** u64 for each class: its first free block, or 0. */
  free: 64,
  /** u64: the end of what is mapped of the arena. */
  arenaEnd: 64 + 8 * (LAST_BLOCK_CLASS - FIRST_BLOCK_CLASS + 1),
  size: 72 + 8 * (LAST_BLOCK_CLASS - FIRST_BLOCK_CLASS + 1),
} as const;
/** In front of a block's contents. */
export const BlockHeader = {
  /** u64: the next block of the same result, or of the free ones, or 0. */
  next: 0,
  /** u32: its class; 0 of one that is not in the heap. */
  class: 8,
  /** u32: BLOCK_LIVE while a result is in it. */
  magic: 12,
  /** u64: bytes, header included. */
  size: 16,
  /** u64: neighbours among the blocks that are not in the heap. */
  before: 24,
  after: 32,
  byteSize: 48,
} as const;
/** "BLCK" */
export const BLOCK_LIVE = 0x4b434c42;
/** The fixed offset of the result area, so that code generation needs no component: right behind the fixed fields, aligned. */
export const RESULT_AREA = 128;

/** Byte offsets from the context, computed for one component. */
export class VMComponentOffsets {
  readonly shape: ContextShape;
  readonly trap: number;
  /** `InstanceLimits`. */
  readonly limits: number;
  /** u32: `WIDE_COPY` of this processor, or 0 while nobody has asked it. */
  readonly wideCopy: number;
  /** Size of the context itself, a multiple of the page. */
  readonly contextSize: number;
  /** Size of the region, a multiple of the page; the memories' unbacked parts included. */
  readonly regionSize: number;
  /** The part of the region that is mapped writable from the start: context, small tables, the first of what a typed host needs. */
  readonly eagerSize: number;
  /**
   * Bytes from one entry of a handle table to the next, a power of two: the tables of all owners are one area, in which entries with the same
   * index are neighbours. So one area is mapped as they grow, and the headers of all of them are in its first page or pages.
   */
  readonly handleStride: number;
  /** Bytes of that area which are mapped at a time, from the start: a power of two. */
  readonly handleStep: number;

  readonly #flags: number;
  readonly #borrows: number;
  readonly #lenders: number;
  readonly #tasks: number;
  readonly #lowerings: number;
  readonly #hostResources: number;
  readonly #memoryDefinitions: number;
  readonly #tableDefinitions: number;
  readonly #globals: number;
  readonly #passiveSegments: number;
  /** `HostHeap`, and the memory for a host's values; they are there for a typed host only. */
  readonly hostHeapState: number;
  readonly hostArena: number;
  readonly hostHeap: number;
  /** More of the heap, `HOST_HEAP_SIZE` bytes. */
  readonly hostHeapMore: number;
  readonly #elementAreas: number[] = [];
  readonly #tables: number[] = [];
  readonly #handles: number;
  readonly #exceptionState: number;
  readonly #exceptionCells: number;
  readonly #memories: number[] = [];

  constructor(shape: ContextShape) {
    this.shape = shape;
    let at = RESULT_AREA + shape.resultSlots * RESULT_SLOT_SIZE;
    const place = (count: number, size: number, alignment: number): number => {
      at = alignUp(at, alignment);
      const start = at;
      at += count * size;
      return start;
    };
    this.#flags = place(shape.componentInstances, 4, 4);
    this.#lowerings = place(shape.lowerings, Lowering.size, 16);
    this.#memoryDefinitions = place(shape.memories.length, MemoryDefinition.size, 16);
    this.#tableDefinitions = place(shape.tables.length, TableDefinition.size, 8);
    this.#globals = place(shape.globals, GLOBAL_SIZE, 16);
    this.#hostResources = place(shape.hostResources, HostResource.size, 16);
    this.#passiveSegments = place(shape.passiveSegments, PASSIVE_SEGMENT_SIZE, 4);
    this.#exceptionState =
      shape.exceptionPayload === undefined ? -1 : place(1, ExceptionState.payload + shape.exceptionPayload, 16);
    for (const count of shape.elementAreas) this.#elementAreas.push(place(count, FUNCREF_SIZE, 8));
    this.#borrows = place(shape.componentInstances, 4, 4);
    const owners = shape.componentInstances + (shape.typedHost ? 1 : 0);
    this.#lenders = place(owners, 4, 4);
    this.#tasks = place(shape.componentInstances, InstanceTask.size, 8);
    this.limits = place(1, InstanceLimits.size, 8);
    this.hostHeapState = place(shape.typedHost ? 1 : 0, HostHeap.size, 16);
    this.trap = place(1, TrapRecord.size, 16);
    this.wideCopy = place(1, 4, 4);
    at = alignUp(at, PAGE_SIZE);
    this.contextSize = at;
    const placeTables = (mapped: boolean): void => {
      shape.tables.forEach(({ maxElements }, i) => {
        if (this.isMappedTable(i) !== mapped) return;
        this.#tables[i] = at;
        at = alignUp(at + maxElements * FUNCREF_SIZE, PAGE_SIZE);
      });
    };
    placeTables(true);
    this.hostHeap = at;
    this.hostArena = at + HOST_HEAP_MAPPED;
    this.hostHeapMore = this.hostArena + HOST_ARENA_SIZE;
    this.eagerSize = shape.typedHost ? this.hostArena + HOST_ARENA_MAPPED : at;
    if (shape.typedHost) at = this.hostHeapMore + HOST_HEAP_SIZE;
    this.#handles = at;
    this.handleStride = HandleEntry.size * 2 ** Math.ceil(Math.log2(Math.max(owners, 1)));
    this.handleStep = Math.max(HANDLE_STEP, this.handleStride);
    if (owners > 0) at += HANDLE_LIMIT * this.handleStride;
    this.#exceptionCells = at;
    at = alignUp(at + (this.exceptionLimit + 1) * this.exceptionSize, PAGE_SIZE);
    placeTables(false);
    shape.memories.forEach((memory, i) => {
      if (memory.style !== "checked") return;
      this.#memories[i] = at;
      at = alignUp(at + memory.maxBytes, PAGE_SIZE) + PAGE_SIZE;
    });
    shape.memories.forEach((memory, i) => {
      if (memory.style !== "guarded") return;
      this.#memories[i] = at;
      at += GUARDED_RESERVATION;
    });
    this.regionSize = at;
  }

  #element(start: number, count: number, size: number, index: number, what: string): number {
    if (index < 0 || index >= count) throw new RangeError(`${what} ${index} is not one of ${count}`);
    return start + index * size;
  }

  /** Flags (u32, InstanceFlag) of a component instance. */
  instanceFlags(index: number): number {
    return this.#element(this.#flags, this.shape.componentInstances, 4, index, "component instance");
  }
  /** Number (u32) of borrowed handles that the running call into a component instance was given and that are not yet dropped. */
  instanceBorrows(index: number): number {
    return this.#element(this.#borrows, this.shape.componentInstances, 4, index, "component instance");
  }
  /** The first handle (u32) that the running call out of a component instance has lent, or 0; see `HandleEntry.link`. */
  instanceLenders(index: number): number {
    return this.#element(this.#lenders, this.shape.componentInstances, 4, index, "component instance");
  }
  /** See `InstanceTask`. */
  instanceTask(index: number): number {
    return this.#element(this.#tasks, this.shape.componentInstances, InstanceTask.size, index, "component instance");
  }
  /** `{callee, data}` of a lowering. */
  lowering(index: number): number {
    return this.#element(this.#lowerings, this.shape.lowerings, Lowering.size, index, "lowering");
  }
  hostResource(index: number): number {
    return this.#element(this.#hostResources, this.shape.hostResources, HostResource.size, index, "host resource");
  }
  memoryDefinition(index: number): number {
    return this.#element(this.#memoryDefinitions, this.shape.memories.length, MemoryDefinition.size, index, "memory");
  }
  tableDefinition(index: number): number {
    return this.#element(this.#tableDefinitions, this.shape.tables.length, TableDefinition.size, index, "table");
  }
  global(index: number): number {
    return this.#element(this.#globals, this.shape.globals, GLOBAL_SIZE, index, "global");
  }
  /** Current length (u32) of a passive segment. */
  passiveSegment(index: number): number {
    const { passiveSegments } = this.shape;
    return this.#element(this.#passiveSegments, passiveSegments, PASSIVE_SEGMENT_SIZE, index, "passive segment");
  }
  /** First element (a funcref) of a segment that is evaluated when the component is instantiated. */
  elementArea(index: number): number {
    const at = this.#elementAreas[index];
    if (at === undefined) throw new RangeError(`element area ${index} is not one of ${this.#elementAreas.length}`);
    return at;
  }
  /** Displacement of the first byte of a linear memory. */
  memory(index: number): number {
    const at = this.#memories[index];
    if (at === undefined) throw new RangeError(`memory ${index} is not one of ${this.shape.memories.length}`);
    return at;
  }
  /** Whether all that a table may become is mapped from the start; of others it is what they are long. */
  isMappedTable(index: number): boolean {
    return (this.shape.tables[index]?.maxElements ?? 0) * FUNCREF_SIZE <= MAPPED_TABLE_BYTES;
  }
  /** Displacement of the first element of a table. */
  table(index: number): number {
    const at = this.#tables[index];
    if (at === undefined) throw new RangeError(`table ${index} is not one of ${this.shape.tables.length}`);
    return at;
  }
  /** The first handle that the running call has lent of the host's, or 0. */
  get hostLenders(): number {
    return this.#lenders + 4 * this.shape.componentInstances;
  }
  /** Displacement of the handle table of a typed host: of the component's resources that it owns. */
  get hostHandles(): number {
    return this.#handles + this.shape.componentInstances * HandleEntry.size;
  }
  /** Displacement of what all handle tables are in, and its bytes; 0 when there are none. */
  get handleArea(): { readonly at: number; readonly bytes: number } {
    const { componentInstances, typedHost } = this.shape;
    return { at: this.#handles, bytes: componentInstances > 0 || typedHost ? HANDLE_LIMIT * this.handleStride : 0 };
  }
  /** Displacement of the handle table of a component instance. */
  handleTable(index: number): number {
    const { componentInstances } = this.shape;
    return this.#element(this.#handles, componentInstances, HandleEntry.size, index, "component instance");
  }
  /** `ExceptionState`. */
  get exceptionState(): number {
    if (this.#exceptionState < 0) throw new RangeError("there are no exceptions");
    return this.#exceptionState;
  }
  /** Displacement of cell 0 of the store, which is not used. */
  get exceptionCells(): number {
    return this.#exceptionCells;
  }
  /** Bytes of a cell; 0 when there are no exceptions. */
  get exceptionSize(): number {
    const { exceptionPayload } = this.shape;
    return exceptionPayload === undefined ? 0 : ExceptionCell.payload + exceptionPayload;
  }
  /** How many cells there are. */
  get exceptionLimit(): number {
    return this.exceptionSize === 0 ? 0 : Math.min(EXCEPTION_LIMIT, Math.floor(EXCEPTION_SPACE / this.exceptionSize));
  }
}
