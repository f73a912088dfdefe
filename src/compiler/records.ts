/**
 * Compiled functions as bytes: how they are kept until they are linked, travel between threads, and stay in a cache. A dozen arrays for each
 * function would be ten times as much memory as what is in them; functions that are read back are views of a few large buffers.
 *
 * A record is a header of counts, the columns of words, then the columns of bytes, and zeros up to a multiple of 4.
 */
// hot loop: indices are in range by construction

import type { CompiledFunction } from "../codegen/compiled.ts";
import type { FuncSymbol } from "../ir/function.ts";

const HEADER_WORDS = 10;

const NO_WORDS = new Uint32Array();
const NO_INTS = new Int32Array();
const NO_BYTES = new Uint8Array();

/** Bytes of a record with so many rows of each kind and bytes of code: a multiple of 4. */
function sizeOf(
  relocs: number,
  traps: number,
  calls: number,
  catches: number,
  unwindRows: number,
  inlined: number,
  code: number,
): number {
  const words = HEADER_WORDS + 3 * relocs + 2 * traps + 2 * calls + catches + 3 * unwindRows + 3 * inlined;
  return 4 * words + ((relocs + traps + unwindRows + code + 3) & ~3);
}

/** Bytes of a function's record. */
export function recordSize(c: CompiledFunction): number {
  return sizeOf(
    c.relocOffset.length,
    c.trapOffset.length,
    c.callOffset.length,
    c.catchOffset.length,
    c.unwindOffset.length,
    c.inlinedFunction.length,
    c.code.length,
  );
}

/** The same of a record that was written at word `w` of `words`. */
function writtenSize(words: Uint32Array, w: number): number {
  return sizeOf(words[w]!, words[w + 1]!, words[w + 2]!, words[w + 3]!, words[w + 4]!, words[w + 5]!, words[w + 6]!);
}

/** Memory of records, as words and as bytes. */
export class RecordMemory {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;

  /** The length of `buffer` is a multiple of 4. */
  constructor(buffer: ArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }
}

/** Writes the record of `c` at `at`, a multiple of 4, of zeros; returns where it ends. */
export function writeRecord({ words, bytes }: RecordMemory, at: number, c: CompiledFunction): number {
  let w = at >> 2;
  words[w++] = c.relocOffset.length;
  words[w++] = c.trapOffset.length;
  words[w++] = c.callOffset.length;
  words[w++] = c.catchOffset.length;
  words[w++] = c.unwindOffset.length;
  words[w++] = c.inlinedFunction.length;
  words[w++] = c.code.length;
  words[w++] = c.codeLength;
  words[w++] = c.align;
  words[w++] = c.frameSize;
  w = writeWords(words, w, c.relocOffset);
  w = writeWords(words, w, c.relocSymbol);
  w = writeWords(words, w, c.relocAddend);
  w = writeWords(words, w, c.trapOffset);
  w = writeWords(words, w, c.trapLoc);
  w = writeWords(words, w, c.callOffset);
  w = writeWords(words, w, c.callLoc);
  w = writeWords(words, w, c.catchOffset);
  w = writeWords(words, w, c.unwindOffset);
  w = writeWords(words, w, c.unwindA);
  w = writeWords(words, w, c.unwindB);
  w = writeWords(words, w, c.inlinedFunction);
  w = writeWords(words, w, c.inlinedLoc);
  w = writeWords(words, w, c.inlinedCall);
  let b = 4 * w;
  b = writeBytes(bytes, b, c.relocKind);
  b = writeBytes(bytes, b, c.trapCode);
  b = writeBytes(bytes, b, c.unwindOp);
  b = writeBytes(bytes, b, c.code);
  return (b + 3) & ~3;
}

function writeWords(words: Int32Array, at: number, column: Uint32Array | Int32Array): number {
  for (let i = 0; i < column.length; i++) words[at + i] = column[i]!;
  return at + column.length;
}

function writeBytes(bytes: Uint8Array, at: number, column: Uint8Array): number {
  if (column.length > 0) bytes.set(column, at);
  return at + column.length;
}

