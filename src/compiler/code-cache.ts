/**
 * The cache of machine code, for building something again after a part of it changed.
 *
 * Why by the IR: code generation receives a function's IR, the level of optimization, and nothing else, so a hash of these can't leave out a
 * dependency: bodies that were inlined, types, what is constant because of other functions, all of it is in the IR. The front end runs
 * every time.
 *
 * Places in the wasm file are the exception that must not count: they move when a function in front changes its length. They are counted
 * from the beginning of their function's body, in keys and in what is kept.
 *
 * A pack holds the code of one build: all of it, so that what is no longer used is gone after the next one. A damaged pack, or one of another
 * format, is an empty one.
 */
// hot loop: indices are in range by construction

import type { I32Column, U8Column } from "../base/columns.ts";
import { type CompiledFunction, LOC_INLINED } from "../codegen/compiled.ts";
import type { Program } from "../frontend/program.ts";
import type { Func, FuncSymbol } from "../ir/function.ts";
import { entity } from "../base/entity.ts";
import { type CompiledFunctions, readRecord, RecordMemory, recordSize, writeRecord } from "./records.ts";
import { wasmBody } from "./wasm-body.ts";

/** A hash that nobody finds a collision of, as `DIGEST` hexadecimal digits. */
export type Hash = (bytes: Uint8Array) => string;

/** Digits of a key. */
const DIGEST = 64;
/** `WLCC`, and the number of the format. */
const MAGIC = 0x43434c57;
const FORMAT = 1;
const HEADER_BYTES = 16;

/** Bytes of a pack's entry in the index: its key, where its record is. */
const ENTRY_BYTES = DIGEST + 4;

const TEXT = new TextEncoder();

/** What is hashed, under construction; the next one is written over it. */
class KeyBytes {
  #words = new Int32Array(1 << 14);
  #length = 0;

  begin(): void {
    this.#length = 0;
  }

