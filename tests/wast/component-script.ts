/**
 * A component script, run natively: every component instance is a process of its own. The script is the host: it lowers arguments, calls
 * exports, lifts results. A trap must have the words that the script gives. A component that is refused because it needs what is not supported, by the
 * compiler or by a trap that says so, is neither passed nor failed: `skips.ts` lists which are.
 */

import { Flattening } from "../../src/abi/flatten.ts";
import { Sizes } from "../../src/abi/sizes.ts";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { decodeComponent } from "../../src/component/decode.ts";
import { validateComponent } from "../../src/component/validate/validate.ts";
import type { ApiExport } from "../../src/frontend/api.ts";
import { allStatuses, HostStatus } from "../../src/layout/host.ts";
import { HANDLE_LIMIT, HANDLE_OWN, HandleEntry, MemoryDefinition } from "../../src/layout/offsets.ts";
import { Trap, trapMessage } from "../../src/layout/traps.ts";
import type { Component } from "../../src/plan/component.ts";
import { pointerType } from "../../src/plan/signatures.ts";
import { translate } from "../../src/translate/translate.ts";
import { F32, I32, I64 } from "../../src/wasm/types.ts";
import { atomOf, isList, moduleSource, type SExpr, type SList, type WastForm } from "../support/wast.ts";
import { assemble } from "../support/wat.ts";
import { type BuiltScript, buildScript, reasonOf, refusalOf } from "./build.ts";
import { HostBoundary, type HostMemory, LiftTrap, type Value } from "./canonical.ts";
import { ChildFailure, ScriptProcess } from "./child.ts";
import { matchesValue, parseValue, showValue, textOf } from "./component-values.ts";
import { firstLine, type Outcome, type Refusal, type ScriptOptions } from "./outcome.ts";
import { decodeValues, encodeValues } from "./values.ts";

/** A definition: its plan, and what was made of it when it was first instantiated. */
interface Definition {
  readonly component: Component | undefined;
  readonly refusal: Refusal | undefined;
  built: BuiltScript | Refusal | undefined;
}

interface Instance {
  readonly built: BuiltScript | undefined;
  readonly process: ScriptProcess | undefined;
  /** Becomes one when it traps because of what is not supported. */
  refusal: Refusal | undefined;
  /** Why its instantiation trapped. */
  readonly trap: string | undefined;
}

type CallResult =
  | { readonly kind: "value"; readonly value: Value | undefined; readonly export: ApiExport }
  | { readonly kind: "trap"; readonly message: string };

const UNSUPPORTED = [Trap.async_unsupported, Trap.wait_unsupported].map(trapMessage);

/** A trap that says that something is not supported. */
function refusalOfTrap(message: string | undefined): Refusal | undefined {
  if (message === undefined || !UNSUPPORTED.includes(message)) return undefined;
  return { verdict: "refused", reason: `trap: ${message}` };
}

const STATUS_TEXT = new Map(allStatuses().map(({ value, message }) => [value, message]));
// A host in C is told more than that it may not come in.
STATUS_TEXT.set(HostStatus.instance_trapped, trapMessage(Trap.cannot_enter_component));

function isComponent(expr: SExpr | undefined): expr is SList {
  return isList(expr) && atomOf(expr.items[0]) === "component";
}

function isId(expr: SExpr | undefined): boolean {
  return atomOf(expr)?.startsWith("$") === true;
}

function isRefusal(built: BuiltScript | Refusal): built is Refusal {
  return "verdict" in built;
}

class ComponentScript {
  readonly #text: string;
  readonly #options: ScriptOptions;
  readonly #definitions = new Map<string, Definition>();
  #last: Definition | undefined;
  readonly #named = new Map<string, Instance>();
  #current: Instance | undefined;
  readonly #processes: ScriptProcess[] = [];
  readonly outcomes: Outcome[] = [];

  constructor(text: string, options: ScriptOptions) {
    this.#text = text;
    this.#options = options;
  }

  close(): void {
    for (const process of this.#processes) process.close();
  }

  #outcome(line: number, verdict: Outcome["verdict"], message = ""): void {
    this.outcomes.push({ line, verdict, message });
  }

  async form(form: WastForm): Promise<void> {
    try {
      await this.#form(form);
    } catch (error) {
      this.#outcome(form.line, "failed", error instanceof ChildFailure ? error.message : firstLine(error));
    }
  }

