/** The two guests of an adapter, as lifting and lowering see them (`abi/context.ts`): memories, `realloc`, handle tables. */

import { emitOpenList, emitOpenText, emitRealloc } from "../abi/checks.ts";
import type { LiftContext, LowerContext, MemoryContext, StringEncoding } from "../abi/context.ts";
import type { Flattening } from "../abi/flatten.ts";
import type { Extent, Sizes } from "../abi/sizes.ts";
import { MemoryDestination, MemorySource, type PointerPair } from "../abi/values.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { ResourceIndex } from "../component/types.ts";
import type { Value } from "../ir/function.ts";
import { HANDLE_BORROW, HANDLE_OWN, HandleEntry, LENDERS_END, MemoryDefinition } from "../layout/offsets.ts";
import type { TrapName } from "../layout/traps.ts";
import type { CanonicalOptions, MemoryIndex } from "../plan/component.ts";
import { REALLOC64_SIGNATURE, REALLOC_SIGNATURE } from "../plan/signatures.ts";
import { I64 } from "../wasm/types.ts";
import { isDefinedBy } from "./adapters.ts";
import { IrAbiEmitter } from "./adapters-emitter.ts";
import type { Variable } from "./flow.ts";
import { emitHandleLookup, emitHandleNew, emitHandleTake, entryAddress, handleTag } from "./handles.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";

class GuestMemory implements MemoryContext<Value> {
  readonly sizes: Sizes;
  readonly #e: Emitter;
  readonly #base: number;
  readonly #length: number;

  constructor(e: Emitter, program: Program, memory: MemoryIndex, sizes: Sizes) {
    this.#e = e;
    this.sizes = sizes;
    this.#base = program.offsets.memory(memory);
    this.#length = program.offsets.memoryDefinition(memory) + MemoryDefinition.currentLength;
  }

  address(pointer: Value): Value {
    return this.#e.add(this.#e.offset(this.#e.param(0), this.#base), pointer);
  }
  length(): Value {
    return this.#e.load64(this.#e.param(0), this.#length);
  }
}

/** One side. Parameter 0 of the emitter's function is the context. */
class Guest {
  readonly e: Emitter;
  readonly abi: IrAbiEmitter;
  readonly program: Program;
  readonly options: CanonicalOptions;
  readonly flattening: Flattening;
  readonly stringEncoding: StringEncoding;
  readonly #memory: GuestMemory | undefined;

  constructor(e: Emitter, program: Program, options: CanonicalOptions) {
    this.e = e;
    this.abi = new IrAbiEmitter(e, program);
    this.program = program;
    this.options = options;
    const { flattening, sizes } = program.adapters.abi(options);
    this.flattening = flattening;
    this.stringEncoding = options.stringEncoding;
    this.#memory = options.memory === undefined ? undefined : new GuestMemory(e, program, options.memory, sizes);
  }

  get memory(): GuestMemory {
    if (this.#memory === undefined) throw new InternalError("frontend", "an adapter needs a memory", this.e.func.name);
    return this.#memory;
  }

  get context(): Value {
    return this.e.param(0);
  }

  table(): Value {
    return this.e.offset(this.context, this.program.offsets.handleTable(this.options.instance));
  }
}

export class GuestLift extends Guest implements LiftContext<Value> {
  readonly #lends: boolean;

  constructor(e: Emitter, program: Program, options: CanonicalOptions, lends: boolean) {
    super(e, program, options);
    this.#lends = lends;
  }

  source(address: Value): MemorySource<Value, Variable> {
    return new MemorySource(this.abi, this.memory, address, 0);
  }
  openList(pair: PointerPair<Value>, element: Extent): { readonly address: Value; readonly bytes: Value } {
    return emitOpenList(this.abi, this.memory, pair, element);
  }
  openText(pointer: Value, units: Value, unitSize: 1 | 2): Value {
    return emitOpenText(this.abi, this.memory, pointer, units, unitSize, this.stringEncoding === "utf8" ? 1 : 2);
  }

  liftOwn(resource: ResourceIndex, handle: Value): Value {
    return emitHandleTake(this.e, this.program, this.table(), this.e.i32(resource), handle);
  }

