/**
 * A program of IR functions, compiled and evaluated side by side: every call must end the same way, with the same results, in both, and
 * leave the same memory.
 */

import assert from "node:assert/strict";
import { entity } from "../../src/base/entity.ts";
import { type CompiledFunction, UnwindOp } from "../../src/codegen/compiled.ts";
import { checkAllocation } from "../../src/codegen/regalloc/check.ts";
import { RULE_NAMES, X64Target, type X64Options } from "../../src/codegen/x64/compile.ts";
import { type FuncBuilder, startFunction } from "../../src/ir/builder.ts";
import type { Func, FuncSymbol, Value } from "../../src/ir/function.ts";
import { printFunc } from "../../src/ir/print.ts";
import { I64, type Signature, type Type, typeSize } from "../../src/ir/types.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { RESULT_AREA } from "../../src/layout/offsets.ts";
import { layOutSignature } from "../../src/codegen/x64/abi.ts";
import { type CallAnswer, type Command, IMAGE_BASE, type Image, link, runImage } from "../support/native.ts";
import { Evaluator, InterpretedTrap, isNaNBits, show } from "./interpreter.ts";

/** Counters of all rules fired in this process, by name. */
export const firedRules = new Map<string, number>();

/** Fixed fields and result area. */
export const CONTEXT_SIZE = RESULT_AREA + 16 * 16;

export interface Call {
  readonly symbol: number;
  readonly args: readonly bigint[];
  /** Scratch memory (data object 1) before the call; else what `check` was given. */
  readonly memory?: Uint8Array;
}

/** Unwind rows are in order, and each function begins and ends in a known state. */
function checkRows(f: CompiledFunction): void {
  for (const column of [f.unwindOffset, f.trapOffset, f.callOffset, f.relocOffset]) {
    for (let i = 1; i < column.length; i++) assert.ok((column[i - 1] ?? 0) <= (column[i] ?? 0), "rows ascend");
  }
  let depth = 0;
  for (const op of f.unwindOp) {
    if (op === UnwindOp.remember) depth++;
    if (op === UnwindOp.restore) depth--;
    assert.ok(depth >= 0 && depth <= 1);
  }
}

export class Program {
  readonly functions: Func[] = [];
  readonly #target: X64Target;
  /** Compiles the same once more: every function must be allocated well either way. */
  readonly #other: X64Target;
  #compiled: CompiledFunction[] | undefined;
  #image: Image | undefined;
  /** Sizes of data objects; the first is the context, the second scratch memory. */
  readonly dataSizes: number[] = [CONTEXT_SIZE, 4096];

  constructor(options: X64Options = {}) {
    const allocated: X64Options["allocated"] = (input, output, func, graph) => {
      options.allocated?.(input, output, func, graph);
      const errors = checkAllocation(input, output);
      assert.deepEqual(errors, [], `allocation of ${func.name}\n${printFunc(func)}`);
    };
    this.#target = new X64Target({ ...options, allocated });
    this.#other = new X64Target({ ...options, allocated, quick: options.quick !== true });
  }

  /** The symbol that the next function gets. */
  get nextSymbol(): FuncSymbol {
    return entity<FuncSymbol>(this.functions.length + 1);
  }

