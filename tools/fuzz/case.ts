/** A case as files: the module's bytes, and next to them how it is called. */

import { readFileSync, writeFileSync } from "node:fs";
import type { Call, Generated } from "./generate.ts";
import type { Case, Interface } from "./outcome.ts";
import { type Census, encodeForEngine, encodeTree } from "./encode.ts";
import type { ModuleTree } from "./tree.ts";

/** The interface that the exports of a tree make. */
export function interfaceOf(tree: ModuleTree): Interface {
  return {
    functions: new Map(tree.exports.map(({ name, func }) => [name, { params: func.params, results: func.results }])),
    globals: new Map(tree.globals.flatMap((g) => (g.export === undefined ? [] : [[g.export, g.type]]))),
    memories: tree.memories.length,
  };
}

/** `watched`: opcodes that the other engine's form counts. */
export function caseOf({ tree, calls }: Generated, census?: Census, watched: readonly number[] = []): Case {
  return {
    bytes: encodeTree(tree, census),
    engineBytes: encodeForEngine(tree, { watched }),
    interface: interfaceOf(tree),
    calls,
  };
}

/** Writes `path.wasm`, `path.engine.wasm` and `path.json`. */
export function writeCase(path: string, { bytes, engineBytes, interface: shape, calls }: Case, about: string): void {
  writeFileSync(`${path}.wasm`, bytes);
  writeFileSync(`${path}.engine.wasm`, engineBytes);
  const description = {
    about,
    kind: "run",
    functions: Object.fromEntries(shape.functions),
    globals: Object.fromEntries(shape.globals),
    memories: shape.memories,
    calls: calls.map((c) => ({ export: c.export, args: c.args.map((a) => `0x${a.toString(16)}`) })),
  };
  writeFileSync(`${path}.json`, `${JSON.stringify(description, undefined, 2)}\n`);
}

/** Bytes whose verdict is at issue. */
export function writeVerdict(path: string, bytes: Uint8Array, about: string): void {
  writeFileSync(`${path}.wasm`, bytes);
  writeFileSync(`${path}.json`, `${JSON.stringify({ about, kind: "verdict" }, undefined, 2)}\n`);
}

function record(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Reads what `writeCase` wrote; undefined for a verdict. */
export function readCase(path: string): { readonly bytes: Uint8Array; readonly run: Case | undefined } {
  const bytes = new Uint8Array(readFileSync(`${path}.wasm`));
  const json = record(JSON.parse(readFileSync(`${path}.json`, "utf8")));
  if (json.get("kind") !== "run") return { bytes, run: undefined };
  const functions = new Map<string, { params: string; results: string }>();
  for (const [name, type] of record(json.get("functions"))) {
    const fields = record(type);
    functions.set(name, { params: String(fields.get("params")), results: String(fields.get("results")) });
  }
  const globals = new Map([...record(json.get("globals"))].map(([name, type]) => [name, String(type)]));
  const calls: Call[] = list(json.get("calls")).map((call) => {
    const fields = record(call);
    return { export: String(fields.get("export")), args: list(fields.get("args")).map((a) => BigInt(String(a))) };
  });
  const engineBytes = new Uint8Array(readFileSync(`${path}.engine.wasm`));
  return {
    bytes,
    run: { bytes, engineBytes, interface: { functions, globals, memories: Number(json.get("memories")) }, calls },
  };
}
