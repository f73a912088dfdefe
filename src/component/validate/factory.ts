/**
 * Makes the validator's types: interns structure, mints resources, computes what the rules ask of a type (size, depth, borrows), and
 * enforces the limits of types. Counts steps of work for `MAX_TYPE_STEPS`.
 */

import { Sizes } from "../../abi/sizes.ts";
import { Flattening } from "../../abi/flatten.ts";
import { entity } from "../../base/entity.ts";
import { I32, I64 } from "../../wasm/types.ts";
import { MAX_ELEM_SIZE, MAX_NESTING, MAX_TYPE_DEPTH, MAX_TYPE_SIZE, MAX_TYPE_STEPS } from "../limits.ts";
import { ComponentTypes, type InterfaceType, type ResourceIndex } from "../types.ts";
import type {
  AnyType,
  BoundResource,
  ComponentType,
  DefinedShape,
  DefinedType,
  Externs,
  FuncType,
  InstanceType,
  NamedValType,
  Resource,
  ResourceType,
  ValType,
} from "./model.ts";

/** A rule that a type itself breaks; whoever knows the place makes a diagnostic of it. */
export class TypeFault extends Error {
  readonly kind: "invalid" | "limit";
  constructor(kind: "invalid" | "limit", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Value types directly inside a shape. */
export function children(shape: DefinedShape): readonly (ValType | undefined)[] {
  switch (shape.kind) {
    case "record":
      return shape.fields.map((f) => f.type);
    case "variant":
      return shape.cases.map((c) => c.type);
    case "list":
    case "fixed-list":
      return [shape.element];
    case "map":
      return [shape.key, shape.value];
    case "tuple":
      return shape.types;
    case "option":
    case "stream":
    case "future":
      return [shape.type];
    case "result":
      return [shape.ok, shape.err];
    case "primitive":
    case "flags":
    case "enum":
    case "own":
    case "borrow":
      return [];
  }
}

export class TypeFactory {
  /** The arena of layouts. */
  readonly types: ComponentTypes = new ComponentTypes();
  readonly flattening32: Flattening = new Flattening(this.types, I32);
  readonly flattening64: Flattening = new Flattening(this.types, I64);
  /** Sizes that the standard bounds are those of 64-bit memories. */
  readonly #sizes: Sizes = new Sizes(this.types, I64);
  readonly #keys = new Map<string, number>();
  #nextResource = 0;
  #steps = 0;

  /** Counts work on types. Throws `TypeFault`. */
  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > MAX_TYPE_STEPS) {
      throw new TypeFault("limit", `comparing and copying types exceeds the limit of ${MAX_TYPE_STEPS} steps`);
    }
  }

  resource(name: string): Resource {
    this.step(100);
    return { id: this.#nextResource++, name, isNamed: true };
  }

  /** One that a component defines, as type `index`. */
  localResource(index: number): Resource {
    return { ...this.resource(`type ${index}`), isNamed: false };
  }

  resourceType(resource: Resource): ResourceType {
    return { sort: "resource", resource };
  }

  /** A defined type of this shape. Throws `TypeFault`. */
  defined(shape: DefinedShape): DefinedType {
    let size = 1;
    let depth = 0;
    let hasBorrow = shape.kind === "borrow";
    const parts = children(shape);
    this.step(20 + parts.length);
    for (const child of parts) {
      if (child === undefined || typeof child === "string") {
        size++;
        continue;
      }
      size += child.size;
      depth = Math.max(depth, child.depth);
      hasBorrow ||= child.hasBorrow;
    }
    if (size > MAX_TYPE_SIZE) throw new TypeFault("limit", `effective type size exceeds the limit of ${MAX_TYPE_SIZE}`);
    if (depth >= MAX_TYPE_DEPTH) throw new TypeFault("limit", `type nesting exceeds the limit of ${MAX_TYPE_DEPTH}`);
    const layout = this.#layout(shape);
    const bytes = this.#sizes.elemSize(layout);
    if (bytes >= MAX_ELEM_SIZE) {
      throw new TypeFault("invalid", `a value of ${bytes} bytes exceeds maximum byte size of ${MAX_ELEM_SIZE - 1}`);
    }
    const key = this.#key(shape, layout);
    return { sort: "defined", shape, key, layout, size, depth: depth + 1, hasBorrow };
  }

  /** Another type of the same structure: what an import or export makes of a type. */
  renamed<T extends { readonly sort: string }>(type: T): T {
    return { ...type };
  }

  /** The number of a value type's structure. */
  keyOf(type: ValType): number | string {
    if (typeof type === "string") return type;
    return type.shape.kind === "primitive" ? type.shape.type : type.key;
  }

  layoutOf(type: ValType): InterfaceType {
    if (typeof type !== "string") return type.layout;
    return { kind: type };
  }

  #layout(shape: DefinedShape): InterfaceType {
    const { types } = this;
    const of = (t: ValType | undefined) => (t === undefined ? undefined : this.layoutOf(t));
    switch (shape.kind) {
      case "primitive":
        return { kind: shape.type };
      case "record": {
        const fields = shape.fields.map((f) => ({ name: f.name, type: this.layoutOf(f.type) }));
        return { kind: "record", type: types.records.intern({ fields }) };
      }
      case "variant": {
        const cases = shape.cases.map((c) => ({ name: c.name, type: of(c.type) }));
        return { kind: "variant", type: types.variants.intern({ cases }) };
      }
      case "list":
        return { kind: "list", type: types.lists.intern({ element: this.layoutOf(shape.element) }) };
      case "fixed-list": {
        const list = { element: this.layoutOf(shape.element), length: shape.length };
        return { kind: "fixed-list", type: types.fixedLists.intern(list) };
      }
      case "map": {
        const map = { key: this.layoutOf(shape.key), value: this.layoutOf(shape.value) };
        return { kind: "map", type: types.maps.intern(map) };
      }
      case "tuple":
        return { kind: "tuple", type: types.tuples.intern({ types: shape.types.map((t) => this.layoutOf(t)) }) };
      case "flags":
        return { kind: "flags", type: types.flags.intern({ names: shape.names }) };
      case "enum":
        return { kind: "enum", type: types.enums.intern({ names: shape.names }) };
      case "option":
        return { kind: "option", type: types.options.intern({ type: this.layoutOf(shape.type) }) };
      case "result":
        return { kind: "result", type: types.results.intern({ ok: of(shape.ok), err: of(shape.err) }) };
      case "own":
      case "borrow":
        return { kind: shape.kind, resource: entity<ResourceIndex>(shape.resource.resource.id) };
      case "stream":
      case "future":
        return { kind: "u32" };
    }
  }

