/**
 * Subtyping (Component Model, "Type Checking"): of instances by width and depth, of components by contravariant imports and covariant
 * exports; functions and value types must be equal. Resources that the expected type binds are found among what is offered.
 *
 * A question is answered with `undefined` for yes, or with why not.
 */

import { moduleMismatch } from "./core.ts";
import type { TypeFactory } from "./factory.ts";
import {
  type AnyType,
  type BoundResource,
  type ComponentType,
  type DefinedShape,
  type Externs,
  type ExternType,
  externKindName,
  type FuncType,
  type InstanceType,
  resourceAt,
  type ResourceType,
  shapeName,
  sortName,
  type ValType,
} from "./model.ts";
import { Substitution } from "./substitute.ts";
import { witOfExtern, witOfFunc, witOfType } from "./wit.ts";

export class Subtyping {
  readonly #factory: TypeFactory;

  constructor(factory: TypeFactory) {
    this.#factory = factory;
  }

  /** Why `found` can't be used where `expected` is. */
  extern(found: ExternType, expected: ExternType): string | undefined {
    this.#factory.step();
    if (found.kind === "module" && expected.kind === "module") return moduleMismatch(found.type, expected.type);
    if (found.kind === "func" && expected.kind === "func") return this.func(found.type, expected.type);
    if (found.kind === "type" && expected.kind === "type") return this.sameType(found.type, expected.type);
    if (found.kind === "instance" && expected.kind === "instance") {
      return this.instance(found.type.exports, expected.type);
    }
    if (found.kind === "component" && expected.kind === "component") return this.component(found.type, expected.type);
    return `expected ${externKindName(expected)}, found ${externKindName(found)}`;
  }

  /** Why a type can't stand where exactly `expected` is required. */
  sameType(found: AnyType, expected: AnyType): string | undefined {
    if (found === expected) return undefined;
    if (found.sort === "defined" && expected.sort === "defined") {
      const mismatch = this.value(found, expected);
      const isSimple = found.shape.kind === "primitive" || expected.shape.kind === "primitive";
      return mismatch === undefined || isSimple ? mismatch : bothTypes(mismatch, witOfType(found), witOfType(expected));
    }
    if (found.sort === "resource" && expected.sort === "resource") return this.resource(found, expected);
    if (found.sort === "func" && expected.sort === "func") return this.func(found, expected);
    if (found.sort === "instance" && expected.sort === "instance") {
      return this.instance(found.exports, expected) ?? this.instance(expected.exports, found);
    }
    if (found.sort === "component" && expected.sort === "component") {
      return this.component(found, expected) ?? this.component(expected, found);
    }
    return `expected ${sortName(expected)}, found ${sortName(found)}`;
  }

  resource(found: ResourceType, expected: ResourceType): string | undefined {
    if (found.resource === expected.resource) return undefined;
    return `resource types are not the same (\`${found.resource.name}\` vs. \`${expected.resource.name}\`)`;
  }

  func(found: FuncType, expected: FuncType): string | undefined {
    if (found === expected) return undefined;
    const mismatch = this.#func(found, expected);
    return mismatch === undefined ? undefined : bothTypes(mismatch, witOfFunc(found), witOfFunc(expected));
  }