  add(func: Func): number {
    assert.equal(this.#compiled, undefined, "the program is compiled already");
    assert.deepEqual(verifyFunc(func), [], printFunc(func));
    return this.functions.push(func);
  }

  get compiled(): readonly CompiledFunction[] {
    if (this.#compiled === undefined) {
      this.#compiled = this.functions.map((f) => this.#target.compileFunction(f));
      for (const f of this.#compiled) checkRows(f);
      for (const f of this.functions) checkRows(this.#other.compileFunction(f));
      RULE_NAMES.forEach((name, i) => {
        firedRules.set(name, (firedRules.get(name) ?? 0) + (this.#target.ruleCounts[i] ?? 0));
      });
    }
    return this.#compiled;
  }

  get image(): Image {
    this.#image ??= link(this.compiled, this.dataSizes);
    return this.#image;
  }

  dataAddress(object: number): bigint {
    return IMAGE_BASE + BigInt(this.image.data[object] ?? 0);
  }
  get context(): bigint {
    return this.dataAddress(0);
  }
  get scratch(): bigint {
    return this.dataAddress(1);
  }
  funcAddress(symbol: number): bigint {
    return IMAGE_BASE + BigInt(this.image.functions[symbol] ?? 0);
  }

  /** The trap row of a native trap: code and location. */
  trapAt(pc: number): { code: number; loc: number } {
    const { functions } = this.image;
    for (let s = functions.length - 1; s > 0; s--) {
      const start = functions[s] ?? 0;
      const f = this.compiled[s - 1];
      if (f === undefined || pc <= start) continue;
      const row = f.trapOffset.indexOf(pc - start);
      assert.notEqual(row, -1, `no trap row at ${pc - start} of ${this.functions[s - 1]?.name}`);
      return { code: f.trapCode[row] ?? 0, loc: f.trapLoc[row] ?? 0 };
    }
    throw new Error(`no function at ${pc}`);
  }

  /** Runs all calls natively; memory starts as `memory` (data object 1) for each. */
  runNative(
    calls: readonly Call[],
    common: Uint8Array,
  ): { answer: CallAnswer; results: bigint[]; memory: Uint8Array }[] {
    const commands: Command[] = [];
    const [context = 0, scratch = 0] = this.image.data;
    for (const { symbol, args, memory = common } of calls) {
      commands.push({ kind: "write", offset: scratch, bytes: memory });
      commands.push({ kind: "call", symbol, signature: this.signature(symbol), args });
      commands.push({ kind: "read", offset: context, length: CONTEXT_SIZE });
      commands.push({ kind: "read", offset: scratch, length: memory.length });
    }
    const answers = runImage(this.image, commands);
    return calls.map(({ symbol }, i) => {
      const answer = answers[3 * i];
      const contextBytes = answers[3 * i + 1];
      const after = answers[3 * i + 2];
      assert.ok(answer !== undefined && !(answer instanceof Uint8Array));
      assert.ok(contextBytes instanceof Uint8Array && after instanceof Uint8Array);
      return { answer, results: inMemoryResults(this.signature(symbol), answer.results, contextBytes), memory: after };
    });
  }

  signature(symbol: number): Signature {
    const func = this.functions[symbol - 1];
    if (func === undefined) throw new Error(`no function ${symbol}`);
    return func.signature;
  }

  evaluate(
    call: Call,
    memory: Uint8Array,
  ): { results: readonly bigint[] | undefined; trap: number; memory: Uint8Array } {
    const after = memory.slice();
    const evaluator = new Evaluator(
      {
        resolve: (s) => this.functions[s - 1] ?? fail(`no function ${s}`),
        dataAddress: (d) => this.dataAddress(d),
        funcAddress: (s) => this.funcAddress(s),
        funcAt: (a) => entity<FuncSymbol>(this.image.functions.indexOf(Number(a - IMAGE_BASE))),
        textBase: IMAGE_BASE,
      },
      [
        { base: this.context, bytes: new Uint8Array(CONTEXT_SIZE) },
        { base: this.scratch, bytes: after },
      ],
    );
    try {
      return { results: evaluator.call(entity<FuncSymbol>(call.symbol), call.args), trap: 0, memory: after };
    } catch (error) {
      if (!(error instanceof InterpretedTrap)) throw error;
      return { results: undefined, trap: error.code, memory: after };
    }
  }

  /** Evaluates and runs every call, and compares. */
  check(calls: readonly Call[], memory = new Uint8Array(16)): void {
    const native = this.runNative(calls, memory);
    calls.forEach((call, i) => {
      const expected = this.evaluate(call, call.memory ?? memory);
      const actual = native[i];
      assert.ok(actual !== undefined);
      const func = this.functions[call.symbol - 1];
      const { results: types, params } = this.signature(call.symbol);
      const what = (): string =>
        `${func?.name}(${call.args.map((a, k) => show(params[k] ?? 1, a)).join(", ")})\n${func === undefined ? "" : printFunc(func)}`;
      if (expected.results === undefined) {
        assert.notEqual(actual.answer.status, 0, `no trap: ${what()}`);
        const { code } = this.trapAt(actual.answer.pc);
        if (expected.trap >= 0) assert.equal(code, expected.trap, `trap code: ${what()}`);
        return;
      }
      assert.equal(actual.answer.status, 0, `status at ${actual.answer.pc}: ${what()}`);
      types.forEach((type, k) => {
        const want = expected.results?.[k] ?? 0n;
        const got = BigInt.asUintN(8 * typeSize(type), actual.results[k] ?? 0n);
        if (isNaNBits(type, want) && isNaNBits(type, got)) return;
        if (want !== got) assert.fail(`result ${k}: ${show(type, got)}, not ${show(type, want)}: ${what()}`);
      });
      assert.deepEqual(Buffer.from(actual.memory), Buffer.from(expected.memory), `memory: ${what()}`);
    });
  }
}

function fail(message: string): never {
  throw new Error(message);
}

/** All results: those that went over the context's result area are read from there. */
function inMemoryResults(signature: Signature, registers: readonly bigint[], context: Uint8Array): bigint[] {
  const layout = layOutSignature(signature);
  const view = new DataView(context.buffer, context.byteOffset, context.byteLength);
  return signature.results.map((type, i) => {
    const place = layout.results[i] ?? 0;
    if (place < 256) return registers[i] ?? 0n;
    const at = place - 256;
    assert.ok(at >= RESULT_AREA);
    if (typeSize(type) === 4) return BigInt(view.getUint32(at, true));
    const low = view.getBigUint64(at, true);
    return typeSize(type) === 16 ? (view.getBigUint64(at + 8, true) << 64n) | low : low;
  });
}

/** Adds a function of (context, params) with one result; its symbol. */
export function defineFunction(
  p: Program,
  name: string,
  params: readonly Type[],
  result: Type,
  body: (b: FuncBuilder, args: readonly Value[]) => Value,
): number {
  const { builder, params: args } = startFunction(
    name,
    { params: [I64, ...params], results: [result], convention: "wasm" },
    { stackCheck: false, entry: false },
  );
  builder.return([body(builder, args.slice(1))]);
  return p.add(builder.func);
}