  #reserve(words: number): number {
    const at = this.#length;
    this.#length += words;
    if (this.#length > this.#words.length) {
      const bigger = new Int32Array(2 * this.#length);
      bigger.set(this.#words);
      this.#words = bigger;
    }
    return at;
  }

  word(value: number): void {
    const at = this.#reserve(1);
    this.#words[at] = value;
  }
  words({ data, length }: I32Column): void {
    const at = this.#reserve(1 + length);
    this.#words[at] = length;
    this.#words.set(data.subarray(0, length), at + 1);
  }
  list(list: readonly number[]): void {
    const at = this.#reserve(1 + list.length);
    this.#words[at] = list.length;
    for (let i = 0; i < list.length; i++) this.#words[at + 1 + i] = list[i]!;
  }
  bytes(bytes: Uint8Array): void {
    const length = (bytes.length + 3) >> 2;
    const at = this.#reserve(1 + length);
    this.#words[at] = bytes.length;
    if (length > 0) this.#words[at + length] = 0;
    new Uint8Array(this.#words.buffer).set(bytes, 4 * (at + 1));
  }
  column({ data, length }: U8Column): void {
    this.bytes(data.subarray(0, length));
  }

  view(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, 4 * this.#length);
  }
}

/** The columns of `Func` that count as they are. A test knows all properties of a function: each is here or below. */
const BYTE_COLUMNS = ["op", "type", "valueType"] as const;
const WORD_COLUMNS = [
  "a",
  "b",
  "c",
  "lo",
  "hi",
  "firstResult",
  "resultCount",
  "next",
  "prev",
  "instBlock",
  "valueDef",
  "valueAlias",
  "firstInst",
  "lastInst",
  "callBlock",
  "callArgsStart",
  "callArgsLength",
  "pool",
  "inlinedFunction",
] as const;

/** A location, moved; those in inlined code, and none, stay. */
function move(loc: number, by: number): number {
  return loc === 0 || loc >>> 0 >= LOC_INLINED ? loc : loc + by;
}

export class CodeCache {
  readonly #program: Program;
  readonly #hash: Hash;
  readonly #seed: Uint8Array;
  readonly #bytes = new KeyBytes();
  readonly #pack: ArrayBufferLike;
  /** Where the records are. */
  readonly #records = new Map<string, number>();

  /** `seed`: what code depends on besides the IR. `pack`: what `writePack` gave, or anything. */
  constructor(program: Program, seed: string, hash: Hash, pack: Uint8Array | undefined) {
    this.#program = program;
    this.#hash = hash;
    this.#seed = TEXT.encode(seed);
    // Records are multiples of 4 from the pack's beginning.
    this.#pack =
      pack === undefined ? new ArrayBuffer(0) : pack.byteOffset % 4 === 0 ? pack.buffer : pack.slice().buffer;
    if (pack !== undefined)
      this.#readIndex(new Uint8Array(this.#pack, pack.byteOffset % 4 === 0 ? pack.byteOffset : 0, pack.length));
  }

  #readIndex(pack: Uint8Array): void {
    const body = pack.length - DIGEST;
    if (body < HEADER_BYTES) return;
    const header = new DataView(pack.buffer, pack.byteOffset, HEADER_BYTES);
    const count = header.getUint32(8, true);
    if (header.getUint32(0, true) !== MAGIC || header.getUint32(4, true) !== FORMAT) return;
    if (ascii(pack.subarray(body)) !== this.#hash(pack.subarray(0, body))) return;
    for (let i = 0; i < count; i++) {
      const at = HEADER_BYTES + ENTRY_BYTES * i;
      const place = new DataView(pack.buffer, pack.byteOffset + at + DIGEST, 4).getUint32(0, true);
      this.#records.set(ascii(pack.subarray(at, at + DIGEST)), pack.byteOffset + place);
    }
  }

  /** Offset in the file where the body of a wasm function begins; 0 for others. */
  #start(symbol: number): number {
    return wasmBody(this.#program, entity<FuncSymbol>(symbol))?.start ?? 0;
  }

  /** Of `func` as code generation will receive it. */
  key(func: Func, symbol: FuncSymbol): string {
    const w = this.#bytes;
    const start = this.#start(symbol);
    w.begin();
    w.bytes(this.#seed);
    for (const name of BYTE_COLUMNS) w.column(func[name]);
    for (const name of WORD_COLUMNS) w.words(func[name]);
    for (let i = 0; i < func.loc.length; i++) w.word(move(func.loc.get(i), -start));
    for (let i = 0; i < func.inlinedFunction.length; i++) {
      w.word(move(func.inlinedLoc.get(i), -this.#start(func.inlinedFunction.get(i))));
      w.word(move(func.inlinedCall.get(i), -start));
    }
    w.word(func.blockParams.length);
    for (const params of func.blockParams) w.list(params);
    w.list(func.layout);
    w.word(func.vectors.length);
    for (const vector of func.vectors) w.bytes(vector);
    const { signature, attributes } = func;
    const tables = [func.functions.values(), func.signatures.values(), func.slots.values()];
    w.bytes(TEXT.encode(JSON.stringify([signature, attributes, tables])));
    return this.#hash(w.view());
  }

  /** The code of a function with this key, if there is any; its locations are those of `symbol`. */
  find(key: string, symbol: FuncSymbol): CompiledFunction | undefined {
    const at = this.#records.get(key);
    return at === undefined ? undefined : this.#moved(readRecord(this.#pack, at), symbol, 1);
  }

  /** Locations to (-1) or from (1) distances from the beginnings of bodies. */
  #moved(c: CompiledFunction, symbol: FuncSymbol, sign: 1 | -1): CompiledFunction {
    const start = sign * this.#start(symbol);
    return {
      ...c,
      trapLoc: c.trapLoc.map((loc) => move(loc, start)),
      callLoc: c.callLoc.map((loc) => move(loc, start)),
      inlinedLoc: c.inlinedLoc.map((loc, row) => move(loc, sign * this.#start(c.inlinedFunction[row]!))),
      inlinedCall: c.inlinedCall.map((loc) => move(loc, start)),
    };
  }

  /** Whether `keys` are what this cache's pack holds. */
  holds(keys: readonly (string | undefined)[]): boolean {
    const distinct = new Set(keys);
    distinct.delete(undefined);
    if (distinct.size !== this.#records.size) return false;
    for (const key of distinct) if (key !== undefined && !this.#records.has(key)) return false;
    return true;
  }

  /** The pack of a build: the functions, by symbol, that have keys. */
  writePack(compiled: CompiledFunctions, keys: readonly (string | undefined)[]): Uint8Array {
    const entries = new Map<string, FuncSymbol>();
    let sizes = 0;
    keys.forEach((key, symbol) => {
      if (key === undefined || entries.has(key)) return;
      const c = compiled.get(entity<FuncSymbol>(symbol));
      if (c === undefined) return;
      entries.set(key, entity<FuncSymbol>(symbol));
      sizes += recordSize(c);
    });
    let at = HEADER_BYTES + ENTRY_BYTES * entries.size;
    const pack = new Uint8Array(at + sizes + DIGEST);
    const view = new DataView(pack.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, FORMAT, true);
    view.setUint32(8, entries.size, true);
    const memory = new RecordMemory(pack.buffer);
    let entry = HEADER_BYTES;
    for (const [key, symbol] of entries) {
      const c = compiled.get(symbol);
      if (c === undefined) continue;
      TEXT.encodeInto(key, pack.subarray(entry, entry + DIGEST));
      view.setUint32(entry + DIGEST, at, true);
      at = writeRecord(memory, at, this.#moved(c, symbol, -1));
      entry += ENTRY_BYTES;
    }
    TEXT.encodeInto(this.#hash(pack.subarray(0, at)), pack.subarray(at));
    return pack;
  }
}

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
