/**
 * Tables of fixed capacity in static memory, with free lists: what a representation (`rep`) of a resource is an index of.
 *
 * Nothing here allocates, so a program may make and drop resources for ever. An entry's first u32 belongs to the table: 0 while
 * it is in use, else the next free index plus one. Entries never used follow the `used` mark. Header: u32 first free index plus one; u32 used.
 */

const HEADER: usize = 8;

/** Takes an entry, zeroed: its index, or -1 when the table is full. */
export function takeEntry(table: usize, size: usize, capacity: u32): i32 {
  const free = load<u32>(table);
  let index: u32;
  if (free) {
    index = free - 1;
    const entry = table + HEADER + <usize>index * size;
    store<u32>(table, load<u32>(entry));
    for (let i: usize = 0; i < size; i += 8) store<u64>(entry + i, 0);
  } else {
    index = load<u32>(table, 4);
    if (index == capacity) return -1;
    store<u32>(table, index + 1, 4);
    const entry = table + HEADER + <usize>index * size;
    for (let i: usize = 0; i < size; i += 8) store<u64>(entry + i, 0);
  }
  return index;
}

/** Gives an entry in use back. */
export function giveEntry(table: usize, size: usize, index: i32): void {
  store<u32>(entryOf(table, size, index), load<u32>(table));
  store<u32>(table, index + 1);
}

/** Address, in own memory, of an entry in use. */
@inline export function entryOf(table: usize, size: usize, index: i32): usize {
  return table + HEADER + <usize>index * size;
}
