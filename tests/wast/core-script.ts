/**
 * A core script, run natively. First all of its modules become instances of one plan, linked as the script registers them, and one
 * executable; then the script's commands are sent to it one by one.
 */

import { WindlassError } from "../../src/base/diagnostics.ts";
import { coreFuncKey } from "../../src/frontend/api.ts";
import { MemoryDefinition, TableDefinition } from "../../src/layout/offsets.ts";
import { Trap, trapMessage } from "../../src/layout/traps.ts";
import type { CoreFunc, CoreInstanceIndex, GlobalIndex } from "../../src/plan/component.ts";
import { readBranchHints } from "../../src/wasm/branch-hints.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import type { Module } from "../../src/wasm/module.ts";
import { TypeInterner } from "../../src/wasm/type-interner.ts";
import { F32, F64, I32, I64, V128, type ValType } from "../../src/wasm/types.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { atomOf, isList, moduleSource, type SExpr, type SList, stringBytes, type WastForm } from "../support/wast.ts";
import { assemble } from "../support/wat.ts";
import { type BuiltScript, buildScript, reasonOf } from "./build.ts";
import { ChildFailure, ScriptProcess } from "./child.ts";
import { LinkError, type LinkedInstance, type Provider, ScriptLinker, type SizeCheck } from "./linker.ts";
import { firstLine, type Outcome, type Refusal, type ScriptOptions } from "./outcome.ts";
import { SPECTEST, SPECTEST_SHARED } from "./spectest.ts";
import { argumentBits, decodeValues, encodeValues, matchesPattern, showBits } from "./values.ts";

/** A module that was asked for, as far as it got. */
interface Instance {
  linked: LinkedInstance | undefined;
  refusal: Refusal | undefined;
}

type Definition = { readonly module: Module } | { readonly refusal: Refusal };

type Action =
  | { readonly kind: "invoke"; readonly func: CoreFunc; readonly args: readonly bigint[]; readonly field: string }
  | { readonly kind: "get"; readonly global: GlobalIndex; readonly field: string };

type Expectation =
  | { readonly kind: "done" }
  | { readonly kind: "values"; readonly patterns: readonly SExpr[] }
  | { readonly kind: "trap"; readonly message: string }
  | { readonly kind: "exception" }
  | { readonly kind: "unlinkable" };

/** What is left to do when the program runs. */
type Step =
  | { readonly kind: "instantiate"; readonly line: number; readonly instance: Instance; readonly expected: Expectation }
  | {
      readonly kind: "action";
      readonly line: number;
      readonly instance: Instance;
      readonly action: Action;
      readonly expected: Expectation;
    }
  | { readonly kind: "outcome"; readonly outcome: Outcome };

const HEADS = new Set(["module", "register", "invoke", "get"]);

/** Whether a script's forms are commands; else they are the fields of one module. */
function isCommand({ head }: WastForm): boolean {
  return HEADS.has(head) || head.startsWith("assert_");
}

/** A name may begin with a byte order mark. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

const DONE: Expectation = { kind: "done" };

function textOf(expr: SExpr | undefined): string {
  const literal = atomOf(expr);
  return literal?.startsWith('"') === true ? UTF8.decode(stringBytes(literal)) : "";
}

function isId(expr: SExpr | undefined): boolean {
  return atomOf(expr)?.startsWith("$") === true;
}

function isModule(expr: SExpr | undefined): expr is SList {
  return isList(expr) && atomOf(expr.items[0]) === "module";
}

/** Operators of a proposal that was replaced: no part of the standard, and refused by name. */
const REPLACED = /needs the legacy-exceptions feature$/;

/**
 * A module that needs garbage collection is skipped; whatever else the compiler refuses is a failure. `needsGc`: the whole script is about
 * a proposal that extends garbage collection, whose encodings the decoder does not know.
 */
function refusalOf(error: unknown, needsGc: boolean): Refusal {
  const reason = reasonOf(error);
  if (needsGc) return { verdict: "skipped", reason: `extends the gc feature: ${reason}` };
  return {
    verdict: reason.startsWith("unsupported:") && reason.endsWith("the gc feature") ? "skipped" : "failed",
    reason,
  };
}

