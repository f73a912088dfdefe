/**
 * The loops of strings against plain decoders: every length and alignment around the width of a vector, with every kind of character, and
 * of what is no character, at every position. Nothing but the result may be written.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { emitTranscoder, TRANSCODER_NAMES, type TranscoderName } from "../../src/abi/transcode.ts";
import { transcoderSignature } from "../../src/frontend/adapters-build.ts";
import { IrAbiEmitter } from "../../src/frontend/adapters-emitter.ts";
import { Emitter } from "../../src/frontend/structured.ts";
import type { Func } from "../../src/ir/function.ts";
import { TRAP_NAMES } from "../../src/layout/traps.ts";
import { type OptLevel, optimize } from "../../src/opt/pipeline.ts";
import { type Call, Program } from "../codegen/program.ts";
import { nativeUnavailable } from "../support/native.ts";

const skip = nativeUnavailable() ?? false;

/** Where source and destination are in scratch memory. */
const SOURCE = 16;
const DESTINATION = 200;
const MAX_SOURCE = DESTINATION - SOURCE - 16;
const MEMORY = 640;
const POISON = 0xee;

/** A function of one transcoder. */
function build(name: TranscoderName): Func {
  const e = Emitter.start(name, transcoderSignature(name), { stackCheck: false, entry: false });
  const [a, b] = [e.param(1), e.param(2)];
  const noSupport = {
    support: () => assert.fail("a transcoder copies nothing by call"),
    offsets: { wideCopy: 0 },
  };
  e.return(...emitTranscoder(new IrAbiEmitter(e, noSupport), name, e.params.length > 3 ? [a, b, e.param(3)] : [a, b]));
  return e.finish();
}

interface Expected {
  readonly results: readonly number[];
  /** What is written at the destination. */
  readonly written: readonly number[];
}

/** Scalar values of UTF-8 or UTF-16 text; undefined if it is malformed. */
function decode(encoding: "utf-8" | "utf-16le", bytes: Uint8Array): number[] | undefined {
  try {
    const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
    return [...text].map((c) => c.codePointAt(0) ?? 0);
  } catch {
    return undefined;
  }
}

function utf8(values: readonly number[]): readonly number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(...values))];
}
function utf16(values: readonly number[]): readonly number[] {
  return [...Buffer.from(String.fromCodePoint(...values), "utf16le")];
}
function unitsOf(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, i) => (bytes[2 * i] ?? 0) | ((bytes[2 * i + 1] ?? 0) << 8));
}
/** How many of `values` are below `limit`, from the beginning. */
function prefix(values: readonly number[], limit: number): number {
  const end = values.findIndex((v) => v >= limit);
  return end < 0 ? values.length : end;
}

/** What a transcoder does; undefined: a trap. */
function model(name: TranscoderName, source: Uint8Array): Expected | undefined {
  const bytes = [...source];
  const only = (values: readonly number[] | undefined, to: (v: readonly number[]) => Expected): Expected | undefined =>
    values === undefined ? undefined : to(values);
  switch (name) {
    case "validate_utf8":
      return only(decode("utf-8", source), () => ({ results: [], written: [] }));
    case "validate_utf16":
      return only(decode("utf-16le", source), (v) => ({ results: [v.some((x) => x > 0xff) ? 1 : 0], written: [] }));
    case "utf8_to_utf16":
      return only(decode("utf-8", source), (v) => ({ results: [utf16(v).length / 2], written: utf16(v) }));
    case "utf16_to_utf8":
      return only(decode("utf-16le", source), (v) => ({ results: [utf8(v).length], written: utf8(v) }));
    case "latin1_to_utf8":
      return { results: [utf8(bytes).length], written: utf8(bytes) };
    case "latin1_to_utf16":
    case "inflate":
      return { results: [], written: utf16(bytes) };
    case "utf8_to_latin1": {
      // The rest is looked at by another one: only up to the first wide character it must be text.
      for (let end = source.length; end >= 0; end--) {
        const values = decode("utf-8", source.subarray(0, end));
        if (values === undefined) continue;
        const count = prefix(values, 0x100);
        if (count === values.length && end < source.length) return undefined;
        return { results: [utf8(values.slice(0, count)).length, count], written: values.slice(0, count) };
      }
      return undefined;
    }
    case "utf16_to_latin1":
    case "utf16_to_ascii": {
      const units = unitsOf(source);
      const count = prefix(units, name === "utf16_to_ascii" ? 0x80 : 0x100);
      return { results: [count], written: units.slice(0, count) };
    }
    case "latin1_to_ascii": {
      const count = prefix(bytes, 0x80);
      return { results: [count], written: bytes.slice(0, count) };
    }
    case "deflate":
      return { results: [], written: unitsOf(source).map((u) => u & 0xff) };
  }
}

const isUnits = (name: TranscoderName): boolean =>
  name.startsWith("utf16") || (/_utf16$|deflate/.test(name) && !/_to_utf16$/.test(name));

