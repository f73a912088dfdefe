/**
 * From bytes to the program: decode, validate, translate, enumerate. The input is a component or a core module. Deterministic, so that a worker makes its own program from the same
 * bytes and all agree on every symbol.
 */

import { decodeComponent, sniff } from "../component/decode.ts";
import { readDocs, WitDocs } from "../component/docs.ts";
import type { ParsedComponent } from "../component/parsed.ts";
import { validateComponent } from "../component/validate/validate.ts";
import { enumerateProgram, type Program } from "../frontend/program.ts";
import type { Component, HostAbi } from "../plan/component.ts";
import { translateCoreModule } from "../translate/core-module.ts";
import { checkCoreHostAbis, checkHostAbis } from "../translate/host-abis.ts";
import { translate } from "../translate/translate.ts";
import type { SeenInModule, ValidatedModules } from "../wasm/facts.ts";
import { decodeModule } from "../wasm/decode.ts";
import type { Module } from "../wasm/module.ts";
import { validateModule } from "../wasm/validate.ts";

/** What the program depends on besides the component's bytes. Plain data: it is sent to workers. */
export interface FrontOptions {
  /** The component's name in symbols and messages. */
  readonly name: string;
  /** What C names begin with. */
  readonly prefix: string;
  readonly output: "object" | "executable";
  readonly hostAbi: HostAbi;
  /** Exceptions, by name or path of imports (`translate.ts`). */
  readonly importAbis: readonly (readonly [name: string, abi: HostAbi])[];
  readonly bounds: "guard" | "explicit";
  /** The host may stop a guest that runs. */
  readonly interruptible: boolean;
  /** The object describes its interface (`frontend/dynamic.ts`). */
  readonly describes: boolean;
  /** The built-in WASI's core module; without it WASI imports are the host's. */
  readonly builtinWasi: Uint8Array | undefined;
  /** Settings of the built-in WASI, each `NAME=value` (`frontend/builtin.ts`). */
  readonly configuration: readonly string[];
}

/** A decoded input: a component, or a core module that is compiled as it is. */
export type Input =
  | { readonly kind: "component"; readonly component: ParsedComponent }
  | { readonly kind: "module"; readonly module: Module };

export function parse(bytes: Uint8Array): Input {
  return sniff(bytes) === "module"
    ? { kind: "module", module: decodeModule(bytes) }
    : { kind: "component", component: decodeComponent(bytes) };
}

/** Throws `WindlassError`. Core modules are validated, bodies included. */
export function validate(input: Input): ValidatedModules {
  if (input.kind === "component") return validateComponent(input.component).modules;
  return new Map([[input.module, validateModule(input.module)]]);
}

export function plan(input: Input, options: FrontOptions): Component {
  const { hostAbi, bounds } = options;
  if (input.kind === "module") {
    return translateCoreModule(input.module, { bounds, executable: options.output === "executable" });
  }
  const component = translate(input.component, {
    hostAbi,
    importAbis: new Map(options.importAbis),
    bounds,
    // An executable has no host but the built-in WASI.
    hostImports: options.output === "object",
    ...(options.builtinWasi === undefined ? {} : { builtin: { bytes: options.builtinWasi } }),
  });
  checkHostAbis(component, options.importAbis);
  return component;
}

/** Throws a `usage` error for what is asked of a core module and only components have. */
export function checkOptions(
  input: Input,
  { hostAbi, importAbis }: Pick<FrontOptions, "hostAbi" | "importAbis">,
): void {
  if (input.kind === "module") checkCoreHostAbis(hostAbi, importAbis);
}

/** Documentation that the input carries. */
export function docs(input: Input): ReturnType<typeof readDocs> {
  return input.kind === "module" ? { docs: new WitDocs(), warnings: [] } : readDocs(input.component);
}

/** `validated`: what `validate` returned, where it ran. The program is the same without. */
export function program(component: Component, options: FrontOptions, validated?: ValidatedModules): Program {
  const { name, prefix, output, hostAbi, configuration, interruptible, describes } = options;
  return enumerateProgram(component, {
    name,
    prefix,
    output,
    hostAbi,
    configuration,
    interruptible,
    describes,
    validated,
  });
}

/** What the validator saw, by module of the plan: for another thread's plan, which is made of the same bytes. */
export type PlanFacts = readonly (SeenInModule | undefined)[];

export function planFacts(component: Component, validated: ValidatedModules): PlanFacts {
  return component.modules.values().map(({ module }) => validated.get(module));
}

/** The opposite: `facts` of `component` or of one that was made of the same bytes. */
export function validatedModules(component: Component, facts: PlanFacts): ValidatedModules {
  const validated = new Map<Module, SeenInModule>();
  component.modules.values().forEach(({ module }, i) => {
    const seen = facts[i];
    if (seen !== undefined) validated.set(module, seen);
  });
  return validated;
}

/** Bytes of function bodies in the input: about how much there is to compile. */
export function codeSize(input: Input): number {
  const ofModule = ({ bodyStart, bodyEnd }: Module): number => {
    let size = 0;
    for (let i = 0; i < bodyStart.length; i++) size += (bodyEnd[i] ?? 0) - (bodyStart[i] ?? 0);
    return size;
  };
  const ofComponent = ({ definitions }: ParsedComponent): number => {
    let size = 0;
    for (const d of definitions) {
      if (d.kind === "core-module") size += ofModule(d.module);
      else if (d.kind === "component") size += ofComponent(d.component);
    }
    return size;
  };
  return input.kind === "module" ? ofModule(input.module) : ofComponent(input.component);
}
