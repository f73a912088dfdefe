import assert from "node:assert/strict";
import { test } from "node:test";
import { GuestExit, Host, type HostOptions, scripted } from "./host.ts";

const RET = 0x100;

interface Outcome {
  readonly host: Host;
  readonly opened: string[];
}

async function start(options: Omit<HostOptions, "syscall">): Promise<Outcome> {
  const opened: string[] = [];
  let fd = 9;
  const syscall = scripted({
    openat: (_nr, [, path = 0n], host) => {
      const name = Buffer.from(host.cString(path).slice(0, -1)).toString();
      if (name.startsWith("missing")) return -2;
      opened.push(name);
      return fd++;
    },
    close: () => 0,
  });
  return { host: await Host.create({ ...options, syscall }), opened };
}

const process = (...env: (string | Uint8Array)[]): NonNullable<HostOptions["process"]> => ({ args: ["prog"], env });

function environment({ host }: Outcome): string[] {
  host.resetHeap();
  host.call("cli_environment_get_environment", RET);
  const [list, length] = [host.u32(RET), host.u32(RET + 4)];
  return Array.from({ length }, (_, i) => {
    const at = list + 16 * i;
    return `${host.text(host.u32(at), host.u32(at + 4))}=${host.text(host.u32(at + 8), host.u32(at + 12))}`;
  });
}

function directories({ host }: Outcome): string[] {
  host.call("filesystem_preopens_get_directories", RET);
  const [list, length] = [host.u32(RET), host.u32(RET + 4)];
  return Array.from({ length }, (_, i) => {
    const at = list + 12 * i;
    assert.equal(host.handle(host.u32(at))?.type, "wasi:filesystem/types/descriptor");
    return host.text(host.u32(at + 4), host.u32(at + 8));
  });
}

/** What is written to standard error when the program cannot start. */
async function complaint(options: Omit<HostOptions, "syscall">): Promise<string> {
  let text = "";
  const syscall = scripted({
    openat: () => -2,
    write: (_nr, [fd = 0n, from = 0n, length = 0n], host) => {
      assert.equal(fd, 2n);
      text += Buffer.from(host.bytes(from, Number(length))).toString();
      return length;
    },
  });
  await assert.rejects(Host.create({ ...options, syscall }), (e) => e instanceof GuestExit && e.status === 1);
  return text;
}

test("nothing is granted that was not asked for", async () => {
  const outcome = await start({ process: process("HOME=/root", "WINDLASS_X=1") });
  assert.deepEqual(environment(outcome), []);
  assert.deepEqual(directories(outcome), []);
  outcome.host.call("cli_environment_initial_cwd", RET);
  assert.equal(outcome.host.hex(RET, 1), "00");
});

test("arguments, the program's name first", async () => {
  const args = ["prog", "hello", "", "is an argument", "with 🚩 emoji"];
  const { host } = await start({ process: { args, env: [] } });
  host.call("cli_environment_get_arguments", RET);
  const [list, length] = [host.u32(RET), host.u32(RET + 4)];
  const read = Array.from({ length }, (_, i) => host.text(host.u32(list + 8 * i), host.u32(list + 8 * i + 4)));
  assert.deepEqual(read, args);
  // The list, then each string with its exact size, empty ones too.
  assert.deepEqual(host.allocations, [[4, 40], ...args.map((a): [number, number] => [1, Buffer.byteLength(a)])]);
});

test("WINDLASS_ENV: lines, values and names to pass on; WINDLASS_ENV_<NAME>: any value", async () => {
  const outcome = await start({
    process: process(
      "HOME=/root",
      "WINDLASS_ENV=frabjous=day\ncallooh=callay=2\nHOME\nMISSING\n\nempty=",
      "WINDLASS_ENV_PEM=a\nb",
    ),
  });
  assert.deepEqual(environment(outcome), ["frabjous=day", "callooh=callay=2", "HOME=/root", "empty=", "PEM=a\nb"]);
});

