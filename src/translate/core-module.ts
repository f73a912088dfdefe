/**
 * A core module as the input itself: the plan of its one instance. Its functions, memories, tables and globals cross the boundary with core
 * types. What it imports of memories, tables and globals is defined by an instance of a module that is made here and holds nothing else, so
 * that to everything behind the plan they are what any instance defines. What C has no form for is refused by name.
 */

import { InternalError, WindlassError } from "../base/diagnostics.ts";
import { quoted } from "../component/errors.ts";
import type { Component, CoreFunc, CoreInterface, CoreItem as PlanItem } from "../plan/component.ts";
import { signatureOf } from "../plan/signatures.ts";
import { NO_NAMES } from "../wasm/decode-names.ts";
import { funcTypeAt, type Import, type Module } from "../wasm/module.ts";
import { EXTERNREF, FUNCREF, isRef, type ValType, valTypeName } from "../wasm/types.ts";
import { type BuilderOptions, PlanBuilder } from "./builder.ts";
import type { CoreItem } from "./environment.ts";

function refused(what: string, offset: number, notes: readonly string[] = []): WindlassError {
  return new WindlassError({ kind: "unsupported", subject: "module", message: what, offset, notes });
}

const PREVIEW1 = /^wasi_(snapshot_preview1|unstable)$/;

/** Of an import or export: which values a C program can hold. */
function checkType(type: ValType, where: string, offset: number): void {
  if (isRef(type) && type !== FUNCREF && type !== EXTERNREF) {
    throw refused(`${where}: values of type ${valTypeName(type)} at the boundary to C`, offset);
  }
}

function checkTypes(types: readonly ValType[], where: string, offset: number): void {
  for (const type of types) checkType(type, where, offset);
}

/** The module that defines the memories, tables and globals that `module` imports. Its globals have no initial value: the host gives it. */
function definitionsFor(module: Module): Module {
  const { tables, memories, globals, interner, importedTables, importedMemories, importedGlobals } = module;
  const nothing = new Uint32Array();
  const bytes = new Uint8Array();
  return {
    ...{ bytes, start: 0, end: 0, types: [], typeIds: nothing, typeGroupEnd: nothing, interner, imports: [] },
    ...{ functions: nothing, importedFunctions: 0, importedTables: 0, importedMemories: 0, importedGlobals: 0 },
    tables: tables.slice(0, importedTables),
    memories: memories.slice(0, importedMemories),
    globals: globals.slice(0, importedGlobals),
    ...{ tags: [], importedTags: 0, exports: [], startFunction: undefined, elements: [], data: [] },
    ...{ dataCount: undefined, bodyStart: nothing, bodyEnd: nothing },
    names: { ...NO_NAMES, module: "host" },
  };
}

/** The host's function for the import `wanted`, number `hostIndex` of them. */
function hostFunction(builder: PlanBuilder, module: Module, wanted: Import, hostIndex: number): CoreFunc {
  if (wanted.desc.kind !== "func") throw new InternalError("translate", "the import is no function");
  const signature = funcTypeAt(module, wanted.desc.type);
  const signatureIndex = builder.modules.get(builder.addModule(module, false)).signatures[wanted.desc.type];
  if (signatureIndex === undefined) throw new InternalError("translate", "an imported function has no signature");
  const where = `import ${quoted(`${wanted.module} ${wanted.name}`)}`;
  checkTypes([...signature.params, ...signature.results], where, wanted.offset);
  const { module: from, name } = wanted;
  return builder.trampoline({ kind: "host-function", hostIndex, module: from, name, signature, signatureIndex });
}

/** The items of the module's imports, in order. */
function resolveImports(builder: PlanBuilder, module: Module): readonly CoreItem[] {
  const spaces = { table: 0, memory: 0, global: 0 };
  let functions = 0;
  const needsInstance = module.importedTables + module.importedMemories + module.importedGlobals > 0;
  const noImport = (): never => {
    throw new InternalError("translate", "a module without imports asks for one");
  };
  const instance = needsInstance
    ? builder.instances.get(builder.instantiate(definitionsFor(module), false, noImport, [], 0))
    : undefined;
  return module.imports.map((wanted): CoreItem => {
    const { desc, offset } = wanted;
    const where = `import ${quoted(`${wanted.module} ${wanted.name}`)}`;
    if (desc.kind === "func") return { sort: "func", func: hostFunction(builder, module, wanted, functions++) };
    if (desc.kind === "tag") throw refused(`${where}: tags of the host`, offset);
    if (desc.kind === "table") checkType(desc.type.element, where, offset);
    if (desc.kind === "global") checkType(desc.type.type, where, offset);
    const at = spaces[desc.kind]++;
    const missing = (): never => {
      throw new InternalError("translate", `${where} is not defined`);
    };
    if (desc.kind === "table") return { sort: "table", index: instance?.tables[at] ?? missing() };
    if (desc.kind === "memory") return { sort: "memory", index: instance?.memories[at] ?? missing() };
    return { sort: "global", index: instance?.globals[at] ?? missing() };
  });
}

