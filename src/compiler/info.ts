/**
 * The sections that describe an object to tools: `.windlass.trampolines` and `.windlass.info` (HOST-ABI). Written here, read here.
 *
 * `.windlass.trampolines`: u32 format version, u32 count, then for each lowering u32 start and u32 length in the object's `.text`.
 * `.windlass.info`: UTF-8 JSON, one `ObjectInfo`.
 */

import { ByteReader, ByteWriter, ReadError } from "../base/bytes.ts";
import { WindlassError } from "../base/diagnostics.ts";
import { PrimaryMap } from "../base/entity.ts";
import { isSandboxPolicy, type SandboxPolicy } from "../layout/sandbox.ts";
import type { LoweredIndex } from "../plan/component.ts";

/** Byte offset and byte length in the text section. Plain data: it serializes into the image. */
export interface TrampolineInfo {
  readonly start: number;
  readonly length: number;
}

const TRAMPOLINES_VERSION = 1;
const TRAMPOLINES_LIMIT = 1_000_000;

export function encodeTrampolines(trampolines: PrimaryMap<LoweredIndex, TrampolineInfo>): Uint8Array {
  const w = new ByteWriter(8 + 8 * trampolines.size);
  w.u32(TRAMPOLINES_VERSION);
  w.u32(trampolines.size);
  for (const { start, length } of trampolines) {
    w.u32(start);
    w.u32(length);
  }
  return w.toBytes();
}

/** Throws `WindlassError` when the section is damaged. */
export function decodeTrampolines(bytes: Uint8Array): PrimaryMap<LoweredIndex, TrampolineInfo> {
  const out = new PrimaryMap<LoweredIndex, TrampolineInfo>();
  try {
    const r = new ByteReader(bytes);
    const version = r.u32();
    if (version !== TRAMPOLINES_VERSION) r.fail(`version ${version} is not known`, 0);
    const count = r.u32();
    if (count > TRAMPOLINES_LIMIT || count * 8 !== r.remaining)
      r.fail(`a count of ${count} does not fit the section`, 4);
    for (let i = 0; i < count; i++) {
      const start = r.u32();
      out.push({ start, length: r.u32() });
    }
  } catch (error) {
    if (error instanceof ReadError) throw damaged(".windlass.trampolines", error.message);
    throw error;
  }
  return out;
}

function damaged(section: string, message: string): WindlassError {
  return new WindlassError({ kind: "malformed", subject: "object", message: `${section}: ${message}` });
}

/** One function that crosses the boundary, as `inspect` shows it. */
export interface FunctionDescription {
  /** `["hello:city/logger", "log"]`. */
  readonly path: readonly string[];
  /** In WIT's terms: `func(msg: string)`. */
  readonly type: string;
  /** Core signature without the context: `[i32 i32] -> []`. */
  readonly core: string;
}

export interface ObjectInfo {
  readonly format: 1;
  readonly compiler: string;
  readonly target: string;
  readonly name: string;
  readonly output: "object" | "executable";
  readonly options: {
    readonly optimize: number;
    readonly bounds: string;
    readonly interruptible?: boolean;
    readonly describes?: boolean;
    readonly hostAbi: string;
    readonly prefix: string;
  };
  /** One for each lowering, in the order of `.windlass.trampolines`. */
  readonly lowerings: readonly (FunctionDescription & { readonly callee: string })[];
  readonly exports: readonly FunctionDescription[];
  /** Of a core module: everything that it imports. Of a component the lowerings say it. */
  readonly imports?: readonly FunctionDescription[];
  /** What `windlass verify` proves of the code; the linker adds it. */
  readonly sandbox?: SandboxPolicy;
}

export function encodeInfo(info: ObjectInfo): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(info));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDescription(value: unknown): boolean {
  return (
    isRecord(value) &&
    Array.isArray(value["path"]) &&
    typeof value["type"] === "string" &&
    typeof value["core"] === "string"
  );
}

function isInfo(value: unknown): value is ObjectInfo {
  if (!isRecord(value) || value["format"] !== 1 || !isRecord(value["options"])) return false;
  const texts = ["compiler", "target", "name", "output"].every((k) => typeof value[k] === "string");
  const lists = [value["lowerings"], value["exports"], value["imports"] ?? []].every(
    (l) => Array.isArray(l) && l.every(isDescription),
  );
  return texts && lists && (value["sandbox"] === undefined || isSandboxPolicy(value["sandbox"]));
}

/** Throws `WindlassError` when the section is damaged. */
export function decodeInfo(bytes: Uint8Array): ObjectInfo {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw damaged(".windlass.info", "is not JSON");
  }
  if (!isInfo(value)) throw damaged(".windlass.info", "has an unknown form");
  return value;
}
