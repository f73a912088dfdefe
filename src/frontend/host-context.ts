/** A host as one end of a transfer (`abi/context.ts`): its memory is the process's, its values are C's. */

import { MAX_LIST_BYTE_LENGTH, MAX_STRING_BYTE_LENGTH } from "../abi/checks.ts";
import type { ArenaContext, LiftContext, LowerContext, MemoryContext } from "../abi/context.ts";
import type { Flattening } from "../abi/flatten.ts";
import type { Extent, Sizes } from "../abi/sizes.ts";
import { MemoryDestination, MemorySource, NoDestination, type PointerPair } from "../abi/values.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { ResourceIndex } from "../component/types.ts";
import type { Value } from "../ir/function.ts";
import { HostStatus, REFUSED_VALUES } from "../layout/host.ts";
import { ContextField, HANDLE_OWN, HandleEntry, PAGE_SIZE } from "../layout/offsets.ts";
import { Trap, type TrapName } from "../layout/traps.ts";
import type { HostEnd } from "./adapters.ts";
import { IrAbiEmitter } from "./adapters-emitter.ts";
import { emitLend } from "./adapters-context.ts";
import type { Variable } from "./flow.ts";
import { emitHandleFree, handleTag } from "./handles.ts";
import { emitFreshHandle } from "./host-handles.ts";
import { emitTake, FIRST_BLOCK_BYTES } from "./host-memory.ts";
import { HOST_SUPPORT } from "./host-support.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";

/** Emits checks whose failure refuses the host's call, from inside its entry. */
export function refusingEmitter(e: Emitter, program: Program): IrAbiEmitter {
  return new IrAbiEmitter(e, program, (name: TrapName) => {
    e.call(program.hostSupport("refuse"), HOST_SUPPORT.refuse, [e.param(0), e.i32(refusalOf(name))]);
    e.trap(Trap.unreachable);
  });
}

/** The status for a host whose argument would trap with `name`. */
export function refusalOf(name: TrapName): number {
  const refusal = REFUSED_VALUES[name];
  if (refusal === undefined) throw new InternalError("frontend", `no refusal for ${name}`);
  return HostStatus[refusal];
}

/** Addresses are native. */
export class ProcessMemory implements MemoryContext<Value> {
  readonly sizes: Sizes;
  constructor(sizes: Sizes) {
    this.sizes = sizes;
  }
  address(pointer: Value): Value {
    return pointer;
  }
  length(): Value {
    throw new InternalError("frontend", "a host's memory has no length");
  }
}

class Host {
  readonly e: Emitter;
  readonly program: Program;
  readonly memory: ProcessMemory;
  readonly flattening: Flattening;
  readonly stringEncoding = "utf8";

  constructor(e: Emitter, program: Program) {
    this.e = e;
    this.program = program;
    this.memory = new ProcessMemory(program.adapters.hostSizes);
    this.flattening = program.adapters.hostFlattening;
  }

  /** The host's own resources are pointers; all others are handles. */
  isOwnResource(resource: ResourceIndex): boolean {
    return this.program.component.resources.get(resource).kind === "host";
  }
}

/** Reads something of each page of a range: what can't be read refuses the call. */
export function emitTouch(e: Emitter, address: Value, bytes: Value): void {
  const end = e.add(address, bytes);
  const at = e.variable(address);
  e.while(
    () => e.ult(e.get(at), end),
    () => {
      e.touch(e.get(at));
      e.set(at, e.offset(e.get(at), PAGE_SIZE));
    },
  );
  e.if(e.nez(bytes), () => e.touch(e.offset(end, -1)));
}

export class HostLift extends Host implements LiftContext<Value> {
  readonly abi: IrAbiEmitter;

  readonly #checksOnly: boolean;

  /** `abi` says what a wrong value does; with `checksOnly` handles stay where they are. */
  constructor(e: Emitter, program: Program, abi: IrAbiEmitter, checksOnly: boolean) {
    super(e, program);
    this.abi = abi;
    this.#checksOnly = checksOnly;
  }

  source(address: Value): MemorySource<Value, Variable> {
    return new MemorySource(this.abi, this.memory, address, 0);
  }

  openList(
    [address, length]: PointerPair<Value>,
    { size }: Extent,
  ): { readonly address: Value; readonly bytes: Value } {
    const { abi } = this;
    const most = Math.floor(MAX_LIST_BYTE_LENGTH / Math.max(1, size));
    abi.trapIf(abi.ugtImm(length, most), "list_too_long");
    this.#checkPresent(address, length);
    const bytes = abi.mulImm(length, size);
    if (this.#checksOnly) emitTouch(this.e, address, bytes);
    return { address, bytes };
  }

  openText(pointer: Value, units: Value): Value {
    this.abi.trapIf(this.abi.ugtImm(units, MAX_STRING_BYTE_LENGTH), "string_too_long");
    this.#checkPresent(pointer, units);
    return pointer;
  }

  /** Null is fine for nothing. */
  #checkPresent(address: Value, length: Value): void {
    const { abi, e } = this;
    e.if(e.eqz(address), () => abi.trapIf(e.nez(length), "invalid_pointer"));
  }

