/** Pieces of the component binary format that sections share: names, sorts, aliases, descriptions of imports and exports. */

import type { ByteReader } from "../base/bytes.ts";
import { componentError } from "./errors.ts";
import { MAX_NAME_BYTES } from "./limits.ts";
import type { Alias, CoreSort, ExternDesc, ExternName, Sort, SortIndex, ValTypeRef } from "./parsed.ts";
import type { PrimitiveKind } from "./types.ts";

/** What decoding a component needs beside the reader: where in the nesting it is. */
export interface DecodeContext {
  readonly reader: ByteReader;
  /** The component's path, for errors. */
  readonly path: readonly string[];
  /** Components and types around this one. */
  readonly depth: number;
}

/** `invalid leading byte (0x6) for …`, at the byte just read. */
export function invalidByte(reader: ByteReader, byte: number, what: string): never {
  return reader.fail(`invalid leading byte (0x${byte.toString(16)}) for ${what}`, reader.pos - 1);
}

/** Throws a `limit` error at `offset`. */
export function limitExceeded(c: DecodeContext, message: string, offset: number): never {
  throw componentError("limit", message, c.path, offset);
}

/** A count of items of at least one byte each. Throws `ReadError`, or a `limit` error. */
export function readCount(c: DecodeContext, limit: number, what: string): number {
  const at = c.reader.pos;
  const count = c.reader.varU32();
  if (count > limit) limitExceeded(c, `${what} count ${count} exceeds the limit of ${limit}`, at);
  if (count > c.reader.remaining) c.reader.fail("unexpected end-of-file", c.reader.end);
  return count;
}

/** A name of at most `MAX_NAME_BYTES`. */
export function readName(c: DecodeContext): string {
  const at = c.reader.pos;
  const length = c.reader.varU32();
  if (length > c.reader.remaining) c.reader.fail("unexpected end-of-file", c.reader.end);
  if (length > MAX_NAME_BYTES) {
    limitExceeded(c, `name of ${length} bytes exceeds the limit of ${MAX_NAME_BYTES}`, at);
  }
  c.reader.pos = at;
  return c.reader.name();
}

/** `externname` (Binary Format, "Import and Export Definitions"). */
export function readExternName(c: DecodeContext): ExternName {
  const { reader } = c;
  const offset = reader.pos;
  const form = reader.u8();
  if (form > 2) invalidByte(reader, form, "component name");
  const name = readName(c);
  let implementsName: string | undefined;
  let externalId: string | undefined;
  if (form === 2) {
    const count = readCount(c, 3, "name attribute");
    for (let i = 0; i < count; i++) {
      const at = reader.pos;
      const attribute = reader.u8();
      switch (attribute) {
        case 0:
          if (implementsName !== undefined) {
            throw componentError("invalid", "duplicate 'implements' option in name", c.path, at);
          }
          implementsName = readName(c);
          break;
        case 1:
          throw componentError("unsupported", "version suffixes of names", c.path, at);
        case 2:
          if (externalId !== undefined) {
            throw componentError("invalid", "duplicate 'external-id' option in name", c.path, at);
          }
          externalId = readName(c);
          break;
        default:
          invalidByte(reader, attribute, "name option");
      }
    }
  }
  return { name, implements: implementsName, externalId, offset };
}

const CORE_SORTS: Readonly<Record<number, CoreSort>> = {
  0: "func",
  1: "table",
  2: "memory",
  3: "global",
  4: "tag",
  16: "type",
  17: "module",
  18: "instance",
};

/** `core:sort`. */
export function readCoreSort(reader: ByteReader, what: string): CoreSort {
  const byte = reader.u8();
  return CORE_SORTS[byte] ?? invalidByte(reader, byte, what);
}

/** `sort`. */
export function readSort(reader: ByteReader, what: string): Sort {
  const byte = reader.u8();
  switch (byte) {
    case 0x00:
      return `core-${readCoreSort(reader, what)}`;
    case 0x01:
      return "func";
    case 0x02:
      return "value";
    case 0x03:
      return "type";
    case 0x04:
      return "component";
    case 0x05:
      return "instance";
    default:
      return invalidByte(reader, byte, what);
  }
}

