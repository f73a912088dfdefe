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
import { Workspace } from "../../base/workspace.ts";

/** Allocates registers for one function after the other. */
export class Allocator {
  readonly #work = new Workspace();

  /**
   * The answer's arrays are valid until the next call. Throws `InternalError` on input that breaks the interface's rules or that asks one
   * instruction for more registers than there are.
   */
  allocate(input: AllocatorInput): AllocatorOutput {
    const work = this.#work;
    work.begin();
    const problem = buildProblem(input, work);
    const ranges = new Ranges(work);
    const heads = computeLiveRanges(problem, ranges);
    const bundles = new Bundles(work);
    const copies = buildBundles(problem, ranges, heads, bundles);
    const familyOf = work.i32(input.vregCount);
    for (let v = 0; v < input.vregCount; v++) familyOf[v] = v;
    for (let r = 0; r < ranges.from.length; r++) {
      const b = ranges.bundle.get(r);
      familyOf[ranges.vreg.get(r)] = bundles.family.get(b);
    }
    const assigner = new Assigner(problem, ranges, bundles, copies);
    let splitter: Splitter | undefined;
    assigner.run((bundle) => {
      splitter ??= new Splitter(assigner);
      splitter.split(bundle);
    });
    return resolve(problem, ranges, bundles, familyOf);
  }
}

/** Allocates registers for one function. */
export function allocate(input: AllocatorInput): AllocatorOutput {
  return new Allocator().allocate(input);
}
