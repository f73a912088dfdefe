import assert from "node:assert/strict";
import { test } from "node:test";
import { type AllocatorInput, EditKind, FIRST_SLOT } from "../../src/codegen/regalloc/interface.ts";
import { EditList, ParallelMoves } from "../../src/codegen/regalloc/parallel-moves.ts";
import { Workspace } from "../../src/base/workspace.ts";
import { InputBuilder } from "./builder.ts";
import { Random } from "./random-function.ts";

const CLASSES = { int: 0 | (8 << 4), float: 1 | (8 << 4), vector: 1 | (16 << 4) } as const;

function emptyInput(): AllocatorInput {
  const f = new InputBuilder();
  f.ret(f.block());
  return f.build();
}

/** Places of a class: four registers, four slots. 16-byte slots are even and apart from the others. */
function placesOf(kind: keyof typeof CLASSES): number[] {
  if (kind === "int") return [0, 1, 2, 3, FIRST_SLOT + 8, FIRST_SLOT + 9, FIRST_SLOT + 10, FIRST_SLOT + 11];
  if (kind === "float") return [32, 33, 34, 35, FIRST_SLOT + 12, FIRST_SLOT + 13, FIRST_SLOT + 14, FIRST_SLOT + 15];
  return [36, 37, 38, 39, FIRST_SLOT, FIRST_SLOT + 2, FIRST_SLOT + 4, FIRST_SLOT + 6];
}

test("moves in sequence do what they say at once", () => {
  const input = emptyInput();
  let throughSpareSlots = 0;
  for (let seed = 1; seed <= 5000; seed++) {
    const r = new Random(seed);
    const work = new Workspace();
    const edits = new EditList(work);
    let slotCount = 16;
    const takeNew = (bytes: number): number => {
      if (bytes === 16) slotCount += slotCount & 1;
      slotCount += bytes >> 3;
      return FIRST_SLOT + slotCount - (bytes >> 3);
    };
    const moves = new ParallelMoves(work, input, edits, { takeNew });
    const before = new Map<number, string>();
    const expected = new Map<number, string>();
    const classOf = new Map<number, number>();
    for (const kind of ["int", "float", "vector"] as const) {
      const places = placesOf(kind);
      for (const place of places) {
        before.set(place, `value of ${place}`);
        expected.set(place, `value of ${place}`);
        classOf.set(place, CLASSES[kind]);
      }
      for (const to of places) {
        if (!r.chance(60)) continue;
        const from = r.chance(10) ? -1 - r.below(5) : r.pick(places, to);
        moves.add(from, to, CLASSES[kind]);
        expected.set(to, from < 0 ? `again ${-1 - from}` : `value of ${from}`);
      }
    }
    moves.flush(6);
    if (slotCount > 16) throughSpareSlots++;
    const now = new Map(before);
    for (let e = 0; e < edits.to.length; e++) {
      const from = edits.from.get(e);
      const to = edits.to.get(e);
      assert.equal(edits.position.get(e), 6);
      if (edits.kind.get(e) === EditKind.remat) {
        assert.ok(to < FIRST_SLOT, `seed ${seed}: made again in a slot`);
        now.set(to, `again ${from}`);
        continue;
      }
      assert.ok(from < FIRST_SLOT || to < FIRST_SLOT, `seed ${seed}: slot to slot`);
      const known = classOf.get(from) ?? classOf.get(to);
      if (known !== undefined) assert.equal(edits.regClass.get(e), known, `seed ${seed}: class and size`);
      now.set(to, now.get(from) ?? "nothing");
    }
    for (const [place, value] of expected) assert.equal(now.get(place), value, `seed ${seed}: place ${place}`);
  }
  assert.ok(throughSpareSlots > 100, `${throughSpareSlots}`);
});
