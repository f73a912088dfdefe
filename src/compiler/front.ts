/**
 * From bytes to the program: decode, validate, translate, enumerate. Deterministic, so that a worker makes its own program from the same
 * bytes and all agree on every symbol.
 */

import { decodeComponent } from "../component/decode.ts";
import type { ParsedComponent } from "../component/parsed.ts";
import { validateComponent } from "../component/validate/validate.ts";
import { enumerateProgram, type Program } from "../frontend/program.ts";
import type { Component, HostAbi } from "../plan/component.ts";
import { translate } from "../translate/translate.ts";

/** What the program depends on besides the component's bytes. Plain data: it is sent to workers. */
export interface FrontOptions {
  /** The component's name in symbols and messages. */
  readonly name: string;
  /** What C names begin with. */
  readonly prefix: string;
  readonly output: "object" | "executable";
  readonly hostAbi: HostAbi;
  readonly bounds: "guard" | "explicit";
  /** The built-in WASI's core module; without it WASI imports are the host's. */
  readonly builtinWasi: Uint8Array | undefined;
  /** Settings of the built-in WASI, each `NAME=value` (`frontend/builtin.ts`). */
  readonly configuration: readonly string[];
}

export function parse(bytes: Uint8Array): ParsedComponent {
  return decodeComponent(bytes);
}

/** Throws `WindlassError`. Core modules are validated, bodies included. */
export function validate(parsed: ParsedComponent): void {
  validateComponent(parsed);
}

export function plan(parsed: ParsedComponent, options: FrontOptions): Component {
  return translate(parsed, {
    hostAbi: options.hostAbi,
    bounds: options.bounds,
    // An executable has no host but the built-in WASI.
    hostImports: options.output === "object",
    ...(options.builtinWasi === undefined ? {} : { builtin: { bytes: options.builtinWasi } }),
  });
}

export function program(component: Component, options: FrontOptions): Program {
  const { name, prefix, output, configuration } = options;
  return enumerateProgram(component, { name, prefix, output, configuration });
}
