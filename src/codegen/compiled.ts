/** What the code generator hands on for one function: plain columns, so that a worker can transfer them. */

/** Kinds of `relocKind`. All are 32-bit and relative to the end of the field (pc-relative, addend -4 included). */
export const RelocKind = {
  /** rel32 of a call or jump to a FuncSymbol. */
  call: 0,
  /** pc-relative address of a FuncSymbol. */
  func: 1,
  /** pc-relative address of a DataSymbol plus addend. */
  data: 2,
  /** pc-relative address of the text base. */
  textBase: 3,
} as const;

/** Kinds of `unwindOp`; the row holds from `unwindOffset` (an instruction boundary) on. */
export const UnwindOp = {
  /** CFA = register (DWARF number in `unwindA`) + `unwindB`. */
  defCfa: 0,
  /** Register `unwindA` is saved at CFA + `unwindB`. */
  saved: 1,
  /** Register `unwindA` has its caller's value again. */
  restored: 2,
  remember: 3,
  restore: 4,
} as const;

/** Set in locations of inlined code. No wasm file has 2 GiB. */
export const LOC_INLINED = 0x8000_0000;

/** Places in inlined code: the function that it is of, the location in it, and the location of the call that it replaces. */
export interface InlinedPlaces {
  readonly inlinedFunction: Uint32Array;
  readonly inlinedLoc: Uint32Array;
  readonly inlinedCall: Uint32Array;
}

const NO_PLACES = new Uint32Array();
export const NOTHING_INLINED: InlinedPlaces = {
  inlinedFunction: NO_PLACES,
  inlinedLoc: NO_PLACES,
  inlinedCall: NO_PLACES,
};

/** Locations are byte offsets in the wasm file, 0 where there is none, or with `LOC_INLINED` the complement of a row of `InlinedPlaces`. */
export interface CompiledFunction extends InlinedPlaces {
  /** Instructions in `code[0, codeLength)`; behind them jump tables and constants, which instructions reach relative to rip. */
  readonly code: Uint8Array;
  readonly codeLength: number;
  /** Power of two. */
  readonly align: number;
  readonly frameSize: number;

  readonly relocOffset: Uint32Array;
  readonly relocKind: Uint8Array;
  readonly relocSymbol: Uint32Array;
  /** As ELF's r_addend: the field gets S + A - P. The -4 to the end of the field (less, if an immediate follows it) is included. */
  readonly relocAddend: Int32Array;

  /** Ascending code offsets. A trap by call: the return address; by fault: the faulting instruction. */
  readonly trapOffset: Uint32Array;
  readonly trapCode: Uint8Array;
  readonly trapLoc: Uint32Array;

  /** Return addresses of calls, ascending, and their locations: for backtraces. */
  readonly callOffset: Uint32Array;
  readonly callLoc: Uint32Array;

  /** Return addresses of the calls that an exception or a trap can come back to (`call_catch`), ascending. */
  readonly catchOffset: Uint32Array;

  /** Rows after the CIE's initial state (CFA = rsp + 8, return address at CFA - 8), ascending. */
  readonly unwindOffset: Uint32Array;
  readonly unwindOp: Uint8Array;
  readonly unwindA: Int32Array;
  readonly unwindB: Int32Array;
}
