/** What a workspace hands out: of the asked length, filled, and nobody else's until the next `begin`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Workspace } from "../../src/base/workspace.ts";

/** Around every change of how arrays are kept. */
const LENGTHS = [0, 1, 7, 24, 25, 31, 32, 33, 48, 63, 64, 65, 100, 128, 1000, 1024, 4095, 4096, 4097, 10_000];

/** Exact: as long as was asked, and not longer. */
const KINDS = [
  { name: "i32", exact: true, value: 0, take: (w: Workspace, n: number) => w.i32(n) },
  { name: "filled", exact: true, value: -7, take: (w: Workspace, n: number) => w.filled(n, -7) },
  { name: "u8", exact: true, value: 0, take: (w: Workspace, n: number) => w.u8(n) },
  { name: "f64", exact: true, value: 0, take: (w: Workspace, n: number) => w.f64(n) },
  { name: "words", exact: false, value: 0, take: (w: Workspace, n: number) => w.words(n) },
  { name: "words of -1", exact: false, value: -1, take: (w: Workspace, n: number) => w.words(n, -1) },
  { name: "bytes", exact: false, value: 0, take: (w: Workspace, n: number) => w.bytes(n) },
  { name: "doubles", exact: false, value: 0, take: (w: Workspace, n: number) => w.doubles(n) },
  { name: "roomForWords", exact: false, value: undefined, take: (w: Workspace, n: number) => w.roomForWords(n) },
  { name: "roomForBytes", exact: false, value: undefined, take: (w: Workspace, n: number) => w.roomForBytes(n) },
] as const;

function useAll(work: Workspace, round: number): void {
  const taken = LENGTHS.flatMap((length) =>
    KINDS.map(({ name, exact, value, take }) => {
      const array = take(work, length);
      const what = `${name}(${length}) in round ${round}`;
      if (exact) assert.equal(array.length, length, what);
      else assert.ok(array.length >= length, what);
      if (value !== undefined) {
        for (let i = 0; i < length; i++) if (array[i] !== value) assert.fail(`${what}: element ${i} is ${array[i]}`);
      }
      return { array, what };
    }),
  );
  // Each gets a number of its own, to its very end, and has it still when all have theirs.
  assert.ok(taken.length < 256);
  for (const [k, { array }] of taken.entries()) array.fill(k);
  for (const [k, { array, what }] of taken.entries()) {
    assert.ok(
      array.every((x) => x === k),
      `${what} shares memory with another`,
    );
  }
}

test("arrays are of the asked length, filled and apart, in every round", () => {
  const work = new Workspace();
  useAll(work, 0);
  for (let round = 1; round < 5; round++) {
    work.begin();
    useAll(work, round);
  }
});