/** The function whose record begins at `at`: views of `buffer`. */
export function readRecord(buffer: ArrayBufferLike, at: number): CompiledFunction {
  const header = new Int32Array(buffer, at, HEADER_WORDS);
  const [relocs, traps, calls, catches, rows, inlined, codeBytes] = header;
  let next = at + 4 * HEADER_WORDS;
  const words = (count = 0): Uint32Array => {
    if (count === 0) return NO_WORDS;
    const column = new Uint32Array(buffer, next, count);
    next += 4 * count;
    return column;
  };
  const ints = (count = 0): Int32Array => {
    if (count === 0) return NO_INTS;
    const column = new Int32Array(buffer, next, count);
    next += 4 * count;
    return column;
  };
  const bytes = (count = 0): Uint8Array => {
    if (count === 0) return NO_BYTES;
    const column = new Uint8Array(buffer, next, count);
    next += count;
    return column;
  };
  // In the order of `writeRecord`.
  return {
    relocOffset: words(relocs),
    relocSymbol: words(relocs),
    relocAddend: ints(relocs),
    trapOffset: words(traps),
    trapLoc: words(traps),
    callOffset: words(calls),
    callLoc: words(calls),
    catchOffset: words(catches),
    unwindOffset: words(rows),
    unwindA: ints(rows),
    unwindB: ints(rows),
    inlinedFunction: words(inlined),
    inlinedLoc: words(inlined),
    inlinedCall: words(inlined),
    relocKind: bytes(relocs),
    trapCode: bytes(traps),
    unwindOp: bytes(rows),
    code: bytes(codeBytes),
    codeLength: header[7]!,
    align: header[8]!,
    frameSize: header[9]!,
  };
}

/** The records of some functions, one behind the other. */
export function writeRecords(functions: readonly CompiledFunction[]): ArrayBuffer {
  let size = 0;
  for (const c of functions) size += recordSize(c);
  const buffer = new ArrayBuffer(size);
  const memory = new RecordMemory(buffer);
  let at = 0;
  for (const c of functions) at = writeRecord(memory, at, c);
  return buffer;
}

/** Compiled functions by symbol. */
export interface CompiledFunctions {
  /** Undefined for one that is not there. Made at each call: not to be kept for many functions. */
  get(symbol: FuncSymbol): CompiledFunction | undefined;
}

/** Bytes of the buffers that functions are copied into. */
const CHUNK = 1 << 18;
const ABSENT = 0xffff_ffff;

/** The functions of a program, in records, each put once. */
export class CodeStore implements CompiledFunctions {
  readonly #buffers: ArrayBuffer[] = [];
  /** Of each function: the number of its buffer, or `ABSENT`, and where its record begins. */
  readonly #buffer: Uint32Array;
  readonly #at: Uint32Array;
  /** What functions are copied into, which of the buffers that is, and where its free part begins. */
  #chunk: RecordMemory | undefined;
  #chunkNumber = ABSENT;
  #free = 0;

  /** For `count` functions. */
  constructor(count: number) {
    this.#buffer = new Uint32Array(count).fill(ABSENT);
    this.#at = new Uint32Array(count);
  }

  get(symbol: FuncSymbol): CompiledFunction | undefined {
    const buffer = this.#buffers[this.#buffer[symbol]!];
    return buffer && readRecord(buffer, this.#at[symbol]!);
  }

  /** Keeps a copy. */
  put(symbol: FuncSymbol, c: CompiledFunction): void {
    const size = recordSize(c);
    if (this.#chunk === undefined || this.#free + size > this.#chunk.bytes.length) {
      const buffer = new ArrayBuffer(Math.max(CHUNK, size));
      this.#chunk = new RecordMemory(buffer);
      this.#chunkNumber = this.#buffers.push(buffer) - 1;
      this.#free = 0;
    }
    this.#buffer[symbol] = this.#chunkNumber;
    this.#at[symbol] = this.#free;
    this.#free = writeRecord(this.#chunk, this.#free, c);
  }

  /** Keeps what `writeRecords` made of consecutive functions, `first` and those behind it; returns their number. */
  putRecords(first: number, records: ArrayBuffer): number {
    const buffer = this.#buffers.push(records) - 1;
    const words = new Uint32Array(records);
    let symbol = first;
    for (let at = 0; at < records.byteLength; at += writtenSize(words, at >> 2)) {
      this.#buffer[symbol] = buffer;
      this.#at[symbol] = at;
      symbol++;
    }
    return symbol - first;
  }
}
