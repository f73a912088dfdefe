/** The canonical section (Binary Format, "Canonical Definitions"): every opcode, the asynchronous ones too. */

import type { ByteReader } from "../base/bytes.ts";
import {
  type DecodeContext,
  invalidByte,
  readCount,
  type readOptionalValType,
  readValTypeRef,
} from "./decode-common.ts";
import { componentError } from "./errors.ts";
import type { AsyncBuiltin, Canon, CanonOption } from "./parsed.ts";

/** More options than there are kinds of them are duplicates. */
const MAX_OPTIONS = 100;

/** `canon`. */
export function readCanon(c: DecodeContext): Canon {
  const { reader } = c;
  const opcode = reader.u8();
  switch (opcode) {
    case 0x00: {
      const sort = reader.u8();
      if (sort !== 0) invalidByte(reader, sort, "canonical function lift");
      const func = reader.varU32();
      const options = readOptions(c);
      return { kind: "lift", func, options, type: reader.varU32() };
    }
    case 0x01: {
      const sort = reader.u8();
      if (sort !== 0) invalidByte(reader, sort, "canonical function lower");
      const func = reader.varU32();
      return { kind: "lower", func, options: readOptions(c) };
    }
    case 0x02:
      return { kind: "resource.new", type: reader.varU32() };
    case 0x03:
      return { kind: "resource.drop", type: reader.varU32() };
    case 0x04:
      return { kind: "resource.rep", type: reader.varU32() };
    default: {
      const builtin = readAsyncBuiltin(c, opcode);
      if (builtin === undefined) return invalidByte(reader, opcode, "canonical function");
      return { kind: "async-builtin", builtin };
    }
  }
}

function readFlag(reader: ByteReader): boolean {
  const byte = reader.u8();
  if (byte > 1) reader.fail("invalid boolean value", reader.pos - 1);
  return byte === 1;
}

/** Opcodes without immediates. */
const PLAIN = {
  5: "task.cancel",
  13: "subtask.drop",
  30: "error-context.drop",
  31: "waitable-set.new",
  34: "waitable-set.drop",
  35: "waitable.join",
  36: "backpressure.inc",
  37: "backpressure.dec",
  38: "thread.index",
  40: "thread.resume-later",
  66: "thread.available-parallelism",
} as const satisfies Readonly<Record<number, AsyncBuiltin["name"]>>;

/** Opcodes with one flag. */
const FLAGGED = {
  6: "subtask.cancel",
  12: "thread.yield",
  41: "thread.suspend",
  42: "thread.suspend-then-resume",
  43: "thread.yield-then-resume",
  44: "thread.suspend-then-promote",
  45: "thread.yield-then-promote",
} as const satisfies Readonly<Record<number, AsyncBuiltin["name"]>>;

function lookup<V>(table: Readonly<Record<number, V>>, key: number): V | undefined {
  return table[key];
}

/** `new`, `read`, `write`, `cancel-read`, `cancel-write`, `drop-readable`, `drop-writable` in this order from here. */
const STREAMS = 0x0e;
const FUTURES = 0x15;

function readAsyncBuiltin(c: DecodeContext, opcode: number): AsyncBuiltin | undefined {
  const { reader } = c;
  const plain = lookup(PLAIN, opcode);
  if (plain !== undefined) return { name: plain };
  const flagged = lookup(FLAGGED, opcode);
  if (flagged !== undefined) return { name: flagged, flag: readFlag(reader) };
  if (opcode >= STREAMS && opcode < FUTURES) return readCopy(c, "stream", opcode - STREAMS);
  if (opcode >= FUTURES && opcode < FUTURES + 7) return readCopy(c, "future", opcode - FUTURES);
  switch (opcode) {
    case 0x09: {
      const form = reader.u8();
      if (form > 1) invalidByte(reader, form, "component function results");
      let result: ReturnType<typeof readOptionalValType>;
      if (form === 0) result = readValTypeRef(reader);
      else {
        const count = reader.u8();
        if (count !== 0) invalidByte(reader, count, "number of results");
      }
      return { name: "task.return", result, options: readOptions(c) };
    }
    case 0x0a:
    case 0x0b: {
      const type = reader.u8();
      if (type !== 0x7f && type !== 0x7e) invalidByte(reader, type, "type of a context slot");
      const slot = reader.varU32();
      return { name: opcode === 0x0a ? "context.get" : "context.set", slot, is64: type === 0x7e };
    }
    case 0x1c:
      return { name: "error-context.new", options: readOptions(c) };
    case 0x1d:
      return { name: "error-context.debug-message", options: readOptions(c) };
    case 0x20:
    case 0x21: {
      const flag = readFlag(reader);
      return { name: opcode === 0x20 ? "waitable-set.wait" : "waitable-set.poll", flag, memory: reader.varU32() };
    }
    case 0x27:
      return { name: "thread.new-indirect", type: reader.varU32(), table: reader.varU32() };
    case 0x40:
      return { name: "thread.spawn-ref", type: reader.varU32() };
    case 0x41:
      return { name: "thread.spawn-indirect", type: reader.varU32(), table: reader.varU32() };
    default:
      return undefined;
  }
}

function readCopy(c: DecodeContext, what: "stream" | "future", operation: number): AsyncBuiltin | undefined {
  const { reader } = c;
  const type = reader.varU32();
  switch (operation) {
    case 0:
      return { name: `${what}.new`, type };
    case 1:
      return { name: `${what}.read`, type, options: readOptions(c) };
    case 2:
      return { name: `${what}.write`, type, options: readOptions(c) };
    case 3:
      return { name: `${what}.cancel-read`, type, flag: readFlag(reader) };
    case 4:
      return { name: `${what}.cancel-write`, type, flag: readFlag(reader) };
    case 5:
      return { name: `${what}.drop-readable`, type };
    case 6:
      return { name: `${what}.drop-writable`, type };
    default:
      return undefined;
  }
}

const ENCODINGS = ["utf8", "utf16", "latin1+utf16"] as const;
const INDEXED = { 3: "memory", 4: "realloc", 5: "post-return", 7: "callback" } as const;

function readOptions(c: DecodeContext): CanonOption[] {
  const { reader } = c;
  const count = readCount(c, MAX_OPTIONS, "canonical option");
  const options: CanonOption[] = [];
  for (let i = 0; i < count; i++) {
    const offset = reader.pos;
    const byte = reader.u8();
    switch (byte) {
      case 0x00:
      case 0x01:
      case 0x02:
        options.push({ kind: "string-encoding", offset, encoding: ENCODINGS[byte] });
        break;
      case 0x03:
      case 0x04:
      case 0x05:
      case 0x07:
        options.push({ kind: INDEXED[byte], offset, index: reader.varU32() });
        break;
      case 0x06:
        options.push({ kind: "async", offset });
        break;
      case 0x08:
      case 0x09:
        throw componentError("unsupported", "the canonical options `core-type` and `gc`", c.path, offset);
      default:
        invalidByte(reader, byte, "canonical option");
    }
  }
  return options;
}
