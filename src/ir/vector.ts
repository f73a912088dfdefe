/**
 * Lane shapes of 128-bit vectors: how an op on lanes divides them. The shape is in `lo` of the instruction; `hi` holds what else the op
 * needs (`OpRow.detail`): the number of a lane, or a condition.
 */

import { F32, F64, I32, I64, type Type } from "./types.ts";

export const SHAPE_NAMES = ["i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"] as const;
export type ShapeName = (typeof SHAPE_NAMES)[number];

export const Shape = { i8x16: 0, i16x8: 1, i32x4: 2, i64x2: 3, f32x4: 4, f64x2: 5 } as const satisfies Record<
  ShapeName,
  number
>;

const LANE_TYPES: readonly Type[] = [I32, I32, I32, I64, F32, F64];
const LANE_BYTES: readonly number[] = [1, 2, 4, 8, 4, 8];

/** The scalar that holds one lane: i32 for 8 and 16 bits. Throws `RangeError` on a number that is no shape. */
export function laneType(shape: number): Type {
  const type = LANE_TYPES[shape];
  if (type === undefined) throw new RangeError(`no lane shape has the number ${shape}`);
  return type;
}

/** Bytes of a lane. Throws `RangeError` on a number that is no shape. */
export function laneBytes(shape: number): number {
  const bytes = LANE_BYTES[shape];
  if (bytes === undefined) throw new RangeError(`no lane shape has the number ${shape}`);
  return bytes;
}

/** Number of lanes. */
export function laneCount(shape: number): number {
  return 16 / laneBytes(shape);
}
