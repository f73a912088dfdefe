/** Small programs, assembled by hand, for the object tests. */

import { type CompiledFunction, RelocKind, UnwindOp } from "../../src/codegen/compiled.ts";
import { Assembler } from "../../src/codegen/x64/assembler.ts";
import { Mem } from "../../src/codegen/x64/encoder.ts";
import { Inst } from "../../src/codegen/x64/instructions.ts";
import {
  DWARF_RBP,
  DWARF_RSP,
  dwarfNumber,
  RAX,
  RBP,
  RBX,
  RDI,
  RDX,
  RSI,
  RSP,
} from "../../src/codegen/x64/registers.ts";
import { EhFrameBuilder } from "../../src/object/ehframe.ts";
import { RelocationType } from "../../src/object/elf.ts";
import { ElfObject, type SectionIndex, Sections, type SymbolIndex } from "../../src/object/writer.ts";

const RBX_SLOT = -24;

/** `push rbp; mov rbp, rsp; push rbx; push rbx`, with exact unwind rows. */
function prologue(a: Assembler): void {
  a.r(Inst.push_r, 8, RBP);
  a.unwind(UnwindOp.defCfa, DWARF_RSP, 16);
  a.unwind(UnwindOp.saved, DWARF_RBP, -16);
  a.rr(Inst.mov_rr, 8, RBP, RSP);
  a.unwind(UnwindOp.defCfa, DWARF_RBP, 16);
  a.r(Inst.push_r, 8, RBX);
  a.unwind(UnwindOp.saved, dwarfNumber(RBX), RBX_SLOT);
  a.r(Inst.push_r, 8, RBX);
}

function epilogue(a: Assembler): void {
  a.unwind(UnwindOp.remember);
  a.r(Inst.pop_r, 8, RBX);
  a.r(Inst.pop_r, 8, RBX);
  a.unwind(UnwindOp.restored, dwarfNumber(RBX));
  a.r(Inst.pop_r, 8, RBP);
  a.unwind(UnwindOp.restored, DWARF_RBP);
  a.unwind(UnwindOp.defCfa, DWARF_RSP, 8);
  a.none(Inst.ret);
  a.unwind(UnwindOp.restore);
}

/** Symbols of the programs: functions by `RelocKind.func` number, data by `RelocKind.data` number. */
interface Program {
  readonly functions: readonly { readonly name: string; readonly global: boolean; readonly code: CompiledFunction }[];
  readonly data: readonly { readonly name: string; readonly bytes: Uint8Array; readonly section: "rodata" | "data" }[];
}

/** Puts a program into an object; returns the functions' symbols. */
export function buildObject(program: Program): { object: ElfObject; functions: SymbolIndex[]; text: SectionIndex } {
  const object = new ElfObject();
  object.addFile("program@1.wasm");
  const text = object.section(Sections.text);
  const placed = program.functions.map(({ name, global, code }) => {
    const at = object.append(text, code.code, code.align, 0xcc);
    return { at, code, symbol: object.addFunction(name, text, at, code.code.length, global) };
  });
  const data = program.data.map(({ name, bytes, section }) => {
    const index = object.section(Sections[section]);
    return object.addData(name, index, object.append(index, bytes, 16), bytes.length);
  });
  const frames = new EhFrameBuilder(object, text);
  for (const { at, code } of placed) {
    frames.addFunction(at, code.code.length, code);
    for (let i = 0; i < code.relocOffset.length; i++) {
      const kind = code.relocKind[i];
      const symbol = (kind === RelocKind.data ? data : placed.map((p) => p.symbol))[code.relocSymbol[i] ?? 0];
      if (symbol === undefined) throw new Error("no such symbol");
      const type = kind === RelocKind.call ? RelocationType.R_X86_64_PLT32 : RelocationType.R_X86_64_PC32;
      object.addRelocation(text, at + (code.relocOffset[i] ?? 0), type, symbol, code.relocAddend[i] ?? 0);
    }
  }
  const info = object.section(Sections.info);
  object.append(info, new TextEncoder().encode("windlass test"));
  const trampolines = object.section(Sections.trampolines);
  object.append(trampolines, Uint8Array.of(1, 2, 3), 4);
  return { object, functions: placed.map((p) => p.symbol), text };
}

/**
 * `uint64_t sum(uint64_t x)` (global) = twice(x) + table[1] (in .rodata) + *counter, which it increments (in .data);
 * `twice` is local and calls nothing; `visit(f)` (global) calls the host's function.
 */
