/** Components of the project's own, in text, and the way from text to plan. */

import assert from "node:assert/strict";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { decodeComponent } from "../../src/component/decode.ts";
import type { ParsedComponent } from "../../src/component/parsed.ts";
import { validateComponent } from "../../src/component/validate/validate.ts";
import type { Component } from "../../src/plan/component.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { type TranslateOptions, translate } from "../../src/translate/translate.ts";
import { assemble } from "./wat.ts";

/** Decodes and validates. */
export function check(bytes: Uint8Array): ParsedComponent {
  const component = decodeComponent(bytes);
  validateComponent(component);
  return component;
}

/** Decodes, validates, translates and verifies. */
export function planOf(bytes: Uint8Array, options?: TranslateOptions): Component {
  const plan = translate(check(bytes), options);
  verifyPlan(plan);
  return plan;
}

export async function planOfText(text: string, options?: TranslateOptions): Promise<Component> {
  return planOf(await assemble(text), options);
}

/** The message of the `WindlassError` that `run` throws; fails if it throws nothing or something else. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert(error instanceof WindlassError, String(error));
    return error.message;
  }
  return assert.fail("accepted");
}

/** A library with an imported interface, a resource, strings, and a nested component that wraps its exports. */
export const GREETER = `(component
  (import "hello:city/logger@0.1.0" (instance $logger
    (export "log" (func (param "text" string)))
    (export "sink" (type $sink (sub resource)))
    (export "[method]sink.put" (func (param "self" (borrow $sink)) (param "x" u32) (result u32)))))
  (alias export $logger "sink" (type $sink))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $log (canon lower (func $logger "log") (memory $memory)))
  (core func $put (canon lower (func $logger "[method]sink.put")))
  (core func $drop (canon resource.drop $sink))
  (core module $main
    (import "env" "memory" (memory 1))
    (import "host" "log" (func $log (param i32 i32)))
    (import "host" "put" (func $put (param i32 i32) (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (global (export "counter") (mut i32) (i32.const 0))
    (table 4 8 funcref)
    (func (export "greet") (param i32 i32) (result i32)
      (call $log (local.get 0) (local.get 1)) (i32.const 8))
    (func (export "post") (param i32)))
  (core instance $main (instantiate $main
    (with "env" (instance $libc))
    (with "host" (instance (export "log" (func $log)) (export "put" (func $put)) (export "drop" (func $drop))))))
  (func $greet (param "name" string) (result string)
    (canon lift (core func $main "greet") (memory $memory) (realloc $realloc) (post-return (core func $main "post"))))
  (component $wrap
    (import "greet" (func $f (param "name" string) (result string)))
    (export "greet" (func $f)))
  (instance $api (instantiate $wrap (with "greet" (func $greet))))
  (export "hello:city/greeter@0.1.0" (instance $api)))`;
