/** Evaluates a function before and after the passes: same results, same traps, same memory. */

import assert from "node:assert/strict";
import { entity } from "../../src/base/entity.ts";
import { startFunction } from "../../src/ir/builder.ts";
import type { Func, FuncSymbol } from "../../src/ir/function.ts";
import { Op, Region } from "../../src/ir/ops.ts";
import { parseFunc } from "../../src/ir/parse.ts";
import { printFunc } from "../../src/ir/print.ts";
import { F32, F64, I32, I64, type Type } from "../../src/ir/types.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { type OptLevel, optimize } from "../../src/opt/pipeline.ts";
import { Evaluator, InterpretedTrap, isNaNBits } from "../codegen/interpreter.ts";
import { AREA, CALLEE, CALLEE_SIGNATURE, Random, randomFloat, randomInteger, SIGNATURE } from "./random-function.ts";

const BASE = 0x10_0000n;

/** Writes to all regions, so that a value kept over the call is seen. */
function calleeFunction(): Func {
  const { builder: b, params } = startFunction("callee", CALLEE_SIGNATURE, { stackCheck: false, entry: false });
  const [context = entity(0), narrow = entity(0), wide = entity(0)] = params;
  let sum = b.binary(Op.iadd, I64, b.unary(Op.uextend, I64, narrow), wide);
  for (const [region, at] of [
    [Region.context, AREA.context],
    [Region.global, AREA.global],
    [Region.table, AREA.table],
    [Region.heap, AREA.heap],
  ] as const) {
    for (let i = 0; i < 64; i += 16) {
      sum = b.binary(Op.iadd, I64, b.binary(Op.imul, I64, sum, b.iconst64n(31)), b.load(I64, context, at + i, region));
      b.store(I64, context, sum, at + i, region);
    }
  }
  b.return([sum]);
  return b.func;
}

/** What a tail call goes to. */
function tailFunction(): Func {
  const { builder: b, params } = startFunction("tail", SIGNATURE, { stackCheck: false, entry: false });
  const [, x = entity(0), , y = entity(0), , f = entity(0), d = entity(0)] = params;
  b.return([x, y, f, d]);
  return b.func;
}

const callee = calleeFunction();
const tail = tailFunction();

export interface Outcome {
  readonly results: readonly bigint[];
  /** -1: a fault. */
  readonly trap: number | undefined;
  readonly memory: Uint8Array;
}

/** The functions that random functions call. */
export function called(symbol: FuncSymbol): Func {
  return symbol === CALLEE ? callee : tail;
}

export function evaluate(
  func: Func,
  args: readonly bigint[],
  seed: number,
  resolve: (symbol: FuncSymbol) => Func = called,
): Outcome {
  const r = new Random(seed);
  const memory = Uint8Array.from({ length: AREA.end }, () => (r.chance(50) ? 0 : r.below(256)));
  const evaluator = new Evaluator(
    {
      resolve,
      dataAddress: () => 0n,
      funcAddress: () => 0n,
      funcAt: () => entity<FuncSymbol>(0),
      textBase: 0n,
    },
    [{ base: BASE, bytes: memory }],
  );
  try {
    return { results: evaluator.run(func, [BASE, ...args]), trap: undefined, memory };
  } catch (error) {
    if (error instanceof InterpretedTrap) return { results: [], trap: error.code, memory };
    throw error;
  }
}

function randomArgument(r: Random, type: Type): bigint {
  if (type === I32) return BigInt.asUintN(32, randomInteger(r));
  if (type === I64) return randomInteger(r);
  const buffer = (type === F32 ? Float32Array : Float64Array).of(randomFloat(r)).buffer;
  return type === F32 ? BigInt(new Uint32Array(buffer)[0] ?? 0) : (new BigUint64Array(buffer)[0] ?? 0n);
}

/** Any NaN is as good as any other, also in memory: there it is compared by the caller's choice of functions. */
function normalized(results: readonly bigint[]): readonly bigint[] {
  return results.map((bits, i) => {
    const type = SIGNATURE.results[i] ?? I32;
    return (type === F32 || type === F64) && isNaNBits(type, bits) ? -1n : bits;
  });
}

/**
 * Optimizes a copy of `original`, verifying behind every pass, and compares on some arguments. `change` is done first; `resolve` gives the
 * functions that are called.
 */
export function checkSame(
  original: Func,
  level: OptLevel,
  seed: number,
  runs: number,
  change: (func: Func) => void = () => undefined,
  resolve: (symbol: FuncSymbol) => Func = called,
): Func {
  const before = printFunc(original);
  const func = parseFunc(before);
  assert.deepEqual(verifyFunc(func), [], before);
  let history = "change";
  const verified = (pass: string, f: Func): void => {
    const errors = verifyFunc(f);
    assert.deepEqual(errors, [], `seed ${seed}, after ${pass}:\n${before}\n${printFunc(f)}`);
    history = pass;
  };
  change(func);
  verified("change", func);
  optimize(func, level, verified);
  const r = new Random(seed ^ 0x5555);
  for (let run = 0; run < runs; run++) {
    const args = SIGNATURE.params.slice(1).map((type) => randomArgument(r, type));
    const expected = evaluate(original, args, seed + run, resolve);
    const actual = evaluate(func, args, seed + run, resolve);
    const message = (): string =>
      `seed ${seed}, level ${level}, arguments ${args.map((a) => `0x${a.toString(16)}`).join(" ")}, ${history}:\n${before}\n${printFunc(func)}`;
    try {
      assert.deepEqual(actual.trap, expected.trap);
      assert.deepEqual(normalized(actual.results), normalized(expected.results));
      assert.deepEqual(actual.memory, expected.memory);
    } catch (error) {
      throw new Error(message(), { cause: error });
    }
  }
  return func;
}
