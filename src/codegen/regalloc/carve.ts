/** Cutting a bundle's list of ranges: the mechanics that all ways of splitting share. */
// hot loop: indices are in range by construction

import type { I32Column } from "../../base/columns.ts";
import type { Bundles } from "./bundles.ts";
import { NONE } from "./problem.ts";
import type { Ranges } from "./ranges.ts";

/**
 * Distributes the ranges of b over segments: [segFrom[k], segTo[k]) goes to segBundle[k]. Segments ascend and do not overlap; those of one
 * bundle, which is empty before, need not be neighbours. What lies between stays in b.
 */
export function carve(
  ranges: Ranges,
  bundles: Bundles,
  b: number,
  segFrom: I32Column,
  segTo: I32Column,
  segBundle: I32Column,
): void {
  let range = bundles.first.data[b]!;
  let restTail = NONE;
  bundles.first.data[b] = NONE;
  let segment = 0;
  while (range !== NONE) {
    const next = ranges.next.data[range]!;
    const to = ranges.to.data[range]!;
    const vreg = ranges.vreg.data[range]!;
    let at = ranges.from.data[range]!;
    let reuse = range;
    while (at < to) {
      while (segment < segFrom.length && segTo.data[segment]! <= at) segment++;
      const inside = segment < segFrom.length && segFrom.data[segment]! <= at;
      let end = to;
      if (segment < segFrom.length) end = Math.min(to, inside ? segTo.data[segment]! : segFrom.data[segment]!);
      const piece = reuse === NONE ? ranges.add(at, end, vreg) : reuse;
      ranges.from.data[piece] = at;
      ranges.to.data[piece] = end;
      ranges.next.data[piece] = NONE;
      reuse = NONE;
      const target = inside ? segBundle.data[segment]! : b;
      ranges.bundle.data[piece] = target;
      const tail = inside ? bundles.last.data[target]! : restTail;
      if (tail === NONE) bundles.first.data[target] = piece;
      else ranges.next.data[tail] = piece;
      if (inside) bundles.last.data[target] = piece;
      else restTail = piece;
      at = end;
    }
    range = next;
  }
}