  async #form({ head, list, line }: WastForm): Promise<void> {
    const [, second, third] = list.items;
    if (head === "component") return this.#component(list, line);
    const { only } = this.#options;
    if (head.startsWith("assert_") && only !== undefined && !this.#text.slice(list.start, list.end).includes(only))
      return;
    switch (head) {
      case "invoke":
        return this.#action(line, list, (result) => (result.kind === "trap" ? `traps: ${result.message}` : undefined));
      case "assert_return":
        return this.#action(line, second, (result) => this.#compare(result, third));
      case "assert_trap":
        if (!isComponent(second)) return this.#action(line, second, (result) => compareTrap(result, textOf(third)));
        return this.#trapsInstantiated(second, line, textOf(third));
      case "assert_invalid":
      case "assert_malformed":
        if (isComponent(second)) return this.#rejected(second, line, textOf(third));
    }
    this.#outcome(line, "failed", `no such command: ${head}`);
  }

  // Definitions and instances

  async #define(list: SList): Promise<Definition> {
    const refused = (refusal: Refusal): Definition => ({ component: undefined, refusal, built: undefined });
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#bytes(list);
    } catch (error) {
      return refused({ verdict: "skipped", reason: `the assembler can't read it: ${firstLine(error)}` });
    }
    try {
      const parsed = decodeComponent(bytes);
      validateComponent(parsed);
      try {
        const component = translate(parsed, { bounds: this.#options.bounds });
        return { component, refusal: undefined, built: undefined };
      } catch (error) {
        // It is valid: only its instances are refused.
        return { component: undefined, refusal: undefined, built: refusalOf(error) };
      }
    } catch (error) {
      return refused({ verdict: "failed", reason: reasonOf(error) });
    }
  }

  async #bytes(list: SList): Promise<Uint8Array> {
    const source = moduleSource(list, this.#text);
    if (source.kind === "instance") throw new Error("an instance has no text");
    if (source.kind === "binary") return source.bytes;
    return assemble(source.kind === "quote" ? `(component ${source.text})` : source.text);
  }

  async #component(list: SList, line: number): Promise<void> {
    const mode = atomOf(list.items[1]);
    const at = mode === "definition" || mode === "instance" ? 2 : 1;
    const id = isId(list.items[at]) ? (atomOf(list.items[at]) ?? "") : undefined;
    let definition: Definition | undefined;
    if (mode === "instance") {
      const of = atomOf(list.items[id === undefined ? 2 : 3]);
      definition = of === undefined ? this.#last : this.#definitions.get(of);
      if (definition === undefined) throw new Error(`no component definition ${of ?? ""}`);
    } else {
      definition = await this.#define(list);
      this.#last = definition;
      if (id !== undefined) this.#definitions.set(id, definition);
    }
    const { refusal } = definition;
    if (mode === "definition") return this.#outcome(line, refusal?.verdict ?? "passed", refusal?.reason ?? "");
    const instance = await this.#instantiate(definition);
    this.#current = instance;
    if (id !== undefined) this.#named.set(id, instance);
    if (instance.refusal !== undefined) return this.#outcome(line, instance.refusal.verdict, instance.refusal.reason);
    if (instance.trap !== undefined) return this.#outcome(line, "failed", `traps: ${instance.trap}`);
    return this.#outcome(line, "passed");
  }

  #build(definition: Definition): BuiltScript | Refusal {
    const { component } = definition;
    if (definition.refusal !== undefined) return definition.refusal;
    if (component === undefined) return { verdict: "failed", reason: "there is no plan" };
    try {
      const built = buildScript(component, undefined, this.#options);
      const [first] = built.refused;
      return first === undefined ? built : { verdict: "failed", reason: first.reason };
    } catch (error) {
      return refusalOf(error);
    }
  }

  async #instantiate(definition: Definition): Promise<Instance> {
    const nothing = { built: undefined, process: undefined, refusal: undefined, trap: undefined };
    definition.built ??= this.#build(definition);
    const { built } = definition;
    if (isRefusal(built)) return { ...nothing, refusal: built };
    const process = new ScriptProcess(built.executable, this.#options.timeout);
    this.#processes.push(process);
    const entry = built.program.enterInstantiate - built.program.entries.first;
    const { status } = await process.call("enter", entry, new Uint8Array(), 0);
    const trap = status === 0 ? undefined : STATUS_TEXT.get(status);
    return { built, process, refusal: refusalOfTrap(trap), trap };
  }

  async #trapsInstantiated(list: SList, line: number, message: string): Promise<void> {
    const { refusal, trap } = await this.#instantiate(await this.#define(list));
    if (refusal !== undefined) return this.#outcome(line, refusal.verdict, refusal.reason);
    if (trap === undefined) return this.#outcome(line, "failed", "is instantiated");
    const wrong = compareTrap({ kind: "trap", message: trap }, message);
    return this.#outcome(line, wrong === undefined ? "passed" : "failed", wrong);
  }

  async #rejected(list: SList, line: number, message: string): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await this.#bytes(list);
    } catch {
      return this.#outcome(line, "passed");
    }
    try {
      validateComponent(decodeComponent(bytes));
    } catch (error) {
      const rejected =
        error instanceof WindlassError &&
        error.diagnostics.every(({ kind }) => kind === "malformed" || kind === "invalid" || kind === "limit");
      return this.#outcome(line, rejected ? "passed" : "failed", rejected ? "" : reasonOf(error));
    }
    return this.#outcome(line, "failed", `is accepted, expected: ${message}`);
  }

  // Calls

  async #action(
    line: number,
    expr: SExpr | undefined,
    judge: (result: CallResult, built: BuiltScript) => string | undefined,
  ): Promise<void> {
    if (!isList(expr) || atomOf(expr.items[0]) !== "invoke") throw new Error("there is no action");
    const at = isId(expr.items[1]) ? 2 : 1;
    const instance = at === 2 ? this.#named.get(atomOf(expr.items[1]) ?? "") : this.#current;
    if (instance === undefined) throw new Error("there is no such instance");
    const { refusal, built, process } = instance;
    if (refusal !== undefined) return this.#outcome(line, refusal.verdict, refusal.reason);
    if (built === undefined || process === undefined) throw new Error("there is no such instance");
    const name = textOf(expr.items[at]);
    const result = await this.#call(process, built, name, expr.items.slice(at + 1));
    if (result.kind === "trap") instance.refusal = refusalOfTrap(result.message);
    if (instance.refusal !== undefined) return this.#outcome(line, instance.refusal.verdict, instance.refusal.reason);
    const wrong = judge(result, built);
    return this.#outcome(
      line,
      wrong === undefined ? "passed" : "failed",
      wrong === undefined ? "" : `${name}: ${wrong}`,
    );
  }

  async #call(
    process: ScriptProcess,
    { program }: BuiltScript,
    name: string,
    args: readonly SExpr[],
  ): Promise<CallResult> {
    const index = program.api.exports.findIndex(({ path }) => path.length === 1 && path[0] === name);
    const item = program.api.exports[index];
    if (item === undefined) throw new Error(`no export ${name}`);
    const { types } = program.component;
    const { lifted } = item;
    const type = types.func(lifted.type);
    const boundary = new HostBoundary(
      new Sizes(types, pointerType(program.component, lifted.options)),
      new Flattening(types, pointerType(program.component, lifted.options)),
      memoryOf(process, program, item),
      lifted.options.stringEncoding,
    );
    const values = type.params.map((param, i) => parseValue(types, param.type, args[i]));
    try {
      const flat = await boundary.lowerParameters(
        type.params.map((p) => p.type),
        values,
      );
      const { results } = item.signature;
      const answer = await process.call(
        "enter",
        program.exportEntry(index) - program.entries.first,
        encodeValues(flat),
        results.length,
      );
      if (answer.status !== 0) return { kind: "trap", message: STATUS_TEXT.get(answer.status) ?? "" };
      const flatResults = decodeValues(
        answer.bytes,
        results.map((r) => (r === I32 || r === F32 ? 32 : 64)),
      );
      const value = type.result === undefined ? undefined : await boundary.liftResult(type.result, flatResults);
      const post = program.functions.find({ kind: "post-return-entry", export: index });
      if (post !== undefined) {
        const { status } = await process.call("enter", post - program.entries.first, encodeValues(flatResults), 0);
        if (status !== 0) return { kind: "trap", message: STATUS_TEXT.get(status) ?? "" };
      }
      return { kind: "value", value, export: item };
    } catch (error) {
      if (error instanceof LiftTrap) return { kind: "trap", message: error.message };
      throw error;
    }
  }

  #compare(result: CallResult, expected: SExpr | undefined): string | undefined {
    if (result.kind === "trap") return `traps: ${result.message}`;
    const types = this.#typesOf(result.export);
    if (types === undefined || result.value === undefined) return expected === undefined ? undefined : "gives nothing";
    const { result: type } = types.func(result.export.lifted.type);
    if (type !== undefined && matchesValue(types, type, expected, result.value)) return undefined;
    return `gives ${showValue(result.value)}`;
  }

  #typesOf(item: ApiExport): Component["types"] | undefined {
    for (const instance of [this.#current, ...this.#named.values()]) {
      if (instance?.built?.program.api.exports.includes(item) === true) return instance.built.program.component.types;
    }
    return undefined;
  }
}

