/**
 * Decodes a component (Component Model, "Binary Format").
 *
 * Receives any bytes. Guarantees that preambles, sections, names and opcodes are well-formed, that everything nested is decoded (core
 * modules by `wasm/`), and that counts and nesting stay within `limits.ts`. What indices and types mean is left to `validate.ts`.
 */

import { ByteReader, ReadError } from "../base/bytes.ts";
import { WindlassError } from "../base/diagnostics.ts";
import { decodeModule } from "../wasm/decode.ts";
import { TypeInterner } from "../wasm/type-interner.ts";
import { readCanon } from "./decode-canon.ts";
import {
  type DecodeContext,
  invalidByte,
  limitExceeded,
  readAlias,
  readCoreSort,
  readCount,
  readExternDesc,
  readExternName,
  readName,
  readSortIndex,
} from "./decode-common.ts";
import { readCoreType, readType } from "./decode-types.ts";
import { DOCS_SECTION } from "./docs.ts";
import { componentError, insideComponent } from "./errors.ts";
import * as limits from "./limits.ts";
import type { CoreInstanceExpr, Definition, InstanceExpr, ParsedComponent } from "./parsed.ts";

const MAGIC = 0x6d73_6100;
/** Version 13 of the pre-standard, layer 1. */
const COMPONENT_VERSION = 0x0001_000d;
const MODULE_VERSION = 1;

/** What the first eight bytes say; `undefined` when they are neither's. */
export function sniff(bytes: Uint8Array): "component" | "module" | undefined {
  const reader = new ByteReader(bytes);
  if (reader.remaining < 8 || reader.u32() !== MAGIC) return undefined;
  const version = reader.u32();
  if (version === MODULE_VERSION) return "module";
  return version === COMPONENT_VERSION ? "component" : undefined;
}

/** Counts over the whole input. */
interface Totals {
  modules: number;
  components: number;
}

/**
 * Decodes the component that `bytes` is. Throws `WindlassError`: `malformed`, `limit`, `unsupported`, or `invalid` where a rule
 * of validation is already broken in the binary form. All core modules share `interner`.
 */
export function decodeComponent(bytes: Uint8Array, interner: TypeInterner = new TypeInterner()): ParsedComponent {
  const totals = { modules: 0, components: 0 };
  return new ComponentDecoder(new ByteReader(bytes), [], 0, interner, totals).component();
}

class ComponentDecoder {
  readonly #c: DecodeContext;
  readonly #reader: ByteReader;
  readonly #interner: TypeInterner;
  readonly #totals: Totals;
  readonly #definitions: Definition[] = [];
  #modules = 0;
  #components = 0;
  #name: string | undefined;
  readonly #docs: Uint8Array[] = [];

  constructor(reader: ByteReader, path: readonly string[], depth: number, interner: TypeInterner, totals: Totals) {
    this.#c = { reader, path, depth };
    this.#reader = reader;
    this.#interner = interner;
    this.#totals = totals;
  }

  component(): ParsedComponent {
    const { path } = this.#c;
    const reader = this.#reader;
    const start = reader.pos;
    const end = reader.end;
    try {
      this.#preamble();
      while (!reader.atEnd) this.#section(end);
    } catch (error) {
      if (error instanceof ReadError) {
        const message = error.message === "unexpected end" ? "unexpected end-of-file" : error.message;
        throw componentError("malformed", message, path, error.offset);
      }
      // From the core type readers.
      if (error instanceof WindlassError && error.diagnostics[0]?.subject === "module") {
        throw insideComponent(error, path);
      }
      throw error;
    }
    return {
      bytes: reader.bytes,
      start,
      end,
      path,
      definitions: this.#definitions,
      name: this.#name,
      docs: this.#docs,
      interner: this.#interner,
    };
  }

  #preamble(): void {
    const reader = this.#reader;
    const at = reader.pos;
    if (reader.remaining < 4) reader.fail("unexpected end-of-file: no magic header", reader.end);
    if (reader.u32() !== MAGIC) reader.fail("magic header not detected", at);
    if (reader.remaining < 4) reader.fail("unexpected end-of-file", reader.end);
    const version = reader.u32();
    if (version === COMPONENT_VERSION) return;
    if (version === MODULE_VERSION) {
      if (this.#c.path.length > 0)
        reader.fail("expected a version header for a component, found a core module's", at + 4);
      throw componentError("unsupported", "this is a core module, not a component", this.#c.path, at + 4);
    }
    reader.fail(`unknown binary version 0x${version.toString(16)}`, at + 4);
  }

  #section(componentEnd: number): void {
    const reader = this.#reader;
    const at = reader.pos;
    const id = reader.u8();
    if (id > 11) reader.fail(`malformed section id: ${id}`, at);
    const size = reader.varU32();
    if (size > reader.remaining) reader.fail("unexpected end-of-file: section longer than the component", at + 1);
    const end = reader.pos + size;
    reader.end = end;
    this.#contents(id, end);
    if (reader.pos !== end) reader.fail("section size mismatch: unexpected bytes after its contents");
    reader.end = componentEnd;
  }

  #contents(id: number, end: number): void {
    const reader = this.#reader;
    const offset = reader.pos;
    switch (id) {
      case 0:
        this.#custom();
        return;
      case 1:
        this.#coreModule(offset, end);
        return;
      case 4:
        this.#nested(offset, end);
        return;
      case 9:
        throw componentError("unsupported", "start functions of components (and values)", this.#c.path, offset);
      default:
        this.#vector(id);
    }
  }

  #push(definition: Definition): void {
    if (this.#definitions.length >= limits.MAX_DEFINITIONS) {
      limitExceeded(this.#c, `definitions exceed the limit of ${limits.MAX_DEFINITIONS}`, definition.offset);
    }
    this.#definitions.push(definition);
  }