/** The plan of an executable runs the export `_start`, which needs no host. */
function checkExecutable(module: Module): void {
  const [first] = module.imports;
  if (first !== undefined) {
    const name = quoted(`${first.module} ${first.name}`);
    const message = PREVIEW1.test(first.module)
      ? `import ${name}: WASI preview 1 is not built in`
      : `import ${name}: an executable has no host that could provide it`;
    throw new WindlassError({
      ...{ kind: "unlinkable", subject: "module", message, offset: first.offset },
      notes: PREVIEW1.test(first.module)
        ? ["make a component of it (`wasm-tools component new --adapt`): WASI 0.2 is built in"]
        : ["`windlass compile` makes a library for a host"],
    });
  }
  const start = module.exports.find((e) => e.name === "_start" && e.kind === "func");
  const type = start === undefined ? undefined : funcTypeAt(module, module.functions[start.index] ?? -1);
  if (type === undefined || type.params.length + type.results.length > 0) {
    const message = "it exports no function `_start` without parameters and results";
    throw new WindlassError({ kind: "unlinkable", subject: "module", message });
  }
}

export interface CoreModuleOptions extends Pick<BuilderOptions, "bounds"> {
  /** For an executable: nothing may be imported, and `_start` is all that is exported. */
  readonly executable: boolean;
}

/** The plan of one instance of a validated module. Throws `WindlassError`: `unsupported`, `unlinkable` or `limit`. */
export function translateCoreModule(module: Module, options: CoreModuleOptions): Component {
  if (options.executable) checkExecutable(module);
  const builder = new PlanBuilder({ bounds: options.bounds, hostAbi: () => "flat" }, module.interner);
  const items = resolveImports(builder, module);
  const byImport = new Map(module.imports.map((wanted, i) => [wanted, items[i]]));
  const resolve = (wanted: Import): CoreItem => {
    const item = byImport.get(wanted);
    if (item === undefined) throw new InternalError("translate", `${wanted.module} ${wanted.name} was not resolved`);
    return item;
  };
  const instance = builder.instantiate(module, false, resolve, [], 0);
  const component = {
    ...{ types: builder.types, modules: builder.modules, instances: builder.instances, signatures: builder.signatures },
    ...{ memories: builder.memories, tables: builder.tables, globals: builder.globals, tags: builder.tags },
    ...{ imports: builder.imports, lowerings: builder.lowerings, trampolines: builder.trampolines },
    ...{ importedTypes: [], resources: builder.resources, componentInstances: builder.componentInstances },
    ...{ initializers: builder.initializers, exports: new Map(), builtin: undefined },
  };
  const planItem = (item: CoreItem): PlanItem => {
    if (item.sort === "tag") return { kind: "tag" };
    if (item.sort === "memory") return { kind: "memory", index: item.index };
    if (item.sort === "table") return { kind: "table", index: item.index };
    if (item.sort === "global") return { kind: "global", index: item.index };
    const signature = signatureOf({ ...component, core: undefined }, item.func);
    if (signature === undefined) throw new InternalError("translate", "an intrinsic crosses the boundary");
    return { kind: "func", func: item.func, type: builder.signatures.get(signature) };
  };
  const exported = module.exports.filter(
    ({ name, kind }) => !options.executable || (name === "_start" && kind === "func"),
  );
  const core: CoreInterface = {
    imports: module.imports.map((wanted) => ({
      module: wanted.module,
      name: wanted.name,
      item: planItem(resolve(wanted)),
    })),
    exports: exported.map(({ name, offset }) => {
      const found = builder.coreExport({ kind: "instantiated", instance, module }, name);
      if (found === undefined) throw new InternalError("translate", `no export ${name}`);
      const item = planItem(found);
      const where = `export ${quoted(name)}`;
      if (item.kind === "func") checkTypes([...item.type.params, ...item.type.results], where, offset);
      else if (item.kind === "global") checkType(builder.globals.get(item.index).type.type, where, offset);
      else if (item.kind === "table") checkType(builder.tables.get(item.index).type.element, where, offset);
      return { name, item };
    }),
  };
  return { ...component, core };
}
