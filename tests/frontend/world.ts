/** Programs of components in text format, and an interpreter around them: entries, trampolines and support run before any code generator. */

import { entity } from "../../src/base/entity.ts";
import { decodeComponent } from "../../src/component/decode.ts";
import { buildFunction } from "../../src/frontend/build.ts";
import { NOTHING_INLINED } from "../../src/codegen/compiled.ts";
import { dataBytes, type FunctionRows, type TextLayout, TextRows } from "../../src/frontend/link-data.ts";
import { Sys } from "../../src/frontend/linux.ts";
import { enumerateProgram, type Program, type ProgramOptions } from "../../src/frontend/program.ts";
import type { DataSymbol, Func, FuncSymbol } from "../../src/ir/function.ts";
import { type TranslateOptions, translate } from "../../src/translate/translate.ts";
import { assemble } from "../support/wat.ts";
import { Interpreter, MEMORY_BASE, TEXT_BASE, TrapError } from "../support/ir-interpreter.ts";

export async function programOf(
  wat: string,
  options: Partial<ProgramOptions> = {},
  translation: TranslateOptions = {},
): Promise<Program> {
  const component = translate(decodeComponent(await assemble(wat)), translation);
  return enumerateProgram(component, { name: "test", prefix: "test", output: "object", ...options });
}

const NO_WORDS = new Uint32Array();
export const NO_ROWS: FunctionRows = {
  trapOffset: NO_WORDS,
  trapCode: new Uint8Array(),
  trapLoc: NO_WORDS,
  callOffset: NO_WORDS,
  callLoc: NO_WORDS,
  catchOffset: NO_WORDS,
  ...NOTHING_INLINED,
};

/** A text in which function s is the 16 bytes at 16 s, as in the interpreter. */
export function fakeLayout(program: Program): TextLayout {
  const n = program.functions.size;
  return {
    start: Uint32Array.from({ length: n }, (_, i) => 16 * i),
    length: new Uint32Array(n).fill(16),
    rows: new TextRows(),
  };
}

export type HostFunction = (machine: Machine, args: bigint[]) => bigint[];

const SCRATCH = MEMORY_BASE;
const DATA = MEMORY_BASE + 0x1000n;
const CONTEXT = MEMORY_BASE + 0x10_0000n;

/** One program and its memory. The context goes where `mmap` says: `CONTEXT`. */
export class Machine {
  readonly program: Program;
  readonly interpreter: Interpreter;
  readonly context = CONTEXT;
  readonly scratch = SCRATCH;
  readonly syscalls: bigint[][] = [];
  readonly #hosts: HostFunction[] = [];
  readonly #functions = new Map<FuncSymbol, Func>();
  readonly #data = new Map<DataSymbol, bigint>();
  #dataEnd = DATA;

  constructor(program: Program) {
    this.program = program;
    const layout = fakeLayout(program);
    this.interpreter = new Interpreter(
      {
        resolve: (symbol) => this.#resolve(symbol),
        dataAddress: (symbol) => this.#dataAddress(symbol, layout),
        syscall: (args) => this.#syscall(args),
      },
      0x200_0000,
    );
  }

  #resolve(symbol: FuncSymbol): Func | ((...args: bigint[]) => bigint[]) {
    const host = this.#hosts[symbol - this.program.functions.size];
    if (host !== undefined) return (...args) => host(this, args);
    if (symbol === 0) throw new Error("raise is not interpreted");
    if (symbol === this.program.support("raise_code")) {
      return (_context, code) => {
        throw new TrapError(Number(code));
      };
    }
    let func = this.#functions.get(symbol);
    if (func === undefined) {
      func = buildFunction(this.program, symbol);
      this.#functions.set(symbol, func);
    }
    return func;
  }

  #dataAddress(symbol: DataSymbol, layout: TextLayout): bigint {
    let at = this.#data.get(symbol);
    if (at === undefined) {
      const { content } = this.program.data.get(symbol);
      at = this.#dataEnd;
      const size = content.kind === "zero" ? content.size : dataBytes(this.program, symbol, layout).length;
      if (content.kind !== "zero") this.interpreter.put(at, dataBytes(this.program, symbol, layout));
      this.#dataEnd = (at + BigInt(size) + 15n) & ~15n;
      this.#data.set(symbol, at);
    }
    return at;
  }

  #syscall(args: readonly bigint[]): bigint {
    this.syscalls.push([...args]);
    return Number(args[0]) === Sys.mmap ? CONTEXT : 0n;
  }

  /** The code address of a host function. */
  host(func: HostFunction): bigint {
    return TEXT_BASE + 16n * BigInt(this.program.functions.size + this.#hosts.push(func) - 1);
  }

  /** Calls a function by the end of its name. */
  call(name: string, ...args: bigint[]): bigint[] {
    return this.interpreter.call(this.symbol(name), args);
  }

  symbol(name: string): FuncSymbol {
    const index = this.program.functions.values().findIndex((f) => f.name.endsWith(name));
    if (index < 0) throw new Error(`no function ${name}`);
    return entity<FuncSymbol>(index);
  }

  /** `new`, with host functions for the imports in their order; the status. */
  create(...hosts: (HostFunction | undefined)[]): bigint {
    const imports = SCRATCH + 0x100n;
    hosts.forEach((h, i) => {
      this.interpreter.write(imports + 16n * BigInt(i), 8, h === undefined ? 0n : this.host(h));
      this.interpreter.write(imports + 16n * BigInt(i) + 8n, 8, 0xda7aa000n + BigInt(i));
    });
    const [status = 0n] = this.call("test_new", imports, 0n, SCRATCH);
    return status;
  }

  /** Calls an entry with flat values; status and the values afterwards. */
  enter(name: string, ...values: bigint[]): bigint[] {
    const array = SCRATCH + 0x800n;
    values.forEach((v, i) => {
      this.interpreter.write(array + 16n * BigInt(i), 8, v);
    });
    const [status = 0n] = this.call(name, CONTEXT, array, 8n);
    return [status, ...[0, 1].map((i) => this.interpreter.read(array + 16n * BigInt(i), 4))];
  }

  field(offset: number, size = 8): bigint {
    return this.interpreter.read(CONTEXT + BigInt(offset), size);
  }
  setField(offset: number, value: bigint, size = 8): void {
    this.interpreter.write(CONTEXT + BigInt(offset), size, value);
  }
}