  #vector(id: number): void {
    const c = this.#c;
    const reader = this.#reader;
    const count = readCount(c, limits.MAX_DEFINITIONS, "definition");
    for (let i = 0; i < count; i++) {
      const offset = reader.pos;
      switch (id) {
        case 2:
          this.#push({ kind: "core-instance", offset, expr: this.#coreInstance() });
          break;
        case 3:
          this.#push({ kind: "core-type", offset, type: readCoreType(c) });
          break;
        case 5:
          this.#push({ kind: "instance", offset, expr: this.#instance() });
          break;
        case 6:
          this.#push({ kind: "alias", offset, alias: readAlias(c) });
          break;
        case 7:
          this.#push({ kind: "type", offset, type: readType(c) });
          break;
        case 8:
          this.#push({ kind: "canon", offset, canon: readCanon(c) });
          break;
        case 10:
          this.#push({ kind: "import", offset, name: readExternName(c), desc: readExternDesc(c) });
          break;
        case 11: {
          const name = readExternName(c);
          const item = readSortIndex(reader);
          const ascribed = reader.u8();
          if (ascribed > 1) invalidByte(reader, ascribed, "optional component export type");
          this.#push({ kind: "export", offset, name, item, desc: ascribed ? readExternDesc(c) : undefined });
          break;
        }
      }
    }
  }

  #coreModule(offset: number, end: number): void {
    const { path } = this.#c;
    if (++this.#totals.modules > limits.MAX_CORE_MODULES) {
      limitExceeded(this.#c, `core modules exceed the limit of ${limits.MAX_CORE_MODULES}`, offset);
    }
    const where = [...path, `core module ${this.#modules++}`];
    const reader = new ByteReader(this.#reader.bytes, offset, end);
    if (reader.remaining >= 8 && reader.u32() === MAGIC && reader.u32() === COMPONENT_VERSION) {
      throw componentError(
        "malformed",
        "expected a version header for a module, found a component's",
        where,
        offset + 4,
      );
    }
    try {
      const module = decodeModule(this.#reader.bytes, offset, end, this.#interner);
      this.#push({ kind: "core-module", offset, module });
    } catch (error) {
      throw error instanceof WindlassError ? insideComponent(error, where) : error;
    }
    this.#reader.pos = end;
  }

  #nested(offset: number, end: number): void {
    const { path, depth } = this.#c;
    if (depth >= limits.MAX_NESTING) {
      limitExceeded(this.#c, `nesting exceeds the limit of ${limits.MAX_NESTING} components and types`, offset);
    }
    if (++this.#totals.components > limits.MAX_COMPONENTS) {
      limitExceeded(this.#c, `nested components exceed the limit of ${limits.MAX_COMPONENTS}`, offset);
    }
    const where = [...path, `component ${this.#components++}`];
    const reader = new ByteReader(this.#reader.bytes, offset, end);
    const component = new ComponentDecoder(reader, where, depth + 1, this.#interner, this.#totals).component();
    this.#push({ kind: "component", offset, component });
    this.#reader.pos = end;
  }

  #coreInstance(): CoreInstanceExpr {
    const reader = this.#reader;
    const form = reader.u8();
    if (form === 0x00) {
      const module = reader.varU32();
      const count = readCount(this.#c, limits.MAX_INSTANTIATION_ARGUMENTS, "instantiation argument");
      const args = [];
      for (let i = 0; i < count; i++) {
        const name = readName(this.#c);
        const sort = reader.u8();
        if (sort !== 0x12) invalidByte(reader, sort, "instantiation arg kind");
        args.push({ name, instance: reader.varU32() });
      }
      return { kind: "instantiate", module, args };
    }
    if (form !== 0x01) invalidByte(reader, form, "core instance");
    const count = readCount(this.#c, limits.MAX_INSTANTIATION_ARGUMENTS, "export");
    const exports = [];
    for (let i = 0; i < count; i++) {
      const name = readName(this.#c);
      const sort = readCoreSort(reader, "core external kind");
      exports.push({ name, sort, index: reader.varU32() });
    }
    return { kind: "exports", exports };
  }

  #instance(): InstanceExpr {
    const reader = this.#reader;
    const form = reader.u8();
    if (form === 0x00) {
      const component = reader.varU32();
      const count = readCount(this.#c, limits.MAX_INSTANTIATION_ARGUMENTS, "instantiation argument");
      const args = [];
      for (let i = 0; i < count; i++) {
        const name = readName(this.#c);
        args.push({ name, ...readSortIndex(reader) });
      }
      return { kind: "instantiate", component, args };
    }
    if (form !== 0x01) invalidByte(reader, form, "instance");
    const count = readCount(this.#c, limits.MAX_INSTANTIATION_ARGUMENTS, "export");
    const exports = [];
    for (let i = 0; i < count; i++) {
      const name = readExternName(this.#c);
      exports.push({ name, ...readSortIndex(reader) });
    }
    return { kind: "exports", exports };
  }

  /** Malformed contents of a custom section, names included, can't make a component malformed; a malformed name can. */
  #custom(): void {
    const reader = this.#reader;
    const name = readName(this.#c);
    if (name === "component-name" && this.#name === undefined) {
      try {
        while (!reader.atEnd) {
          const id = reader.u8();
          const body = reader.sub(reader.varU32());
          if (id === 0) this.#name = body.name();
        }
      } catch (error) {
        if (!(error instanceof ReadError)) throw error;
      }
    }
    if (name === DOCS_SECTION) this.#docs.push(reader.bytes.subarray(reader.pos, reader.end));
    reader.pos = reader.end;
  }
}
