/**
 * Links compiled functions into a flat image and runs them natively, in a process of their own.
 *
 * The image is mapped at a fixed address, so that tests know every address. It begins with a stand-in of `raise`, which reports the trap's
 * return address; data objects come behind the code. A run is a list of commands (call, read memory, write memory), answered in order.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompiledFunction, RelocKind } from "../../src/codegen/compiled.ts";
import { layOutSignature } from "../../src/codegen/x64/abi.ts";
import type { Signature } from "../../src/ir/types.ts";
import { I32, isFloatOrVector, V128 } from "../../src/ir/types.ts";
import { findTool } from "./tools.ts";

export const IMAGE_BASE = 0x2000_0000_0000n;
/** raise: jmp [rip + 2]; two bytes of nothing; the pointer that the runner fills in. */
const RAISE_STUB = Uint8Array.of(0xff, 0x25, 0x02, 0, 0, 0, 0xcc, 0xcc, 0, 0, 0, 0, 0, 0, 0, 0);
const CALL_BYTES = 8 + 48 + 128 + 16 + 64 * 8;
const ANSWER_BYTES = 64;

/** Why native tests can't run here, or `undefined`. */
export function nativeUnavailable(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "runs x86-64 Linux code";
  return findTool("cc") === undefined ? "oracle not found: cc" : undefined;
}

export interface Image {
  readonly bytes: Uint8Array;
  /** Offset of each function's code, by symbol (0 is the stand-in of `raise`). */
  readonly functions: readonly number[];
  /** Offset of each data object. */
  readonly data: readonly number[];
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** Lays out `functions` (symbols from 1) and data objects of the given sizes, and applies all relocations. */
export function link(functions: readonly CompiledFunction[], dataSizes: readonly number[]): Image {
  const starts = [0];
  let at = RAISE_STUB.length;
  for (const f of functions) {
    at = alignUp(at, f.align);
    starts.push(at);
    at += f.code.length;
  }
  const data: number[] = [];
  at = alignUp(at, 4096);
  for (const size of dataSizes) {
    data.push(at);
    at = alignUp(at + size, 16);
  }
  const bytes = new Uint8Array(alignUp(at, 4096));
  bytes.set(RAISE_STUB);
  const view = new DataView(bytes.buffer);
  functions.forEach((f, i) => {
    const start = starts[i + 1] ?? 0;
    bytes.set(f.code, start);
    f.relocOffset.forEach((offset, r) => {
      const kind = f.relocKind[r];
      const symbol = f.relocSymbol[r] ?? 0;
      const target = kind === RelocKind.textBase ? 0 : kind === RelocKind.data ? data[symbol] : starts[symbol];
      if (target === undefined) throw new Error(`no symbol ${symbol}`);
      view.setInt32(start + offset, target + (f.relocAddend[r] ?? 0) - (start + offset), true);
    });
  });
  return { bytes, functions: starts, data };
}

export type Command =
  | { readonly kind: "call"; readonly symbol: number; readonly signature: Signature; readonly args: readonly bigint[] }
  | { readonly kind: "read"; readonly offset: number; readonly length: number }
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array };

export interface CallAnswer {
  /** 0; 1: `raise` was called; 1 + n: signal n; above 100: registers were not preserved (1), the stack pointer is wrong (2). */
  readonly status: number;
  /** Image offset of the trap: return address, or faulting instruction. */
  readonly pc: number;
  /** Results in registers; those in the context's result area are not here. */
  readonly results: readonly bigint[];
}

let runner: string | undefined;

