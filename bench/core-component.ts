/**
 * A real core module as a component that compiles all of it: its imports are functions that do nothing but trap, and a second module holds
 * its exports in a table, so that they count as called.
 */

import { ByteWriter } from "../src/base/bytes.ts";
import { decodeModule } from "../src/wasm/decode.ts";
import type { Module } from "../src/wasm/module.ts";

const TYPE = 1;
const IMPORT = 2;
const FUNCTION = 3;
const TABLE = 4;
const EXPORT = 7;
const ELEMENT = 9;
const CODE = 10;

function text(w: ByteWriter, value: string): void {
  const bytes = new TextEncoder().encode(value);
  w.varU32(bytes.length);
  w.bytes(bytes);
}

function section(w: ByteWriter, id: number, write: (w: ByteWriter) => void): void {
  const body = new ByteWriter();
  write(body);
  w.u8(id);
  w.varU32(body.length);
  w.bytes(body.view());
}

/** A header and sections. */
function binary(layer: number, write: (w: ByteWriter) => void): Uint8Array {
  const w = new ByteWriter(1 << 16);
  w.u32(0x6d736100); // "\0asm"
  w.u32(layer);
  write(w);
  return w.toBytes();
}

const CORE_MODULE = 1;
const COMPONENT = 0x1000d;

/** The type section as it is, so that type indices mean the same in every module made here. */
function typeSection({ bytes }: Module): Uint8Array {
  for (let at = 8; at < bytes.length; ) {
    const start = at;
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++] ?? 0;
      size |= (byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    if (id === TYPE) return bytes.subarray(start, at + size);
    at += size;
  }
  return new Uint8Array();
}

/** Exports what `module` imports from `from`. */
function provider(module: Module, from: string): Uint8Array {
  const wanted = module.imports.filter((i) => i.module === from);
  return binary(CORE_MODULE, (w) => {
    w.bytes(typeSection(module));
    section(w, FUNCTION, (s) => {
      s.varU32(wanted.length);
      for (const { desc, name } of wanted) {
        if (desc.kind !== "func") throw new Error(`${from}.${name} is a ${desc.kind}: only functions can be provided`);
        s.varU32(desc.type);
      }
    });
    section(w, EXPORT, (s) => {
      s.varU32(wanted.length);
      wanted.forEach(({ name }, i) => {
        text(s, name);
        s.u8(0);
        s.varU32(i);
      });
    });
    section(w, CODE, (s) => {
      s.varU32(wanted.length);
      for (let i = 0; i < wanted.length; i++) s.bytes(Uint8Array.of(3, 0, 0x00, 0x0b)); // unreachable, end
    });
  });
}

/** Has all functions that `module` exports in a table. */
function consumer(module: Module): Uint8Array {
  const functions = module.exports.filter((e) => e.kind === "func");
  return binary(CORE_MODULE, (w) => {
    w.bytes(typeSection(module));
    section(w, IMPORT, (s) => {
      s.varU32(functions.length);
      for (const { name, index } of functions) {
        text(s, "m");
        text(s, name);
        s.u8(0);
        s.varU32(module.functions[index] ?? 0);
      }
    });
    section(w, TABLE, (s) => {
      s.varU32(1);
      s.u8(0x70);
      s.u8(0);
      s.varU32(functions.length);
    });
    section(w, ELEMENT, (s) => {
      s.varU32(1);
      s.varU32(0);
      s.bytes(Uint8Array.of(0x41, 0, 0x0b)); // i32.const 0, end
      s.varU32(functions.length);
      for (let i = 0; i < functions.length; i++) s.varU32(i);
    });
  });
}

/** Throws when the module imports anything but functions. */
export function componentOfModule(bytes: Uint8Array): Uint8Array {
  const module = decodeModule(bytes);
  const providers = [...new Set(module.imports.map((i) => i.module))];
  const modules = [...providers.map((from) => provider(module, from)), bytes, consumer(module)];
  return binary(COMPONENT, (w) => {
    for (const core of modules) section(w, 1, (s) => s.bytes(core));
    section(w, 2, (s) => {
      s.varU32(modules.length);
      modules.forEach((_, i) => {
        s.u8(0);
        s.varU32(i);
        const args: [string, number][] =
          i < providers.length ? [] : i === providers.length ? providers.map((p, k) => [p, k]) : [["m", i - 1]];
        s.varU32(args.length);
        for (const [name, instance] of args) {
          text(s, name);
          s.u8(0x12);
          s.varU32(instance);
        }
      });
    });
  });
}
