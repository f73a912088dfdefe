/**
 * Filetests: input and expected dump in one file, separated by a line `=====`. `npm test -- --update` (UPDATE=1) writes what came out:
 * a blessed change is reviewed as code.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const SEPARATOR = "=====\n";

/** One test for each file of `folder` that ends in `extension`; `produce` makes the dump from the input. */
export function fileTests(
  folder: string,
  extension: string,
  produce: (input: string) => string | Promise<string>,
): void {
  const names = readdirSync(folder)
    .filter((n) => n.endsWith(extension))
    .sort();
  assert.ok(names.length > 0, `${folder} has no ${extension} files`);
  for (const name of names) {
    const path = join(folder, name);
    test(name, async () => {
      const text = readFileSync(path, "utf8");
      const at = text.indexOf(SEPARATOR);
      const input = at < 0 ? text : text.slice(0, at);
      const expected = at < 0 ? undefined : text.slice(at + SEPARATOR.length);
      const actual = await produce(input);
      if (process.env["UPDATE"] !== undefined) {
        if (actual !== expected) writeFileSync(path, `${input}${SEPARATOR}${actual}`);
        return;
      }
      assert.notEqual(expected, undefined, `${path} has no expected part: bless it with UPDATE=1`);
      assert.equal(actual, expected);
    });
  }
}
