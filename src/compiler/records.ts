/**
 * Compiled functions as bytes: how they travel between threads, and how a cache keeps them. One array instead of a dozen for each function,
 * and functions that are read back are views of it.
 *
 * A record is a header of counts, the columns of words, then the columns of bytes, and zeros up to a multiple of 4.
 */
// hot loop: indices are in range by construction

import type { CompiledFunction } from "../codegen/compiled.ts";

const HEADER_WORDS = 10;

function wordsOf(c: CompiledFunction): number {
  return (
    HEADER_WORDS +
    3 * c.relocOffset.length +
    2 * c.trapOffset.length +
    2 * c.callOffset.length +
    c.catchOffset.length +
    3 * c.unwindOffset.length +
    3 * c.inlinedFunction.length
  );
}

/** Bytes of a function's record: a multiple of 4. */
export function recordSize(c: CompiledFunction): number {
  const bytes = c.relocKind.length + c.trapCode.length + c.unwindOp.length + c.code.length;
  return 4 * wordsOf(c) + ((bytes + 3) & ~3);
}

/** Writes the record of `c` at `at`, a multiple of 4, of zeros; returns where it ends. */
export function writeRecord(buffer: ArrayBuffer, at: number, c: CompiledFunction): number {
  const words = new Int32Array(buffer);
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
  for (const column of [
    c.relocOffset,
    c.relocSymbol,
    c.relocAddend,
    c.trapOffset,
    c.trapLoc,
    c.callOffset,
    c.callLoc,
    c.catchOffset,
    c.unwindOffset,
    c.unwindA,
    c.unwindB,
    c.inlinedFunction,
    c.inlinedLoc,
    c.inlinedCall,
  ]) {
    for (let i = 0; i < column.length; i++) words[w + i] = column[i]!;
    w += column.length;
  }
  const bytes = new Uint8Array(buffer);
  let b = 4 * w;
  for (const column of [c.relocKind, c.trapCode, c.unwindOp, c.code]) {
    bytes.set(column, b);
    b += column.length;
  }
  return (b + 3) & ~3;
}

/** The function whose record begins at `at`: views of `buffer`. */
export function readRecord(buffer: ArrayBufferLike, at: number): CompiledFunction {
  const header = new Int32Array(buffer, at, HEADER_WORDS);
  const [relocs, traps, calls, catches, rows, inlined, codeBytes] = header;
  let next = at + 4 * HEADER_WORDS;
  const words = (count = 0): Uint32Array => {
    const column = new Uint32Array(buffer, next, count);
    next += 4 * count;
    return column;
  };
  const ints = (count = 0): Int32Array => {
    const column = new Int32Array(buffer, next, count);
    next += 4 * count;
    return column;
  };
  const bytes = (count = 0): Uint8Array => {
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
  let at = 0;
  for (const c of functions) at = writeRecord(buffer, at, c);
  return buffer;
}

export function readRecords(buffer: ArrayBufferLike): CompiledFunction[] {
  const functions: CompiledFunction[] = [];
  for (let at = 0; at < buffer.byteLength; ) {
    const c = readRecord(buffer, at);
    functions.push(c);
    at += recordSize(c);
  }
  return functions;
}
