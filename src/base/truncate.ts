/** The last elements of an array taken off, `length` stay. To V8 an assignment to `length` is a call, and throws the array's memory away. */
export function truncate(array: unknown[], length: number): void {
  while (array.length > length) array.pop();
}
