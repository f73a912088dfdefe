/** The random test sees what it is for: with one check of the compiled adapters left out it fails. `npm run abi -- --mutations` does all. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { needX64Linux } from "../support/tools.ts";
import { Mutants } from "./mutants.ts";

test("leaving out a check is noticed", { timeout: 1_200_000 }, async (t) => {
  if (!needX64Linux(t)) return;
  const mutants = await Mutants.make(0);
  try {
    assert(mutants.sites.length > 40, `${mutants.sites.length} sites`);
    for (const kind of [
      "check of list_out_of_bounds",
      "check of invalid_discriminant",
      "check of memory_out_of_bounds",
    ]) {
      const site = mutants.sites.find((s) => s.startsWith(kind));
      assert(site !== undefined, kind);
      assert((await mutants.try(site)).noticed, site);
    }
    // What is emitted nowhere is missed by nobody.
    assert(!(await mutants.try("check of nothing, nowhere")).noticed);
  } finally {
    mutants.close();
  }
});
