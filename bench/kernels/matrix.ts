// Product of two n × n matrices of doubles.
const a = memory.data(256 * 256 * 8, 8);
const b = memory.data(256 * 256 * 8, 8);
const c = memory.data(256 * 256 * 8, 8);
export function run(n: i32): i32 {
  for (let i = 0; i < n * n; i++) {
    store<f64>(a + (i << 3), <f64>(i % 7) * 0.5);
    store<f64>(b + (i << 3), <f64>(i % 5) * 0.25);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum: f64 = 0;
      for (let k = 0; k < n; k++) sum += load<f64>(a + ((i * n + k) << 3)) * load<f64>(b + ((k * n + j) << 3));
      store<f64>(c + ((i * n + j) << 3), sum);
    }
  }
  return <i32>load<f64>(c + ((n * n - 1) << 3));
}
