/** A program around wasm bodies for tests: plans made of core modules in text format, and symbols in the order of first use. */

import { entity, PrimaryMap } from "../../src/base/entity.ts";
import { ComponentTypes } from "../../src/component/types.ts";
import type { FunctionEnvironment, SegmentImage, SupportFunction } from "../../src/frontend/environment.ts";
import { wasmSignature } from "../../src/frontend/signatures.ts";
import { type ExceptionLayout, layOutExceptions } from "../../src/frontend/exception-layout.ts";
import { analyzeComponent, type ComponentFacts } from "../../src/frontend/wasm/facts.ts";
import type { FuncBuilder } from "../../src/ir/builder.ts";
import type { DataSymbol, FuncSymbol, Value } from "../../src/ir/function.ts";
import { Op } from "../../src/ir/ops.ts";
import type { Signature } from "../../src/ir/types.ts";
import { I32 } from "../../src/ir/types.ts";
import { TABLE_LIMIT, VMComponentOffsets } from "../../src/layout/offsets.ts";
import type {
  Component,
  CoreFunc,
  CoreInstanceIndex,
  GlobalIndex,
  MemoryIndex,
  SignatureIndex,
  TableIndex,
  TagIndex,
} from "../../src/plan/component.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { funcTypeAt, type Module } from "../../src/wasm/module.ts";
import { TypeInterner } from "../../src/wasm/type-interner.ts";
import type { FuncType } from "../../src/wasm/types.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { assemble } from "../support/wat.ts";

const MAX_PASSIVE_SEGMENTS = 4096;

export function exceptionsOf(component: Component): ExceptionLayout | undefined {
  return component.tags.size === 0 ? undefined : layOutExceptions(component);
}

export function offsetsOf(component: Component): VMComponentOffsets {
  return new VMComponentOffsets({
    lowerings: component.lowerings.size,
    componentInstances: component.componentInstances.size,
    hostResources: 0,
    memories: component.memories.values(),
    tables: component.tables.values(),
    globals: component.globals.size,
    passiveSegments: MAX_PASSIVE_SEGMENTS,
    elementAreas: [],
    resultSlots: 8,
    typedHost: false,
    exceptionPayload: exceptionsOf(component)?.size,
  });
}

/** The symbols of one program, shared by the environments of its instances. */
export class TestProgram {
  readonly component: Component;
  readonly facts: ComponentFacts;
  readonly offsets: VMComponentOffsets;
  /** What each function symbol is. */
  readonly functions: string[] = [];
  readonly data: string[] = [];
  readonly #signatures = new Map<FuncType, Signature>();
  readonly #passive: string[] = [];

  constructor(component: Component) {
    this.component = component;
    this.facts = analyzeComponent(component);
    this.offsets = offsetsOf(component);
  }

  symbol(name: string): FuncSymbol {
    const known = this.functions.indexOf(name);
    return entity<FuncSymbol>(known >= 0 ? known : this.functions.push(name) - 1);
  }

  dataSymbol(name: string): DataSymbol {
    const known = this.data.indexOf(name);
    return entity<DataSymbol>(known >= 0 ? known : this.data.push(name) - 1);
  }

  /** Displacement of a passive segment's current length. */
  segmentLength(instance: CoreInstanceIndex, kind: "data" | "element", segment: number): number {
    const name = `${kind} ${segment} of ${instance}`;
    const known = this.#passive.indexOf(name);
    return this.offsets.passiveSegment(known >= 0 ? known : this.#passive.push(name) - 1);
  }

  nameOf(func: CoreFunc): string {
    switch (func.kind) {
      case "wasm":
        return `${this.component.modules.get(this.component.instances.get(func.instance).module).name}::${func.func}`;
      case "intrinsic":
        return `intrinsic ${func.name}`;
      default:
        return `${func.kind}${func.index}`;
    }
  }

  signature(type: FuncType): Signature {
    let known = this.#signatures.get(type);
    if (known === undefined) {
      known = wasmSignature(type);
      this.#signatures.set(type, known);
    }
    return known;
  }

  environment(instance: CoreInstanceIndex): FunctionEnvironment {
    return new TestEnvironment(this, instance);
  }
}

class TestEnvironment implements FunctionEnvironment {
  readonly #program: TestProgram;
  readonly component: Component;
  readonly offsets: VMComponentOffsets;
  readonly facts: ComponentFacts;
  readonly instance: CoreInstanceIndex;
  readonly interruptible = false;
  readonly exceptions: ExceptionLayout | undefined;

