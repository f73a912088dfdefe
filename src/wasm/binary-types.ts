/** The binary format of types (Wasm 3.0 §5.3): read from any reader, in sections and in function bodies alike. */

import type { ByteReader } from "../base/bytes.ts";
import { MAX_TYPES } from "./limits.ts";
import {
  abstractRef,
  concreteRef,
  F32,
  F64,
  I32,
  I64,
  isAbstractHeap,
  PACKED_I8,
  PACKED_I16,
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