  /** Interns the structure: layouts tell all but streams and futures apart, so keys are made of the children's. */
  #key(shape: DefinedShape, layout: InterfaceType): number {
    let detail: unknown;
    switch (shape.kind) {
      case "primitive":
        detail = shape.type;
        break;
      case "record":
        detail = shape.fields.map((f) => [f.name, this.keyOf(f.type)]);
        break;
      case "variant":
        detail = shape.cases.map((c) => [c.name, c.type === undefined ? null : this.keyOf(c.type)]);
        break;
      case "flags":
      case "enum":
      case "own":
      case "borrow":
        detail = layout;
        break;
      case "fixed-list":
        detail = [shape.length, this.keyOf(shape.element)];
        break;
      default:
        detail = children(shape).map((t) => (t === undefined ? null : this.keyOf(t)));
    }
    const text = `${shape.kind} ${JSON.stringify(detail)}`;
    let key = this.#keys.get(text);
    if (key === undefined) {
      key = this.#keys.size;
      this.#keys.set(text, key);
    }
    return key;
  }

  func(params: readonly NamedValType[], result: ValType | undefined, isAsync: boolean): FuncType {
    this.step(5 + params.length);
    return { sort: "func", params, result, isAsync };
  }

  /** Throws `TypeFault`. */
  instance(exports: Externs, bound: readonly BoundResource[]): InstanceType {
    return { sort: "instance", exports, bound, depth: this.#depth(exports) };
  }

  /** Throws `TypeFault`. */
  component(
    imports: Externs,
    exports: Externs,
    importedResources: readonly BoundResource[],
    bound: readonly BoundResource[],
  ): ComponentType {
    const depth = Math.max(this.#depth(imports), this.#depth(exports));
    return { sort: "component", imports, exports, importedResources, bound, depth };
  }

  #depth(externs: Externs): number {
    let depth = 0;
    this.step(1 + externs.size);
    for (const { type } of externs.values()) {
      if ("sort" in type && (type.sort === "instance" || type.sort === "component"))
        depth = Math.max(depth, type.depth);
    }
    if (depth >= MAX_NESTING) {
      throw new TypeFault("limit", `nesting of instance and component types exceeds the limit of ${MAX_NESTING}`);
    }
    return depth + 1;
  }

  /** Whether the type mentions a resource that it does not bind itself. Throws `TypeFault`. */
  mentionsOuterResource(type: AnyType): boolean {
    const mentioned = new Set<Resource>();
    const bound = new Set<Resource>();
    const seen = new Set<AnyType>();
    const value = (t: ValType | undefined): void => {
      if (t !== undefined && typeof t !== "string") visit(t);
    };
    const externs = (list: Externs): void => {
      for (const { type: t } of list.values()) if ("sort" in t) visit(t);
    };
    const visit = (t: AnyType): void => {
      if (seen.has(t)) return;
      seen.add(t);
      this.step();
      switch (t.sort) {
        case "defined":
          if (t.shape.kind === "own" || t.shape.kind === "borrow") visit(t.shape.resource);
          else for (const child of children(t.shape)) value(child);
          return;
        case "resource":
          mentioned.add(t.resource);
          return;
        case "func":
          for (const param of t.params) value(param.type);
          value(t.result);
          return;
        case "instance":
          for (const { resource } of t.bound) bound.add(resource);
          externs(t.exports);
          return;
        case "component":
          for (const { resource } of [...t.importedResources, ...t.bound]) bound.add(resource);
          externs(t.imports);
          externs(t.exports);
          return;
      }
    };
    visit(type);
    for (const resource of mentioned) if (!bound.has(resource)) return true;
    return false;
  }
}

/** Whether a value of this type may hold a `borrow`. */
export function hasBorrow(type: ValType): boolean {
  return typeof type !== "string" && type.hasBorrow;
}
