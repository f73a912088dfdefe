/** The binary format of types (Wasm 3.0 §5.3): read from any reader, in sections and in function bodies alike. */

import type { ByteReader } from "../base/bytes.ts";
import { WindlassError } from "../base/diagnostics.ts";
import { MAX_PARAMS, MAX_RESULTS, MAX_STRUCT_FIELDS, MAX_SUBTYPING_DEPTH, MAX_TYPES } from "./limits.ts";
import {
  abstractRef,
  type CompositeType,
  concreteRef,
  F32,
  F64,
  type FieldType,
  type GlobalType,
  I32,
  I64,
  isAbstractHeap,
  type MemoryType,
  PACKED_I8,
  PACKED_I16,
  type SubType,
  type TableType,
  type TagType,
  V128,
  type ValType,
} from "./types.ts";

const REF = 0x64;
const REF_NULL = 0x63;

/** A heap type, as a reference type to it. Throws `ReadError`. */
export function readHeapType(reader: ByteReader, nullable: boolean): ValType {
  const at = reader.pos;
  const code = reader.varS33();
  if (code >= 0) {
    if (code >= MAX_TYPES) reader.fail(`unknown type ${code}`, at);
    return concreteRef(code, nullable);
  }
  if (code < -64 || !isAbstractHeap(code & 0x7f)) return reader.fail("malformed heap type", at);
  return abstractRef(code & 0x7f, nullable);
}

/** A reference type; `what` starts the error message. Throws `ReadError`. */
export function readRefType(reader: ByteReader, what = "malformed reference type"): ValType {
  const at = reader.pos;
  const byte = reader.u8();
  if (byte === REF) return readHeapType(reader, false);
  if (byte === REF_NULL) return readHeapType(reader, true);
  if (isAbstractHeap(byte)) return abstractRef(byte, true);
  return reader.fail(what, at);
}

/** A value type. Throws `ReadError`. */
export function readValType(reader: ByteReader): ValType {
  switch (reader.peekU8()) {
    case 0x7f:
      reader.pos++;
      return I32;
    case 0x7e:
      reader.pos++;
      return I64;
    case 0x7d:
      reader.pos++;
      return F32;
    case 0x7c:
      reader.pos++;
      return F64;
    case 0x7b:
      reader.pos++;
      return V128;
    default:
      return readRefType(reader, "malformed value type");
  }
}

/** A value type or a packed type. Throws `ReadError`. */
export function readStorageType(reader: ByteReader): ValType {
  const byte = reader.peekU8();
  if (byte === 0x78 || byte === 0x77) {
    reader.pos++;
    return byte === 0x78 ? PACKED_I8 : PACKED_I16;
  }
  return readValType(reader);
}

/** What a `limit` diagnostic of a module looks like. */
export function limitError(message: string, offset: number): WindlassError {
  return new WindlassError({ kind: "limit", subject: "module", message, offset });
}

/** Throws a `limit` error when `count` exceeds `limit`. */
export function checkCount(count: number, limit: number, what: string, offset: number): void {
  if (count > limit) throw limitError(`${what} count ${count} exceeds the limit of ${limit}`, offset);
}

/** A count no larger than `limit`. Throws `ReadError`, or a `limit` error. */
export function readCount(reader: ByteReader, limit: number, what: string): number {
  const at = reader.pos;
  const count = reader.varU32();
  checkCount(count, limit, what, at);
  return count;
}

/** A count of items of at least one byte each, so that nothing is reserved for items that can't be there. */
export function readItemCount(reader: ByteReader, limit: number, what: string): number {
  const count = readCount(reader, limit, what);
  if (count > reader.remaining) reader.fail("unexpected end", reader.end);
  return count;
}

function readValTypes(reader: ByteReader, limit: number, what: string): ValType[] {
  const count = readItemCount(reader, limit, what);
  const types: ValType[] = [];
  for (let i = 0; i < count; i++) types.push(readValType(reader));
  return types;
}

function readMutability(reader: ByteReader): boolean {
  const byte = reader.u8();
  if (byte > 1) reader.fail("malformed mutability", reader.pos - 1);
  return byte === 1;
}

function readFieldType(reader: ByteReader): FieldType {
  const type = readStorageType(reader);
  return { type, mutable: readMutability(reader) };
}

/** A type definition, the group that it is in not included. Throws `ReadError`, or a `limit` error. */
export function readSubType(reader: ByteReader): SubType {
  const offset = reader.pos;
  const form = reader.peekU8();
  let final = true;
  const supertypes: number[] = [];
  if (form === 0x50 || form === 0x4f) {
    reader.pos++;
    final = form === 0x4f;
    const count = readItemCount(reader, MAX_SUBTYPING_DEPTH, "supertype");
    for (let i = 0; i < count; i++) supertypes.push(reader.varU32());
  }
  return { final, supertypes, composite: readCompositeType(reader), offset };
}

function readCompositeType(reader: ByteReader): CompositeType {
  const at = reader.pos;
  const form = reader.u8();
  switch (form) {
    case 0x60: {
      const params = readValTypes(reader, MAX_PARAMS, "parameter");
      return { kind: "func", params, results: readValTypes(reader, MAX_RESULTS, "result") };
    }
    case 0x5f: {
      const count = readItemCount(reader, MAX_STRUCT_FIELDS, "field");
      const fields: FieldType[] = [];
      for (let i = 0; i < count; i++) fields.push(readFieldType(reader));
      return { kind: "struct", fields };
    }
    case 0x5e:
      return { kind: "array", field: readFieldType(reader) };
    default:
      // The form is a one-byte LEB128 in the standard's words.
      return reader.fail(form & 0x80 ? "integer representation too long" : "malformed definition type", at);
  }
}

/** An unsigned 64-bit integer, rounded to a double from 2^53 on. */
function readU64(reader: ByteReader): number {
  const out = { lo: 0, hi: 0 };
  reader.varU64(out);
  return (out.hi >>> 0) * 0x1_0000_0000 + (out.lo >>> 0);
}

/** Throws `ReadError`. */
export function readTableType(reader: ByteReader): TableType {
  const element = readRefType(reader);
  const at = reader.pos;
  const flags = reader.u8();
  if ((flags & ~0x05) !== 0) reader.fail("malformed limits flags", at);
  const min = readU64(reader);
  return { element, min, max: flags & 1 ? readU64(reader) : undefined, is64: (flags & 4) !== 0 };
}

/** Throws `ReadError`. */
export function readMemoryType(reader: ByteReader): MemoryType {
  const at = reader.pos;
  const flags = reader.u8();
  if ((flags & ~0x0f) !== 0) reader.fail("malformed limits flags", at);
  const min = readU64(reader);
  const max = flags & 1 ? readU64(reader) : undefined;
  let pageSizeLog2 = 16;
  if (flags & 8) {
    const sizeAt = reader.pos;
    pageSizeLog2 = reader.varU32();
    if (pageSizeLog2 > 63) reader.fail("invalid custom page size", sizeAt);
  }
  return { min, max, is64: (flags & 4) !== 0, shared: (flags & 2) !== 0, pageSizeLog2 };
}

/** Throws `ReadError`. */
export function readGlobalType(reader: ByteReader): GlobalType {
  const type = readValType(reader);
  return { type, mutable: readMutability(reader) };
}

/** Throws `ReadError`. */
export function readTagType(reader: ByteReader): TagType {
  if (reader.u8() !== 0) reader.fail("malformed tag attribute", reader.pos - 1);
  return { type: reader.varU32() };
}
