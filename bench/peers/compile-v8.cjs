// Compiles a module with V8 (its flags choose the tier), several times: prints milliseconds of processor time on all threads.
const { readFileSync } = require("node:fs");
const [path, rounds] = process.argv.slice(2);
const bytes = readFileSync(path);
for (let i = 0; i < Number(rounds); i++) {
  // V8 keeps what it compiled by its bytes: a name nobody reads makes each module another one.
  const name = Buffer.from(`round ${i}`);
  const custom = Buffer.concat([Buffer.from([0, name.length + 1, name.length]), name]);
  const before = process.cpuUsage();
  new WebAssembly.Module(Buffer.concat([bytes, custom]));
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1e3);
}