class CoreScript {
  readonly #options: ScriptOptions;
  readonly #text: string;
  readonly #interner = new TypeInterner();
  readonly #linker: ScriptLinker;
  readonly #definitions = new Map<string, Definition>();
  #lastDefinition: Definition | undefined;
  readonly #named = new Map<string, Instance>();
  readonly #registered = new Map<string, Provider>();
  /** Registered names behind which there is no instance. */
  readonly #broken = new Map<string, Instance>();
  #current: Instance | undefined;
  readonly #steps: Step[] = [];
  /** What has an entry. */
  readonly #functions = new Map<string, CoreFunc>();
  /** Every linked instance by its index. */
  readonly #instances = new Map<CoreInstanceIndex, Instance>();

  constructor(text: string, options: ScriptOptions) {
    this.#text = text;
    this.#options = options;
    this.#linker = new ScriptLinker(this.#interner, options.bounds);
  }

  // The script's forms, in order: what can be said before anything runs, and what is left to do.

  async prepare(forms: readonly WastForm[]): Promise<void> {
    const spectest = this.#text.includes("shared_memory") ? [SPECTEST, SPECTEST_SHARED] : [SPECTEST];
    const providers: Provider[] = [];
    for (const text of spectest) {
      const instance = this.#instantiate(await this.#define({ kind: "text", text }));
      this.#steps.push({ kind: "instantiate", line: 0, instance, expected: DONE });
      const { linked } = instance;
      if (linked !== undefined) providers.push(this.#provider(linked));
    }
    this.#registered.set("spectest", (name) => {
      for (const provider of providers) {
        const found = provider(name);
        if (found !== undefined) return found;
      }
      return undefined;
    });
    this.#current = undefined;
    const [first] = forms;
    if (first !== undefined && !isCommand(first)) {
      const instance = this.#instantiate(await this.#define({ kind: "text", text: `(module ${this.#text}\n)` }));
      this.#instantiation(first.line, instance, DONE);
      return;
    }
    for (const form of forms) {
      try {
        await this.#form(form);
      } catch (error) {
        this.#outcome(form.line, "failed", firstLine(error));
      }
    }
  }

  #outcome(line: number, verdict: Outcome["verdict"], message = ""): void {
    this.#steps.push({ kind: "outcome", outcome: { line, verdict, message } });
  }

  #instantiation(line: number, instance: Instance, expected: Expectation): void {
    const { refusal } = instance;
    if (refusal !== undefined) this.#outcome(line, refusal.verdict, refusal.reason);
    else this.#steps.push({ kind: "instantiate", line, instance, expected });
  }

  async #form({ head, list, line }: WastForm): Promise<void> {
    const [, second, third] = list.items;
    switch (head) {
      case "module":
        return this.#module(list, line);
      case "register":
        return this.#register(textOf(second), isId(third) ? this.#named.get(atomOf(third) ?? "") : this.#current);
      case "invoke":
      case "get":
        return this.#action(line, list, DONE);
    }
    const { only } = this.#options;
    if (only !== undefined && !this.#text.slice(list.start, list.end).includes(only)) return undefined;
    switch (head) {
      case "assert_return":
        return this.#action(line, second, { kind: "values", patterns: list.items.slice(2) });
      case "assert_exception":
        return this.#action(line, second, { kind: "exception" });
      case "assert_exhaustion":
      case "assert_trap":
      case "assert_uninstantiable": {
        const expected: Expectation = { kind: "trap", message: textOf(third) };
        if (!isModule(second)) return this.#action(line, second, expected);
        return this.#instantiation(
          line,
          this.#instantiate(await this.#define(moduleSource(second, this.#text))),
          expected,
        );
      }
      case "assert_unlinkable":
        if (isModule(second)) return this.#unlinkable(second, line);
        break;
      case "assert_invalid":
      case "assert_malformed":
      case "assert_invalid_custom":
      case "assert_malformed_custom":
        if (isModule(second)) return this.#rejected(second, line, textOf(third), head);
        break;
    }
    this.#outcome(line, "failed", `no such command: ${head}`);
    return undefined;
  }

  // Modules

  /** Bytes of a module; a refusal when the assembler can't read it. */
  async #bytes(source: ReturnType<typeof moduleSource>): Promise<Uint8Array | Refusal> {
    if (source.kind === "binary") return source.bytes;
    if (source.kind === "instance") return { verdict: "failed", reason: "a module instance has no text" };
    try {
      return await assemble(source.text);
    } catch (error) {
      return { verdict: "skipped", reason: `the assembler can't read it: ${firstLine(error)}` };
    }
  }

  async #define(source: ReturnType<typeof moduleSource>): Promise<Definition> {
    const bytes = await this.#bytes(source);
    if (!(bytes instanceof Uint8Array)) return { refusal: bytes };
    try {
      const module = decodeModule(bytes, undefined, undefined, this.#interner);
      validateModule(module);
      return { module };
    } catch (error) {
      return { refusal: refusalOf(error, this.#options.needsGc === true) };
    }
  }

  async #module(list: SList, line: number): Promise<void> {
    const mode = atomOf(list.items[1]);
    const idAt = mode === "definition" || mode === "instance" ? 2 : 1;
    const id = isId(list.items[idAt]) ? (atomOf(list.items[idAt]) ?? "") : undefined;
    if (mode === "instance") {
      const of = atomOf(list.items[id === undefined ? 2 : 3]);
      const definition = of === undefined ? this.#lastDefinition : this.#definitions.get(of);
      if (definition === undefined) throw new Error(`no module definition ${of ?? ""}`);
      this.#begin(line, definition, id);
      return;
    }
    const definition = await this.#define(moduleSource(list, this.#text));
    this.#lastDefinition = definition;
    if (id !== undefined) this.#definitions.set(id, definition);
    if (mode !== "definition") this.#begin(line, definition, id);
    else if ("refusal" in definition) this.#outcome(line, definition.refusal.verdict, definition.refusal.reason);
    else this.#outcome(line, "passed");
  }

  #begin(line: number, definition: Definition, id: string | undefined): void {
    const instance = this.#instantiate(definition);
    this.#current = instance;
    if (id !== undefined) this.#named.set(id, instance);
    this.#instantiation(line, instance, DONE);
  }

  /** Links an instance; when that fails it says why. */
  #instantiate(definition: Definition): Instance {
    if ("refusal" in definition) return { linked: undefined, refusal: definition.refusal };
    const { module } = definition;
    for (const { module: name } of module.imports) {
      const refusal = this.#broken.get(name)?.refusal;
      if (refusal !== undefined) return { linked: undefined, refusal };
    }
    try {
      const linked = this.#linker.instantiate(module, this.#registered);
      const instance: Instance = { linked, refusal: undefined };
      this.#instances.set(linked.index, instance);
      return instance;
    } catch (error) {
      if (error instanceof LinkError) {
        return { linked: undefined, refusal: { verdict: "failed", reason: `unlinkable: ${error.message}` } };
      }
      return { linked: undefined, refusal: refusalOf(error, this.#options.needsGc === true) };
    }
  }

  async #unlinkable(module: SList, line: number): Promise<void> {
    const definition = await this.#define(moduleSource(module, this.#text));
    const instance = this.#instantiate(definition);
    const { refusal } = instance;
    if (refusal?.reason.startsWith("unlinkable:") === true) this.#outcome(line, "passed");
    else this.#instantiation(line, instance, { kind: "unlinkable" });
  }

  async #rejected(list: SList, line: number, message: string, head: string): Promise<void> {
    const malformed = head.startsWith("assert_malformed");
    const custom = head.endsWith("_custom");
    const source = moduleSource(list, this.#text);
    const bytes = await this.#bytes(source);
    // What the assembler does not read is malformed, and says nothing of validation.
    if (!(bytes instanceof Uint8Array)) {
      return malformed ? this.#outcome(line, "passed") : this.#outcome(line, bytes.verdict, bytes.reason);
    }
    const lifted = this.#options.lifted?.has(line) === true;
    try {
      const decoded = decodeModule(bytes, undefined, undefined, this.#interner);
      validateModule(decoded);
      if (custom) readBranchHints(decoded);
    } catch (error) {
      if (
        error instanceof WindlassError &&
        error.diagnostics.every((d) => d.kind === "malformed" || d.kind === "invalid")
      ) {
        return this.#outcome(line, lifted ? "failed" : "passed", lifted ? `${reasonOf(error)}, which is lifted` : "");
      }
      const { verdict, reason } = refusalOf(error, this.#options.needsGc === true);
      if (REPLACED.test(reason)) return this.#outcome(line, "passed");
      return this.#outcome(line, verdict, reason);
    }
    if (lifted) return this.#outcome(line, "passed");
    return this.#outcome(line, "failed", `is accepted, expected: ${message}`);
  }

  #provider(linked: LinkedInstance): Provider {
    return (name) => {
      const item = this.#linker.exportOf(linked, name);
      return item === undefined ? undefined : { item };
    };
  }

  #register(name: string, instance: Instance | undefined): void {
    if (instance?.linked === undefined) {
      if (instance === undefined) throw new Error("there is no instance to register");
      this.#broken.set(name, instance);
      return;
    }
    this.#broken.delete(name);
    this.#registered.set(name, this.#provider(instance.linked));
  }

  // Actions

  #action(line: number, expr: SExpr | undefined, expected: Expectation): void {
    if (!isList(expr)) throw new Error("there is no action");
    const at = isId(expr.items[1]) ? 2 : 1;
    const instance = at === 2 ? this.#named.get(atomOf(expr.items[1]) ?? "") : this.#current;
    if (instance === undefined) throw new Error("there is no such instance");
    const { linked, refusal } = instance;
    if (refusal !== undefined) return this.#outcome(line, refusal.verdict, refusal.reason);
    const field = textOf(expr.items[at]);
    const item = linked === undefined ? undefined : this.#linker.exportOf(linked, field);
    const kind = atomOf(expr.items[0]);
    if (kind === "get" && item?.sort === "global") {
      const action: Action = { kind: "get", global: item.index, field };
      this.#steps.push({ kind: "action", line, instance, action, expected });
      return undefined;
    }
    if (kind !== "invoke" || item?.sort !== "func") throw new Error(`no export ${field} of that kind`);
    const args = expr.items.slice(at + 1).map((arg) => {
      const bits = argumentBits(arg);
      if (bits === undefined) throw new Error(`an argument of ${field} is no value`);
      return bits;
    });
    this.#functions.set(coreFuncKey(item.func), item.func);
    const action: Action = { kind: "invoke", func: item.func, args, field };
    this.#steps.push({ kind: "action", line, instance, action, expected });
    return undefined;
  }

  // The program.

  /**
   * Whether some code can see a table before all that is ever written to it by instantiations has been written: another instance's segments
   * are, or an instantiation fails half way. Otherwise the compiler may take the world for closed, as it does for a component.
   */
  #needsSteps(): boolean {
    const fails = this.#steps.some((step) => step.kind === "instantiate" && step.expected.kind !== "done");
    return fails || [...this.#instances.values()].some(({ linked }) => (linked?.module.importedTables ?? 0) > 0);
  }

  async run(): Promise<readonly Outcome[]> {
    let built: BuiltScript;
    try {
      const core = { functions: [...this.#functions.values()], stepwise: this.#needsSteps() };
      built = buildScript(this.#linker.plan(), core, this.#options);
    } catch (error) {
      const message = reasonOf(error);
      return this.#steps.flatMap((step) => {
        if (step.kind === "outcome") return [step.outcome];
        return step.line === 0 ? [] : [{ line: step.line, verdict: "failed" as const, message }];
      });
    }
    for (const { kind, reason } of built.refused) {
      const index =
        kind.kind === "wasm" || kind.kind === "instantiate-core"
          ? kind.instance
          : kind.kind === "script-entry" && kind.func.kind === "wasm"
            ? kind.func.instance
            : undefined;
      const instance = index === undefined ? undefined : this.#instances.get(index);
      if (instance !== undefined) instance.refusal ??= { verdict: "failed", reason };
    }
    const child = new ScriptProcess(built.executable, this.#options.timeout);
    try {
      return await this.#runSteps(child, built);
    } finally {
      child.close();
    }
  }

  async #runSteps(child: ScriptProcess, built: BuiltScript): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const step of this.#steps) {
      if (step.kind === "outcome") {
        outcomes.push(step.outcome);
        continue;
      }
      const { line } = step;
      const refusal = this.#refusalOf(step.instance);
      if (refusal !== undefined) {
        outcomes.push({ line, verdict: refusal.verdict, message: refusal.reason });
        continue;
      }
      let message: string | undefined;
      try {
        message =
          step.kind === "instantiate"
            ? await this.#runInstantiation(child, built, step.instance, step.expected)
            : await this.#runAction(child, built, step.action, step.expected);
      } catch (error) {
        if (!(error instanceof ChildFailure)) throw error;
        message = error.message;
      }
      if (step.kind === "instantiate" && step.expected.kind === "done" && message !== undefined) {
        step.instance.refusal = { verdict: "failed", reason: `its instantiation failed: ${message}` };
      }
      // The module that every script imports from is none of the script's forms.
      if (line === 0) continue;
      outcomes.push({ line, verdict: message === undefined ? "passed" : "failed", message: message ?? "" });
    }
    return outcomes;
  }

  /** Its own, or that of an instance that it imports functions from. */
  #refusalOf(instance: Instance): Refusal | undefined {
    const { linked } = instance;
    if (instance.refusal !== undefined || linked === undefined) return instance.refusal;
    for (const func of this.#linker.plan().instances.get(linked.index).imports) {
      const other = func.kind === "wasm" ? this.#instances.get(func.instance) : undefined;
      const refusal = other === undefined || other === instance ? undefined : other.refusal;
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  async #tooSmall(child: ScriptProcess, { program }: BuiltScript, { item, min }: SizeCheck): Promise<boolean> {
    const { offsets, component } = program;
    const at =
      item.sort === "memory"
        ? offsets.memoryDefinition(item.index) + MemoryDefinition.currentLength
        : offsets.tableDefinition(item.index) + TableDefinition.currentLength;
    const [length = 0n] = decodeValues(await child.read(at, 16), [64]);
    const unit = item.sort === "memory" ? 2 ** component.memories.get(item.index).type.pageSizeLog2 : 1;
    return Number(length) < min * unit;
  }

  /** Undefined when what was expected happened. */
  async #runInstantiation(
    child: ScriptProcess,
    built: BuiltScript,
    { linked }: Instance,
    expected: Expectation,
  ): Promise<string | undefined> {
    if (linked === undefined) return "there is no instance";
    for (const check of linked.checks) {
      if (!(await this.#tooSmall(child, built, check))) continue;
      return expected.kind === "unlinkable" ? undefined : `unlinkable: the imported ${check.item.sort} is too small`;
    }
    if (expected.kind === "unlinkable") return "is linked";
    const { program } = built;
    const symbol = program.functions.find({ kind: "script-instantiate", instance: linked.index });
    if (symbol === undefined) return "there is no instance";
    const { status } = await child.call("call", symbol - program.entries.first, new Uint8Array(), 0);
    return compare(status, [], { ...expected });
  }

  async #runAction(
    child: ScriptProcess,
    { program }: BuiltScript,
    action: Action,
    expected: Expectation,
  ): Promise<string | undefined> {
    if (action.kind === "get") {
      const width = widthOf(program.component.globals.get(action.global).type.type);
      return compare(0, decodeValues(await child.read(program.offsets.global(action.global), 16), [width]), expected);
    }
    const { func, args, field } = action;
    const symbol = program.functions.find({ kind: "script-entry", func });
    if (symbol === undefined) return `${field} has no entry`;
    const { params, results } = this.#linker.typeOf(func);
    if (params.length !== args.length) return `${field} takes ${params.length} arguments`;
    const answer = await child.call("call", symbol - program.entries.first, encodeValues(args), results.length);
    const message = compare(answer.status, decodeValues(answer.bytes, results.map(widthOf)), expected);
    return message === undefined ? undefined : `${field}: ${message}`;
  }
}