  liftBorrow(resource: ResourceIndex, handle: Value): Value {
    const { e } = this;
    const table = this.table();
    const { entry } = emitHandleLookup(e, this.program, table, e.i32(resource), handle);
    // `add_lender`. A borrowed handle is not put on the list: it can't be given away anyway.
    if (this.#lends) emitLend(e, this.program.offsets.instanceLenders(this.options.instance), entry, handle);
    return e.load64(entry, HandleEntry.rep);
  }
}

/** Puts an own handle on the list, whose head is at `headAt`, of those that its owner has lent. */
export function emitLend(e: Emitter, headAt: number, entry: Value, handle: Value): void {
  const isOwn = e.eqImm(e.andImm(e.load32(entry, HandleEntry.tag), 3), HANDLE_OWN);
  e.if(e.and(isOwn, e.eqz(e.load32(entry, HandleEntry.link))), () => {
    const head = e.load32(e.param(0), headAt);
    e.store(entry, HandleEntry.link, e.select(head, head, e.i32(LENDERS_END)));
    e.store(e.param(0), headAt, handle);
  });
}

/** `deliver_resolve`: nothing of what an instance has lent is lent any more. */
export function emitReturnLent(e: Emitter, program: Program, options: CanonicalOptions): void {
  const { offsets } = program;
  emitReturn(e, program, offsets.instanceLenders(options.instance), offsets.handleTable(options.instance));
}

/** The same of the host. */
export function emitReturnLentByHost(e: Emitter, program: Program): void {
  emitReturn(e, program, program.offsets.hostLenders, program.offsets.hostHandles);
}

function emitReturn(e: Emitter, program: Program, headAt: number, tableAt: number): void {
  const context = e.param(0);
  const table = e.offset(context, tableAt);
  const at = e.variable(e.load32(context, headAt));
  e.store(context, headAt, e.i32(0));
  e.loop((loop) => {
    const handle = e.get(at);
    e.breakIf(loop, e.or(e.eqz(handle), e.eqImm(handle, LENDERS_END)));
    const entry = entryAddress(e, program, table, handle);
    e.set(at, e.load32(entry, HandleEntry.link));
    e.store(entry, HandleEntry.link, e.i32(0));
  });
}

export class GuestLower extends Guest implements LowerContext<Value> {
  readonly arena = undefined;

  destination(address: Value): MemoryDestination<Value, Variable> {
    return new MemoryDestination(this.abi, this.memory, address, 0);
  }
  newList(alignment: number, bytes: Value): { readonly pointer: Value; readonly address: Value } {
    return this.#allocate(alignment, bytes, "list_out_of_bounds");
  }
  newRecord(alignment: number, bytes: Value): { readonly pointer: Value; readonly address: Value } {
    return this.#allocate(alignment, bytes, "memory_out_of_bounds");
  }
  #allocate(alignment: number, bytes: Value, trap: TrapName): { readonly pointer: Value; readonly address: Value } {
    const zero = this.e.i64(0);
    const pointer = emitRealloc(this.abi, this, zero, zero, alignment, bytes, trap);
    return { pointer, address: this.memory.address(pointer) };
  }

  realloc(old: Value, oldSize: Value, alignment: number, newSize: Value): Value {
    const { e, program } = this;
    const { realloc } = this.options;
    if (realloc === undefined) throw new InternalError("frontend", "an adapter needs a `realloc`", e.func.name);
    const callee = program.functionSymbol(realloc);
    if (this.flattening.ptr === I64) {
      const args = [this.context, old, oldSize, e.i64(alignment), newSize];
      return e.call1(callee, program.signature(REALLOC64_SIGNATURE), args);
    }
    const args = [this.context, e.wrap(old), e.wrap(oldSize), e.i32(alignment), e.wrap(newSize)];
    return e.zext(e.call1(callee, program.signature(REALLOC_SIGNATURE), args));
  }

  lowerOwn(resource: ResourceIndex, representation: Value): Value {
    const { e } = this;
    return emitHandleNew(e, this.program, this.table(), e.i32(handleTag(HANDLE_OWN, resource)), representation);
  }

  lowerBorrow(resource: ResourceIndex, representation: Value): Value {
    const { e, program } = this;
    if (isDefinedBy(program.component, resource, this.options)) return e.wrap(representation);
    const scope = program.offsets.instanceBorrows(this.options.instance);
    const tag = e.i32(handleTag(HANDLE_BORROW, resource));
    const handle = emitHandleNew(e, this.program, this.table(), tag, representation, e.i32(scope));
    e.store(this.context, scope, e.offset(e.load32(this.context, scope), 1));
    return handle;
  }
}
