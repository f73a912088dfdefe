/** What the sandbox verifier knows of a table element holds until something may have written to a table, and no longer. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as iced from "iced-x86";
import { compile } from "../../src/driver/compile.ts";
import { CodeReader } from "../../src/verify/decode.ts";
import { readImage } from "../../src/verify/image.ts";
import { verifyWith } from "../../src/verify/verify.ts";
import { firstFunction, instructionsOf } from "../support/first-function.ts";
import { assemble } from "../support/wat.ts";

const reader = new CodeReader(iced);

const MODULE = `(module
  (type $one (func (param i32) (result i32)))
  (type $none (func))
  (table $table (export "table") 10 20 funcref)
  (func (export "call") (param i32 funcref) (result i32)
    (table.set $table (i32.const 3) (local.get 1))
    (call_indirect $table (type $one) (local.get 0) (i32.const 3))))`;

test("a signature from before a table.set says nothing of what is called behind it", async () => {
  const { text, reasons } = await firstFunction(MODULE);
  assert.deepEqual(reasons(), []);
  const code = instructionsOf(text);
  const store = code.findIndex((i) => i.mnemonic === iced.Mnemonic.Mov && i.op0Kind === iced.OpKind.Memory);
  const signature = code[store + 1];
  const stored = code[store];
  assert.ok(stored !== undefined && signature?.op1Kind === iced.OpKind.Memory);

  // The load of the signature goes in front of the store; the comparison stays where it is.
  const [first, second] = [Number(stored.ip), Number(signature.ip)];
  const moved = [...text.slice(second, second + signature.length), ...text.slice(first, second)];
  text.set(moved, first);
  assert.deepEqual(reasons(), ["calls an address that was not checked"]);
});

const CONSTANT = `(module
  (type $one (func (param i32) (result i32)))
  (import "host" "log" (func $log (param i32)))
  (table $fixed 10 20 funcref)
  (table $changing 10 20 funcref)
  (elem (table $fixed) (i32.const 0) func $double)
  (func $double (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))
  (func (export "set") (param i32 i32)
    (table.set $changing (local.get 0) (table.get $fixed (local.get 1))))
  (func (export "repeat") (param $index i32) (param $n i32) (result i32)
    (loop $again
      (call $log (local.get $n))
      (local.set $n (call_indirect $fixed (type $one) (i32.sub (local.get $n) (i32.const 1)) (local.get $index)))
      (br_if $again (local.get $n)))
    (local.get $n)))`;

test("a table that does not change is what it was from the start, and nothing may write to it", async () => {
  const { bytes } = await compile(await assemble(CONSTANT), { output: "object", soname: "s.so", optLevel: 2 });
  assert.deepEqual(
    readImage(bytes).policy.tables.map((t) => t.constant),
    [true, false],
  );
  assert.deepEqual(verifyWith(reader, bytes).problems, []);

  // The policy claims the same of the other one.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = text.indexOf('"constant":false');
  assert.ok(at > 0);
  text.write('"constant":true ', at, "latin1");
  assert.deepEqual(
    verifyWith(reader, bytes).problems.map((p) => p.reason),
    ["writes to table 1, which does not change"],
  );
});
