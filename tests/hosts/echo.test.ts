/** Real components whose functions give back what they get, some through several components, and through a host in C: random values of each type. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Flattening } from "../../src/abi/flatten.ts";
import { Sizes } from "../../src/abi/sizes.ts";
import type { ComponentTypes, InterfaceType } from "../../src/component/types.ts";
import { compile } from "../support/sandbox.ts";
import { F32, I32 } from "../../src/wasm/types.ts";
import { Random } from "../abi-model/random.ts";
import { forwarded } from "../support/forwarder.ts";
import { needTool, needX64Linux, runTool, scratchFolder } from "../support/tools.ts";
import { ROOT } from "../support/windlass.ts";
import { casesOf, fieldsOf, HostBoundary, type HostMemory, type Value } from "../wast/canonical.ts";
import { ScriptProcess } from "../wast/child.ts";
import { decodeValues, encodeValues } from "../wast/values.ts";
import { apiOf, echoHost } from "./echo-host.ts";
import { otherComponent } from "./hosts.ts";

const RUNTIME = join(ROOT, "dist/runtime/wasi.wasm");
const VALUES = 12;
const ALPHABET = ["a", "ß", "€", "🚩", "\0", "z", " ", "퟿"];

const INTEGERS = new Map<string, readonly [bits: number, signed: boolean]>([
  ["u8", [8, false]],
  ["s8", [8, true]],
  ["u16", [16, false]],
  ["s16", [16, true]],
  ["u32", [32, false]],
  ["s32", [32, true]],
  ["u64", [64, false]],
  ["s64", [64, true]],
  ["f32", [32, false]],
  ["f64", [64, false]],
]);

function randomValue(types: ComponentTypes, t: InterfaceType, r: Random): Value {
  const fields = fieldsOf(types, t);
  if (fields !== undefined) return fields.map((f) => randomValue(types, f, r));
  const cases = casesOf(types, t);
  if (cases !== undefined) {
    const index = r.below(cases.length);
    const type = cases[index]?.type;
    return { index, payload: type === undefined ? undefined : randomValue(types, type, r) };
  }
  const integer = INTEGERS.get(t.kind);
  if (integer !== undefined) {
    const bits = r.pick([0n, 1n, -1n, BigInt(r.next()), (BigInt(r.next()) << 32n) | BigInt(r.next())]);
    return integer[1] ? BigInt.asIntN(integer[0], bits) : BigInt.asUintN(integer[0], bits);
  }
  switch (t.kind) {
    case "bool":
      return r.chance(50);
    case "char":
      return BigInt(r.pick(ALPHABET).codePointAt(0) ?? 0);
    case "string":
      return r.list(r.below(r.chance(10) ? 400 : 8), () => r.pick(ALPHABET)).join("");
    case "flags":
      return types.flags.table.get(t.type).names.map(() => r.chance(50));
    case "list": {
      const { element } = types.lists.table.get(t.type);
      return r.list(r.below(5), () => randomValue(types, element, r));
    }
    default:
      throw new Error(`no values of type ${t.kind}`);
  }
}

// `components.test.ts` has those that are composed as they are.
for (const [name, least, isForwarded] of [
  ["echo", 26, false],
  ["echo", 26, true],
  ["composed-double-forwarder", 36, true],
  ["composed-wrapped-forwarder", 36, true],
] as const) {
  const bytes = otherComponent(name);
  const skip = bytes === undefined ? "../shared/components is not there" : !existsSync(RUNTIME) && "no built-in WASI";
  test(`${name}${isForwarded ? ", called by another component" : ""}: random values of every type come back`, {
    skip,
  }, async (t) => {
    const cc = needTool(t, "cc", "gcc", "clang");
    if (cc === undefined || !needX64Linux(t) || bytes === undefined) return;
    const folder = scratchFolder(t);
    const builtinWasi = new Uint8Array(readFileSync(RUNTIME));
    const options = { name: "echo", output: "object", hostAbi: "dynamic", builtinWasi, optLevel: 1 } as const;
    const { bytes: object, header, component } = await compile(isForwarded ? await forwarded(bytes) : bytes, options);
    const api = apiOf(component);
    writeFileSync(join(folder, "echo.o"), object);
    writeFileSync(join(folder, "echo.h"), header);
    writeFileSync(join(folder, "host.c"), echoHost(component, api));
    runTool(cc, ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "host.c", "echo.o", "-o", "host"], folder);

    const process = new ScriptProcess(readFileSync(join(folder, "host")), 20_000);
    t.after(() => process.close());
    const memory: HostMemory = {
      size: async () => {
        const { bytes: size } = await process.call("enter", 2 * api.exports.length, new Uint8Array(), 1);
        return Number(decodeValues(size, [64])[0] ?? 0n);
      },
      read: (address, length) => process.read(address, length),
      write: (address, data) => process.write(address, data),
      allocate: async (alignment, size) => {
        const args = encodeValues([0n, 0n, BigInt(alignment), BigInt(size)]);
        const { status, bytes: result } = await process.call("realloc", 0, args, 1);
        assert.equal(status, 0);
        return Number(decodeValues(result, [32])[0] ?? 0n);
      },
      takeHandle: () => assert.fail("no handles"),
    };
    const { types } = component;
    const boundary = new HostBoundary(new Sizes(types, I32), new Flattening(types, I32), memory, "utf8");
    const r = new Random(name.length);
    let echoes = 0;
    for (const [index, { path, lifted }] of api.exports.entries()) {
      const { params, result } = types.func(lifted.type);
      const [param] = params;
      if (path.at(-1)?.startsWith("echo-") !== true || param === undefined || result === undefined) continue;
      echoes++;
      for (let n = 0; n < VALUES; n++) {
        const value = randomValue(types, param.type, r);
        const flat = await boundary.lowerParameters([param.type], [value]);
        const { results } = lifted.signature;
        const answer = await process.call("enter", 2 * index, encodeValues(flat), results.length);
        assert.equal(answer.status, 0, path.join(" "));
        const widths = results.map((type) => (type === I32 || type === F32 ? 32 : 64));
        const flatResults = decodeValues(answer.bytes, widths);
        assert.deepEqual(await boundary.liftResult(result, flatResults), value, path.join(" "));
        if (lifted.options.postReturn !== undefined) {
          assert.equal((await process.call("enter", 2 * index + 1, encodeValues(flatResults), 0)).status, 0);
        }
      }
    }
    assert(echoes >= least, `${echoes} functions`);
  });
}
