/**
 * The description of an interface as bytes: which functions it has, with which types, and where C puts their parts. See `layout/description.ts`.
 */

import { discriminantSize } from "../abi/sizes.ts";
import { InternalError, unreachable } from "../base/diagnostics.ts";
import type { InterfaceType, ResourceIndex, TypeFunc, TypeFuncIndex } from "../component/types.ts";
import {
  DESCRIPTION,
  DESCRIPTION_FORMAT,
  DESCRIPTION_NONE,
  FUNCTION,
  PART,
  RESOURCE,
  TYPE,
  TYPE_KINDS,
  type TypeKind,
} from "../layout/description.ts";
import type { Sizes } from "../abi/sizes.ts";
import type { Component } from "../plan/component.ts";
import { witFunc } from "../plan/wit.ts";
import type { Api } from "./api.ts";

interface Part {
  readonly name: string | undefined;
  readonly type: InterfaceType | undefined;
  readonly offset: number;
}

interface Shape {
  readonly parts: readonly Part[];
  readonly stride: number;
  readonly detail: number;
}

interface DescribedFunction {
  readonly path: readonly string[];
  readonly type: TypeFuncIndex;
}

/** The resources of an interface, in the order of the description: those that functions use, then those that only have destructors. */
export function describedResources(api: Api): readonly ResourceIndex[] {
  const used = api.types.resources.map((r) => r.resource);
  const others = api.hostResources.map((r) => r.resource).filter((r) => !used.includes(r));
  return [...used, ...others];
}

const encoder = new TextEncoder();

class Writer {
  readonly #component: Component;
  readonly #api: Api;
  readonly #sizes: Sizes;
  readonly #types: InterfaceType[] = [];
  readonly #known = new Map<string, number>();
  readonly #resources: readonly ResourceIndex[];

  constructor(component: Component, api: Api, sizes: Sizes) {
    this.#component = component;
    this.#api = api;
    this.#sizes = sizes;
    this.#resources = describedResources(api);
  }

  /** The position of a type, which comes behind its parts. */
  #type(t: InterfaceType): number {
    const key = JSON.stringify(t);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    for (const { type } of this.#shape(t).parts) if (type !== undefined) this.#type(type);
    const index = this.#types.push(t) - 1;
    this.#known.set(key, index);
    return index;
  }

