/**
 * Spill slots: a slot family whose members are ever in memory gets one slot; families that are never live together share one.
 *
 * A family counts as live from its first to its last point, so that colouring is one sweep. 16-byte slots come first, then
 * 8-byte slots: no slot is used at both sizes.
 */
// hot loop: indices are in range by construction

import { FIRST_SLOT } from "./interface.ts";
import { NONE } from "./problem.ts";

export interface SlotRequest {
  /** Per request: the family, its first point, its last (exclusive), and bytes (8 or 16). */
  readonly family: Int32Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** Colours the requests. Writes each family's place into `placeOf`; returns the number of 8-byte slots. */
export function colourSlots(request: SlotRequest, placeOf: Int32Array): number {
  if (request.count === 0) return 0;
  const order = new Float64Array(request.count);
  for (let k = 0; k < request.count; k++) order[k] = request.from[k]! * 2 ** 21 + k;
  order.sort();
  const wide = sweep(request, order, 16, placeOf, FIRST_SLOT, 2);
  return 2 * wide + sweep(request, order, 8, placeOf, FIRST_SLOT + 2 * wide, 1);
}

function sweep(
  request: SlotRequest,
  order: Float64Array,
  bytes: number,
  placeOf: Int32Array,
  base: number,
  stride: number,
): number {
  // A heap of slots in use by the point at which they fall free, and a stack of free ones.
  const heapEnd: number[] = [];
  const heapSlot: number[] = [];
  const free: number[] = [];
  let count = 0;
  for (let n = 0; n < order.length; n++) {
    const k = order[n]! % 2 ** 21;
    if (request.bytes[k] !== bytes) continue;
    const from = request.from[k]!;
    while (heapEnd.length > 0 && heapEnd[0]! <= from) free.push(popHeap(heapEnd, heapSlot));
    const slot = free.pop() ?? count++;
    placeOf[request.family[k]!] = base + slot * stride;
    pushHeap(heapEnd, heapSlot, request.to[k]!, slot);
  }
  return count;
}

function pushHeap(keys: number[], values: number[], key: number, value: number): void {
  let at = keys.length;
  keys.push(key);
  values.push(value);
  while (at > 0) {
    const up = (at - 1) >> 1;
    if (keys[up]! <= key) break;
    keys[at] = keys[up]!;
    values[at] = values[up]!;
    at = up;
  }
  keys[at] = key;
  values[at] = value;
}

function popHeap(keys: number[], values: number[]): number {
  const top = values[0] ?? NONE;
  const key = keys.pop() ?? 0;
  const value = values.pop() ?? 0;
  const length = keys.length;
  if (length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= length) break;
    if (child + 1 < length && keys[child + 1]! < keys[child]!) child++;
    if (keys[child]! >= key) break;
    keys[at] = keys[child]!;
    values[at] = values[child]!;
    at = child;
  }
  keys[at] = key;
  values[at] = value;
  return top;
}
