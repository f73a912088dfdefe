/**
 * The random test sees what it is for: with one kind of check or mask left out of the compiled adapters it fails. Two kinds by default, all
 * with `WINDLASS_ABI_MUTATIONS=1`.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { IrAbiEmitter } from "../../src/frontend/adapters-emitter.ts";
import type { Value } from "../../src/ir/function.ts";
import type { TrapName } from "../../src/layout/traps.ts";
import { needX64Linux } from "../support/tools.ts";
import { runRandom, statistics } from "./pair.ts";

const { trapIf, trapUnless, andImm, neImm, signExtend } = IrAbiEmitter.prototype;

const CHECKS: readonly TrapName[] = [
  "list_out_of_bounds",
  "invalid_discriminant",
  "unaligned_pointer",
  "string_out_of_bounds",
  "memory_out_of_bounds",
  "invalid_char",
  "invalid_utf8",
  "invalid_utf16",
];

function withoutCheck(name: TrapName): void {
  IrAbiEmitter.prototype.trapIf = function (this: IrAbiEmitter, condition: Value, trap: TrapName): void {
    if (trap !== name) trapIf.call(this, condition, trap);
  };
  IrAbiEmitter.prototype.trapUnless = function (this: IrAbiEmitter, condition: Value, trap: TrapName): void {
    if (trap !== name) trapUnless.call(this, condition, trap);
  };
}

const MUTATIONS: readonly { readonly name: string; make(): void }[] = [
  ...CHECKS.map((check) => ({ name: `no check of ${check}`, make: () => withoutCheck(check) })),
  {
    name: "no masks",
    make: () => {
      IrAbiEmitter.prototype.andImm = function (this: IrAbiEmitter, a: Value, constant: number): Value {
        // Of small integers and flags; not of alignment.
        return constant === 0xff || constant === 0xffff || constant > 0x1_0000 ? a : andImm.call(this, a, constant);
      };
    },
  },
  {
    name: "no sign extension",
    make: () => {
      IrAbiEmitter.prototype.signExtend = (_bits: 8 | 16, a: Value): Value => a;
    },
  },
  {
    name: "no normalization of booleans",
    make: () => {
      IrAbiEmitter.prototype.neImm = function (this: IrAbiEmitter, a: Value, constant: number): Value {
        return constant === 0 && this.e.func.typeOf(a) === this.e.func.typeOf(this.i32(0))
          ? a
          : neImm.call(this, a, constant);
      };
    },
  },
];

function restore(): void {
  Object.assign(IrAbiEmitter.prototype, { trapIf, trapUnless, andImm, neImm, signExtend });
}

const all = process.env["WINDLASS_ABI_MUTATIONS"] !== undefined;

for (const { name, make } of all ? MUTATIONS : MUTATIONS.slice(0, 2)) {
  test(`${name} is noticed`, { timeout: 1_200_000 }, async (t) => {
    if (!needX64Linux(t)) return;
    make();
    try {
      const size = { components: 8, functions: 25, calls: 60, handles: 0 };
      await assert.rejects(runRandom(1, size, statistics()), /^Error: seed/);
    } finally {
      restore();
    }
  });
}
