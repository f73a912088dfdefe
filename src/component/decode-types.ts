/** The core type and type sections (Binary Format, "Type Definitions"). */

import { readGlobalType, readMemoryType, readSubType, readTableType, readTagType } from "../wasm/binary-types.ts";
import { MAX_TYPES } from "../wasm/limits.ts";
import type { SubType } from "../wasm/types.ts";
import {
  type DecodeContext,
  invalidByte,
  limitExceeded,
  primitive,
  readAlias,
  readCount,
  readExternDesc,
  readExternName,
  readName,
  readOptionalValType,
  readValTypeRef,
} from "./decode-common.ts";
import { componentError } from "./errors.ts";
import * as limits from "./limits.ts";
import type {
  CoreImportDesc,
  CoreTypeDef,
  FuncTypeDef,
  ModuleTypeDecl,
  NamedValType,
  TypeDecl,
  TypeDef,
  ValTypeRef,
} from "./parsed.ts";

/** One level deeper; throws a `limit` error at `MAX_NESTING`. */
function deeper(c: DecodeContext): DecodeContext {
  if (c.depth >= limits.MAX_NESTING) {
    limitExceeded(c, `nesting exceeds the limit of ${limits.MAX_NESTING} components and types`, c.reader.pos);
  }
  return { reader: c.reader, path: c.path, depth: c.depth + 1 };
}

// Core types

/** `core:type`: a module type, or a recursive group of types. */
export function readCoreType(c: DecodeContext): CoreTypeDef {
  const { reader } = c;
  const form = reader.peekU8();
  if (form === 0x50) {
    reader.pos++;
    return { kind: "module", decls: readModuleType(deeper(c)) };
  }
  // A non-final subtype begins with 0x50 too and has a zero byte before it here.
  if (form === 0x00) {
    reader.pos++;
    if (reader.peekU8() !== 0x50) invalidByte(reader, reader.u8(), "non-final core type");
  }
  return { kind: "group", types: readCoreGroup(c) };
}

function readCoreGroup(c: DecodeContext): SubType[] {
  const { reader } = c;
  if (reader.peekU8() !== 0x4e) return [readSubType(reader)];
  reader.pos++;
  const count = readCount(c, MAX_TYPES, "type");
  const types: SubType[] = [];
  for (let i = 0; i < count; i++) types.push(readSubType(reader));
  return types;
}

function readModuleType(c: DecodeContext): ModuleTypeDecl[] {
  const { reader } = c;
  const count = readCount(c, limits.MAX_TYPE_DECLARATIONS, "module type declaration");
  const decls: ModuleTypeDecl[] = [];
  for (let i = 0; i < count; i++) {
    const offset = reader.pos;
    const form = reader.u8();
    switch (form) {
      case 0x00: {
        const module = readName(c);
        const name = readName(c);
        decls.push({ kind: "import", offset, module, name, desc: readCoreImportDesc(c) });
        break;
      }
      case 0x01: {
        if (reader.peekU8() === 0x50) {
          throw componentError(
            "invalid",
            "invalid leading byte (0x50) for core type: module types can't be nested in module types",
            c.path,
            reader.pos,
          );
        }
        if (reader.peekU8() === 0x00) reader.pos++;
        decls.push({ kind: "type", offset, group: readCoreGroup(c) });
        break;
      }
      case 0x02: {
        const sort = reader.u8();
        if (sort !== 0x10) invalidByte(reader, sort, "outer alias kind");
        const target = reader.u8();
        if (target !== 0x01) invalidByte(reader, target, "outer alias target");
        decls.push({ kind: "alias", offset, count: reader.varU32(), index: reader.varU32() });
        break;
      }
      case 0x03:
        decls.push({ kind: "export", offset, name: readName(c), desc: readCoreImportDesc(c) });
        break;
      default:
        invalidByte(reader, form, "type definition");
    }
  }
  return decls;
}

function readCoreImportDesc(c: DecodeContext): CoreImportDesc {
  const { reader } = c;
  const byte = reader.u8();
  switch (byte) {
    case 0x00:
      return { kind: "func", type: reader.varU32() };
    case 0x01:
      return { kind: "table", type: readTableType(reader) };
    case 0x02:
      return { kind: "memory", type: readMemoryType(reader) };
    case 0x03:
      return { kind: "global", type: readGlobalType(reader) };
    case 0x04:
      return { kind: "tag", type: readTagType(reader) };
    default:
      return invalidByte(reader, byte, "core external kind");
  }
}

// Component-level types

