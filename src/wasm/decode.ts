/**
 * Decodes a core module (Wasm 3.0 §5.5) into a `Module`.
 *
 * Receives any bytes. Guarantees that the sections are in order, sized right and fully consumed, that integers, names and
 * types are well-formed, and that counts stay within the limits of `limits.ts`. What indices and types mean is left to
 * `validate.ts`, and function bodies to whoever walks them. The one rule of validation that is checked here is that
 * constant expressions hold constant operators only, because others need not even end where an expression ends.
 */

import { ByteReader, ReadError } from "../base/bytes.ts";
import { WindlassError } from "../base/diagnostics.ts";
import {
  checkCount,
  limitError,
  readCount,
  readGlobalType,
  readItemCount,
  readMemoryType,
  readSubType,
  readTableType,
  readTagType,
} from "./binary-types.ts";
import { ExpressionDecoder } from "./decode-expressions.ts";
import { decodeNames, NO_NAMES } from "./decode-names.ts";
import * as limits from "./limits.ts";
import type {
  DataSegment,
  ElementSegment,
  Export,
  ExternKind,
  Global,
  Import,
  ImportDesc,
  Memory,
  Module,
  SegmentMode,
  Table,
  Tag,
} from "./module.ts";
import { TypeInterner } from "./type-interner.ts";
import type { SubType } from "./types.ts";
import { endOfPart } from "./validate-types.ts";

/**
 * Decodes the module `bytes[start, end)`. Throws `WindlassError`: `malformed`, `limit`, or for a constant expression
 * `invalid` or `unsupported`. Modules that are to be linked must share the interner.
 */
export function decodeModule(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
  interner: TypeInterner = new TypeInterner(),
): Module {
  const decoder = new ModuleDecoder(bytes, start, end, interner);
  try {
    return decoder.module();
  } catch (error) {
    throw decoder.located(error);
  }
}

const SECTION_NAMES = [
  "custom",
  "type",
  "import",
  "function",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "element",
  "code",
  "data",
  "data count",
  "tag",
] as const;

/** Section id → position in the order that the standard demands. */
const SECTION_ORDER = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6] as const;

const EXTERN_KINDS = ["func", "table", "memory", "global", "tag"] as const satisfies readonly ExternKind[];

const VERSION_1 = 1;
const MAGIC = 0x6d73_6100;

class ModuleDecoder {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  readonly #reader: ByteReader;
  readonly #expressions: ExpressionDecoder;
  readonly #interner: TypeInterner;
  /** The path of errors: the section that is being read. */
  #section = "";

  readonly #types: SubType[] = [];
  /** First type index of every recursive group. */
  readonly #groups: number[] = [];
  readonly #imports: Import[] = [];
  readonly #importedFunctions: number[] = [];
  #definedFunctions: Uint32Array = new Uint32Array(0);
  readonly #tables: Table[] = [];
  readonly #memories: Memory[] = [];
  readonly #globals: Global[] = [];
  readonly #tags: Tag[] = [];
  #importedTables = 0;
  #importedMemories = 0;
  #importedGlobals = 0;
  #importedTags = 0;
  readonly #exports: Export[] = [];
  #startFunction: number | undefined;
  readonly #elements: ElementSegment[] = [];
  readonly #data: DataSegment[] = [];
  #dataCount: number | undefined;
  #bodyStart: Uint32Array = new Uint32Array(0);
  #bodyEnd: Uint32Array = new Uint32Array(0);
  #namesStart = -1;
  #namesEnd = -1;

