/** The sandbox verifier and exceptions: accepts what is compiled, and sees when an exception would continue where it may not. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as iced from "iced-x86";
import { compile } from "../../src/driver/compile.ts";
import { LANDING_OFFSET } from "../../src/layout/offsets.ts";
import { readElf } from "../../src/object/reader.ts";
import { readImage } from "../../src/verify/image.ts";
import { CodeReader } from "../../src/verify/decode.ts";
import { verifyWith } from "../../src/verify/verify.ts";
import { ROOT } from "../support/windlass.ts";
import { assemble } from "../support/wat.ts";

async function object(optLevel: 0 | 2): Promise<Uint8Array> {
  const text = readFileSync(join(ROOT, "tests/hosts/components/throws.wat"), "utf8");
  const bytes = await assemble(text);
  return (await compile(bytes, { output: "object", name: "throws", optLevel })).bytes;
}

/** A copy in which the bytes of a section are changed. */
function changed(bytes: Uint8Array, section: string, change: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  const { offset, size } = readElf(copy).section(section) ?? assert.fail(section);
  change(new DataView(copy.buffer, copy.byteOffset + offset, size));
  return copy;
}

const reader = new CodeReader(iced);
const problems = (bytes: Uint8Array): readonly string[] => verifyWith(reader, bytes).problems.map((p) => p.reason);

for (const optLevel of [0, 2] as const) {
  test(`calls that exceptions come back to, -O${optLevel}`, async () => {
    const bytes = await object(optLevel);
    assert.deepEqual(problems(bytes), []);

    const image = readImage(bytes);
    const inWasm = (address: number): boolean =>
      image.functions.some((f) => f.kind === "wasm" && f.start < address && address <= f.end);
    const rows = [...image.catches];
    const row = rows.findIndex(inWasm);
    assert.ok(row >= 0);
    const key = image.policy.catches + 16 + 4 * row;
    for (const shift of [1, -5]) {
      const moved = changed(bytes, ".rodata", (view) => view.setUint32(key, view.getUint32(key, true) + shift, true));
      assert.match(problems(moved).join("\n"), /an exception may continue|no instruction's beginning/);
    }

    // The landing restores the stack pointer: without, it is whatever the thrower had.
    const at = (rows[row] ?? 0) - image.textStart + LANDING_OFFSET;
    const lost = changed(bytes, ".text", (view) => {
      const wide = view.getUint8(at + 2) === 0xa5; // lea rsp, [rbp + disp32]
      for (let i = 0; i < (wide ? 7 : 4); i++) view.setUint8(at + i, 0x90);
    });
    assert.match(problems(lost).join("\n"), /stack/);
  });
}