  #func(found: FuncType, expected: FuncType): string | undefined {
    this.#factory.step(1 + found.params.length);
    if (found.isAsync !== expected.isAsync) {
      const name = (f: FuncType) => (f.isAsync ? "async" : "sync");
      return `expected ${name(expected)} function, found ${name(found)} function`;
    }
    if (found.params.length !== expected.params.length) {
      return `expected ${expected.params.length} parameters, found ${found.params.length}`;
    }
    for (const [i, param] of expected.params.entries()) {
      const own = found.params[i];
      if (own === undefined) continue;
      if (own.name !== param.name) return `expected parameter named \`${param.name}\`, found \`${own.name}\``;
      const mismatch = this.value(own.type, param.type);
      if (mismatch !== undefined) return `type mismatch in function parameter \`${param.name}\`: ${mismatch}`;
    }
    if (expected.result === undefined) return found.result === undefined ? undefined : "expected no result, found one";
    if (found.result === undefined) return "expected a result, found none";
    const mismatch = this.value(found.result, expected.result);
    return mismatch === undefined ? undefined : `type mismatch with result type: ${mismatch}`;
  }

  value(found: ValType, expected: ValType): string | undefined {
    if (this.#factory.keyOf(found) === this.#factory.keyOf(expected)) return undefined;
    const [a, b] = [shapeName(found), shapeName(expected)];
    if (typeof found === "string" || typeof expected === "string") return primitiveMismatch(found, expected);
    if (found.shape.kind === "primitive" || expected.shape.kind === "primitive") {
      return primitiveMismatch(found, expected);
    }
    if (a !== b) return `expected ${b}, found ${a}`;
    return this.#shape(found.shape, expected.shape) ?? `type mismatch in ${b}`;
  }

  /** Of two unequal shapes of one kind: the first difference. */
  #shape(found: DefinedShape, expected: DefinedShape): string | undefined {
    if (found.kind === "record" && expected.kind === "record") {
      if (found.fields.length !== expected.fields.length) {
        return `expected ${expected.fields.length} fields, found ${found.fields.length}`;
      }
      for (const [i, field] of expected.fields.entries()) {
        const own = found.fields[i];
        if (own === undefined) continue;
        if (own.name !== field.name) return `expected field name \`${field.name}\`, found \`${own.name}\``;
        const mismatch = this.value(own.type, field.type);
        if (mismatch !== undefined) return `type mismatch in record field \`${field.name}\`: ${mismatch}`;
      }
    }
    if (found.kind === "variant" && expected.kind === "variant") {
      if (found.cases.length !== expected.cases.length) {
        return `expected ${expected.cases.length} cases, found ${found.cases.length}`;
      }
      for (const [i, wanted] of expected.cases.entries()) {
        const own = found.cases[i];
        if (own === undefined) continue;
        if (own.name !== wanted.name) return `expected case named \`${wanted.name}\`, found \`${own.name}\``;
        if (wanted.type === undefined && own.type !== undefined) {
          return `expected case \`${wanted.name}\` to have no type`;
        }
        if (wanted.type !== undefined && own.type === undefined) {
          return `expected case \`${wanted.name}\` to have a type, found none`;
        }
        const mismatch = this.#optional(own.type, wanted.type);
        if (mismatch !== undefined) return `type mismatch in variant case \`${wanted.name}\`: ${mismatch}`;
      }
    }
    if (found.kind === "tuple" && expected.kind === "tuple") {
      if (found.types.length !== expected.types.length) {
        return `expected ${expected.types.length} types, found ${found.types.length}`;
      }
      for (const [i, wanted] of expected.types.entries()) {
        const mismatch = this.#optional(found.types[i], wanted);
        if (mismatch !== undefined) return `type mismatch in tuple field ${i}: ${mismatch}`;
      }
    }
    if (found.kind === "flags" && expected.kind === "flags") return "mismatch in flags elements";
    if (found.kind === "enum" && expected.kind === "enum") return "mismatch in enum elements";
    if (found.kind === "result" && expected.kind === "result") {
      for (const [side, own, wanted] of [
        ["ok", found.ok, expected.ok],
        ["err", found.err, expected.err],
      ] as const) {
        if (wanted === undefined && own !== undefined) return `expected ${side} type to not be present`;
        if (wanted !== undefined && own === undefined) return `expected ${side} type, but found none`;
        const mismatch = this.#optional(own, wanted);
        if (mismatch !== undefined) return `type mismatch in ${side} variant: ${mismatch}`;
      }
    }
    if ("element" in found && "element" in expected) return this.value(found.element, expected.element);
    if (found.kind === "map" && expected.kind === "map") {
      return this.value(found.key, expected.key) ?? this.value(found.value, expected.value);
    }
    if (found.kind === "option" && expected.kind === "option") return this.value(found.type, expected.type);
    if ((found.kind === "own" || found.kind === "borrow") && (expected.kind === "own" || expected.kind === "borrow")) {
      return this.resource(found.resource, expected.resource);
    }
    return undefined;
  }

  #optional(found: ValType | undefined, expected: ValType | undefined): string | undefined {
    if (found === undefined || expected === undefined) return undefined;
    return this.value(found, expected);
  }

  /** Maps each of `bound` to the resource that `offered` has in its place. */
  match(bound: readonly BoundResource[], offered: Externs, into: Substitution): string | undefined {
    this.#factory.step(bound.length);
    for (const { resource, path } of bound) {
      const found = resourceAt(offered, path);
      if (found === undefined) return `missing expected resource \`${path.join("` `")}\``;
      into.mapResource(resource, found.resource);
    }
    return undefined;
  }

  /** Why an instance with these exports is none of type `expected`. */
  instance(found: Externs, expected: InstanceType): string | undefined {
    let wanted = expected.exports;
    if (expected.bound.length > 0) {
      // Kinds first: they make the better message.
      const kinds = this.shape(found, wanted);
      if (kinds !== undefined) return kinds;
      const substitution = new Substitution(this.#factory);
      const mismatch = this.match(expected.bound, found, substitution);
      if (mismatch !== undefined) return mismatch;
      wanted = substitution.externs(wanted);
    }
    return this.exports(found, wanted);
  }

  /** Why these exports don't even have the names and sorts of the expected ones, in instances inside them too. */
  shape(found: Externs, expected: Externs): string | undefined {
    this.#factory.step(expected.size);
    for (const [name, type] of expected) {
      const own = found.get(name);
      if (own === undefined) return `missing expected export \`${name}\`, ${witOfExtern(type)}`;
      const where = `type mismatch in instance export \`${name}\``;
      if (own.kind !== type.kind) return `${where}: expected ${externKindName(type)}, found ${externKindName(own)}`;
      if (own.kind === "type" && type.kind === "type" && own.type.sort !== type.type.sort) {
        return `${where}: expected ${sortName(type.type)}, found ${sortName(own.type)}`;
      }
      if (own.kind === "instance" && type.kind === "instance") {
        const inner = this.shape(own.type.exports, type.type.exports);
        if (inner !== undefined) return `${where}: ${inner}`;
      }
    }
    return undefined;
  }

  /** Export by export; more than the expected ones are fine. */
  exports(found: Externs, expected: Externs): string | undefined {
    if (found === expected) return undefined;
    this.#factory.step(expected.size);
    for (const [name, type] of expected) {
      const own = found.get(name);
      if (own === undefined) return `missing expected export \`${name}\``;
      const mismatch = this.extern(own, type);
      if (mismatch !== undefined) return `type mismatch in instance export \`${name}\`: ${mismatch}`;
    }
    return undefined;
  }

  /** Why a component of type `found` can't be used where `expected` is. */
  component(found: ComponentType, expected: ComponentType): string | undefined {
    if (found === expected) return undefined;
    // Instantiate `found` with what `expected` says it will be given: its resources stay variables.
    for (const [name, type] of found.imports) {
      const given = expected.imports.get(name);
      if (given === undefined) return `missing expected import \`${name}\`, ${witOfExtern(type)}`;
      if (given.kind !== type.kind) {
        return `type mismatch in component import \`${name}\`: expected ${externKindName(type)}, found ${externKindName(given)}`;
      }
    }
    const substitution = new Substitution(this.#factory);
    const unmatched = this.match(found.importedResources, expected.imports, substitution);
    if (unmatched !== undefined) return unmatched;
    substitution.refresh(found.bound);
    for (const [name, type] of found.imports) {
      const given = expected.imports.get(name);
      if (given === undefined) continue;
      const mismatch = this.extern(given, substitution.extern(type));
      if (mismatch !== undefined) return `type mismatch in component import \`${name}\`: ${mismatch}`;
    }
    const made = substitution.externs(found.exports);
    const kinds = this.shape(made, expected.exports);
    if (kinds !== undefined) return kinds;
    const wanted = new Substitution(this.#factory);
    const missing = this.match(expected.bound, made, wanted);
    if (missing !== undefined) return missing;
    return this.exports(made, wanted.externs(expected.exports));
  }
}

/** The first difference, and the whole types that differ. */
function bothTypes(mismatch: string, found: string, expected: string): string {
  // Types of one text differ in what they name.
  return found === expected
    ? `${mismatch}, in \`${found}\``
    : `${mismatch}; expected \`${expected}\`, found \`${found}\``;
}

function primitiveMismatch(found: ValType, expected: ValType): string {
  const primitive = (t: ValType) => typeof t === "string" || t.shape.kind === "primitive";
  const [a, b] = [shapeName(found), shapeName(expected)];
  if (primitive(found) && primitive(expected)) return `expected primitive \`${b}\` found primitive \`${a}\``;
  return `expected ${typeof expected !== "string" && primitive(expected) ? "primitive" : b}, found ${a}`;
}
