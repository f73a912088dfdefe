/** The same input and options give the same bytes, object and header, in any process and with any number of threads. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { manyFunctions } from "../../bench/shapes.ts";
import { compile } from "../../src/driver/compile.ts";
import { assemble } from "../support/wat.ts";
import { ROOT, windlass } from "../support/windlass.ts";

const folder = mkdtempSync(join(tmpdir(), "windlass-same-"));
after(() => rmSync(folder, { recursive: true, force: true }));

// Long enough for the others to begin while one compiles.
const MANY = join(folder, "many.wasm");
writeFileSync(MANY, manyFunctions(7000));

const INPUTS = {
  notes: ["compile", join(ROOT, "examples/notes/notes.wasm")],
  "notes -O0": ["compile", join(ROOT, "examples/notes/notes.wasm"), "-O0", "--bounds", "explicit"],
  "a core module": ["compile", join(ROOT, "examples/core/cells.wasm")],
  "hello, with WASI": ["compile", join(ROOT, "examples/hello/hello.wasm"), "--wasi", "builtin", "-O0"],
  "many functions": ["compile", MANY, "-O0"],
} as const;

const OPTIONS = { output: "object", name: "notes" } as const;

for (const [name, [command, input, ...options]] of Object.entries(INPUTS)) {
  test(`${name}: one thread and several, each in a process of its own`, () => {
    const made = [1, 3].map((jobs) => {
      // Nothing of the files' names is in them but what `--prefix` says.
      const [object, header] = [join(folder, `${jobs}.o`), join(folder, `${jobs}.h`)];
      const result = windlass([command, input, ...options, "-j", `${jobs}`, "-o", object, "--header", header]);
      assert.equal(result.status, 0, result.stderr);
      return { object: readFileSync(object), header: readFileSync(header, "utf8") };
    });
    const [one, several] = made;
    assert.ok(one !== undefined && several !== undefined && one.object.length > 1000);
    assert.ok(one.object.equals(several.object));
    assert.equal(one.header, several.header);
  });
}

test("twice in one process, and as in another", async () => {
  const [command, input] = INPUTS.notes;
  const bytes = readFileSync(input);
  const [first, second] = [await compile(bytes, OPTIONS), await compile(bytes, OPTIONS)];
  assert.deepEqual(first.bytes, second.bytes);
  assert.equal(first.header, second.header);
  const object = join(folder, "again.o");
  assert.equal(windlass([command, input, "-o", object]).status, 0);
  assert.ok(readFileSync(object).equals(first.bytes));
});

test("threads that are kept: one program after the other, two at once, and what is refused in between", async () => {
  // What was built: threads of Node 20 read no TypeScript.
  const { compile, compilerThreads }: typeof import("../../src/index.ts") = await import(join(ROOT, "dist/index.js"));
  const threads = await compilerThreads(3);
  try {
    const many = readFileSync(MANY);
    const notes = readFileSync(INPUTS.notes[1]);
    const broken = many.slice(0, -1);
    // Only validation sees it.
    const invalid = await assemble('(module (func (export "f") (result i32)))');
    const options = { ...OPTIONS, optLevel: 0 } as const;
    const alone = [await compile(many, options), await compile(notes, options)];
    for (let round = 0; round < 2; round++) {
      await assert.rejects(compile(broken, { ...options, workers: threads }), /malformed/);
      await assert.rejects(compile(invalid, { ...options, workers: threads }), /invalid/);
      const together = [
        compile(many, { ...options, workers: threads }),
        compile(notes, { ...options, workers: threads }),
      ];
      for (const [i, { bytes }] of (await Promise.all(together)).entries())
        assert.ok(Buffer.from(alone[i]?.bytes ?? []).equals(bytes));
    }
  } finally {
    await threads.close();
  }
  // Without them, all the same.
  assert.deepEqual(
    (await compile(readFileSync(INPUTS.notes[1]), { ...OPTIONS, workers: threads })).bytes,
    (await compile(readFileSync(INPUTS.notes[1]), OPTIONS)).bytes,
  );
});
