/**
 * What the host asks for when it makes an instance: its options, read once, and the region's address space, from the kernel or through the
 * host's hooks. An options structure says its own size: a member that it does not have is 0, and what is behind the members that this
 * object knows must be 0.
 */

import type { Value } from "../ir/function.ts";
import { I64 } from "../ir/types.ts";
import { HostStatus, OptionsField } from "../layout/host.ts";
import { DEFAULT_STACK_BUDGET, PAGE_SIZE } from "../layout/offsets.ts";
import { ANY_RANDOM, MAP_RESERVE, PROT_NONE, Sys } from "./linux.ts";
import { cSignature } from "./signatures.ts";
import type { Emitter } from "./structured.ts";

/** (hook data, size) → address or 0. */
const MAP_HOOK = cSignature([I64, I64], I64);
/** (hook data, address, size). */
const UNMAP_HOOK = cSignature([I64, I64, I64]);

/** A limit that is none: no sum of sizes reaches it. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** Larger is no version of the structure: somebody forgot to say its size. */
const LARGEST = 4096;

/** Bytes of address space that regions are spread over: tools that watch memory allow this much below the stack. */
const PLACE_RANGE = 2 ** 39;
/** Places that are tried after the first one. */
const PLACES = 7;

export interface Options {
  readonly stackBudget: Value;
  readonly user: Value;
  /** `NO_LIMIT` where the host gave none. */
  readonly memoryLimit: Value;
  readonly tableLimit: Value;
  readonly map: Value;
  readonly unmap: Value;
  readonly allocate: Value;
  readonly release: Value;
  readonly hookData: Value;
}

/** `options` is an address or 0. Returns `invalid_argument` from the function for a structure that it does not understand. */
export function emitReadOptions(e: Emitter, options: Value): Options {
  const { firstSize, byteSize } = OptionsField;
  const variables = new Map<number, ReturnType<Emitter["variable"]>>();
  for (let at: number = OptionsField.stackBudget; at < byteSize; at += 8) variables.set(at, e.variable(e.i64(0)));
  const read = (at: number): void => {
    const variable = variables.get(at);
    if (variable !== undefined) e.set(variable, e.load64(options, at));
  };
  e.if(e.nez(options), () => {
    const size = e.load64(options, OptionsField.size);
    const refuse = (): void => e.return(e.i32(HostStatus.invalid_argument));
    e.if(e.ult(size, e.i64(firstSize)), refuse);
    e.if(e.ugt(size, e.i64(LARGEST)), refuse);
    for (let at: number = OptionsField.stackBudget; at < firstSize; at += 8) read(at);
    for (let at: number = firstSize; at < byteSize; at += 8) e.if(e.uge(size, e.i64(at + 8)), () => read(at));
    const rest = e.variable(e.i64(byteSize));
    e.while(
      () => e.ult(e.get(rest), size),
      () => {
        e.if(e.load8(e.add(options, e.get(rest)), 0), refuse);
        e.set(rest, e.offset(e.get(rest), 1));
      },
    );
  });
  const get = (at: number): Value => {
    const variable = variables.get(at);
    if (variable === undefined) throw new RangeError(`no option at ${at}`);
    return e.get(variable);
  };
  const orElse = (value: Value, otherwise: number): Value => e.select(e.eqz(value), e.i64(otherwise), value);
  return {
    stackBudget: orElse(get(OptionsField.stackBudget), DEFAULT_STACK_BUDGET),
    user: get(OptionsField.user),
    memoryLimit: orElse(get(OptionsField.memoryLimit), NO_LIMIT),
    tableLimit: orElse(get(OptionsField.tableLimit), NO_LIMIT),
    map: get(OptionsField.map),
    unmap: get(OptionsField.unmap),
    allocate: get(OptionsField.allocate),
    release: get(OptionsField.release),
    hookData: get(OptionsField.hookData),
  };
}

/** Hooks come in pairs: what one gives, the other takes back. Returns `invalid_argument` for one alone. */
export function emitCheckHooks(e: Emitter, options: Options): void {
  for (const [give, take] of [
    [options.map, options.unmap],
    [options.allocate, options.release],
  ] as const) {
    e.if(e.ne(e.eqz(give), e.eqz(take)), () => e.return(e.i32(HostStatus.invalid_argument)));
  }
}

/** Gives a region's address space back. */
export function emitGiveBack(e: Emitter, region: Value, size: Value, unmap: Value, hookData: Value): void {
  e.if(
    e.nez(unmap),
    () => void e.callIndirect(unmap, UNMAP_HOOK, [hookData, region, size]),
    () => void e.syscall(Sys.munmap, region, size),
  );
}

/**
 * Where to ask for a region: any page of a large range below the stack. So the place of a deleted instance hardly ever is that of another one, and
 * what still calls it is noticed; and a guest can't guess where it is. The kernel chooses where several such places are taken, or the stack is low.
 */
function emitPlace(e: Emitter): Value {
  const random = e.slotAddress(e.slot(8));
  e.store(random, 0, e.i64(0));
  e.syscall(Sys.getrandom, random, e.i64(8), e.i64(ANY_RANDOM));
  const stack = e.stackPointer();
  const below = e.sub(stack, e.offset(e.andImm(e.load64(random, 0), PLACE_RANGE - 1), PAGE_SIZE));
  return e.select(e.ult(stack, e.i64(2 * PLACE_RANGE)), e.i64(0), e.andImm(below, -PAGE_SIZE));
}

/** Address space for a region, nothing of it accessible. `refuse` leaves the function where there is none. */
export function emitReserve(e: Emitter, options: Options, size: Value, refuse: () => void): Value {
  const region = e.variable(e.i64(0));
  e.if(
    e.nez(options.map),
    () => {
      const given = e.callIndirect1(options.map, MAP_HOOK, [options.hookData, size]);
      e.if(e.eqz(given), refuse);
      e.if(e.andImm(e.wrap(given), PAGE_SIZE - 1), () => {
        e.callIndirect(options.unmap, UNMAP_HOOK, [options.hookData, given, size]);
        e.return(e.i32(HostStatus.invalid_argument));
      });
      e.set(region, given);
    },
    () => {
      const more = e.variable(e.i32(PLACES));
      e.loop((loop) => {
        const wanted = emitPlace(e);
        const mapped = e.syscall(Sys.mmap, wanted, size, e.i64(PROT_NONE), e.i64(MAP_RESERVE), e.i64(-1), e.i64(0));
        e.if(e.failed(mapped), refuse);
        e.set(region, mapped);
        e.breakIf(loop, e.or(e.or(e.eq(mapped, wanted), e.eqz(wanted)), e.eqz(e.get(more))));
        e.set(more, e.offset(e.get(more), -1));
        e.syscall(Sys.munmap, mapped, size);
      });
    },
  );
  return e.get(region);
}
