/** A host as one end of a transfer (`abi/context.ts`): its memory is the process's, its values are C's. */

import { MAX_LIST_BYTE_LENGTH, MAX_STRING_BYTE_LENGTH } from "../abi/checks.ts";
import type { ArenaContext, LiftContext, LowerContext, MemoryContext } from "../abi/context.ts";
import type { Flattening } from "../abi/flatten.ts";
import type { Extent, Sizes } from "../abi/sizes.ts";
import { MemoryDestination, MemorySource, type PointerPair } from "../abi/values.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { ResourceIndex } from "../component/types.ts";
import type { Value } from "../ir/function.ts";
import { HostStatus, REFUSED_VALUES } from "../layout/host.ts";
import { ContextField } from "../layout/offsets.ts";
import { Trap, type TrapName } from "../layout/traps.ts";
import type { HostEnd } from "./adapters.ts";
import { IrAbiEmitter } from "./adapters-emitter.ts";
import { emitTake, FIRST_BLOCK_BYTES, HOST_SUPPORT } from "./host-memory.ts";
import type { Program } from "./program.ts";
import type { Emitter, Variable } from "./structured.ts";

/** Emits checks whose failure refuses the host's call, from inside its entry. */
export function refusingEmitter(e: Emitter, program: Program): IrAbiEmitter {
  return new IrAbiEmitter(e, (name: TrapName) => {
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

export class HostLift extends Host implements LiftContext<Value> {
  readonly abi: IrAbiEmitter;

  /** `abi` says what a wrong value does. */
  constructor(e: Emitter, program: Program, abi: IrAbiEmitter) {
    super(e, program);
    this.abi = abi;
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
    return { address, bytes: abi.mulImm(length, size) };
  }

  openText(pointer: Value, units: Value): Value {
    this.abi.trapIf(this.abi.ugtImm(units, MAX_STRING_BYTE_LENGTH), "string_too_long");
    this.#checkPresent(pointer, units);
    return pointer;
  }

  /** Null is fine for nothing. */
  #checkPresent(address: Value, length: Value): void {
    const { abi, e } = this;
    abi.trapIf(e.and(e.eqz(address), e.nez(length)), "invalid_pointer");
  }

  liftOwn(resource: ResourceIndex, handle: Value): Value {
    if (this.isOwnResource(resource)) return handle;
    throw new InternalError("frontend", "handles of a host's");
  }

  liftBorrow(resource: ResourceIndex, handle: Value): Value {
    if (this.isOwnResource(resource)) return handle;
    throw new InternalError("frontend", "handles of a host's");
  }
}

export class HostLower extends Host implements LowerContext<Value> {
  readonly abi: IrAbiEmitter;
  readonly arena: ArenaContext<Value>;

  constructor(e: Emitter, program: Program, { role }: HostEnd) {
    super(e, program);
    this.abi = new IrAbiEmitter(e);
    const views = role === "views";
    this.arena = {
      views,
      allocate: (alignment, bytes) =>
        emitTake(e, alignment, bytes, () => (views ? this.#full() : this.#grow(alignment, bytes))),
      shrink: (end) => e.store(e.param(0), ContextField.hostCursor, end),
    };
  }

  #full(): undefined {
    this.e.trap(Trap.host_memory_exhausted);
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
    if (this.isOwnResource(resource)) return representation;
    throw new InternalError("frontend", "handles of a host's");
  }

  lowerBorrow(resource: ResourceIndex, representation: Value): Value {
    if (this.isOwnResource(resource)) return representation;
    throw new InternalError("frontend", "handles of a host's");
  }
}
