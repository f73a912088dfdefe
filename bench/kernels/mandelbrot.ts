// Doubles in registers, a data-dependent loop.
export function run(n: i32): i32 {
  let inside = 0;
  for (let y = 0; y < n; y++) {
    for (let x = 0; x < n; x++) {
      const cr = (<f64>x / <f64>n) * 3.0 - 2.0;
      const ci = (<f64>y / <f64>n) * 2.0 - 1.0;
      let zr: f64 = 0;
      let zi: f64 = 0;
      let i = 0;
      while (i < 100 && zr * zr + zi * zi <= 4.0) {
        const t = zr * zr - zi * zi + cr;
        zi = 2.0 * zr * zi + ci;
        zr = t;
        i++;
      }
      if (i == 100) inside++;
    }
  }
  return inside;
}