function widthOf(type: ValType): number {
  switch (type) {
    case I32:
    case F32:
      return 32;
    case I64:
    case F64:
      return 64;
    case V128:
      return 128;
    default:
      return 64;
  }
}

function compare(status: number, results: readonly bigint[], expected: Expectation): string | undefined {
  if (expected.kind === "trap" || expected.kind === "exception") {
    if (status === 0) return "does not trap";
    if (expected.kind === "exception") {
      return status === Trap.uncaught_exception ? undefined : `traps: ${trapMessage(status)}`;
    }
    const actual = trapMessage(status);
    const same = expected.message.startsWith(actual) || actual.startsWith(expected.message);
    return same && expected.message !== "" ? undefined : `traps: ${actual}, expected: ${expected.message}`;
  }
  if (status !== 0) return `traps: ${trapMessage(status)}`;
  if (expected.kind !== "values") return undefined;
  const { patterns } = expected;
  if (patterns.length === results.length && patterns.every((p, i) => matchesPattern(p, results[i] ?? 0n))) {
    return undefined;
  }
  return `gives ${results.map(showBits).join(" ") || "nothing"}`;
}

/** Runs the forms of a core script. */
export async function runCoreScript(
  text: string,
  forms: readonly WastForm[],
  options: ScriptOptions,
): Promise<readonly Outcome[]> {
  const script = new CoreScript(text, options);
  await script.prepare(forms);
  return script.run();
}