  constructor(program: TestProgram, instance: CoreInstanceIndex) {
    this.#program = program;
    this.component = program.component;
    this.offsets = program.offsets;
    this.facts = program.facts;
    this.instance = instance;
    this.exceptions = exceptionsOf(program.component);
  }

  functionSymbol(func: CoreFunc): FuncSymbol {
    return this.#program.symbol(this.#program.nameOf(func));
  }
  signature(type: FuncType): Signature {
    return this.#program.signature(type);
  }
  dataSegment(segment: number): DataSymbol {
    return this.#program.dataSymbol(`data ${segment} of ${this.instance}`);
  }
  elementSegment(segment: number): SegmentImage {
    return { kind: "image", symbol: this.#program.dataSymbol(`elements ${segment} of ${this.instance}`) };
  }
  segmentLength(kind: "data" | "element", segment: number): number {
    return this.#program.segmentLength(this.instance, kind, segment);
  }
  support(name: SupportFunction): FuncSymbol {
    return this.#program.symbol(name);
  }
  memoryGrow(memory: MemoryIndex): FuncSymbol {
    return this.#program.symbol(`memory_grow${memory}`);
  }
  tableGrow(table: TableIndex): FuncSymbol {
    return this.#program.symbol(`table_grow${table}`);
  }
  /** `stop` ends the block, `twice` doubles an i32 in a block of its own. */
  expandIntrinsic(builder: FuncBuilder, name: string, args: readonly Value[]): readonly Value[] {
    if (name === "stop") {
      builder.trap(1);
      return [];
    }
    const [, value] = args;
    if (name !== "twice" || value === undefined) throw new RangeError(`no intrinsic ${name}`);
    const next = builder.createBlock();
    builder.jump(next);
    builder.switchTo(next);
    return [builder.binary(Op.iadd, I32, value, value)];
  }
}

/** One core instance of a plan: a module, its name, and what is in its imports' modules: `host`, `native`, or an earlier instance. */
export interface TestInstance {
  readonly name: string;
  readonly wat: string;
}

/**
 * A plan that instantiates the modules in order. An import's module name is the name of an earlier instance; functions of `host` are
 * lowerings in the order of first use, functions of `windlass:native` intrinsics.
 */
export async function planOf(
  instances: readonly TestInstance[],
  style: "guarded" | "checked" = "guarded",
): Promise<Component> {
  const interner = new TypeInterner();
  const modules: Module[] = [];
  for (const { wat } of instances) {
    const module = decodeModule(await assemble(wat), undefined, undefined, interner);
    validateModule(module);
    modules.push(module);
  }
  return planOfModules(
    instances.map((i) => i.name),
    modules,
    style,
  );
}

export function planOfModules(
  names: readonly string[],
  modules: readonly Module[],
  style: "guarded" | "checked",
): Component {
  const component: Component = {
    types: new ComponentTypes(),
    modules: new PrimaryMap(),
    instances: new PrimaryMap(),
    signatures: new PrimaryMap(),
    memories: new PrimaryMap(),
    tables: new PrimaryMap(),
    globals: new PrimaryMap(),
    tags: new PrimaryMap(),
    imports: new PrimaryMap(),
    importedTypes: [],
    lowerings: new PrimaryMap(),
    trampolines: new PrimaryMap(),
    resources: new PrimaryMap(),
    componentInstances: new PrimaryMap(),
    initializers: [],
    exports: new Map(),
    core: undefined,
    builtin: undefined,
  };
  const initializers: { kind: "instantiate"; instance: CoreInstanceIndex }[] = [];
  const signatureOf = new Map<number, SignatureIndex>();
  const exported = new Map<
    string,
    { func?: CoreFunc; table?: TableIndex; memory?: MemoryIndex; global?: GlobalIndex; tag?: TagIndex }
  >();
  const hosts = new Map<string, CoreFunc>();
  modules.forEach((module, i) => {
    const name = names[i] ?? "";
    const signatures = module.types.map((type, t) => {
      if (type.composite.kind !== "func") return undefined;
      const id = module.typeIds[t] ?? -1;
      let signature = signatureOf.get(id);
      if (signature === undefined) {
        signature = component.signatures.push(type.composite);
        signatureOf.set(id, signature);
      }
      return signature;
    });
    const index = component.instances.nextKey();
    const imports: CoreFunc[] = [];
    const memories: MemoryIndex[] = [];
    const tables: TableIndex[] = [];
    const globals: GlobalIndex[] = [];
    const tags: TagIndex[] = [];
    for (const entry of module.imports) {
      const key = `${entry.module}.${entry.name}`;
      const found = exported.get(key);
      if (entry.desc.kind === "func") {
        if (entry.module === "windlass:native") imports.push({ kind: "intrinsic", name: entry.name });
        else if (entry.module === "host") {
          let host = hosts.get(entry.name);
          if (host === undefined) {
            const signature = funcTypeAt(module, entry.desc.type);
            const lowering = component.lowerings.push({
              import: entity(0),
              type: entity(0),
              signature,
              signatureIndex: signatures[entry.desc.type] ?? entity(0),
              options: {
                instance: entity(0),
                memory: undefined,
                realloc: undefined,
                postReturn: undefined,
                stringEncoding: "utf8",
                isAsync: false,
                callback: false,
              },
              callee: { kind: "host", abi: "flat" },
            });
            host = { kind: "lowered", index: lowering };
            hosts.set(entry.name, host);
          }
          imports.push(host);
        } else if (found?.func !== undefined) imports.push(found.func);
        else throw new Error(`no function ${key}`);
      } else if (entry.desc.kind === "memory" && found?.memory !== undefined) memories.push(found.memory);
      else if (entry.desc.kind === "table" && found?.table !== undefined) tables.push(found.table);
      else if (entry.desc.kind === "global" && found?.global !== undefined) globals.push(found.global);
      else if (entry.desc.kind === "tag" && found?.tag !== undefined) tags.push(found.tag);
      else throw new Error(`no ${entry.desc.kind} ${key}`);
    }
    for (let m = module.importedMemories; m < module.memories.length; m++) {
      const { type } = module.memories[m] ?? fail();
      const maxBytes = Math.min((type.max ?? 2 ** 32) * 2 ** type.pageSizeLog2, 2 ** 32);
      memories.push(
        component.memories.push({ instance: index, index: m, type, style: type.is64 ? "checked" : style, maxBytes }),
      );
    }
    for (let t = module.importedTables; t < module.tables.length; t++) {
      const { type } = module.tables[t] ?? fail();
      const maxElements = Math.min(type.max ?? TABLE_LIMIT, TABLE_LIMIT);
      tables.push(component.tables.push({ instance: index, index: t, type, maxElements }));
    }
    for (let g = module.importedGlobals; g < module.globals.length; g++) {
      const { type } = module.globals[g] ?? fail();
      globals.push(component.globals.push({ instance: index, index: g, type }));
    }
    for (let t = module.importedTags; t < module.tags.length; t++) {
      const signature = signatures[module.tags[t]?.type.type ?? -1];
      tags.push(component.tags.push({ instance: index, index: t, signature: signature ?? fail() }));
    }
    const staticModule = component.modules.push({ module, bytes: module.bytes, name, trusted: false, signatures });
    component.instances.push({ module: staticModule, imports, memories, tables, globals, tags });
    initializers.push({ kind: "instantiate", instance: index });
    for (const { name: field, kind, index: item } of module.exports) {
      const func: CoreFunc | undefined =
        kind !== "func" ? undefined : (imports[item] ?? { kind: "wasm", instance: index, func: item });
      const value = {
        ...(func === undefined ? {} : { func }),
        ...(kind === "table" ? { table: tables[item] ?? fail() } : {}),
        ...(kind === "memory" ? { memory: memories[item] ?? fail() } : {}),
        ...(kind === "global" ? { global: globals[item] ?? fail() } : {}),
        ...(kind === "tag" ? { tag: tags[item] ?? fail() } : {}),
      };
      exported.set(`${name}.${field}`, value);
    }
  });
  return { ...component, initializers };
}

function fail(): never {
  throw new Error("not there");
}