/** `deftype`. */
export function readType(c: DecodeContext): TypeDef {
  const { reader } = c;
  const byte = reader.u8();
  const known = primitive(byte);
  if (known !== undefined) return { kind: "primitive", type: known };
  switch (byte) {
    case 0x72:
      return { kind: "record", fields: readNamed(c, limits.MAX_RECORD_FIELDS, "record field") };
    case 0x71: {
      const count = readCount(c, limits.MAX_VARIANT_CASES, "variant case");
      const cases = [];
      for (let i = 0; i < count; i++) {
        const name = readName(c);
        const type = readOptionalValType(reader);
        const zero = reader.u8();
        if (zero !== 0) invalidByte(reader, zero, "zero byte required");
        cases.push({ name, type });
      }
      return { kind: "variant", cases };
    }
    case 0x70:
      return { kind: "list", element: readValTypeRef(reader) };
    case 0x67:
      return { kind: "fixed-list", element: readValTypeRef(reader), length: reader.varU32() };
    case 0x63:
      return { kind: "map", key: readValTypeRef(reader), value: readValTypeRef(reader) };
    case 0x6f: {
      const count = readCount(c, limits.MAX_TUPLE_TYPES, "tuple type");
      const types: ValTypeRef[] = [];
      for (let i = 0; i < count; i++) types.push(readValTypeRef(reader));
      return { kind: "tuple", types };
    }
    case 0x6e:
      // More than `MAX_FLAGS` are decoded, so that the error is the validator's.
      return { kind: "flags", names: readNames(c, limits.MAX_ENUM_CASES, "flag") };
    case 0x6d:
      return { kind: "enum", names: readNames(c, limits.MAX_ENUM_CASES, "enum case") };
    case 0x6b:
      return { kind: "option", type: readValTypeRef(reader) };
    case 0x6a: {
      const ok = readOptionalValType(reader);
      return { kind: "result", ok, err: readOptionalValType(reader) };
    }
    case 0x69:
      return { kind: "own", resource: reader.varU32() };
    case 0x68:
      return { kind: "borrow", resource: reader.varU32() };
    case 0x66:
      return { kind: "stream", type: readOptionalValType(reader) };
    case 0x65:
      return { kind: "future", type: readOptionalValType(reader) };
    case 0x40:
      return readFuncType(c, false);
    case 0x43:
      return readFuncType(c, true);
    case 0x3f: {
      const rep = reader.u8();
      if (rep === 0x7e) {
        throw componentError("unsupported", "resources with an i64 representation", c.path, reader.pos - 1);
      }
      if (rep !== 0x7f) invalidByte(reader, rep, "resource representation");
      const has = reader.u8();
      if (has > 1) invalidByte(reader, has, "resource destructor");
      return { kind: "resource", destructor: has === 1 ? reader.varU32() : undefined };
    }
    case 0x41:
      return { kind: "component-type", decls: readTypeDecls(deeper(c), true) };
    case 0x42:
      return { kind: "instance-type", decls: readTypeDecls(deeper(c), false) };
    default:
      return invalidByte(reader, byte, "component defined type");
  }
}

function readNamed(c: DecodeContext, limit: number, what: string): NamedValType[] {
  const count = readCount(c, limit, what);
  const named: NamedValType[] = [];
  for (let i = 0; i < count; i++) {
    const name = readName(c);
    named.push({ name, type: readValTypeRef(c.reader) });
  }
  return named;
}

function readNames(c: DecodeContext, limit: number, what: string): string[] {
  const count = readCount(c, limit, what);
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(readName(c));
  return names;
}

function readFuncType(c: DecodeContext, isAsync: boolean): FuncTypeDef {
  const { reader } = c;
  const params = readNamed(c, limits.MAX_FUNCTION_PARAMS, "function parameter");
  const form = reader.u8();
  switch (form) {
    case 0x00:
      return { kind: "func", params, result: readValTypeRef(reader), isAsync };
    case 0x01: {
      const count = reader.u8();
      if (count !== 0) invalidByte(reader, count, "number of results");
      return { kind: "func", params, result: undefined, isAsync };
    }
    default:
      return invalidByte(reader, form, "component function results");
  }
}

function readTypeDecls(c: DecodeContext, imports: boolean): TypeDecl[] {
  const { reader } = c;
  const count = readCount(c, limits.MAX_TYPE_DECLARATIONS, "type declaration");
  const decls: TypeDecl[] = [];
  for (let i = 0; i < count; i++) {
    const offset = reader.pos;
    const form = reader.u8();
    switch (form) {
      case 0x00:
        decls.push({ kind: "core-type", offset, type: readCoreType(c) });
        break;
      case 0x01:
        decls.push({ kind: "type", offset, type: readType(c) });
        break;
      case 0x02:
        decls.push({ kind: "alias", offset, alias: readAlias(c) });
        break;
      case 0x03:
        if (!imports) invalidByte(reader, form, "component or instance type declaration");
        decls.push({ kind: "import", offset, name: readExternName(c), desc: readExternDesc(c) });
        break;
      case 0x04:
        decls.push({ kind: "export", offset, name: readExternName(c), desc: readExternDesc(c) });
        break;
      default:
        invalidByte(reader, form, "component or instance type declaration");
    }
  }
  return decls;
}