test("WINDLASS_INHERIT_ENV passes everything but Windlass's own and what is not text; explicit ones win", async () => {
  const raw = new Uint8Array([0x52, 0x3d, 0xff]);
  const outcome = await start({
    process: process("A=1", raw, "WINDLASS_INHERIT_ENV=1", "B=2", "WINDLASS_ENV=B=3\nC=4", "odd"),
  });
  assert.deepEqual(environment(outcome), ["A=1", "B=3", "C=4"]);
});

test("the built-in block grants, and the process's environment wins over it", async () => {
  const outcome = await start({
    config: ["WINDLASS_ENV=A=built\nB=built", "WINDLASS_INHERIT_ENV=1", "WINDLASS_DIR=data::/data"],
    process: process("B=2", "WINDLASS_ENV=A=run", "WINDLASS_DIR=other::/data\nx::y::/z\nhere"),
  });
  assert.deepEqual(environment(outcome), ["B=built", "A=run"]);
  assert.deepEqual(outcome.opened, ["data", "other", "x::y", "here"]);
  assert.deepEqual(directories(outcome), ["/data", "/z", "here"]);
  const off = await start({ config: ["WINDLASS_INHERIT_ENV=1"], process: process("B=2", "WINDLASS_INHERIT_ENV=0") });
  assert.deepEqual(environment(off), []);
});

test("an object in someone's process has the built-in block only", async () => {
  const outcome = await start({ config: ["WINDLASS_ENV=A=1", "WINDLASS_DIR=d::/"] });
  assert.deepEqual(environment(outcome), ["A=1"]);
  assert.deepEqual(directories(outcome), ["/"]);
  outcome.host.call("cli_environment_get_arguments", RET);
  assert.equal(outcome.host.u32(RET + 4), 0);
});

test("a program with more rights than its user's takes no settings from the environment", async () => {
  const env = ["WINDLASS_DIR=/::/", "WINDLASS_ENV=A=1", "WINDLASS_INHERIT_ENV=1"];
  const outcome = await start({ process: { args: [], env, secure: true } });
  assert.deepEqual(environment(outcome), []);
  assert.deepEqual(directories(outcome), []);
});

test("malformed settings end the program with a message", async () => {
  assert.equal(
    await complaint({ process: process("WINDLASS_DIR=missing::/d") }),
    "windlass: cannot open directory: missing: no such file or directory\n",
  );
  assert.match(
    await complaint({ process: process("WINDLASS_DIR=::/d") }),
    /a directory is HOST::GUEST or HOST, not: ::\/d\n/,
  );
  assert.match(await complaint({ process: process("WINDLASS_ENV==x") }), /environment variable without a name: =x\n/);
  assert.match(
    await complaint({ process: process("WINDLASS_INHERIT_ENV=yes") }),
    /WINDLASS_INHERIT_ENV is 1 or 0, not: yes\n/,
  );
  const bad = Buffer.concat([Buffer.from("WINDLASS_ENV=K=\x1b"), new Uint8Array([0xc0, 0x80])]);
  assert.match(await complaint({ process: process(bad) }), /environment variable is not valid UTF-8: K\n/);
  const many = Array.from({ length: 4097 }, (_, i) => `V${i}=`);
  assert.match(
    await complaint({ process: process("WINDLASS_INHERIT_ENV=1", ...many) }),
    /too many environment variables/,
  );
});

test("signals that a write raises are ignored in a program of its own, left alone in an object", async () => {
  const signals: bigint[] = [];
  const syscall = scripted({
    rt_sigaction: (_nr, [signal = 0n, action = 0n], host) => {
      assert.equal(host.bytes(action, 8)[0], 1);
      signals.push(signal);
      return 0;
    },
  });
  await Host.create({ syscall });
  assert.deepEqual(signals, []);
  await Host.create({ syscall, process: process() });
  assert.deepEqual(signals, [13n, 25n]);
});
