/** Random worlds and their C hosts, a few of them; that a difference is noticed, and the world made smaller. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { reduceWorld } from "../../tools/worlds/reduce.ts";
import { type Tools, WorldRunner } from "../../tools/worlds/run.ts";
import { randomWorld, type World } from "../../tools/worlds/world.ts";
import type { Type } from "../abi-model/model.ts";
import { findTool } from "../support/tools.ts";
import { noHost } from "./hosts.ts";

const tools: Tools = { cc: findTool("cc") ?? "", cxx: findTool("c++") };

test("values of random worlds go round both ways", { skip: noHost }, async () => {
  const worlds = Array.from({ length: 10 }, (_, i) => randomWorld(i + 1));
  const outcomes = await new WorldRunner(tools, false).run(worlds);
  assert.deepEqual(
    outcomes.filter((o) => o !== undefined),
    [],
  );
});

test("one number that changes on its way is noticed, and everything else left out", { skip: noHost }, async () => {
  const number: Type = { k: "u32" };
  const text: Type = { k: "string" };
  const list: Type = { k: "list", of: { k: "tuple", fields: [text, number] }, length: undefined };
  const func = { importScope: 0, exportScope: 0, encoding: "utf8", postReturn: true, echo: undefined } as const;
  const world: World = {
    seed: 7,
    ptr: "i32",
    imports: [{ name: "test:lies/host" }],
    exports: [{ name: undefined }],
    hostResources: [],
    guestResources: [],
    functions: [
      {
        ...func,
        seed: 1,
        importName: "first",
        exportName: "first",
        params: ["n", "s", "l"].map((name, i) => ({ name, type: [number, text, list][i] ?? text })),
        result: list,
      },
      {
        ...func,
        seed: 2,
        importName: "second",
        exportName: "second",
        params: [{ name: "a", type: list }],
        result: text,
      },
    ],
    labels: new Map(),
    typeNames: new Map(),
  };
  const lies = new WorldRunner(tools, false, (component) =>
    component.replace("(call $f0 (local.get 0)", "(call $f0 (i32.xor (local.get 0) (i32.const 1))"),
  );
  const fails = async (candidate: World): Promise<boolean> => {
    const [outcome] = await lies.run([candidate]);
    return outcome?.includes("the host function sees something else") === true;
  };
  assert.ok(await fails(world));
  const { reduced } = await reduceWorld(world, fails, 20_000);
  assert.deepEqual(
    reduced.functions.map(({ params, result }) => ({ params: params.length, result })),
    [{ params: 1, result: undefined }],
  );
});