/** Tag and representation of an entry of a handle table. */
function decodeHandle(bytes: Uint8Array): readonly bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [BigInt(view.getUint32(HandleEntry.tag, true)), view.getBigUint64(HandleEntry.rep, true)];
}

function memoryOf(process: ScriptProcess, program: BuiltScript["program"], item: ApiExport): HostMemory {
  const { memory } = item.lifted.options;
  const none = (): never => {
    throw new LiftTrap("the export has no memory");
  };
  const at = (address: number): number => (memory === undefined ? none() : program.offsets.memory(memory)) + address;
  return {
    size: async () => {
      const definition = memory === undefined ? none() : program.offsets.memoryDefinition(memory);
      const [length = 0n] = decodeValues(await process.read(definition + MemoryDefinition.currentLength, 16), [64]);
      return Number(length);
    },
    read: (address, length) => process.read(at(address), length),
    write: (address, bytes) => process.write(at(address), bytes),
    takeHandle: async (resource, index) => {
      const at = program.offsets.handleTable(item.lifted.options.instance) + program.offsets.handleStride * index;
      const inTable = index > 0 && index < HANDLE_LIMIT;
      const [tag = 0n, rep = 0n] = inTable ? decodeHandle(await process.read(at, HandleEntry.size)) : [];
      if (tag === 0n) throw new LiftTrap(trapMessage(Trap.unknown_handle));
      if (tag !== BigInt(HANDLE_OWN | (resource << 2))) throw new LiftTrap(trapMessage(Trap.handle_type_mismatch));
      // The host keeps the resource: its index is not used again.
      await process.write(at + HandleEntry.tag, new Uint8Array(4));
      return rep;
    },
    allocate: async (alignment, size) => {
      const { realloc } = item;
      if (realloc === undefined) return none();
      const entry = program.functions.symbolOf({ kind: "realloc-entry", realloc });
      const args = encodeValues([0n, 0n, BigInt(alignment), BigInt(size)]);
      const is64 = pointerType(program.component, item.lifted.options) === I64;
      const command = is64 ? "realloc64" : "realloc";
      const { status, bytes } = await process.call(command, entry - program.entries.first, args, 1);
      if (status !== 0) throw new LiftTrap(STATUS_TEXT.get(status) ?? "");
      return Number(decodeValues(bytes, [is64 ? 64 : 32])[0] ?? 0n);
    },
  };
}

function compareTrap(result: CallResult, expected: string): string | undefined {
  if (result.kind === "value") return "does not trap";
  const { message } = result;
  // Which index, and what its handle is, tests of messages check.
  if (expected.replace(/ index \d+/, " index").includes(message)) return undefined;
  return `traps: ${message}, expected: ${expected}`;
}

/** Whether a script is about components. */
export function isComponentScript(forms: readonly WastForm[]): boolean {
  return forms.some(({ head, list }) => head === "component" || list.items.some(isComponent));
}

/** Runs the forms of a component script. */
export async function runComponentScript(
  text: string,
  forms: readonly WastForm[],
  options: ScriptOptions,
): Promise<readonly Outcome[]> {
  const script = new ComponentScript(text, options);
  try {
    for (const form of forms) await script.form(form);
  } finally {
    script.close();
  }
  return script.outcomes;
}