/** The compiled runner; one for the process. */
function runnerPath(): string {
  if (runner !== undefined) return runner;
  const folder = mkdtempSync(join(tmpdir(), "windlass-runner-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const source = new URL("runner.c", import.meta.url).pathname;
  const path = join(folder, "runner");
  execFileSync("cc", ["-O1", "-no-pie", "-o", path, source], { stdio: ["ignore", "inherit", "inherit"] });
  runner = path;
  return path;
}

function setWide(view: DataView, at: number, value: bigint): void {
  view.setBigUint64(at, BigInt.asUintN(64, value), true);
  view.setBigUint64(at + 8, BigInt.asUintN(64, value >> 64n), true);
}

/** Integers narrower than a register get something in the upper half: nobody may rely on it. */
function dirty(value: bigint, isI32: boolean): bigint {
  return isI32 ? BigInt.asUintN(32, value) | 0xdeadbeef_00000000n : BigInt.asUintN(64, value);
}

function encodeCall(image: Image, command: Extract<Command, { kind: "call" }>): Uint8Array {
  const layout = layOutSignature(command.signature);
  const bytes = new Uint8Array(CALL_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, IMAGE_BASE + BigInt(image.functions[command.symbol] ?? 0), true);
  const INTS = [7, 6, 2, 1, 8, 9];
  layout.params.forEach((place, i) => {
    const type = command.signature.params[i] ?? I32;
    const value = command.args[i] ?? 0n;
    if (place >= 256) {
      const at = 200 + place - 256;
      if (type === V128) setWide(view, at, value);
      else view.setBigUint64(at, isFloatOrVector(type) ? value : dirty(value, type === I32), true);
    } else if (place >= 32) setWide(view, 56 + 16 * (place - 32), value);
    else view.setBigUint64(8 + 8 * INTS.indexOf(place), dirty(value, type === I32), true);
  });
  view.setBigUint64(184, BigInt(layout.popped / 8), true);
  view.setBigUint64(192, BigInt(layout.stackBytes / 8), true);
  return bytes;
}

function decodeAnswer(view: DataView, at: number, signature: Signature): CallAnswer {
  const layout = layOutSignature(signature);
  const results = signature.results.map((type, i) => {
    const place = layout.results[i] ?? 0;
    const size = type === I32 || type === 2 ? 32 : type === V128 ? 128 : 64;
    const from = at + (place === 0 ? 16 : place === 2 ? 24 : place === 32 ? 32 : place === 33 ? 48 : -1);
    if (from < at) return 0n;
    const low = view.getBigUint64(from, true);
    return BigInt.asUintN(size, size === 128 ? (view.getBigUint64(from + 8, true) << 64n) | low : low);
  });
  return { status: Number(view.getBigUint64(at, true)), pc: Number(view.getBigUint64(at + 8, true)), results };
}

/** Runs `commands` against a fresh process with `image`; answers of calls and reads, in order. */
export function runImage(image: Image, commands: readonly Command[]): (CallAnswer | Uint8Array)[] {
  const chunks: Uint8Array[] = [];
  for (const command of commands) {
    const head = new BigUint64Array(3);
    head[0] = command.kind === "call" ? 1n : command.kind === "read" ? 2n : 3n;
    if (command.kind !== "call") {
      head[1] = BigInt(command.offset);
      head[2] = BigInt(command.kind === "read" ? command.length : command.bytes.length);
    }
    chunks.push(new Uint8Array(head.buffer));
    if (command.kind === "call") chunks.push(encodeCall(image, command));
    else if (command.kind === "write") chunks.push(command.bytes);
  }
  const folder = mkdtempSync(join(tmpdir(), "windlass-native-"));
  try {
    const file = join(folder, "image");
    writeFileSync(file, image.bytes);
    const result = spawnSync(runnerPath(), [file, String(image.bytes.length)], {
      input: Buffer.concat(chunks),
      maxBuffer: 1 << 29,
      timeout: 60_000,
    });
    if (result.status !== 0) throw new Error(`runner: status ${result.status} ${result.signal} ${result.error ?? ""}`);
    return decodeAll(result.stdout, commands);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function decodeAll(out: Buffer, commands: readonly Command[]): (CallAnswer | Uint8Array)[] {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const answers: (CallAnswer | Uint8Array)[] = [];
  let at = 0;
  for (const command of commands) {
    if (command.kind === "call") {
      answers.push(decodeAnswer(view, at, command.signature));
      at += ANSWER_BYTES;
    } else if (command.kind === "read") {
      answers.push(new Uint8Array(out.subarray(at, at + command.length)));
      at += command.length;
    }
  }
  return answers;
}