/** `sortidx` of something that instances import and export: of core sorts, modules only. */
export function readSortIndex(reader: ByteReader): SortIndex {
  const sort = readSort(reader, "component external kind");
  if (sort.startsWith("core-") && sort !== "core-module") {
    reader.fail("invalid leading byte for component external kind: of core sorts only modules", reader.pos - 1);
  }
  return { sort, index: reader.varU32() };
}

const OUTER_SORTS: ReadonlySet<Sort> = new Set<Sort>(["core-module", "core-type", "type", "component"]);

/** `alias`. */
export function readAlias(c: DecodeContext): Alias {
  const { reader } = c;
  const sort = readSort(reader, "component outer alias kind");
  const sortEnd = reader.pos;
  const target = reader.u8();
  switch (target) {
    case 0x00:
      return { sort, kind: "export", instance: reader.varU32(), name: readName(c) };
    case 0x01:
      return { sort, kind: "core-export", instance: reader.varU32(), name: readName(c) };
    case 0x02:
      if (!OUTER_SORTS.has(sort)) {
        const byte = reader.bytes[sortEnd - 1] ?? 0;
        reader.fail(`invalid leading byte (0x${byte.toString(16)}) for component outer alias kind`, sortEnd - 1);
      }
      return { sort, kind: "outer", count: reader.varU32(), index: reader.varU32() };
    default:
      return invalidByte(reader, target, "alias");
  }
}

const PRIMITIVES: Readonly<Record<number, PrimitiveKind>> = {
  127: "bool",
  126: "s8",
  125: "u8",
  124: "s16",
  123: "u16",
  122: "s32",
  121: "u32",
  120: "s64",
  119: "u64",
  118: "f32",
  117: "f64",
  116: "char",
  115: "string",
  100: "error-context",
};

/** The primitive type with this opcode. */
export function primitive(byte: number): PrimitiveKind | undefined {
  return PRIMITIVES[byte];
}

/** `valtype`. */
export function readValTypeRef(reader: ByteReader): ValTypeRef {
  const known = PRIMITIVES[reader.peekU8()];
  if (known !== undefined) {
    reader.pos++;
    return known;
  }
  const at = reader.pos;
  const index = reader.varS33();
  if (index < 0) reader.fail(`invalid leading byte (0x${(index & 0x7f).toString(16)}) for component value type`, at);
  return index;
}

/** `T?`: a byte that says whether there is one, then it. */
export function readOptionalValType(reader: ByteReader): ValTypeRef | undefined {
  const byte = reader.u8();
  if (byte > 1) invalidByte(reader, byte, "optional component value type");
  return byte === 0 ? undefined : readValTypeRef(reader);
}

/** `externtype`. */
export function readExternDesc(c: DecodeContext): ExternDesc {
  const { reader } = c;
  const byte = reader.u8();
  switch (byte) {
    case 0x00: {
      const sort = reader.u8();
      if (sort !== 0x11) invalidByte(reader, sort, "component external kind");
      return { kind: "module", type: reader.varU32() };
    }
    case 0x01:
      return { kind: "func", type: reader.varU32() };
    case 0x02: {
      // By its type, which the validator refuses, or equal to another value.
      const bound = reader.u8();
      if (bound === 0) throw componentError("unsupported", "values", c.path, reader.pos - 1);
      if (bound > 1) invalidByte(reader, bound, "value bound");
      return { kind: "value", type: readValTypeRef(reader) };
    }
    case 0x03: {
      const bound = reader.u8();
      if (bound > 1) invalidByte(reader, bound, "type bound");
      return { kind: "type", eq: bound === 0 ? reader.varU32() : undefined };
    }
    case 0x04:
      return { kind: "component", type: reader.varU32() };
    case 0x05:
      return { kind: "instance", type: reader.varU32() };
    default:
      return invalidByte(reader, byte, "component external kind");
  }
}
