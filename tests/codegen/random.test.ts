/** Random programs: native code and evaluator agree. SEEDS=from-to for more. */

import { test } from "node:test";
import { nativeUnavailable } from "../support/native.ts";
import { Program, type Call } from "./program.ts";
import { Random, randomProgram, SCRATCH } from "./random.ts";
import { bitsOf } from "./interpreter.ts";
import { F32, F64, I32, type Type, V128 } from "../../src/ir/types.ts";

const [from = 1, to = 150] = (process.env["SEEDS"] ?? "")
  .split("-")
  .filter((s) => s !== "")
  .map(Number);

function argument(r: Random, type: Type): bigint {
  if (type === F32 || type === F64) return bitsOf(type, r.pick([0, 1, -1.5, 1e9, -0, 3e38, 0.1, 1e-40]));
  if (type === V128) return Array.from({ length: 4 }, () => BigInt(r.next())).reduce((v, w) => (v << 32n) | w, 0n);
  const low = BigInt(r.pick([0, 1, 2, 5, 255, 0x7fffffff, 0x80000000, 0xffffffff, r.next()]));
  return type === I32 ? low : low | (BigInt(r.pick([0, 0, 1, 0x7fffffff, 0xffffffff])) << 32n);
}

function checkPrograms(vectors: boolean): void {
  for (let seed = from; seed <= to; seed++) {
    const r = new Random(seed + 7919);
    const p = new Program({ quick: seed % 2 === 0 });
    for (const f of randomProgram(seed, r.pick([20, 60, 60, 150]), vectors).functions) p.add(f);
    const memory = Uint8Array.from({ length: SCRATCH }, () => r.below(256));
    const calls: Call[] = [];
    p.functions.forEach((f, k) => {
      for (let i = 0; i < 5; i++) {
        const args = f.signature.params.map((type, j) =>
          j === 0 ? p.context : j === 1 ? p.scratch : argument(r, type),
        );
        calls.push({ symbol: k + 1, args });
      }
    });
    try {
      p.check(calls, memory);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}

const skip = nativeUnavailable() ?? false;

test(`random programs, seeds ${from} to ${to}`, { skip }, () => checkPrograms(false));

test(`random programs with vectors, seeds ${from} to ${to}`, { skip }, () => checkPrograms(true));
