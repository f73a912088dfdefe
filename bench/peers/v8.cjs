// A kernel in V8 (see `bench/peers.ts` for the protocol). Started so that every function is optimized before `ready`.
const { readFileSync } = require("node:fs");
const { createInterface } = require("node:readline");

const [path, size] = process.argv.slice(2);
const { run } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {}).exports;
console.log("ready");
createInterface({ input: process.stdin }).on("line", () => {
  const start = performance.now();
  const result = run(Number(size));
  console.log(performance.now() - start, result);
});
