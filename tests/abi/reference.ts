/**
 * The Canonical ABI's sizes and flat types of a type written as a tree, straight from the definitions and without regard to cost: what the
 * compiler's are compared with.
 */

import type { ComponentTypes, InterfaceType, PrimitiveKind } from "../../src/component/types.ts";

export type Tree =
  | { readonly kind: "primitive"; readonly type: Exclude<PrimitiveKind, "error-context"> }
  | { readonly kind: "record" | "tuple"; readonly parts: readonly Tree[] }
  | { readonly kind: "variant"; readonly cases: readonly (Tree | undefined)[] }
  | { readonly kind: "list"; readonly element: Tree }
  | { readonly kind: "fixed-list"; readonly element: Tree; readonly length: number }
  | { readonly kind: "map"; readonly key: Tree; readonly value: Tree }
  | { readonly kind: "option"; readonly of: Tree }
  | { readonly kind: "result"; readonly ok: Tree | undefined; readonly err: Tree | undefined }
  | { readonly kind: "flags" | "enum"; readonly count: number };

/** The same type in the arena. */
export function intern(types: ComponentTypes, tree: Tree): InterfaceType {
  const of = (t: Tree | undefined) => (t === undefined ? undefined : intern(types, t));
  const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`);
  switch (tree.kind) {
    case "primitive":
      return { kind: tree.type };
    case "record": {
      const fields = tree.parts.map((p, i) => ({ name: `f${i}`, type: intern(types, p) }));
      return { kind: "record", type: types.records.intern({ fields }) };
    }
    case "tuple":
      return { kind: "tuple", type: types.tuples.intern({ types: tree.parts.map((p) => intern(types, p)) }) };
    case "variant": {
      const cases = tree.cases.map((c, i) => ({ name: `c${i}`, type: of(c) }));
      return { kind: "variant", type: types.variants.intern({ cases }) };
    }
    case "list":
      return { kind: "list", type: types.lists.intern({ element: intern(types, tree.element) }) };
    case "fixed-list": {
      const list = { element: intern(types, tree.element), length: tree.length };
      return { kind: "fixed-list", type: types.fixedLists.intern(list) };
    }
    case "map": {
      const map = { key: intern(types, tree.key), value: intern(types, tree.value) };
      return { kind: "map", type: types.maps.intern(map) };
    }
    case "option":
      return { kind: "option", type: types.options.intern({ type: intern(types, tree.of) }) };
    case "result":
      return { kind: "result", type: types.results.intern({ ok: of(tree.ok), err: of(tree.err) }) };
    case "flags":
      return { kind: "flags", type: types.flags.intern({ names: names(tree.count) }) };
    case "enum":
      return { kind: "enum", type: types.enums.intern({ names: names(tree.count) }) };
  }
}

function up(offset: number, alignment: number): number {
  while (offset % alignment !== 0) offset++;
  return offset;
}

function bytesOfCases(count: number): number {
  const bits = count <= 1 ? 0 : Math.ceil(Math.log2(count));
  return bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
}

function casesOf(tree: Tree): readonly (Tree | undefined)[] | undefined {
  switch (tree.kind) {
    case "variant":
      return tree.cases;
    case "enum":
      return Array.from({ length: tree.count }, () => undefined);
    case "option":
      return [undefined, tree.of];
    case "result":
      return [tree.ok, tree.err];
    default:
      return undefined;
  }
}

const PRIMITIVES = {
  bool: [1, "i32"],
  s8: [1, "i32"],
  u8: [1, "i32"],
  s16: [2, "i32"],
  u16: [2, "i32"],
  s32: [4, "i32"],
  u32: [4, "i32"],
  s64: [8, "i64"],
  u64: [8, "i64"],
  f32: [4, "f32"],
  f64: [8, "f64"],
  char: [4, "i32"],
} as const;

/** `[size, alignment]` where pointers have `ptr` bytes. */
export function extent(tree: Tree, ptr: 4 | 8): readonly [size: number, alignment: number] {
  const cases = casesOf(tree);
  if (cases !== undefined) {
    const tag = bytesOfCases(cases.length);
    const payloads = cases.filter((c) => c !== undefined).map((c) => extent(c, ptr));
    const payloadAlignment = Math.max(1, ...payloads.map(([, a]) => a));
    const size = up(tag, payloadAlignment) + Math.max(0, ...payloads.map(([s]) => s));
    const alignment = Math.max(tag, payloadAlignment);
    return [up(size, alignment), alignment];
  }
  switch (tree.kind) {
    case "primitive": {
      if (tree.type === "string") return [2 * ptr, ptr];
      const [size] = PRIMITIVES[tree.type];
      return [size, size];
    }
    case "record":
    case "tuple": {
      let size = 0;
      let alignment = 1;
      for (const part of tree.parts) {
        const [s, a] = extent(part, ptr);
        size = up(size, a) + s;
        alignment = Math.max(alignment, a);
      }
      return [up(size, alignment), alignment];
    }
    case "fixed-list": {
      const [s, a] = extent(tree.element, ptr);
      return [s * tree.length, a];
    }
    case "flags": {
      const size = tree.count <= 8 ? 1 : tree.count <= 16 ? 2 : 4;
      return [size, size];
    }
    default:
      return [2 * ptr, ptr];
  }
}

function joined(a: string, b: string): string {
  if (a === b) return a;
  return [a, b].sort().join() === "f32,i32" ? "i32" : "i64";
}

/** All flat types, where pointers are `ptr`. */
export function flat(tree: Tree, ptr: "i32" | "i64"): string[] {
  const cases = casesOf(tree);
  if (cases !== undefined) {
    const payload: string[] = [];
    for (const c of cases) {
      if (c === undefined) continue;
      flat(c, ptr).forEach((type, i) => {
        payload[i] = i < payload.length ? joined(payload[i] ?? "", type) : type;
      });
    }
    return ["i32", ...payload];
  }
  switch (tree.kind) {
    case "primitive":
      return tree.type === "string" ? [ptr, ptr] : [PRIMITIVES[tree.type][1]];
    case "record":
    case "tuple":
      return tree.parts.flatMap((p) => flat(p, ptr));
    case "fixed-list":
      return Array.from({ length: tree.length }, () => flat(tree.element, ptr)).flat();
    case "flags":
      return ["i32"];
    default:
      return [ptr, ptr];
  }
}
