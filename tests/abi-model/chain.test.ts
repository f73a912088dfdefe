/** Strings through chains of components, each with an encoding of its own: what comes back is what was sent. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { planOfText } from "../support/components.ts";
import { needX64Linux } from "../support/tools.ts";
import { buildScript } from "../wast/build.ts";
import { ScriptProcess } from "../wast/child.ts";
import { context, type Encoding, Instance, lowerFlatValues, liftFlatValues, type Options, type Type } from "./model.ts";
import { ENCODINGS, Random, randomValue } from "./random.ts";

const STRINGS: Type = { k: "list", of: { k: "string" }, length: undefined };
const FUNC = '(param "s" (list string)) (result (list string))';
const HEAP = 1024;
const ARGUMENTS = 16;
const RESULT = 32;

const LIBC = `(core module $Libc (memory (export "mem") 4)
    (global $next (mut i32) (i32.const 131072))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $r i32)
      (local.set $r (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $r) (local.get 3)))
      (if (local.get 0) (then (memory.copy (local.get $r) (local.get 0)
        (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))))
      (local.get $r)))
  (core instance $libc (instantiate $Libc))`;

const options = (encoding: Encoding): string =>
  `string-encoding=${encoding} (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))`;

/** The last of the chain gives back its argument; all others pass it on and the result back. The first has `run`. */
function chainText(encodings: readonly Encoding[]): string {
  const last = encodings.length - 1;
  const components = encodings.map((encoding, i) => {
    const body =
      i === last
        ? `(core module $M (import "libc" "mem" (memory 1))
      (func (export "f") (param i32 i32) (result i32)
        (i32.store (i32.const ${RESULT}) (local.get 0)) (i32.store (i32.const ${RESULT + 4}) (local.get 1)) (i32.const ${RESULT})))
    (core instance $m (instantiate $M (with "libc" (instance $libc))))`
        : `(import "f" (func $f ${FUNC}))
    (core func $g (canon lower (func $f) ${options(encoding)}))
    (core module $M (import "" "g" (func $g (param i32 i32 i32)))  (import "libc" "mem" (memory 1))
      (func (export "f") (param i32 i32) (result i32)
        (call $g (local.get 0) (local.get 1) (i32.const ${RESULT})) (i32.const ${RESULT}))
      (func (export "run") (call $g (i32.load (i32.const ${ARGUMENTS})) (i32.load (i32.const ${ARGUMENTS + 4})) (i32.const ${RESULT}))))
    (core instance $m (instantiate $M (with "libc" (instance $libc)) (with "" (instance (export "g" (func $g))))))
    ${i === 0 ? '(func (export "run") (canon lift (core func $m "run")))' : ""}`;
    return `(component $C${i} ${LIBC} ${body}
    (func (export "f") ${FUNC} (canon lift (core func $m "f") ${options(encoding)})))`;
  });
  const instances = encodings.map((_, i) => last - i);
  return `(component
  ${components.join("\n  ")}
  ${instances
    .map((i) => `(instance $c${i} (instantiate $C${i}${i === last ? "" : ` (with "f" (func $c${i + 1} "f"))`}))`)
    .join("\n  ")}
  (func (export "run") (alias export $c0 "run")))`;
}

test("strings through random chains of encodings", { timeout: 600_000 }, async (t) => {
  if (!needX64Linux(t)) return;
  for (let seed = 1; seed <= 6; seed++) {
    const r = new Random(seed);
    const encodings = r.list(3 + r.below(6), () => r.pick(ENCODINGS));
    const plan = await planOfText(chainText(encodings));
    const { program, executable, refused } = buildScript(plan, undefined, { optLevel: 2, verify: true });
    assert.deepEqual(refused, []);
    const process = new ScriptProcess(executable, 20_000);
    try {
      const nothing = new Uint8Array();
      const made = await process.call("call", program.enterInstantiate - program.entries.first, nothing, 0);
      assert.equal(made.status, 0);
      const entry = program.exportEntry(0) - program.entries.first;
      // The first of the chain is instantiated last.
      const at = program.offsets.memory(encodings.length - 1);
      const encoding = encodings[0] ?? "utf8";
      for (let n = 0; n < 50; n++) {
        const memory = new Uint8Array(65536);
        let next = HEAP;
        const side: Options = {
          memory,
          ptr: "i32",
          encoding,
          realloc: (old, oldSize, align, size) => {
            const ptr = Math.ceil(next / align) * align;
            next = ptr + size;
            memory.copyWithin(ptr, old, old + Math.min(oldSize, size));
            return ptr;
          },
        };
        const sent = randomValue(r, STRINGS);
        const flat = lowerFlatValues(context(side, new Instance()), 16, [sent], [STRINGS]);
        new DataView(memory.buffer).setUint32(ARGUMENTS, Number(flat[0]), true);
        new DataView(memory.buffer).setUint32(ARGUMENTS + 4, Number(flat[1]), true);
        await process.write(at, memory);
        assert.equal((await process.call("call", entry, nothing, 0)).status, 0);
        const after = await process.read(at, 4 * 65536);
        const view = new DataView(after.buffer, after.byteOffset);
        const found = [RESULT, RESULT + 4].map((place) => BigInt(view.getUint32(place, true)));
        const lifted = liftFlatValues(context({ ...side, memory: after }, new Instance()), 16, found, [STRINGS]);
        assert.deepEqual(texts(lifted[0]), texts(sent), encodings.join(" → "));
      }
    } finally {
      process.close();
    }
  }
});

function texts(value: unknown): string[] {
  assert(Array.isArray(value));
  return value.map((v: unknown) => {
    assert(typeof v === "object" && v !== null && "text" in v);
    return String(v.text);
  });
}
