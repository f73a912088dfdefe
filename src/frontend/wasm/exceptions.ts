/**
 * Throwing and what handlers read. The payload goes through the context (`layout/offsets.ts` `ExceptionState`): a `throw` writes it, the
 * handler that takes the exception reads it before anything else runs.
 *
 * A call inside a `try_table` is a catching call: behind it, a status other than 0 leads to the handlers of the innermost one
 * (`Body.landing`, which `Control` sets). Everywhere else calls are as they are without exceptions.
 */

import type { Value } from "../../ir/function.ts";
import { Region } from "../../ir/ops.ts";
import { I64, type Type } from "../../ir/types.ts";
import { ExceptionState } from "../../layout/offsets.ts";
import { Trap } from "../../layout/traps.ts";
import type { TagIndex } from "../../plan/component.ts";
import { SUPPORT_SIGNATURES } from "../environment.ts";
import { type ExceptionLayout, exceptionStatus } from "../exception-layout.ts";
import type { Body } from "./body.ts";
import { checkNonNull } from "./calls.ts";

/** A tag as a body sees it. */
export interface TagView {
  readonly tag: TagIndex;
  readonly params: readonly Type[];
}

function layoutOf(body: Body): ExceptionLayout {
  const { exceptions } = body.env;
  if (exceptions === undefined) throw new RangeError("a tag, but no exceptions");
  return exceptions;
}

/** Displacements from the context of the values that an exception of this tag carries. */
function places(body: Body, { tag }: TagView): readonly number[] {
  const offsets = layoutOf(body).places[tag];
  if (offsets === undefined) throw new RangeError(`no tag ${tag}`);
  const payload = body.env.offsets.exceptionState + ExceptionState.payload;
  return Array.from(offsets, (offset) => payload + offset);
}

function storePayload(body: Body, tag: TagView, values: readonly Value[]): void {
  const { builder } = body;
  const at = places(body, tag);
  values.forEach((value, i) => {
    builder.store(body.typeOf(value), body.context, value, at[i] ?? 0, Region.context);
  });
  // What an earlier exception left would keep others alive.
  const { exceptionReferences } = layoutOf(body);
  for (let i = 0; i < exceptionReferences; i++) {
    const place = body.env.offsets.exceptionState + ExceptionState.payload + 8 * i;
    if (!at.includes(place)) builder.store(I64, body.context, builder.iconst64(0, 0), place, Region.context);
  }
}

/** Pushes the values of the exception that was caught. */
export function pushPayload(body: Body, tag: TagView): void {
  places(body, tag).forEach((at, i) => {
    const type = tag.params[i];
    if (type !== undefined) body.push(body.builder.load(type, body.context, at, Region.context));
  });
}

/** Pushes a reference to the exception that was caught. */
export function pushCaught(body: Body, status: Value): void {
  body.push(makeReference(body, "exception_capture", status));
}

function makeReference(body: Body, name: "exception_capture" | "exception_new", status: Value): Value {
  const { builder } = body;
  const callee = builder.importFunc(body.env.support(name), SUPPORT_SIGNATURES[name]);
  const [reference] = builder.call(callee, [body.context, status]);
  if (reference === undefined) throw new RangeError(`${name} gives no result`);
  return reference;
}

/** Throws an exception of this tag out of the function; its values are the last operands. */
export function throwOut(body: Body, tag: TagView): void {
  storePayload(body, tag, body.top(tag.params.length));
  rethrow(body, body.builder.iconst32(exceptionStatus(tag.tag)));
}

/** Pushes a reference to a new exception of this tag, whose values are the last operands and stay there. */
export function pushNew(body: Body, tag: TagView): void {
  storePayload(body, tag, body.top(tag.params.length));
  body.push(makeReference(body, "exception_new", body.builder.iconst32(exceptionStatus(tag.tag))));
}

/** Throws what is in the context on, out of the function. */
export function rethrow(body: Body, status: Value): void {
  body.support("throw", [status]);
  body.trap(Trap.unreachable);
}

export function translateThrowRef(body: Body): void {
  const { builder, env } = body;
  const reference = body.pop();
  if (env.exceptions === undefined) {
    body.trap(Trap.null_exception_reference);
    return;
  }
  checkNonNull(body, reference, Trap.null_exception_reference);
  if (body.landing === undefined) body.support("throw_ref", [reference]);
  else {
    // The call comes back behind itself like any that throws.
    const callee = builder.importFunc(env.support("throw_ref"), SUPPORT_SIGNATURES.throw_ref);
    const [status] = builder.callCatch(callee, [body.context, reference]);
    if (status !== undefined) body.landing(status);
  }
  body.trap(Trap.unreachable);
}