export function library(): Program {
  const mem = new Mem();
  const a = new Assembler();
  prologue(a);
  a.callSymbol(1);
  a.rr(Inst.mov_rr, 8, RBX, RAX);
  a.rm(Inst.add_rm, 8, RBX, mem.setSymbol(RelocKind.data, 0, 8));
  a.rm(Inst.add_rm, 8, RBX, mem.setSymbol(RelocKind.data, 1));
  a.mi(Inst.add_mi, 8, mem.setSymbol(RelocKind.data, 1), 1000);
  a.rr(Inst.mov_rr, 8, RAX, RBX);
  epilogue(a);
  const sum = a.finish(16);
  prologue(a);
  a.rr(Inst.mov_rr, 8, RAX, RDI);
  a.rr(Inst.add_rr, 8, RAX, RDI);
  epilogue(a);
  const twice = a.finish(16);
  prologue(a);
  a.ri(Inst.mov_ri, 8, RBX, 77);
  a.r(Inst.call_r, 8, RDI);
  a.rr(Inst.add_rr, 8, RAX, RBX);
  epilogue(a);
  const visit = a.finish(16);
  const table = new Uint8Array(16);
  table[8] = 100;
  const counter = new Uint8Array(8);
  counter[0] = 5;
  return {
    functions: [
      { name: "sum", global: true, code: sum },
      { name: "lib/core0::twice", global: false, code: twice },
      { name: "visit", global: true, code: visit },
    ],
    data: [
      { name: "lib/table", bytes: table, section: "rodata" },
      { name: "lib/counter", bytes: counter, section: "data" },
    ],
  };
}

export const GREETING = "hello, image\n";

/** `_start`: writes the greeting by way of `write_all`, counts in .bss, and exits with `status`. */
export function executable(status: number): { object: ElfObject; entry: SymbolIndex } {
  const mem = new Mem();
  const a = new Assembler();
  a.rm(Inst.lea, 8, RSI, mem.setSymbol(RelocKind.data, 0));
  a.ri(Inst.mov_ri, 4, RDX, GREETING.length);
  a.callSymbol(1);
  a.ri(Inst.mov_ri, 4, RAX, 231);
  a.rm(Inst.mov_rm, 4, RDI, mem.setSymbol(RelocKind.data, 1));
  a.none(Inst.syscall);
  a.none(Inst.ud2);
  const start = a.finish(0);
  prologue(a);
  a.ri(Inst.mov_ri, 4, RAX, 1);
  a.ri(Inst.mov_ri, 4, RDI, 1);
  a.none(Inst.syscall);
  // .data and .bss are writable: the status goes through both.
  a.rm(Inst.mov_rm, 4, RBX, mem.setSymbol(RelocKind.data, 1));
  a.rm(Inst.add_mr, 4, RBX, mem.setSymbol(RelocKind.data, 2, 100_000));
  a.rm(Inst.mov_rm, 4, RBX, mem.setSymbol(RelocKind.data, 2, 100_000));
  a.mi(Inst.add_mi, 4, mem.setSymbol(RelocKind.data, 1), 1);
  a.rm(Inst.add_mr, 4, RBX, mem.setSymbol(RelocKind.data, 1));
  epilogue(a);
  const writeAll = a.finish(16);
  const object = new ElfObject();
  const text = object.section(Sections.text);
  const functions = [start, writeAll].map((f, i) => {
    const at = object.append(text, f.code, f.align, 0xcc);
    return {
      at,
      f,
      symbol: object.addFunction(i === 0 ? "_start" : "app/write_all", text, at, f.code.length, i === 0),
    };
  });
  const rodata = object.section(Sections.rodata);
  const data = object.section(Sections.data);
  const bss = object.section(Sections.bss);
  const word = Uint8Array.of((status - 1) / 2, 0, 0, 0);
  const symbols = [
    object.addData("app/greeting", rodata, object.append(rodata, new TextEncoder().encode(GREETING)), GREETING.length),
    object.addData("app/status", data, object.append(data, word, 4), 4),
    object.addData("app/zeros", bss, object.sections.get(bss).reserve(200_000, 64), 200_000),
  ];
  const frames = new EhFrameBuilder(object, text);
  for (const { at, f } of functions) {
    frames.addFunction(at, f.code.length, f);
    for (let i = 0; i < f.relocOffset.length; i++) {
      const list = f.relocKind[i] === RelocKind.data ? symbols : functions.map((p) => p.symbol);
      const symbol = list[f.relocSymbol[i] ?? 0];
      if (symbol === undefined) throw new Error("no such symbol");
      object.addRelocation(
        text,
        at + (f.relocOffset[i] ?? 0),
        RelocationType.R_X86_64_PC32,
        symbol,
        f.relocAddend[i] ?? 0,
      );
    }
  }
  object.append(object.section(Sections.info), new TextEncoder().encode("windlass test"));
  const entry = functions[0]?.symbol;
  if (entry === undefined) throw new Error("no entry");
  return { object, entry };
}
