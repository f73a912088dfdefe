/** The cache of machine code: what is built with it is what is built without, and only what changed is compiled again. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { manyFunctions, withChange } from "../../bench/shapes.ts";
import { CodeCache } from "../../src/compiler/code-cache.ts";
import * as front from "../../src/compiler/front.ts";
import { FunctionCompiler } from "../../src/compiler/function.ts";
import { nodeHash } from "../../src/compiler/node-hash.ts";
import { CodeStore, writeRecords } from "../../src/compiler/records.ts";
import { compile } from "../../src/driver/compile.ts";
import { buildCode } from "../../src/frontend/build.ts";
import { entity } from "../../src/base/entity.ts";
import { Func, type FuncSymbol } from "../../src/ir/function.ts";
import { ROOT, windlass } from "../support/windlass.ts";

const folder = mkdtempSync(join(tmpdir(), "windlass-code-cache-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const FRONT: front.FrontOptions = {
  name: "m",
  prefix: "m",
  output: "object",
  hostAbi: "dynamic",
  importAbis: [],
  bounds: "guard",
  interruptible: false,
  describes: false,
  builtinWasi: undefined,
  configuration: [],
};

function programOf(bytes: Uint8Array) {
  return front.program(front.plan(front.parse(bytes), FRONT), FRONT);
}

test("output is the same with the cache and without", async () => {
  const before = manyFunctions(300);
  const later = withChange(before, 100);
  let pack: Uint8Array | undefined;
  let stored = 0;
  const build = async (bytes: Uint8Array, cached: boolean): Promise<Uint8Array> => {
    const store = (p: Uint8Array): void => {
      pack = p;
      stored++;
    };
    const cache = cached ? { seed: "this", pack, hash: nodeHash, store } : undefined;
    return (await compile(bytes, { output: "object", cache })).bytes;
  };
  const plain = await build(before, false);
  assert.ok(Buffer.from(plain).equals(await build(before, true)), "the first time");
  assert.equal(stored, 1);
  assert.ok(Buffer.from(plain).equals(await build(before, true)), "again");
  assert.equal(stored, 1);
  const laterPlain = await build(later, false);
  assert.ok(!Buffer.from(plain).equals(laterPlain));
  assert.ok(Buffer.from(laterPlain).equals(await build(later, true)), "after a change");
  assert.equal(stored, 2);
});

test("a change of one function makes new keys for it and for what it is inlined into", () => {
  const before = manyFunctions(300);
  const hits = (bytes: Uint8Array, pack: Uint8Array | undefined) => {
    const program = programOf(bytes);
    const cache = new CodeCache(program, "this", nodeHash, pack);
    const compiler = new FunctionCompiler(program, { optLevel: 2, verify: false }, undefined, cache);
    const symbols = [...program.functions.keys()];
    const results = symbols.map((symbol) => compiler.compileKeyed(symbol));
    const keys = results.map(({ key }) => key);
    const known = symbols.filter((s, i) => keys[i] !== undefined && cache.find(keys[i] ?? "", s) !== undefined);
    const made = results.map(({ code }) => code);
    const store = new CodeStore(made.length);
    store.putRecords(0, writeRecords(made));
    return {
      known: known.length,
      keyed: keys.filter((k) => k !== undefined).length,
      made,
      pack: cache.writePack(store, keys),
    };
  };
  const first = hits(before, undefined);
  assert.equal(first.known, 0);
  const again = hits(before, first.pack);
  assert.equal(again.known, again.keyed);
  assert.deepEqual(again.made, first.made);
  const after = hits(withChange(before, 100), first.pack);
  assert.ok(after.keyed - after.known >= 1 && after.keyed - after.known <= 8, `${after.keyed - after.known} compiled`);
  assert.equal(hits(before, first.pack.subarray(0, 40)).known, 0);
  for (let at = 0; at < first.pack.length; at += Math.ceil(first.pack.length / 97)) {
    const damaged = first.pack.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    const cache = new CodeCache(programOf(before), "this", nodeHash, damaged);
    assert.ok(cache.holds([]), `damaged at ${at}`);
  }
});

test("a function's key depends on all that code generation sees", () => {
  const bytes = new Uint8Array(readFileSync(join(ROOT, "dist/runtime/wasi.wasm")));
  const hello = new Uint8Array(readFileSync(join(ROOT, "examples/hello/hello.wasm")));
  const options: front.FrontOptions = { ...FRONT, output: "executable", builtinWasi: bytes };
  const program = front.program(front.plan(front.parse(hello), options), options);
  const cache = new CodeCache(program, "this", nodeHash, undefined);
  // What does not count: the name is for messages, and memory is memory.
  const properties = Object.keys(
    new Func("f", { params: [], results: [], convention: "c" }, { stackCheck: false, entry: false }),
  );
  const ignored = ["name", "work"];
  const symbol = [...program.functions.keys()].find((s) => {
    const built = buildCode(program, s);
    return built.kind === "ir" && built.func.blockCount > 5 && built.func.functions.size > 0;
  });
  assert.ok(symbol !== undefined);
  const fresh = (): Func => {
    const built = buildCode(program, symbol);
    assert.ok(built.kind === "ir");
    return built.func;
  };
  const key = cache.key(fresh(), symbol);
  assert.equal(cache.key(fresh(), symbol), key);
  assert.notEqual(new CodeCache(program, "that", nodeHash, undefined).key(fresh(), symbol), key);
  for (const property of properties) {
    if (ignored.includes(property)) continue;
    const func = fresh();
    const columns: Readonly<Record<string, unknown>> = { ...func };
    const value = columns[property];
    if (property === "signature") {
      // It is not written to.
      const other = new Func(func.name, { ...func.signature, results: [0, 0] }, func.attributes);
      const same = new Func(func.name, func.signature, func.attributes);
      assert.notEqual(cache.key(other, symbol), cache.key(same, symbol), property);
      continue;
    }
    if (property === "attributes") func.attributes = { ...func.attributes, stackCheck: !func.attributes.stackCheck };
    else if (property === "layout") func.layout = [...func.layout].reverse();
    else if (property === "functions") func.functions.push({ symbol: entity<FuncSymbol>(0), signature: entity(0) });
    else if (property === "signatures") func.signatures.push(func.signature);
    else if (property === "slots") func.slots.push({ size: 8, align: 8 });
    else if (property === "vectors") func.vectors.push(new Uint8Array(16));
    else if (property === "blockParams") func.blockParams.push([]);
    else if (property.startsWith("inlined")) {
      func.inlinedFunction.push(0);
      func.inlinedLoc.push(property === "inlinedLoc" ? 1 : 0);
      func.inlinedCall.push(property === "inlinedCall" ? -1 : 0);
      const base = fresh();
      base.inlinedFunction.push(property === "inlinedFunction" ? 1 : 0);
      base.inlinedLoc.push(0);
      base.inlinedCall.push(0);
      assert.notEqual(cache.key(func, symbol), cache.key(base, symbol), property);
      continue;
    } else {
      assert.ok(isColumn(value), `${property} is a new property: the key must count it`);
      value.set(0, value.get(0) ^ 1);
    }
    assert.notEqual(cache.key(func, symbol), key, property);
  }
  const compiler = new FunctionCompiler(program, { optLevel: 2, verify: false });
  const made = [...program.functions.keys()].map((s) => compiler.compile(s));
  const [copied, adopted] = [new CodeStore(made.length + 1), new CodeStore(made.length + 1)];
  for (const symbol of program.functions.keys()) copied.put(symbol, made[symbol] ?? assert.fail());
  assert.equal(adopted.putRecords(1, writeRecords(made)), made.length);
  for (const [i, c] of made.entries()) {
    assert.deepEqual(copied.get(entity<FuncSymbol>(i)), c);
    assert.deepEqual(adopted.get(entity<FuncSymbol>(i + 1)), c);
  }
  assert.equal(copied.get(entity<FuncSymbol>(made.length)), undefined);
  assert.equal(adopted.get(entity<FuncSymbol>(0)), undefined);
});

interface Column {
  get(index: number): number;
  set(index: number, value: number): void;
}

function isColumn(value: unknown): value is Column {
  return typeof value === "object" && value !== null && "data" in value && "get" in value && "set" in value;
}

test("the command line keeps code, and says what it can't keep only where it was told to", () => {
  const input = join(folder, "chain.wasm");
  // As small as what is kept may be.
  const bytes = manyFunctions(5100);
  assert.ok(bytes.length >= 100_000);
  writeFileSync(input, bytes);
  const output = join(folder, "chain.o");
  const cache = join(folder, "cache");
  const build = (...options: string[]): Buffer => {
    const result = windlass(["compile", input, "-O0", "-o", output, ...options]);
    assert.equal(result.status, 0, result.stderr);
    return readFileSync(output);
  };
  const plain = build("--no-cache", "-j1");
  assert.ok(plain.equals(build("--cache-dir", cache, "-j2")));
  const [file, ...others] = readdirSync(join(cache, "code"));
  assert.ok(file !== undefined && others.length === 0);
  writeFileSync(input, withChange(bytes, 100));
  // The default folder of tests can't be made.
  const later = build("-j2");
  assert.ok(!later.equals(plain));
  assert.ok(later.equals(build("--cache-dir", cache, "-j2")));
  writeFileSync(input, bytes);
  assert.deepEqual(readdirSync(join(cache, "code")), [file]);
  writeFileSync(join(cache, "code", file), "not a pack");
  assert.ok(plain.equals(build("--cache-dir", cache)));
  const refused = windlass(["compile", input, "-O0", "-o", output, "--cache-dir", "/dev/null/cache"]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /can't write the cache/);
});
