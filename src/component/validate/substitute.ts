/**
 * Replaces resources, and types by identity, in types: what an instantiation makes of a component's exports, and what an import makes of an
 * instance type, whose resources are new each time.
 *
 * Objects that nothing changes in are kept, identity included. Each object is copied once, however often it is shared.
 */

import type { TypeFactory } from "./factory.ts";
import type {
  AnyType,
  BoundResource,
  ComponentType,
  DefinedShape,
  DefinedType,
  Externs,
  ExternType,
  FuncType,
  InstanceType,
  NamedValType,
  Resource,
  ResourceType,
  ValType,
} from "./model.ts";

export class Substitution {
  readonly #factory: TypeFactory;
  readonly #resources = new Map<Resource, Resource>();
  readonly #known = new Map<AnyType, AnyType>();

  constructor(factory: TypeFactory) {
    this.#factory = factory;
  }

  mapResource(from: Resource, to: Resource): void {
    this.#resources.set(from, to);
  }

  /** From here on `from` is `to`, its name included. Both are of one sort. */
  mapType(from: AnyType, to: AnyType): void {
    this.#known.set(from, to);
  }

  /** Gives each of `bound` a new resource; returns them with their paths. */
  refresh(bound: readonly BoundResource[]): BoundResource[] {
    return bound.map(({ resource, path }) => {
      this.#factory.step(4 * path.length);
      const fresh = this.#factory.resource(resource.name);
      this.#resources.set(resource, fresh);
      return { resource: fresh, path };
    });
  }

  any(type: AnyType): AnyType {
    switch (type.sort) {
      case "defined":
        return this.defined(type);
      case "resource":
        return this.resource(type);
      case "func":
        return this.func(type);
      case "instance":
        return this.instance(type);
      case "component":
        return this.component(type);
    }
  }

  extern(type: ExternType): ExternType {
    switch (type.kind) {
      case "module":
        return type;
      case "func": {
        const to = this.func(type.type);
        return to === type.type ? type : { kind: "func", type: to };
      }
      case "type": {
        const to = this.any(type.type);
        return to === type.type ? type : { kind: "type", type: to };
      }
      case "instance": {
        const to = this.instance(type.type);
        return to === type.type ? type : { kind: "instance", type: to };
      }
      case "component": {
        const to = this.component(type.type);
        return to === type.type ? type : { kind: "component", type: to };
      }
    }
  }

  externs(externs: Externs): Externs {
    this.#factory.step(20 + 10 * externs.size);
    let changed = false;
    const to = new Map<string, ExternType>();
    for (const [name, type] of externs) {
      const replaced = this.extern(type);
      changed ||= replaced !== type;
      to.set(name, replaced);
    }
    return changed ? to : externs;
  }

  resource(type: ResourceType): ResourceType {
    const known = this.#known.get(type);
    if (known?.sort === "resource") return known;
    const resource = this.#resources.get(type.resource);
    const to = resource === undefined ? type : this.#factory.resourceType(resource);
    this.#known.set(type, to);
    return to;
  }

  func(type: FuncType): FuncType {
    const known = this.#known.get(type);
    if (known?.sort === "func") return known;
    const params = this.#named(type.params);
    const result = this.#optional(type.result);
    const same = params === type.params && result === type.result;
    const to = same ? type : this.#factory.func(params, result, type.isAsync);
    this.#known.set(type, to);
    return to;
  }

  instance(type: InstanceType): InstanceType {
    const known = this.#known.get(type);
    if (known?.sort === "instance") return known;
    const exports = this.externs(type.exports);
    // Bound resources keep their identity: nothing maps them but `refresh`, which is asked for this type alone.
    const to = exports === type.exports ? type : { ...type, exports };
    this.#known.set(type, to);
    return to;
  }

  component(type: ComponentType): ComponentType {
    const known = this.#known.get(type);
    if (known?.sort === "component") return known;
    const imports = this.externs(type.imports);
    const exports = this.externs(type.exports);
    const same = imports === type.imports && exports === type.exports;
    const to = same ? type : { ...type, imports, exports };
    this.#known.set(type, to);
    return to;
  }

  defined(type: DefinedType): DefinedType {
    const known = this.#known.get(type);
    if (known?.sort === "defined") return known;
    const shape = this.#shape(type.shape);
    const to = shape === type.shape ? type : this.#factory.defined(shape);
    this.#known.set(type, to);
    return to;
  }

  #value(type: ValType): ValType {
    return typeof type === "string" ? type : this.defined(type);
  }

  #optional(type: ValType | undefined): ValType | undefined {
    return type === undefined ? undefined : this.#value(type);
  }

  #named(list: readonly NamedValType[]): readonly NamedValType[] {
    this.#factory.step(list.length);
    let changed = false;
    const to = list.map((named) => {
      const type = this.#value(named.type);
      if (type === named.type) return named;
      changed = true;
      return { name: named.name, type };
    });
    return changed ? to : list;
  }

  #shape(shape: DefinedShape): DefinedShape {
    switch (shape.kind) {
      case "primitive":
      case "flags":
      case "enum":
        return shape;
      case "record": {
        const fields = this.#named(shape.fields);
        return fields === shape.fields ? shape : { kind: "record", fields };
      }
      case "variant": {
        this.#factory.step(shape.cases.length);
        let changed = false;
        const cases = shape.cases.map((c) => {
          const type = this.#optional(c.type);
          if (type === c.type) return c;
          changed = true;
          return { name: c.name, type };
        });
        return changed ? { kind: "variant", cases } : shape;
      }
      case "list": {
        const element = this.#value(shape.element);
        return element === shape.element ? shape : { kind: "list", element };
      }
      case "fixed-list": {
        const element = this.#value(shape.element);
        return element === shape.element ? shape : { kind: "fixed-list", element, length: shape.length };
      }
      case "map": {
        const key = this.#value(shape.key);
        const value = this.#value(shape.value);
        return key === shape.key && value === shape.value ? shape : { kind: "map", key, value };
      }
      case "tuple": {
        this.#factory.step(shape.types.length);
        const types = shape.types.map((t) => this.#value(t));
        return types.every((t, i) => t === shape.types[i]) ? shape : { kind: "tuple", types };
      }
      case "option": {
        const type = this.#value(shape.type);
        return type === shape.type ? shape : { kind: "option", type };
      }
      case "result": {
        const ok = this.#optional(shape.ok);
        const err = this.#optional(shape.err);
        return ok === shape.ok && err === shape.err ? shape : { kind: "result", ok, err };
      }
      case "own":
      case "borrow": {
        const resource = this.resource(shape.resource);
        return resource === shape.resource ? shape : { kind: shape.kind, resource };
      }
      case "stream":
      case "future": {
        const type = this.#optional(shape.type);
        return type === shape.type ? shape : { kind: shape.kind, type };
      }
    }
  }
}
