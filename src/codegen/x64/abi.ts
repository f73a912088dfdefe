/**
 * The calling conventions of x64: where arguments and results are.
 *
 * Both give the first six integers rdi, rsi, rdx, rcx, r8, r9 and the first eight floats and vectors xmm0 to xmm7; the others go over the
 * stack, 8 bytes each (16, aligned, for v128), the first at the lowest address. They differ in who pops those (wasm: the callee; c: the caller)
 * and in results: c has at most one, in rax or xmm0 (System V AMD64 3.2.3); wasm has two integers in rax, rdx, two floats or vectors in
 * xmm0, xmm1, and all others in the context's result area.
 */

// hot loop: indices are in range by construction

import { InternalError } from "../../base/diagnostics.ts";
import type { Signature, Type } from "../../ir/types.ts";
import { isFloatOrVector, V128 } from "../../ir/types.ts";
import { RESULT_AREA, RESULT_SLOT_SIZE } from "../../layout/offsets.ts";
import {
  FLOAT_ARGUMENT_REGISTERS,
  FLOAT_RESULT_REGISTERS,
  INT_ARGUMENT_REGISTERS,
  INT_RESULT_REGISTERS,
} from "./registers.ts";

/** A place: a physical register if below this, else this plus a byte offset (stack arguments, result area of the context). */
export const FIRST_BYTE = 1 << 8;

export interface SignatureLayout {
  /** Place of each parameter: register, or FIRST_BYTE + offset in the stack arguments. */
  readonly params: Int32Array;
  /** Bytes of stack arguments, a multiple of 16. */
  readonly stackBytes: number;
  /** Bytes that the callee pops. */
  readonly popped: number;
  /** Place of each result: register, or FIRST_BYTE + offset from the context. */
  readonly results: Int32Array;
}

function layOutParams(types: readonly Type[]): { places: Int32Array; stackBytes: number } {
  const places = new Int32Array(types.length);
  let ints = 0;
  let floats = 0;
  let stack = 0;
  for (let i = 0; i < types.length; i++) {
    const type = types[i]!;
    const register = isFloatOrVector(type) ? FLOAT_ARGUMENT_REGISTERS[floats++] : INT_ARGUMENT_REGISTERS[ints++];
    if (register !== undefined) {
      places[i] = register;
      continue;
    }
    if (type === V128) stack = (stack + 15) & -16;
    places[i] = FIRST_BYTE + stack;
    stack += type === V128 ? 16 : 8;
  }
  return { places, stackBytes: (stack + 15) & -16 };
}

function layOutResults(signature: Signature): Int32Array {
  const types = signature.results;
  if (signature.convention === "c" && types.length > 1) {
    throw new InternalError("x64 abi", `the C convention has one result, not ${types.length}`);
  }
  const places = new Int32Array(types.length);
  let ints = 0;
  let floats = 0;
  let slots = 0;
  for (let i = 0; i < types.length; i++) {
    const register = isFloatOrVector(types[i]!) ? FLOAT_RESULT_REGISTERS[floats++] : INT_RESULT_REGISTERS[ints++];
    places[i] = register ?? FIRST_BYTE + RESULT_AREA + RESULT_SLOT_SIZE * slots++;
  }
  return places;
}

/** Where the parameters and results of `signature` are. Throws `InternalError` for a C signature with several results. */
export function layOutSignature(signature: Signature): SignatureLayout {
  const { places, stackBytes } = layOutParams(signature.params);
  return {
    params: places,
    stackBytes,
    popped: signature.convention === "wasm" ? stackBytes : 0,
    results: layOutResults(signature),
  };
}

/** Layouts by signature object: a function names the same few signatures again and again. */
export class SignatureLayouts {
  readonly #known = new WeakMap<Signature, SignatureLayout>();

  of(signature: Signature): SignatureLayout {
    let layout = this.#known.get(signature);
    if (layout === undefined) {
      layout = layOutSignature(signature);
      this.#known.set(signature, layout);
    }
    return layout;
  }
}

/** What the frame must know of the calls in a function's body. */
export class CallNeeds {
  readonly layouts: SignatureLayouts;
  /** Bytes at the bottom of the frame for stack arguments. */
  outgoingBytes = 0;
  /** The largest area of stack arguments of a tail call, or -1 if there is no tail call. */
  tailBytes = -1;
  /** The body calls something that comes back. */
  calls = false;

  constructor(layouts: SignatureLayouts) {
    this.layouts = layouts;
  }
}
