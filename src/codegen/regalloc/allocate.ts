/**
 * The register allocator: virtual registers in SSA form to physical registers and spill slots.
 *
 * Why a phase of its own: selection writes instructions as if registers had no number and no end; encoding needs real ones. The allocator
 * knows neither: it reads operand columns (interface.ts) and answers with a place per operand and a list of moves. It guarantees what
 * check.ts checks: every read sees its value, constraints and clobbers are honoured, the scratch registers never live across an instruction.
 */

import { Assigner } from "./assign.ts";
import { Bundles, buildBundles } from "./bundles.ts";
import type { AllocatorInput, AllocatorOutput } from "./interface.ts";
import { buildProblem } from "./problem.ts";
import { computeLiveRanges, Ranges } from "./ranges.ts";
import { resolve } from "./resolve.ts";
import { Splitter } from "./split.ts";

/**
 * Allocates registers for one function. Throws `InternalError` on input that breaks the interface's rules or that asks one
 * instruction for more registers than there are.
 */
export function allocate(input: AllocatorInput): AllocatorOutput {
  const problem = buildProblem(input);
  const ranges = new Ranges();
  const heads = computeLiveRanges(problem, ranges);
  const bundles = new Bundles();
  const copies = buildBundles(problem, ranges, heads, bundles);
  const familyOf = new Int32Array(input.vregCount);
  for (let v = 0; v < input.vregCount; v++) familyOf[v] = v;
  for (let r = 0; r < ranges.from.length; r++) {
    const b = ranges.bundle.get(r);
    familyOf[ranges.vreg.get(r)] = bundles.family.get(b);
  }
  const assigner = new Assigner(problem, ranges, bundles, copies);
  const splitter = new Splitter(assigner);
  assigner.run((bundle) => splitter.split(bundle));
  return resolve(problem, ranges, bundles, familyOf);
}
