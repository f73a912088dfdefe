/** Shortening without calls into the engine. */

/** The last elements of an array taken off, `length` stay. To V8 an assignment to `length` is a call, and throws the array's memory away. */
export function truncate(array: unknown[], length: number): void {
  while (array.length > length) array.pop();
}

/** The first `length` elements: a view only where that is not all of them. */
export function firstWords(array: Int32Array, length: number): Int32Array {
  return array.length === length ? array : array.subarray(0, length);
}
