// hot loop: indices are in range by construction

/** A longer range is sorted by the engine, which costs a call and a view. */
const SHORT = 24;

/** Sorts `array[from, to)` in ascending order. */
export function sortRange(array: Int32Array | Float64Array, from: number, to: number): void {
  if (to - from > SHORT) {
    array.subarray(from, to).sort();
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const key = array[i]!;
    let k = i;
    for (; k > from && array[k - 1]! > key; k--) array[k] = array[k - 1]!;
    array[k] = key;
  }
}
