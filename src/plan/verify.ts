/**
 * The verifier of plans. It holds that:
 *
 *  1. every index is in the range of its table;
 *  2. a core instance has one resolved function per function import of its module, and as many memories, tables, globals and tags as the
 *     module's index spaces;
 *  3. a resolved import has the type that the module asks for; intrinsics are imported by trusted modules only;
 *  4. every memory, table, global and tag is where its definition says, in an instance whose module defines it there;
 *  5. every core instance is instantiated once, after all instances that it takes something from;
 *  6. a lowering's signature is the flattening of its type, and its number the number of an equal signature; so for lifted functions,
 *     whose core function has that signature;
 *  7. `realloc`, `post-return`, destructors and functions of the built-in have the signatures of the Canonical ABI;
 *  8. strings, lists and values that don't fit into registers have a memory, and a `realloc` where something is allocated in it;
 *  9. memories and tables start no larger than they may become; a guarded memory has 32-bit addresses and the standard's pages;
 * 10. names of modules are unique; host resources are numbered 0, 1, …;
 * 11. host functions of a core module are numbered 0, 1, …; what it imports and exports is in the plan; it is not inside a component;
 * 12. component instances come behind their parents; an adapter leads from one into another that is neither its ancestor nor its descendant.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { Entity, PrimaryMap } from "../base/entity.ts";
import { Abi } from "../abi/abi.ts";
import type { FlattenContext } from "../abi/flatten.ts";
import type { TypeFuncIndex } from "../component/types.ts";
import { globalTypeMatches, limitsMatch, memoryTypeMatches, tableTypeMatches, typeMatches } from "../wasm/matching.ts";
import type { Import, Module } from "../wasm/module.ts";
import { type FuncType, funcTypeName } from "../wasm/types.ts";
import type {
  CanonicalOptions,
  Component,
  ComponentExport,
  CoreFunc,
  CoreInstanceIndex,
  Definition,
  LiftedFunction,
  SignatureIndex,
  Trampoline,
} from "./component.ts";
import { mightBeRecursive } from "./instances.ts";
import {
  functionImports,
  pointerType,
  reallocSignature,
  RESOURCE_DROP_SIGNATURE,
  RESOURCE_NEW_SIGNATURE,
  RESOURCE_REP_SIGNATURE,
  signatureOf,
} from "./signatures.ts";

type Adapter = Extract<Trampoline, { kind: "adapter" }>;

const NATIVE = "windlass:native";

/** Checks the rules above. Throws `InternalError` with the first that is broken. */
export function verifyPlan(component: Component): void {
  new PlanVerifier(component).verify();
}

class PlanVerifier {
  readonly #c: Component;
  readonly #abi: Abi;

  constructor(component: Component) {
    this.#c = component;
    this.#abi = new Abi(component.types);
  }

  verify(): void {
    this.#componentInstances();
    this.#modules();
    this.#initializers();
    for (const index of this.#c.instances.keys()) this.#instance(index);
    this.#definitions();
    this.#resources();
    this.#lowerings();
    this.#trampolines();
    for (const [name, item] of this.#c.exports) this.#export(`export ${JSON.stringify(name)}`, item, new Set());
    this.#coreInterface();
    if (this.#c.builtin !== undefined) {
      this.#index(this.#c.instances, this.#c.builtin, "the built-in");
      const { module } = this.#c.instances.get(this.#c.builtin);
      if (!this.#c.modules.get(module).trusted) this.#fail("the built-in", "its module is not trusted");
    }
  }

  #fail(where: string, message: string): never {
    throw new InternalError("plan verifier", message, where);
  }

  #index<K extends Entity<string>>(table: PrimaryMap<K, unknown>, index: K, where: string): void {
    if (!table.has(index)) this.#fail(where, `index ${index} is not in a table of ${table.size}`);
  }

  #modules(): void {
    const names = new Set<string>();
    for (const [index, { module, name, signatures }] of this.#c.modules.entries()) {
      const where = `module${index}`;
      if (names.has(name)) this.#fail(where, `its name ${JSON.stringify(name)} is not unique`);
      names.add(name);
      if (signatures.length !== module.types.length) this.#fail(where, "signatures and types differ in number");
      signatures.forEach((signature, i) => {
        const isFunc = module.types[i]?.composite.kind === "func";
        if ((signature !== undefined) !== isFunc) this.#fail(where, `type ${i} and its signature disagree`);
        if (signature !== undefined) this.#index(this.#c.signatures, signature, where);
      });
    }
  }

