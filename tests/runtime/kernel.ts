/**
 * The real kernel for a `Host`: system calls are made by a small C program (`kernel.c`) with descriptors of its own. Needs a C compiler.
 */

import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { needX64Linux, scratchFolder } from "../support/tools.ts";
import { type Host, NR, type Syscall } from "./host.ts";

/** Which arguments of a call are pointers, and how many bytes they point to: a number, an argument's value times a factor, or a string. */
type Extent = { readonly bytes: number } | { readonly argument: number; readonly times: number } | "string";
const STRING = "string" satisfies Extent;
const bytes = (n: number): Extent => ({ bytes: n });
const sizedBy = (argument: number, times = 1): Extent => ({ argument, times });

const POINTERS: Readonly<Record<keyof typeof NR, Readonly<Record<number, Extent>>>> = {
  read: { 1: sizedBy(2) },
  write: { 1: sizedBy(2) },
  close: {},
  lseek: {},
  rt_sigaction: { 1: bytes(32) },
  ioctl: { 2: bytes(64) },
  pread64: { 1: sizedBy(2) },
  pwrite64: { 1: sizedBy(2) },
  fcntl: {},
  fsync: {},
  fdatasync: {},
  ftruncate: {},
  getdents64: { 1: sizedBy(2) },
  fadvise64: {},
  clock_gettime: { 1: bytes(16) },
  clock_getres: { 1: bytes(16) },
  openat: { 1: STRING },
  mkdirat: { 1: STRING },
  unlinkat: { 1: STRING },
  linkat: { 1: STRING, 3: STRING },
  symlinkat: { 0: STRING, 2: STRING },
  readlinkat: { 1: STRING, 2: sizedBy(3) },
  ppoll: { 0: sizedBy(1, 8), 2: bytes(16) },
  utimensat: { 1: STRING, 2: bytes(32) },
  renameat2: { 1: STRING, 3: STRING },
  getrandom: { 0: sizedBy(1) },
  statx: { 1: STRING, 4: bytes(256) },
  openat2: { 1: STRING, 2: bytes(24) },
};

export interface Kernel {
  readonly syscall: Syscall;
  /** Calls made so far, by name. */
  readonly calls: string[];
}

/** A kernel whose process runs in `folder`, or undefined (the test is skipped) when there is no C compiler. */
export function realKernel(t: TestContext, compiler: string | undefined, folder: string): Kernel | undefined {
  if (compiler === undefined || !needX64Linux(t)) return undefined;
  const scratch = scratchFolder(t);
  const program = join(scratch, "kernel");
  execFileSync(compiler, ["-O1", "-o", program, fileURLToPath(new URL("kernel.c", import.meta.url))]);
  const [requestPath, answerPath] = [join(scratch, "requests"), join(scratch, "answers")];
  execFileSync("mkfifo", [requestPath, answerPath]);
  const child = spawn(program, [requestPath, answerPath], { cwd: folder, stdio: "ignore" });
  child.unref();
  const requests = openSync(requestPath, "w");
  const answers = openSync(answerPath, "r");
  t.after(() => {
    closeSync(requests);
    closeSync(answers);
  });
  const names = new Map<number, keyof typeof NR>();
  for (const name of Object.keys(POINTERS)) {
    for (const [known, nr] of Object.entries(NR)) if (known === name && isCall(name)) names.set(nr, name);
  }
  const calls: string[] = [];
  const syscall: Syscall = (nr, args, host) => {
    const name = names.get(nr);
    if (name === undefined) throw new Error(`unexpected system call ${nr}`);
    calls.push(name);
    return request(host, nr, args, POINTERS[name]);
  };
  const receive = (length: number): Buffer => {
    const buffer = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      const n = readSync(answers, buffer, at, length - at, null);
      if (n === 0) throw new Error("the kernel's process has ended");
      at += n;
    }
    return buffer;
  };
  const send = (buffer: Buffer): void => {
    for (let at = 0; at < buffer.length; ) at += writeSync(requests, buffer, at);
  };
  function request(
    host: Host,
    nr: number,
    args: readonly bigint[],
    pointers: Readonly<Record<number, Extent>>,
  ): bigint {
    const spans: [number, Uint8Array][] = [];
    for (const [index, extent] of Object.entries(pointers)) {
      const i = Number(index);
      const address = args[i] ?? 0n;
      if (address === 0n) continue;
      if (extent === "string") spans.push([i, host.cString(address)]);
      else {
        const n = "bytes" in extent ? extent.bytes : Number(args[extent.argument] ?? 0n) * extent.times;
        spans.push([i, host.bytes(address, n)]);
      }
    }
    const head = Buffer.alloc(64 + 16 * spans.length);
    head.writeBigInt64LE(BigInt(nr), 0);
    args.forEach((value, i) => {
      head.writeBigInt64LE(value, 8 + 8 * i);
    });
    head.writeBigInt64LE(BigInt(spans.length), 56);
    spans.forEach(([i, span], k) => {
      head.writeBigUint64LE(BigInt(i), 64 + 16 * k);
      head.writeBigUint64LE(BigInt(span.length), 72 + 16 * k);
    });
    send(Buffer.concat([head, ...spans.map(([, span]) => span)]));
    const result = receive(8).readBigInt64LE(0);
    for (const [, span] of spans) span.set(receive(span.length));
    return result;
  }
  return { syscall, calls };
}

function isCall(name: string): name is keyof typeof NR {
  return Object.hasOwn(NR, name);
}
