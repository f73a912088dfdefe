// Doubles in memory with square roots and divisions.
const bodies = memory.data(5 * 7 * 8, 8);
function get(i: i32, f: i32): f64 {
  return load<f64>(bodies + ((i * 7 + f) << 3));
}
function set(i: i32, f: i32, v: f64): void {
  store<f64>(bodies + ((i * 7 + f) << 3), v);
}
export function run(steps: i32): i32 {
  for (let i = 0; i < 5; i++) {
    for (let f = 0; f < 6; f++) set(i, f, <f64>((i * 13 + f * 7) % 11) * 0.3 - 1.0);
    set(i, 6, i == 0 ? 39.5 : 0.01 * <f64>i);
  }
  for (let s = 0; s < steps; s++) {
    for (let i = 0; i < 5; i++) {
      for (let j = i + 1; j < 5; j++) {
        const dx = get(i, 0) - get(j, 0);
        const dy = get(i, 1) - get(j, 1);
        const dz = get(i, 2) - get(j, 2);
        const d2 = dx * dx + dy * dy + dz * dz + 0.01;
        const mag = 0.001 / (d2 * sqrt(d2));
        const mi = get(i, 6) * mag;
        const mj = get(j, 6) * mag;
        set(i, 3, get(i, 3) - dx * mj);
        set(i, 4, get(i, 4) - dy * mj);
        set(i, 5, get(i, 5) - dz * mj);
        set(j, 3, get(j, 3) + dx * mi);
        set(j, 4, get(j, 4) + dy * mi);
        set(j, 5, get(j, 5) + dz * mi);
      }
    }
    for (let i = 0; i < 5; i++) {
      set(i, 0, get(i, 0) + 0.001 * get(i, 3));
      set(i, 1, get(i, 1) + 0.001 * get(i, 4));
      set(i, 2, get(i, 2) + 0.001 * get(i, 5));
    }
  }
  return <i32>(get(0, 0) * 1000000.0);
}
