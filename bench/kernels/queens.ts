// Recursion with branches: places n queens, by sets of free columns and diagonals.
function place(all: i32, columns: i32, left: i32, right: i32): i32 {
  if (columns == all) return 1;
  let count = 0;
  let free = all & ~(columns | left | right);
  while (free) {
    const bit = free & -free;
    free ^= bit;
    count += place(all, columns | bit, ((left | bit) << 1) & all, (right | bit) >> 1);
  }
  return count;
}
export function run(n: i32): i32 {
  return place((1 << n) - 1, 0, 0, 0);
}