  /** The entry of a handle of the host's that must be one. */
  #entry(resource: ResourceIndex, handle: Value): Value {
    const { abi, e, program } = this;
    const args = [e.param(0), e.i32(resource), handle];
    const entry = e.call1(program.hostSupport("handle_find"), HOST_SUPPORT.handle_find, args);
    abi.trapIf(e.eqz(entry), "unknown_handle");
    return entry;
  }

  liftOwn(resource: ResourceIndex, handle: Value): Value {
    const { abi, e, program } = this;
    if (this.isOwnResource(resource)) return handle;
    const entry = this.#entry(resource, handle);
    abi.trapIf(e.load32(entry, HandleEntry.link), "handle_lent");
    const rep = e.zext(e.load32(entry, HandleEntry.rep));
    if (!this.#checksOnly) {
      emitHandleFree(e, e.offset(e.param(0), program.offsets.hostHandles), entry, e.wrap(handle));
    }
    return rep;
  }

  liftBorrow(resource: ResourceIndex, handle: Value): Value {
    const { e, program } = this;
    if (this.isOwnResource(resource)) return handle;
    const entry = this.#entry(resource, handle);
    if (!this.#checksOnly) emitLend(e, program.offsets.hostLenders, entry, e.wrap(handle));
    return e.zext(e.load32(entry, HandleEntry.rep));
  }
}

export class HostLower extends Host implements LowerContext<Value> {
  readonly abi: IrAbiEmitter;
  readonly arena: ArenaContext<Value>;

  constructor(e: Emitter, program: Program, { role }: HostEnd) {
    super(e, program);
    this.abi = new IrAbiEmitter(e, program);
    const views = role === "views";
    this.arena = {
      views,
      discards: false,
      allocate: (alignment, bytes) =>
        emitTake(e, alignment, bytes, (end) => (views ? this.#growArena(end) : this.#grow(alignment, bytes))),
      shrink: (end) => e.store(e.param(0), ContextField.hostCursor, end),
    };
  }

  #growArena(end: Value): undefined {
    const { e, program } = this;
    e.call(program.hostSupport("arena_grow"), HOST_SUPPORT.arena_grow, [e.param(0), end]);
  }

  #grow(alignment: number, bytes: Value): Value {
    const { e, program } = this;
    const args = [e.param(0), e.i64(alignment), bytes, e.i64(FIRST_BLOCK_BYTES)];
    return e.call1(program.hostSupport("block_grow"), HOST_SUPPORT.block_grow, args);
  }

  destination(address: Value): MemoryDestination<Value, Variable> {
    return new MemoryDestination(this.abi, this.memory, address, 0);
  }

  newList(alignment: number, bytes: Value): { readonly pointer: Value; readonly address: Value } {
    const pointer = this.arena.allocate(alignment, bytes);
    return { pointer, address: pointer };
  }

  newRecord(): { readonly pointer: Value; readonly address: Value } {
    throw new InternalError("frontend", "parameters of a host are no record");
  }

  realloc(): Value {
    throw new InternalError("frontend", "a host has no `realloc`");
  }

  lowerOwn(resource: ResourceIndex, representation: Value): Value {
    const { e, program } = this;
    if (this.isOwnResource(resource)) return representation;
    const args = [e.param(0), e.i32(handleTag(HANDLE_OWN, resource)), representation];
    return e.call1(program.hostSupport("handle_give"), HOST_SUPPORT.handle_give, args);
  }

  /**
   * A handle that no function accepts: a host can do nothing with what it borrows, because it may not come back into the component before it
   * returns, and then the handle is dead. It is different each time.
   */
  lowerBorrow(resource: ResourceIndex, representation: Value): Value {
    if (this.isOwnResource(resource)) return representation;
    return emitFreshHandle(this.e, this.program);
  }
}

/** Arguments that are looked at and go nowhere. */
export class CheckLower extends Host implements LowerContext<Value> {
  readonly arena: ArenaContext<Value>;

  constructor(e: Emitter, program: Program) {
    super(e, program);
    this.arena = { views: true, discards: true, allocate: () => e.i64(0), shrink: () => {} };
  }

  destination(): NoDestination<Value> {
    return new NoDestination();
  }
  newList(): { readonly pointer: Value; readonly address: Value } {
    const nowhere = this.e.i64(0);
    return { pointer: nowhere, address: nowhere };
  }
  newRecord(): { readonly pointer: Value; readonly address: Value } {
    return this.newList();
  }
  realloc(): Value {
    throw new InternalError("frontend", "a check needs no memory");
  }
  lowerOwn(): Value {
    return this.e.i64(0);
  }
  lowerBorrow(): Value {
    return this.e.i64(0);
  }
}
