/**
 * Where the parameters of each tag are in an exception's payload. One layout serves all tags of a component: the closed world knows the
 * largest, so that every cell of the store has one size.
 *
 *     exception references │ function references by type │ everything else
 *
 * Exception references come first, so that the collector finds them whatever the tag; a place for function references holds no other type,
 * so that the sandbox verifier need not know which tag was thrown.
 */

import type { Component, Tag, TagIndex } from "../plan/component.ts";
import { funcTypeAt } from "../wasm/module.ts";
import * as wasm from "../wasm/types.ts";
import { moduleSignatures, valueToken } from "./tokens.ts";

const SLOT = 8;
const VECTOR = 16;

export interface ExceptionLayout {
  /** How many places for exception references there are, from the payload's start. */
  readonly exceptionReferences: number;
  /** Places for references to functions. */
  readonly references: readonly { readonly token: string; readonly offset: number }[];
  /** Bytes, a multiple of 8. */
  readonly size: number;
  /** By tag: the byte offset of each parameter. */
  readonly places: readonly Int32Array[];
}

/** An exception's number of its tag, as it is in its cell and in the status of a call that it comes back to: not 0. */
export function exceptionStatus(tag: TagIndex): number {
  return tag + 1;
}

export function isExceptionReference(type: wasm.ValType): boolean {
  if (!wasm.isRef(type) || wasm.isConcrete(type)) return false;
  const heap = wasm.heapOf(type);
  return heap === wasm.HEAP_EXN || heap === wasm.HEAP_NOEXN;
}

/** `e`: exception reference; `r…`: reference to functions; `v`: vector; else anything of 8 bytes. */
function parameterKinds(component: Component, { instance, index }: Tag): string[] {
  const owner = component.modules.get(component.instances.get(instance).module);
  const tag = owner.module.tags[index];
  if (tag === undefined) throw new RangeError(`no tag ${index}`);
  const { params } = funcTypeAt(owner.module, tag.type.type);
  return params.map((type) => (isExceptionReference(type) ? "e" : valueToken(type, moduleSignatures(owner))));
}

export function layOutExceptions(component: Component): ExceptionLayout {
  const tags = component.tags.values().map((tag) => parameterKinds(component, tag));
  /** The most parameters of a kind of reference that one tag has. */
  const most = new Map<string, number>([["e", 0]]);
  for (const kinds of tags) {
    const count = new Map<string, number>();
    for (const kind of kinds) if (kind === "e" || kind.startsWith("r")) count.set(kind, (count.get(kind) ?? 0) + 1);
    for (const [kind, n] of count) most.set(kind, Math.max(most.get(kind) ?? 0, n));
  }
  const first = new Map<string, number>();
  const references: { token: string; offset: number }[] = [];
  let at = 0;
  for (const [kind, count] of most) {
    first.set(kind, at);
    for (let i = 0; i < count; i++, at += SLOT) if (kind !== "e") references.push({ token: kind, offset: at });
  }
  const plain = at;
  let size = plain;
  const places = tags.map((kinds) => {
    const next = new Map(first);
    let end = plain;
    const offsets = Int32Array.from(kinds, (kind) => {
      const reference = next.get(kind);
      if (reference !== undefined) {
        next.set(kind, reference + SLOT);
        return reference;
      }
      const offset = end;
      end += kind === "v" ? VECTOR : SLOT;
      return offset;
    });
    size = Math.max(size, end);
    return offsets;
  });
  return { exceptionReferences: most.get("e") ?? 0, references, size, places };
}