  #initializers(): void {
    const seen = new Set<CoreInstanceIndex>();
    const needs = (where: string, { instance }: Definition, self: CoreInstanceIndex): void => {
      if (instance !== self && !seen.has(instance))
        this.#fail(where, `it needs instance${instance}, which comes later`);
    };
    for (const { instance } of this.#c.initializers) {
      const where = `instance${instance}`;
      this.#index(this.#c.instances, instance, where);
      if (seen.has(instance)) this.#fail(where, "it is instantiated twice");
      const { imports, memories, tables, globals, tags } = this.#c.instances.get(instance);
      for (const func of imports) {
        this.#coreFunc(func, where);
        if (func.kind === "wasm") needs(where, { instance: func.instance, index: func.func }, instance);
      }
      for (const i of memories) {
        this.#index(this.#c.memories, i, where);
        needs(where, this.#c.memories.get(i), instance);
      }
      for (const i of tables) {
        this.#index(this.#c.tables, i, where);
        needs(where, this.#c.tables.get(i), instance);
      }
      for (const i of globals) {
        this.#index(this.#c.globals, i, where);
        needs(where, this.#c.globals.get(i), instance);
      }
      for (const i of tags) {
        this.#index(this.#c.tags, i, where);
        needs(where, this.#c.tags.get(i), instance);
      }
      seen.add(instance);
    }
    if (seen.size !== this.#c.instances.size) this.#fail("initializers", "some instance is never instantiated");
  }

  #moduleOf(instance: CoreInstanceIndex): Module {
    const { module } = this.#c.instances.get(instance);
    this.#index(this.#c.modules, module, `instance${instance}`);
    return this.#c.modules.get(module).module;
  }

  #coreFunc(func: CoreFunc, where: string): void {
    switch (func.kind) {
      case "wasm": {
        this.#index(this.#c.instances, func.instance, where);
        const module = this.#moduleOf(func.instance);
        if (func.func < module.importedFunctions || func.func >= module.functions.length) {
          this.#fail(where, `function ${func.func} is not defined by the module of instance${func.instance}`);
        }
        return;
      }
      case "lowered":
        return this.#index(this.#c.lowerings, func.index, where);
      case "trampoline":
        return this.#index(this.#c.trampolines, func.index, where);
      case "intrinsic":
        return;
    }
  }

  #instance(instance: CoreInstanceIndex): void {
    const where = `instance${instance}`;
    const row = this.#c.instances.get(instance);
    const module = this.#moduleOf(instance);
    const sizes = [
      ["imported functions", row.imports.length, module.importedFunctions],
      ["memories", row.memories.length, module.memories.length],
      ["tables", row.tables.length, module.tables.length],
      ["globals", row.globals.length, module.globals.length],
      ["tags", row.tags.length, module.tags.length],
    ] as const;
    for (const [what, found, expected] of sizes) {
      if (found !== expected) this.#fail(where, `${what}: found ${found}, the module has ${expected}`);
    }
    functionImports(this.#c, instance).forEach((wanted, i) => {
      const func = row.imports[i];
      if (func !== undefined) this.#functionImport(where, instance, wanted, func);
    });
    row.memories.slice(0, module.importedMemories).forEach((index, i) => {
      const wanted = module.memories[i]?.type;
      if (wanted === undefined || !memoryTypeMatches(this.#c.memories.get(index).type, wanted)) {
        this.#fail(where, `memory ${i} does not match memory${index}`);
      }
    });
    row.tables.slice(0, module.importedTables).forEach((index, i) => {
      const wanted = module.tables[i]?.type;
      const table = this.#c.tables.get(index);
      if (wanted === undefined || !tableTypeMatches(table.type, this.#moduleOf(table.instance), wanted, module)) {
        this.#fail(where, `table ${i} does not match table${index}`);
      }
    });
    row.globals.slice(0, module.importedGlobals).forEach((index, i) => {
      const wanted = module.globals[i]?.type;
      const global = this.#c.globals.get(index);
      if (wanted === undefined || !globalTypeMatches(global.type, this.#moduleOf(global.instance), wanted, module)) {
        this.#fail(where, `global ${i} does not match global${index}`);
      }
    });
    row.tags.slice(0, module.importedTags).forEach((index, i) => {
      const wanted = this.#c.modules.get(row.module).signatures[module.tags[i]?.type.type ?? -1];
      if (wanted !== this.#c.tags.get(index).signature) this.#fail(where, `tag ${i} does not match tag${index}`);
    });
  }

  #functionImport(where: string, instance: CoreInstanceIndex, wanted: Import, func: CoreFunc): void {
    if (wanted.desc.kind !== "func") return;
    const static_ = this.#c.modules.get(this.#c.instances.get(instance).module);
    const name = `${wanted.module} ${wanted.name}`;
    if (func.kind === "intrinsic") {
      if (!static_.trusted || wanted.module !== NATIVE) this.#fail(where, `${name} is an intrinsic`);
      return;
    }
    if (func.kind === "wasm") {
      const from = this.#moduleOf(func.instance);
      if (!typeMatches(from.functions[func.func] ?? -1, from, wanted.desc.type, static_.module)) {
        this.#fail(where, `${name} has another type`);
      }
    } else if (signatureOf(this.#c, func) !== static_.signatures[wanted.desc.type]) {
      this.#fail(where, `${name} has another signature`);
    }
  }

  /** Rule 4 and 9. */
  #definitions(): void {
    const defined = (where: string, d: Definition, spaces: readonly number[], own: number, imported: number): void => {
      if (d.index < imported || spaces[d.index] !== own) this.#fail(where, "it is not where its definition says");
    };
    for (const [i, memory] of this.#c.memories.entries()) {
      const where = `memory${i}`;
      this.#index(this.#c.instances, memory.instance, where);
      const module = this.#moduleOf(memory.instance);
      defined(where, memory, this.#c.instances.get(memory.instance).memories, i, module.importedMemories);
      const { type, style, maxBytes } = memory;
      if (type.min * 2 ** type.pageSizeLog2 > maxBytes) this.#fail(where, "it starts larger than it may become");
      if (style === "guarded" && (type.is64 || type.pageSizeLog2 !== 16)) this.#fail(where, "it can't be guarded");
      const declared = module.memories[memory.index]?.type;
      if (declared === undefined || !limitsMatch(type, declared)) this.#fail(where, "its type is another");
    }
    for (const [i, table] of this.#c.tables.entries()) {
      const where = `table${i}`;
      this.#index(this.#c.instances, table.instance, where);
      const { importedTables } = this.#moduleOf(table.instance);
      defined(where, table, this.#c.instances.get(table.instance).tables, i, importedTables);
      if (table.type.min > table.maxElements) this.#fail(where, "it starts larger than it may become");
    }
    for (const [i, global] of this.#c.globals.entries()) {
      this.#index(this.#c.instances, global.instance, `global${i}`);
      const { importedGlobals } = this.#moduleOf(global.instance);
      defined(`global${i}`, global, this.#c.instances.get(global.instance).globals, i, importedGlobals);
    }
    for (const [i, tag] of this.#c.tags.entries()) {
      this.#index(this.#c.instances, tag.instance, `tag${i}`);
      this.#index(this.#c.signatures, tag.signature, `tag${i}`);
      const { importedTags } = this.#moduleOf(tag.instance);
      defined(`tag${i}`, tag, this.#c.instances.get(tag.instance).tags, i, importedTags);
    }
  }

  #signatureIs(where: string, func: CoreFunc, expected: FuncType, what: string): void {
    this.#coreFunc(func, where);
    const index = signatureOf(this.#c, func);
    if (index === undefined) this.#fail(where, `${what} is an intrinsic`);
    this.#sameSignature(where, index, expected, what);
  }

  #sameSignature(where: string, index: SignatureIndex, expected: FuncType, what: string): void {
    this.#index(this.#c.signatures, index, where);
    const found = funcTypeName(this.#c.signatures.get(index));
    if (found !== funcTypeName(expected)) {
      this.#fail(where, `${what} is ${found} where ${funcTypeName(expected)} is expected`);
    }
  }

  #resources(): void {
    let host = 0;
    for (const [i, resource] of this.#c.resources.entries()) {
      const where = `resource${i}`;
      if (resource.kind === "host") {
        if (resource.hostIndex !== host++) this.#fail(where, "host resources are not numbered in order");
        continue;
      }
      if (resource.kind === "defined") this.#index(this.#c.componentInstances, resource.instance, where);
      if (resource.destructor !== undefined) {
        this.#signatureIs(where, resource.destructor, RESOURCE_DROP_SIGNATURE, "the destructor");
      }
    }
  }

  #options(where: string, options: CanonicalOptions): void {
    this.#index(this.#c.componentInstances, options.instance, where);
    if (options.memory !== undefined) this.#index(this.#c.memories, options.memory, where);
    if (options.realloc !== undefined) {
      this.#signatureIs(where, options.realloc, reallocSignature(pointerType(this.#c, options)), "`realloc`");
    }
  }

  /** Rule 6 and 8. Returns the signature. */
  #flat(where: string, type: TypeFuncIndex, context: FlattenContext, options: CanonicalOptions): FuncType {
    this.#index(this.#c.types.funcs.table, type, where);
    const { params, result, isAsync } = this.#c.types.func(type);
    const { flattening } = this.#abi.for(pointerType(this.#c, options));
    if (options.isAsync && !isAsync) this.#fail(where, "the function is not `async`");
    const flat = flattening.flattenFuncType(this.#c.types.func(type), context, options);
    const pointers = (list: typeof params) => list.some((p) => flattening.containsPointer(p.type));
    const results = result === undefined ? [] : [{ name: "", type: result }];
    const inMemory = flat.paramsInMemory || flat.resultInMemory || pointers(params) || pointers(results);
    if (inMemory && options.memory === undefined) this.#fail(where, "its values need a memory");
    const allocates = context === "lift" ? flat.paramsInMemory || pointers(params) : pointers(results);
    if (allocates && options.realloc === undefined) this.#fail(where, "its values need a `realloc`");
    return flat.signature;
  }

  #lowerings(): void {
    for (const [i, lowering] of this.#c.lowerings.entries()) {
      const where = `lowered${i}`;
      this.#index(this.#c.imports, lowering.import, where);
      this.#options(where, lowering.options);
      const expected = this.#flat(where, lowering.type, "lower", lowering.options);
      if (funcTypeName(lowering.signature) !== funcTypeName(expected)) {
        this.#fail(where, `its signature is not the flattening of its type, ${funcTypeName(expected)}`);
      }
      this.#sameSignature(where, lowering.signatureIndex, expected, "the numbered signature");
      if (lowering.callee.kind === "builtin") this.#signatureIs(where, lowering.callee.func, expected, "the callee");
    }
  }

  #trampolines(): void {
    let host = 0;
    for (const [i, trampoline] of this.#c.trampolines.entries()) {
      const where = `trampoline${i}`;
      if (trampoline.kind === "host-function" && trampoline.hostIndex !== host++) {
        this.#fail(where, "host functions are not numbered in order");
      }
      if (trampoline.kind === "always-trap" || trampoline.kind === "host-function") {
        this.#sameSignature(where, trampoline.signatureIndex, trampoline.signature, "the numbered signature");
        continue;
      }
      if (trampoline.kind === "adapter") {
        this.#adapter(where, trampoline);
        continue;
      }
      if (trampoline.kind === "task-builtin") {
        this.#sameSignature(where, trampoline.signatureIndex, trampoline.signature, "the numbered signature");
        this.#index(this.#c.componentInstances, trampoline.instance, where);
        const { action } = trampoline;
        const memory =
          action.kind === "task-return" ? action.options.memory : "memory" in action ? action.memory : undefined;
        if (memory !== undefined) this.#index(this.#c.memories, memory, where);
        continue;
      }
      this.#index(this.#c.resources, trampoline.resource, where);
      this.#index(this.#c.componentInstances, trampoline.instance, where);
      const resource = this.#c.resources.get(trampoline.resource);
      if (trampoline.kind !== "resource-drop" && resource.kind !== "defined") {
        this.#fail(where, "only the component that defines a resource knows its representation");
      }
      const expected = {
        "resource-new": RESOURCE_NEW_SIGNATURE,
        "resource-rep": RESOURCE_REP_SIGNATURE,
        "resource-drop": RESOURCE_DROP_SIGNATURE,
      }[trampoline.kind];
      this.#sameSignature(where, trampoline.signatureIndex, expected, "the numbered signature");
    }
  }

  /** Rule 11. */
  #coreInterface(): void {
    const { core } = this.#c;
    if (core === undefined) return;
    if (this.#c.componentInstances.size + this.#c.lowerings.size + this.#c.exports.size > 0) {
      this.#fail("the core module", "there is a component around it");
    }
    for (const { name, item } of [...core.imports, ...core.exports]) {
      const where = `core ${item.kind} ${JSON.stringify(name)}`;
      if (item.kind === "func") {
        this.#coreFunc(item.func, where);
        if (signatureOf(this.#c, item.func) === undefined) this.#fail(where, "it is an intrinsic");
      } else if (item.kind === "memory") this.#index(this.#c.memories, item.index, where);
      else if (item.kind === "table") this.#index(this.#c.tables, item.index, where);
      else if (item.kind === "global") this.#index(this.#c.globals, item.index, where);
    }
  }

  #adapter(where: string, { callee, signature, signatureIndex, options }: Adapter): void {
    this.#options(where, options);
    this.#lifted(`the callee of ${where}`, callee);
    const expected = this.#flat(where, callee.type, "lower", options);
    if (funcTypeName(signature) !== funcTypeName(expected)) {
      this.#fail(where, `its signature is not the flattening of its type, ${funcTypeName(expected)}`);
    }
    this.#sameSignature(where, signatureIndex, expected, "the numbered signature");
    if (mightBeRecursive(this.#c.componentInstances, options.instance, callee.options.instance)) {
      this.#fail(where, "it calls its own instance, an ancestor or a descendant");
    }
  }

  #componentInstances(): void {
    for (const [i, { parent }] of this.#c.componentInstances.entries()) {
      if (parent !== undefined && parent >= i) this.#fail(`component-instance${i}`, "its parent comes later");
    }
  }

  #export(where: string, item: ComponentExport, seen: Set<ComponentExport>): void {
    if (seen.has(item)) return;
    seen.add(item);
    if (item.kind === "func") this.#lifted(where, item);
    else if (item.kind === "instance") {
      for (const [name, inner] of item.exports) this.#export(`${where} ${JSON.stringify(name)}`, inner, seen);
    }
  }

  #lifted(where: string, lifted: LiftedFunction): void {
    this.#options(where, lifted.options);
    const expected = this.#flat(where, lifted.type, "lift", lifted.options);
    if (funcTypeName(lifted.signature) !== funcTypeName(expected)) {
      this.#fail(where, `its signature is not the flattening of its type, ${funcTypeName(expected)}`);
    }
    this.#signatureIs(where, lifted.core, expected, "the core function");
    if (lifted.options.postReturn !== undefined) {
      const type: FuncType = { kind: "func", params: expected.results, results: [] };
      this.#signatureIs(where, lifted.options.postReturn, type, "`post-return`");
    }
  }
}