  constructor(bytes: Uint8Array, start: number, end: number, interner: TypeInterner) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#reader = new ByteReader(bytes, start, end);
    this.#expressions = new ExpressionDecoder(this.#reader);
    this.#interner = interner;
  }

  /** The same fault with the section as its path; other errors as they are. */
  located(error: unknown): unknown {
    const path = this.#section === "" ? [] : [`${this.#section} section`];
    if (error instanceof ReadError) {
      const message = this.#section === "" ? error.message : endOfPart(error.message);
      const { offset } = error;
      return new WindlassError({ kind: "malformed", subject: "module", message, offset, path });
    }
    if (error instanceof WindlassError) return new WindlassError(...error.diagnostics.map((d) => ({ ...d, path })));
    return error;
  }

  module(): Module {
    this.#sections();
    const ids = new Uint32Array(this.#types.length);
    const groupEnd = new Uint32Array(this.#types.length);
    for (let i = 0; i < this.#groups.length; i++) {
      const first = this.#groups[i] ?? 0;
      const next = this.#groups[i + 1] ?? this.#types.length;
      groupEnd.fill(next, first, next);
      this.#interner.intern(this.#types, first, next - first, ids);
    }
    const imported = this.#importedFunctions.length;
    const functions = new Uint32Array(imported + this.#definedFunctions.length);
    functions.set(this.#importedFunctions);
    functions.set(this.#definedFunctions, imported);
    return {
      bytes: this.#bytes,
      start: this.#start,
      end: this.#end,
      types: this.#types,
      typeIds: ids,
      typeGroupEnd: groupEnd,
      interner: this.#interner,
      imports: this.#imports,
      functions,
      importedFunctions: imported,
      tables: this.#tables,
      importedTables: this.#importedTables,
      memories: this.#memories,
      importedMemories: this.#importedMemories,
      globals: this.#globals,
      importedGlobals: this.#importedGlobals,
      tags: this.#tags,
      importedTags: this.#importedTags,
      exports: this.#exports,
      startFunction: this.#startFunction,
      elements: this.#elements,
      data: this.#data,
      dataCount: this.#dataCount,
      bodyStart: this.#bodyStart,
      bodyEnd: this.#bodyEnd,
      names:
        this.#namesStart < 0 ? NO_NAMES : decodeNames(this.#bytes, this.#namesStart, this.#namesEnd, functions.length),
    };
  }

  // Sections

  #sections(): void {
    const reader = this.#reader;
    if (reader.remaining < 4) reader.fail("unexpected end: a module begins with 8 bytes of header", reader.end);
    if (reader.u32() !== MAGIC) reader.fail("magic header not detected", this.#start);
    if (reader.remaining < 4) reader.fail("unexpected end", reader.end);
    if (reader.u32() !== VERSION_1) reader.fail("unknown binary version", reader.pos - 4);
    let last = 0;
    while (!reader.atEnd) {
      this.#section = "";
      const at = reader.pos;
      const id = reader.u8();
      const name = SECTION_NAMES[id];
      if (name === undefined) throw new ReadError("malformed section id", at);
      const size = reader.varU32();
      if (size > reader.remaining) reader.fail("length out of bounds", at + 1);
      if (id !== 0) {
        const order = SECTION_ORDER[id] ?? 0;
        if (order === last) reader.fail(`unexpected content after last section: a second ${name} section`, at);
        if (order < last) reader.fail(`unexpected content after last section: ${name} section out of order`, at);
        last = order;
      }
      this.#section = name;
      const end = reader.pos + size;
      reader.end = end;
      this.#sectionContents(id);
      if (reader.pos !== end) reader.fail("section size mismatch");
      reader.end = this.#end;
    }
    this.#section = "";
    if (this.#bodyStart.length !== this.#definedFunctions.length) {
      reader.fail(
        `function and code section have inconsistent lengths: ${this.#definedFunctions.length} and ${this.#bodyStart.length}`,
      );
    }
    if (this.#dataCount !== undefined && this.#dataCount !== this.#data.length) {
      reader.fail(`data count and data section have inconsistent lengths: ${this.#dataCount} and ${this.#data.length}`);
    }
  }

  #sectionContents(id: number): void {
    switch (id) {
      case 0:
        this.#customSection();
        return;
      case 1:
        this.#typeSection();
        return;
      case 2:
        this.#importSection();
        return;
      case 3:
        this.#functionSection();
        return;
      case 4:
        this.#tableSection();
        return;
      case 5:
        this.#memorySection();
        return;
      case 6:
        this.#globalSection();
        return;
      case 7:
        this.#exportSection();
        return;
      case 8:
        this.#startFunction = this.#reader.varU32();
        return;
      case 9:
        this.#elementSection();
        return;
      case 10:
        this.#codeSection();
        return;
      case 11:
        this.#dataSection();
        return;
      case 12:
        this.#dataCount = readCount(this.#reader, limits.MAX_DATA_SEGMENTS, "data segment");
        return;
      case 13:
        this.#tagSection();
        return;
    }
  }

  #customSection(): void {
    const reader = this.#reader;
    const name = reader.name();
    if (name === "name" && this.#namesStart < 0) {
      this.#namesStart = reader.pos;
      this.#namesEnd = reader.end;
    }
    reader.pos = reader.end;
  }

  #typeSection(): void {
    const reader = this.#reader;
    const count = readItemCount(reader, limits.MAX_REC_GROUPS, "type");
    for (let i = 0; i < count; i++) {
      this.#groups.push(this.#types.length);
      if (reader.peekU8() === 0x4e) {
        const at = reader.pos++;
        const group = readItemCount(reader, limits.MAX_TYPES, "type");
        checkCount(this.#types.length + group, limits.MAX_TYPES, "type", at);
        for (let j = 0; j < group; j++) this.#types.push(readSubType(reader));
      } else this.#types.push(readSubType(reader));
    }
    checkCount(this.#types.length, limits.MAX_TYPES, "type", reader.pos);
  }

  #importSection(): void {
    const reader = this.#reader;
    const count = readItemCount(reader, limits.MAX_IMPORTS, "import");
    for (let i = 0; i < count; i++) {
      const offset = reader.pos;
      const module = reader.name();
      const name = reader.name();
      const desc = this.#importDesc();
      this.#imports.push({ module, name, desc, offset });
    }
    this.#importedTables = this.#tables.length;
    this.#importedMemories = this.#memories.length;
    this.#importedGlobals = this.#globals.length;
    this.#importedTags = this.#tags.length;
  }

  #importDesc(): ImportDesc {
    const reader = this.#reader;
    const offset = reader.pos;
    const kind = EXTERN_KINDS[reader.u8()];
    if (kind === undefined) return reader.fail("malformed import kind", offset);
    switch (kind) {
      case "func": {
        const type = reader.varU32();
        this.#importedFunctions.push(type);
        return { kind, type };
      }
      case "table": {
        const type = readTableType(reader);
        this.#tables.push({ type, init: undefined, offset });
        return { kind, type };
      }
      case "memory": {
        const type = readMemoryType(reader);
        this.#memories.push({ type, offset });
        return { kind, type };
      }
      case "global": {
        const type = readGlobalType(reader);
        this.#globals.push({ type, init: undefined, offset });
        return { kind, type };
      }
      case "tag": {
        const type = readTagType(reader);
        this.#tags.push({ type, offset });
        return { kind, type };
      }
    }
  }

  #functionSection(): void {
    const reader = this.#reader;
    const at = reader.pos;
    const count = readItemCount(reader, limits.MAX_FUNCTIONS, "function");
    checkCount(this.#importedFunctions.length + count, limits.MAX_FUNCTIONS, "function", at);
    this.#definedFunctions = new Uint32Array(count);
    for (let i = 0; i < count; i++) this.#definedFunctions[i] = this.#reader.varU32();
  }

  #tableSection(): void {
    const reader = this.#reader;
    const at = reader.pos;
    const count = readItemCount(reader, limits.MAX_TABLES, "table");
    checkCount(this.#tables.length + count, limits.MAX_TABLES, "table", at);
    for (let i = 0; i < count; i++) {
      const offset = reader.pos;
      if (reader.peekU8() === 0x40) {
        reader.pos++;
        if (reader.u8() !== 0) reader.fail("malformed table definition", reader.pos - 1);
        const type = readTableType(reader);
        this.#tables.push({ type, init: this.#expressions.constExpr(), offset });
      } else this.#tables.push({ type: readTableType(reader), init: undefined, offset });
    }
  }

  #memorySection(): void {
    const reader = this.#reader;
    const at = reader.pos;
    const count = readItemCount(reader, limits.MAX_MEMORIES, "memory");
    checkCount(this.#memories.length + count, limits.MAX_MEMORIES, "memory", at);
    for (let i = 0; i < count; i++) {
      const offset = reader.pos;
      this.#memories.push({ type: readMemoryType(reader), offset });
    }
  }

  #tagSection(): void {
    const reader = this.#reader;
    const at = reader.pos;
    const count = readItemCount(reader, limits.MAX_TAGS, "tag");
    checkCount(this.#tags.length + count, limits.MAX_TAGS, "tag", at);
    for (let i = 0; i < count; i++) {
      const offset = reader.pos;
      this.#tags.push({ type: readTagType(reader), offset });
    }
  }

  #globalSection(): void {
    const reader = this.#reader;
    const at = reader.pos;
    const count = readItemCount(reader, limits.MAX_GLOBALS, "global");
    checkCount(this.#globals.length + count, limits.MAX_GLOBALS, "global", at);
    for (let i = 0; i < count; i++) {
      const offset = reader.pos;
      const type = readGlobalType(reader);
      this.#globals.push({ type, init: this.#expressions.constExpr(), offset });
    }
  }

  #exportSection(): void {
    const reader = this.#reader;
    const count = readItemCount(reader, limits.MAX_EXPORTS, "export");
    for (let i = 0; i < count; i++) {
      const offset = reader.pos;
      const name = reader.name();
      const kind = EXTERN_KINDS[reader.u8()];
      if (kind === undefined) reader.fail("malformed export kind", reader.pos - 1);
      else this.#exports.push({ name, kind, index: reader.varU32(), offset });
    }
  }

  #codeSection(): void {
    const reader = this.#reader;
    const count = readItemCount(reader, limits.MAX_FUNCTIONS, "function body");
    this.#bodyStart = new Uint32Array(count);
    this.#bodyEnd = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const at = reader.pos;
      const size = reader.varU32();
      if (size > limits.MAX_BODY_SIZE) {
        throw limitError(`function body of ${size} bytes exceeds the limit of ${limits.MAX_BODY_SIZE}`, at);
      }
      this.#bodyStart[i] = reader.skip(size);
      this.#bodyEnd[i] = reader.pos;
    }
  }

  #dataSection(): void {
    const reader = this.#reader;
    const count = readItemCount(reader, limits.MAX_DATA_SEGMENTS, "data segment");
    for (let i = 0; i < count; i++) {
      const offset = reader.pos;
      const flags = reader.varU32();
      if (flags > 2) reader.fail("malformed data segment kind", offset);
      let mode: SegmentMode = { kind: "passive" };
      if (flags !== 1) {
        const index = flags === 2 ? reader.varU32() : 0;
        mode = { kind: "active", index, offset: this.#expressions.constExpr() };
      }
      const size = reader.varU32();
      const start = reader.skip(size);
      this.#data.push({ mode, start, end: start + size, offset });
    }
  }

  #elementSection(): void {
    const count = readItemCount(this.#reader, limits.MAX_ELEMENT_SEGMENTS, "element segment");
    for (let i = 0; i < count; i++) this.#elements.push(this.#expressions.elementSegment());
  }
}
