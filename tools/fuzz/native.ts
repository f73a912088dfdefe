/** Modules through the compiler, many in one program, and run natively. */

import type { CoreFunc } from "../../src/plan/component.ts";
import { MemoryDefinition } from "../../src/layout/offsets.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { TypeInterner } from "../../src/wasm/type-interner.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { type BuiltScript, buildScript, reasonOf } from "../../tests/wast/build.ts";
import { ChildFailure, ScriptProcess } from "../../tests/wast/child.ts";
import { type LinkedInstance, ScriptLinker } from "../../tests/wast/linker.ts";
import { decodeValues, encodeValues } from "../../tests/wast/values.ts";
import { type Case, normalize, type Observed, type Result, trapResult } from "./outcome.ts";

export interface Configuration {
  readonly optLevel: 0 | 2;
  readonly bounds: "guard" | "explicit";
  /** Verify every function behind every pass. */
  readonly verify: boolean;
}

export const CONFIGURATIONS: readonly Configuration[] = [
  { optLevel: 2, bounds: "guard", verify: false },
  { optLevel: 0, bounds: "explicit", verify: false },
  { optLevel: 2, bounds: "explicit", verify: false },
  { optLevel: 0, bounds: "guard", verify: false },
];

export function configurationName({ optLevel, bounds }: Configuration): string {
  return `-O${optLevel} ${bounds}`;
}

/** What happened to each module; a text when it was not compiled, or the program failed. */
export type NativeResult = { readonly observed: Observed } | { readonly failure: string };

const TIMEOUT = 20_000;
const WIDTH: Readonly<Record<string, number>> = { i: 32, l: 64, f: 32, d: 64 };

interface Loaded {
  readonly linked: LinkedInstance;
  /** Positions in `functions` by export. */
  readonly entries: ReadonlyMap<string, number>;
}

/** `stepwise`: some of them can't be instantiated. Never rejects for what is wrong with a module. */
export async function runNatively(
  cases: readonly Case[],
  configuration: Configuration,
  stepwise: boolean,
): Promise<readonly NativeResult[]> {
  const interner = new TypeInterner();
  const linker = new ScriptLinker(interner, configuration.bounds);
  const functions: CoreFunc[] = [];
  const loaded: Loaded[] = [];
  let built: BuiltScript;
  try {
    for (const { bytes, interface: shape } of cases) {
      const module = decodeModule(bytes, undefined, undefined, interner);
      validateModule(module);
      const linked = linker.instantiate(module, new Map());
      const entries = new Map<string, number>();
      for (const name of shape.functions.keys()) {
        const item = linker.exportOf(linked, name);
        if (item?.sort !== "func") throw new Error(`no function ${name}`);
        entries.set(name, functions.push(item.func) - 1);
      }
      loaded.push({ linked, entries });
    }
    built = buildScript(linker.plan(), { functions, stepwise }, configuration);
    const [refused] = built.refused;
    if (refused !== undefined) throw new Error(refused.reason);
  } catch (error) {
    // One of them is at fault, and the others need not suffer.
    const failure = `compilation: ${reasonOf(error)}`;
    return cases.length === 1 ? [{ failure }] : separately(cases, configuration, stepwise);
  }
  const child = new ScriptProcess(built.executable, TIMEOUT);
  const results: NativeResult[] = [];
  try {
    for (const [i, one] of cases.entries()) {
      const own = loaded[i];
      if (own !== undefined) results.push({ observed: await runOne(child, built, linker, one, own) });
    }
  } catch (error) {
    if (!(error instanceof ChildFailure)) throw error;
    if (cases.length > 1) return separately(cases, configuration, stepwise);
    return [{ failure: error.message }];
  } finally {
    child.close();
  }
  return results;
}

async function separately(
  cases: readonly Case[],
  configuration: Configuration,
  stepwise: boolean,
): Promise<readonly NativeResult[]> {
  const out: NativeResult[] = [];
  for (const one of cases) out.push(...(await runNatively([one], configuration, stepwise)));
  return out;
}

async function runOne(
  child: ScriptProcess,
  { program }: BuiltScript,
  linker: ScriptLinker,
  { interface: shape, calls }: Case,
  { linked, entries }: Loaded,
): Promise<Observed> {
  const { offsets, firstEntry, scriptEntries, scriptInstantiate } = program;
  const instantiate = scriptInstantiate.get(linked.index) ?? firstEntry;
  const { status } = await child.call("call", instantiate - firstEntry, new Uint8Array(), 0);
  const globals = new Map<string, bigint>();
  if (status !== 0) return { instantiation: trapResult(status), calls: [], globals, memories: [] };
  const results: Result[] = [];
  for (const call of calls) {
    const entry = scriptEntries[entries.get(call.export) ?? -1] ?? firstEntry;
    const types = shape.functions.get(call.export)?.results ?? "";
    const answer = await child.call("call", entry - firstEntry, encodeValues(call.args), types.length);
    if (answer.status !== 0) {
      results.push(trapResult(answer.status));
      continue;
    }
    const values = decodeValues(
      answer.bytes,
      Array.from(types, (t) => WIDTH[t] ?? 64),
    );
    results.push({ values: values.map((v, i) => normalize(types[i] ?? "i", v)) });
  }
  for (const [name, type] of shape.globals) {
    const item = linker.exportOf(linked, name);
    if (item?.sort !== "global") continue;
    const [bits = 0n] = decodeValues(await child.read(offsets.global(item.index), 16), [WIDTH[type] ?? 64]);
    globals.set(name, normalize(type, bits));
  }
  const memories: Uint8Array[] = [];
  for (let i = 0; i < shape.memories; i++) {
    const item = linker.exportOf(linked, `m${i}`);
    if (item?.sort !== "memory") continue;
    const at = offsets.memoryDefinition(item.index) + MemoryDefinition.currentLength;
    const [length = 0n] = decodeValues(await child.read(at, 16), [64]);
    memories.push(await child.read(offsets.memory(item.index), Number(length)));
  }
  return { instantiation: { values: [] }, calls: results, globals, memories };
}