  #fields(types: readonly InterfaceType[], names: readonly (string | undefined)[]): readonly Part[] {
    const offsets = this.#sizes.fieldOffsets(types);
    return types.map((type, i) => ({ name: names[i], type, offset: offsets[i] ?? 0 }));
  }

  #shape(t: InterfaceType): Shape {
    const { types } = this.#component;
    const none: Shape = { parts: [], stride: 0, detail: 0 };
    const cases = (names: readonly string[], list: readonly (InterfaceType | undefined)[]): Shape => {
      const offset = this.#sizes.payloadOffset(list);
      const parts = list.map((type, i) => ({ name: names[i], type, offset: type === undefined ? 0 : offset }));
      return { parts, stride: 0, detail: discriminantSize(list.length) };
    };
    const labels = (names: readonly string[]): Shape => ({
      ...none,
      parts: names.map((name) => ({ name, type: undefined, offset: 0 })),
    });
    switch (t.kind) {
      case "record": {
        const { fields } = types.records.table.get(t.type);
        const names = fields.map((f) => f.name);
        return {
          ...none,
          parts: this.#fields(
            fields.map((f) => f.type),
            names,
          ),
        };
      }
      case "tuple":
        return { ...none, parts: this.#fields(types.tuples.table.get(t.type).types, []) };
      case "variant": {
        const { cases: list } = types.variants.table.get(t.type);
        return cases(
          list.map((c) => c.name),
          list.map((c) => c.type),
        );
      }
      case "option":
        return cases(["none", "some"], [undefined, types.options.table.get(t.type).type]);
      case "result": {
        const { ok, err } = types.results.table.get(t.type);
        return cases(["ok", "err"], [ok, err]);
      }
      case "list":
      case "fixed-list": {
        const { element } = t.kind === "list" ? types.lists.table.get(t.type) : types.fixedLists.table.get(t.type);
        const parts = [{ name: undefined, type: element, offset: 0 }];
        const detail = t.kind === "list" ? 0 : types.fixedLists.table.get(t.type).length;
        return { parts, stride: this.#sizes.elemSize(element), detail };
      }
      case "map": {
        const { key, value } = types.maps.table.get(t.type);
        const parts = this.#fields([key, value], ["key", "value"]);
        return { parts, stride: this.#sizes.record([key, value]).size, detail: 0 };
      }
      case "enum":
        return labels(types.enums.table.get(t.type).names);
      case "flags":
        return labels(types.flags.table.get(t.type).names);
      case "own":
      case "borrow":
        return { ...none, detail: this.#resources.indexOf(t.resource) };
      case "bool":
      case "s8":
      case "u8":
      case "s16":
      case "u16":
      case "s32":
      case "u32":
      case "s64":
      case "u64":
      case "f32":
      case "f64":
      case "char":
      case "string":
        return none;
      case "error-context":
        throw new InternalError("frontend", "an error-context in a description");
      default:
        return unreachable(t);
    }
  }

  write(): Uint8Array {
    const { imports, exports } = this.#api;
    const called = imports.map(
      (i): DescribedFunction => ({ path: i.path, type: this.#component.imports.get(i.import).type }),
    );
    const offered = exports.map((e): DescribedFunction => ({ path: e.path, type: e.lifted.type }));
    const typeOf = (f: DescribedFunction): TypeFunc => this.#component.types.func(f.type);
    for (const f of [...called, ...offered]) {
      const { params, result } = typeOf(f);
      for (const { type } of params) this.#type(type);
      if (result !== undefined) this.#type(result);
    }

    // Structures first, then parts, then names: all places follow from the counts.
    const types = DESCRIPTION.size;
    const importsAt = types + this.#types.length * TYPE.size;
    const exportsAt = importsAt + called.length * FUNCTION.size;
    const resources = exportsAt + offered.length * FUNCTION.size;
    const partsAt = resources + this.#resources.length * RESOURCE.size;
    const parts: Part[] = [];
    const add = (list: readonly Part[]): number => {
      const at = partsAt + parts.length * PART.size;
      parts.push(...list);
      return at;
    };
    const rows: number[] = [];
    const names: string[] = [];
    const placeOf = new Map<string, number>();
    // The number of a name, until it is known where names are.
    const nameAt = (name: string | undefined): number => {
      if (name === undefined) return DESCRIPTION_NONE;
      let at = placeOf.get(name);
      if (at === undefined) {
        at = names.push(name) - 1;
        placeOf.set(name, at);
      }
      return at;
    };
    const nameWords = new Set<number>();
    const word = (value: number): void => void rows.push(value);
    const nameWord = (name: string | undefined): void => {
      if (name !== undefined) nameWords.add(rows.length);
      rows.push(nameAt(name));
    };

    for (const value of [DESCRIPTION_FORMAT, 0, types, this.#types.length, importsAt, called.length]) word(value);
    for (const value of [exportsAt, offered.length, resources, this.#resources.length]) word(value);
    for (const t of this.#types) {
      const { parts: own, stride, detail } = this.#shape(t);
      word(kindNumber(t));
      word(this.#sizes.elemSize(t));
      word(this.#sizes.alignment(t));
      nameWord(this.#api.types.witPath(t)?.at(-1));
      word(add(own));
      for (const value of [own.length, stride, detail]) word(value);
    }
    for (const f of [...called, ...offered]) {
      const { params, result } = typeOf(f);
      nameWord(f.path.length > 1 ? f.path.slice(0, -1).join("/") : undefined);
      nameWord(f.path.at(-1));
      nameWord(
        witFunc(
          this.#component.types,
          f.type,
          (r) => this.#api.types.resourceName(this.#component, r),
          (t) => this.#api.types.witPath(t)?.at(-1),
        ),
      );
      word(add(params.map(({ name, type }) => ({ name, type, offset: 0 }))));
      word(params.length);
      word(result === undefined ? DESCRIPTION_NONE : this.#type(result));
    }
    for (const r of this.#resources) {
      const { kind } = this.#component.resources.get(r);
      nameWord(this.#api.types.resourceName(this.#component, r));
      word(kind === "host" ? 1 : 0);
    }
    for (const { name, type, offset } of parts) {
      nameWord(name);
      word(type === undefined ? DESCRIPTION_NONE : this.#type(type));
      word(offset);
    }

    const texts = names.map((name) => encoder.encode(`${name}\0`));
    const starts: number[] = [];
    let end = 4 * rows.length;
    for (const text of texts) {
      starts.push(end);
      end += text.length;
    }
    const bytes = new Uint8Array(end);
    const view = new DataView(bytes.buffer);
    rows.forEach((value, i) => {
      view.setUint32(4 * i, nameWords.has(i) ? (starts[value] ?? 0) : value, true);
    });
    view.setUint32(4, end, true);
    texts.forEach((text, i) => {
      bytes.set(text, starts[i]);
    });
    return bytes;
  }
}

function kindNumber(t: InterfaceType): number {
  const kind: string = t.kind;
  const number = TYPE_KINDS.findIndex((k: TypeKind) => k === kind);
  if (number < 0) throw new InternalError("frontend", `a ${kind} in a description`);
  return number;
}

export function describeInterface(component: Component, api: Api, sizes: Sizes): Uint8Array {
  return new Writer(component, api, sizes).write();
}
