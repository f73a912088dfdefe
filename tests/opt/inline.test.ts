import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { entity } from "../../src/base/entity.ts";
import type { Func, FuncSymbol } from "../../src/ir/function.ts";
import { parseFunc } from "../../src/ir/parse.ts";
import { printFunc } from "../../src/ir/print.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { type InlineSource, inlineCalls } from "../../src/opt/inline.ts";
import { optimize } from "../../src/opt/pipeline.ts";
import { fileTests } from "../support/filetest.ts";
import { called, checkSame } from "./differential.ts";
import { CALLEE, graphFunction, Random, structuredFunction } from "./random-function.ts";

const SELF = entity<FuncSymbol>(0);

/** Bodies that cost nothing, as the program's are made. */
function source(functions: (symbol: FuncSymbol) => Func | undefined, cost = 0): InlineSource {
  const known = new Map<FuncSymbol, Func | undefined>();
  return {
    body(symbol) {
      if (!known.has(symbol)) {
        const func = functions(symbol);
        const copy = func === undefined ? undefined : parseFunc(printFunc(func));
        if (copy !== undefined) optimize(copy, 1);
        known.set(symbol, copy);
      }
      const func = known.get(symbol);
      return func === undefined ? undefined : { func, cost };
    },
  };
}

/** Where each call and check of inlined code says it is: innermost first. */
function places(func: Func): string {
  const lines: string[] = [];
  func.inlinedFunction.view().forEach((symbol, row) => {
    const call = func.inlinedCall.get(row);
    lines.push(`; ~${row}: @${symbol} at ${func.inlinedLoc.get(row)}, called at ${call < 0 ? `~${~call}` : call}`);
  });
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** Function 0 is the caller; the number of each is its symbol. Before and behind the inliner, nothing else is done to it. */
fileTests(join(dirname(fileURLToPath(import.meta.url)), "inline-cases"), ".ir", (input) => {
  const functions = input.split(/^(?=function )/m).filter((t) => t.startsWith("function"));
  const [caller, ...bodies] = functions.map((text) => parseFunc(text));
  assert.ok(caller !== undefined);
  const changed = inlineCalls(
    caller,
    SELF,
    source((symbol) => bodies[symbol - 1]),
  );
  assert.ok(changed);
  assert.deepEqual(verifyFunc(caller), [], printFunc(caller));
  return `${printFunc(caller)}${places(caller)}`;
});

test("random functions with what they call put in mean the same", () => {
  let grown = 0;
  for (let seed = 0; seed < 100; seed++) {
    const r = new Random(seed ^ 0x1234);
    const make = (s: number): Func => (r.chance(50) ? structuredFunction(s, 40) : graphFunction(s, 30));
    const original = make(seed);
    // The function that it calls as its last act is another random one, whose own last act goes to a third.
    const text = printFunc(make(seed + 7919)).replaceAll(/= @([2-9])/g, "= @9");
    const other = parseFunc(text);
    const resolve = (symbol: FuncSymbol): Func => (symbol === CALLEE || symbol === 9 ? called(symbol) : other);
    const all = source(resolve);
    const before = original.instCount;
    const after = checkSame(original, 2, seed, 3, (func) => inlineCalls(func, SELF, all), resolve);
    if (after.inlinedFunction.length > 0 && after.instCount > before) grown++;
  }
  assert.ok(grown > 30, `${grown} functions had something put in`);
});

const CALLS = `function "f" (i64, i32) -> i32 wasm {
  sig0 = (i64, i32) -> i32 wasm
  fn0 = @1 sig0
block0(v0: i64, v1: i32):
${Array.from({ length: 200 }, (_, i) => `  v${i + 2} = call fn0(v0, v${i + 1})`).join("\n")}
  return v201
}`;
const DOUBLE = parseFunc(`function "double" (i64, i32) -> i32 wasm {
block0(v0: i64, v1: i32):
  v2 = iadd.i32 v1, v1
  return v2
}`);

test("growth is bounded by the function's size", () => {
  const calls = [0, 10, 20, 2000].map((cost) => {
    const func = parseFunc(CALLS);
    inlineCalls(
      func,
      SELF,
      source(() => DOUBLE, cost),
    );
    return printFunc(func).split("= call").length - 1;
  });
  // 200 calls may grow by 64 + 201 / 4 instructions: bodies of 10 have 4 more than a call with two arguments, of 20 14 more.
  assert.deepEqual(calls, [0, 200 - 28, 200 - 8, 200]);
});

test("a function is put into itself twice, and a cycle of others is not unrolled", () => {
  const text = (name: string, to: number): string => `function "${name}" (i64, i32) -> i32 wasm {
  sig0 = (i64, i32) -> i32 wasm
  fn0 = @${to} sig0
block0(v0: i64, v1: i32):
  v2 = call fn0(v0, v1)
  return v2
}`;
  const own = parseFunc(text("f", 0));
  inlineCalls(
    own,
    SELF,
    source(() => parseFunc(text("f", 0))),
  );
  assert.match(printFunc(own), /fn0 = @0/);
  assert.deepEqual([...own.inlinedFunction.view()], [0, 0]);
  // 0 → 1 → 2 → 1: the second call of 1 stays.
  const func = parseFunc(text("f", 1));
  inlineCalls(
    func,
    SELF,
    source((symbol) => parseFunc(text("g", symbol === 1 ? 2 : 1))),
  );
  assert.match(printFunc(func), /fn0 = @1/);
  assert.deepEqual([...func.inlinedFunction.view()], [1, 2]);
});
