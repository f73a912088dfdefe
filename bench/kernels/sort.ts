// Quicksort with insertion sort for short runs: unpredictable branches.
const items = memory.data(1 << 20, 4);
function at(i: i32): i32 {
  return load<i32>(items + (i << 2));
}
function sort(lo: i32, hi: i32): void {
  while (hi - lo > 16) {
    const pivot = at((lo + hi) >> 1);
    let i = lo;
    let j = hi;
    while (i <= j) {
      while (at(i) < pivot) i++;
      while (at(j) > pivot) j--;
      if (i <= j) {
        const t = at(i);
        store<i32>(items + (i << 2), at(j));
        store<i32>(items + (j << 2), t);
        i++;
        j--;
      }
    }
    if (j - lo < hi - i) {
      sort(lo, j);
      lo = i;
    } else {
      sort(i, hi);
      hi = j;
    }
  }
  for (let i = lo + 1; i <= hi; i++) {
    const v = at(i);
    let j = i - 1;
    while (j >= lo && at(j) > v) {
      store<i32>(items + ((j + 1) << 2), at(j));
      j--;
    }
    store<i32>(items + ((j + 1) << 2), v);
  }
}
export function run(n: i32): i32 {
  let seed: u32 = 12345;
  for (let i = 0; i < n; i++) {
    seed = seed * 1664525 + 1013904223;
    store<i32>(items + (i << 2), <i32>(seed >>> 1));
  }
  sort(0, n - 1);
  return at(n >> 1);
}