/** What is put into ASCII text: bytes of UTF-8 or Latin-1, and units. */
const BYTES: readonly (readonly number[])[] = [
  [0x7f],
  [0x80],
  [0xff],
  [0xc2, 0x80],
  [0xc3, 0xbf],
  [0xc4, 0x80],
  [0xdf, 0xbf],
  [0xe0, 0xa0, 0x80],
  [0xed, 0x9f, 0xbf],
  [0xef, 0xbf, 0xbf],
  [0xf0, 0x90, 0x80, 0x80],
  [0xf4, 0x8f, 0xbf, 0xbf],
  // No text.
  [0xc1, 0xbf],
  [0xc3],
  [0xe0, 0x9f, 0xbf],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf0, 0x9f, 0x92],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
];
const UNITS: readonly (readonly number[])[] = [
  ...[
    [0x7f],
    [0x80],
    [0xff],
    [0x100],
    [0x7ff],
    [0x800],
    [0xd7ff],
    [0xe000],
    [0xffff],
    [0xd800, 0xdc00],
    [0xdbff, 0xdfff],
  ],
  ...[[0xd800], [0xdc00], [0xdfff], [0xdc00, 0xd800], [0xd800, 0xd800]],
];
const LENGTHS = [
  ...Array.from({ length: 20 }, (_, i) => i),
  23,
  24,
  25,
  31,
  32,
  33,
  47,
  48,
  49,
  63,
  64,
  65,
  80,
  81,
  127,
  128,
  130,
];

function* sources(units: boolean): Generator<Uint8Array> {
  const text = (length: number): number[] => Array.from({ length }, (_, i) => 0x20 + ((i * 7) % 0x5f));
  const bytesOf = (values: readonly number[]): Uint8Array =>
    Uint8Array.from(units ? values.flatMap((v) => [v & 0xff, v >> 8]) : values);
  for (const length of LENGTHS) {
    if (bytesOf(text(length)).length > MAX_SOURCE) continue;
    yield bytesOf(text(length));
    const specials = units ? UNITS : BYTES;
    for (const [k, special] of specials.entries()) {
      // All positions of the short ones; the long ones take turns.
      const step = length <= 17 ? 1 : length < 50 ? 3 : 7;
      for (let at = length <= 17 ? 0 : k % step; at + special.length <= length; at += step) {
        const values = text(length);
        values.splice(at, special.length, ...special);
        yield bytesOf(values);
      }
      // Nothing but these.
      if (special.length <= length) yield bytesOf(text(length).map((_, i) => special[i % special.length] ?? 0));
    }
  }
}

function callsOf(p: Program, symbol: number, name: TranscoderName): { calls: Call[]; sources: Uint8Array[] } {
  const calls: Call[] = [];
  const used: Uint8Array[] = [];
  const inPlace = name === "inflate" || name === "deflate";
  const units = isUnits(name);
  let turn = 0;
  for (const source of sources(units)) {
    if (name === "deflate" && unitsOf(source).some((u) => u > 0xff)) continue;
    const at = SOURCE + (((turn * 5) % 16) & (units ? ~1 : ~0));
    const to = DESTINATION + ((turn++ * 3) % 16);
    const memory = new Uint8Array(MEMORY).fill(POISON);
    memory.set(source, at);
    const length = BigInt(units ? source.length / 2 : source.length);
    const address = (offset: number): bigint => p.scratch + BigInt(offset);
    const args = inPlace || name.startsWith("validate") ? [address(at), length] : [address(to), address(at), length];
    calls.push({ symbol, args: [p.context, ...args], memory });
    used.push(source);
  }
  return { calls, sources: used };
}

/** The memory that a call leaves. */
function memoryAfter(p: Program, call: Call, { written }: Expected): Uint8Array {
  const memory = call.memory?.slice() ?? new Uint8Array();
  memory.set(written, Number((call.args[1] ?? 0n) - p.scratch));
  return memory;
}

for (const level of [0, 2] as const satisfies readonly OptLevel[]) {
  test(`transcoders at every length, alignment and position, -O${level}`, { skip }, () => {
    const p = new Program();
    const symbols = TRANSCODER_NAMES.map((name) => {
      const func = build(name);
      optimize(func, level);
      return p.add(func);
    });
    let checked = 0;
    TRANSCODER_NAMES.forEach((name, n) => {
      const { calls, sources: texts } = callsOf(p, symbols[n] ?? 0, name);
      p.runNative(calls, new Uint8Array()).forEach(({ answer, results, memory }, i) => {
        const call = calls[i];
        const source = texts[i];
        assert.ok(call !== undefined && source !== undefined);
        const what = `${name} of ${Buffer.from(source).toString("hex")}`;
        const expected = model(name, source);
        if (expected === undefined) {
          assert.notEqual(answer.status, 0, `${what} does not trap`);
          assert.match(TRAP_NAMES[p.trapAt(answer.pc).code] ?? "", /^(invalid|incomplete)_utf/, what);
        } else {
          assert.equal(answer.status, 0, `${what} traps`);
          const given = results.map((r) => (name === "validate_utf16" ? Number(r !== 0n) : Number(r)));
          assert.deepEqual(given, expected.results, what);
          assert.deepEqual(Buffer.from(memory), Buffer.from(memoryAfter(p, call, expected)), what);
        }
        checked++;
      });
    });
    assert.ok(checked > 25_000, `only ${checked} cases`);
  });
}
