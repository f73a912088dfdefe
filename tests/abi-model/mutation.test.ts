/** The random test sees what it is for: with one check of the compiled adapters left out it fails. `npm run abi -- --mutations` does all. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { needX64Linux } from "../support/tools.ts";
import { sitesOf, without } from "./mutations.ts";
import { runRandom, statistics } from "./pair.ts";

const SIZE = { functions: 25, calls: 60, handles: 0 } as const;

test("leaving out a check is noticed", { timeout: 1_200_000 }, async (t) => {
  if (!needX64Linux(t)) return;
  const sites = await sitesOf(() => runRandom(1, { ...SIZE, components: 3, calls: 0 }, statistics()));
  assert(sites.length > 40, `${sites.length} sites`);
  for (const kind of ["check of list_out_of_bounds", "check of invalid_discriminant"]) {
    const site = sites.find((s) => s.startsWith(kind));
    assert(site !== undefined, kind);
    await assert.rejects(
      without(site, () => runRandom(1, { ...SIZE, components: 8 }, statistics())),
      /^Error: seed/,
      site,
    );
  }
});
