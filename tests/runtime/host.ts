/**
 * A host for the built-in WASI in Node: the `windlass:native` intrinsics over a made-up address space, with a kernel that a test
 * supplies. Every native access must lie in one of three regions (the runtime's memory, the guest's, the process's stack), so that a
 * stray address fails the test that makes it.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { type TrapName, TRAP_NAMES } from "../../src/layout/traps.ts";
import { buildRuntime, RUNTIME_PATH } from "../../tools/build-runtime.ts";

const OWN_BASE = 0x1000_0000_0000n;
const GUEST_BASE = 0x2000_0000_0000n;
const STACK_BASE = 0x3000_0000_0000n;
const GUEST_SIZE = 1 << 20;
const STACK_SIZE = 1 << 18;
/** Guest memory below this is for parameters and return pointers; `realloc` gives what lies above. */
const HEAP = 0x8000;

/** The part of Node's WebAssembly that is used here: the types of the platform are not among this project's. */
declare const WebAssembly: {
  readonly Memory: { new (...args: never[]): { readonly buffer: ArrayBuffer } };
  readonly Global: { new (...args: never[]): { readonly value: unknown } };
  readonly Module: { imports(module: object): { readonly name: string }[] };
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(
    module: object,
    imports: Record<string, Record<string, unknown>>,
  ): Promise<{
    readonly exports: Record<string, object | ((...args: (number | bigint)[]) => number | bigint | undefined)>;
  }>;
};

export type Syscall = (nr: number, args: readonly bigint[], host: Host) => bigint | number;

/** A trap of the runtime or of an intrinsic. */
export class GuestTrap extends Error {
  readonly trap: TrapName;
  constructor(trap: TrapName) {
    super(trap);
    this.trap = trap;
  }
}

export class GuestExit extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

let compiled: Promise<Uint8Array> | undefined;

/** Whether the build is there and no source is newer. */
function isBuilt(): boolean {
  const folder = new URL("../../runtime/", import.meta.url);
  const built = statSync(RUNTIME_PATH, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return readdirSync(folder).every((name) => statSync(new URL(name, folder)).mtimeMs < built);
}

/** The runtime's module: the build, or a fresh one. */
export function runtimeBytes(): Promise<Uint8Array> {
  compiled ??= isBuilt() ? Promise.resolve(readFileSync(RUNTIME_PATH)) : buildRuntime();
  return compiled;
}

export interface HostOptions {
  readonly syscall: Syscall;
  /** Undefined: an object in someone's process. */
  readonly process?: {
    readonly args: readonly string[];
    readonly env: readonly (string | Uint8Array)[];
    readonly secure?: boolean;
  };
  /** The built-in block of settings. */
  readonly config?: readonly string[];
  /** Default: true. */
  readonly init?: boolean;
}

interface Handle {
  readonly type: string;
  readonly rep: number;
}

export class Host {
  readonly guest = new Uint8Array(GUEST_SIZE);
  readonly view = new DataView(this.guest.buffer);
  /** What `realloc` was asked for: [alignment, size]. */
  readonly allocations: [number, number][] = [];
  readonly #stack = new Uint8Array(STACK_SIZE);
  readonly #syscall: Syscall;
  readonly #functions = new Map<string, (...args: (number | bigint)[]) => number | bigint | undefined>();
  readonly #handles = new Map<number, Handle>();
  readonly #startup: bigint;
  #own = new Uint8Array(0);
  #nextHandle = 1;
  #heap = HEAP;

  private constructor(options: HostOptions) {
    this.#syscall = options.syscall;
    this.#startup = options.process === undefined ? 0n : STACK_BASE;
    if (options.process !== undefined) this.#buildStack(options.process);
  }

  static async create(options: HostOptions): Promise<Host> {
    const host = new Host(options);
    const module = await WebAssembly.compile(await runtimeBytes());
    const native: Record<string, (...args: never[]) => number | bigint | undefined> = {};
    for (const { name } of WebAssembly.Module.imports(module)) native[name] = host.#intrinsic(name);
    const instance = await WebAssembly.instantiate(module, { "windlass:native": native });
    let address = 0;
    for (const [name, value] of Object.entries(instance.exports)) {
      if (value instanceof WebAssembly.Memory) host.#own = new Uint8Array(value.buffer);
      if (value instanceof WebAssembly.Global && name === "config_address") address = Number(value.value);
      if (typeof value === "function") host.#functions.set(name, (...args) => value(...args));
    }
    if (options.config !== undefined) {
      const block = Buffer.from(options.config.map((s) => `${s}\0`).join(""));
      new DataView(host.#own.buffer).setUint32(address, block.length, true);
      host.#own.set(block, address + 4);
    }
    if (options.init !== false) host.call("runtime_init");
    return host;
  }

  /** Calls an export; i32 results are as unsigned numbers. */
  call(name: string, ...args: (number | bigint)[]): number | bigint {
    const func = this.#functions.get(name);
    if (func === undefined) throw new Error(`the runtime exports no ${name}`);
    const result = func(...args);
    return typeof result === "number" ? result >>> 0 : typeof result === "bigint" ? BigInt.asUintN(64, result) : 0;
  }

  /** Bytes of the native address space; throws when they are not in one region. */
  bytes(address: bigint, length: number): Uint8Array {
    for (const [base, region] of [
      [OWN_BASE, this.#own],
      [GUEST_BASE, this.guest],
      [STACK_BASE, this.#stack],
    ] as const) {
      const at = address - base;
      if (at >= 0n && at + BigInt(length) <= BigInt(region.length))
        return region.subarray(Number(at), Number(at) + length);
    }
    throw new Error(`native access outside of every region: ${length} bytes at 0x${address.toString(16)}`);
  }

  /** The NUL-terminated string at a native address, its NUL included. */
  cString(address: bigint): Uint8Array {
    let length = 0;
    while (this.bytes(address + BigInt(length), 1)[0] !== 0) length++;
    return this.bytes(address, length + 1);
  }

  /** Puts bytes into guest memory: `[pointer, length]`. */
  put(text: string | Uint8Array, pointer = 0x1000): [number, number] {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    this.guest.set(bytes, pointer);
    return [pointer, bytes.length];
  }

  /** Guest bytes as hex, for exact comparisons. */
  hex(pointer: number, length: number): string {
    return Buffer.from(this.guest.subarray(pointer, pointer + length)).toString("hex");
  }

  u32(pointer: number): number {
    return this.view.getUint32(pointer, true);
  }

  u64(pointer: number): bigint {
    return this.view.getBigUint64(pointer, true);
  }

  text(pointer: number, length: number): string {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      this.guest.subarray(pointer, pointer + length),
    );
  }

  /** The handle as the native side knows it. */
  handle(handle: number): Handle | undefined {
    return this.#handles.get(handle);
  }

  get handleCount(): number {
    return this.#handles.size;
  }

  /** `resource.drop`: removes the handle and calls the destructor. */
  drop(handle: number): void {
    const found = this.#handles.get(handle);
    if (found === undefined) throw new GuestTrap("unknown_handle");
    this.#handles.delete(handle);
    this.call(`drop_${found.type.replace(/^wasi:/, "").replace(/[^a-z0-9]+/g, "_")}`, found.rep);
  }

  /** Forgets the guest's allocations. */
  resetHeap(): void {
    this.#heap = HEAP;
    this.allocations.length = 0;
  }

  #buildStack(process: NonNullable<HostOptions["process"]>): void {
    const view = new DataView(this.#stack.buffer);
    let strings = STACK_SIZE / 2;
    let at = 0;
    const word = (value: bigint): void => {
      view.setBigUint64(at, value, true);
      at += 8;
    };
    const string = (text: string | Uint8Array): void => {
      const bytes = typeof text === "string" ? Buffer.from(text) : text;
      this.#stack.set(bytes, strings);
      word(STACK_BASE + BigInt(strings));
      strings += bytes.length + 1;
    };
    word(BigInt(process.args.length));
    for (const text of process.args) string(text);
    word(0n);
    for (const text of process.env) string(text);
    word(0n);
    for (const value of [6n, 4096n, 23n, process.secure === true ? 1n : 0n, 0n, 0n]) word(value);
  }

  #nativeView(address: bigint, length: number): DataView {
    const bytes = this.bytes(address, length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  #guestAddress(pointer: number, length: number, alignment: number): bigint {
    const at = pointer >>> 0;
    if (at % alignment !== 0 || at + (length >>> 0) > GUEST_SIZE) throw new GuestTrap("invalid_pointer");
    return GUEST_BASE + BigInt(at);
  }

  #realloc(old: number, oldSize: number, alignment: number, newSize: number): number {
    if (old !== 0 || oldSize !== 0) throw new Error("the runtime only allocates");
    this.allocations.push([alignment, newSize >>> 0]);
    this.#heap = Math.ceil(this.#heap / alignment) * alignment;
    const pointer = this.#heap;
    this.#heap += newSize >>> 0;
    if (this.#heap > GUEST_SIZE) throw new GuestTrap("realloc_failed");
    return pointer;
  }

  #intrinsic(name: string): (...args: never[]) => number | bigint | undefined {
    const [base, resource = ""] = name.split(" ");
    switch (base) {
      case "load8_u":
        return (a: bigint) => this.#nativeView(a, 1).getUint8(0);
      case "load16_u":
        return (a: bigint) => this.#nativeView(a, 2).getUint16(0, true);
      case "load32_u":
        return (a: bigint) => this.#nativeView(a, 4).getUint32(0, true);
      case "load64":
        return (a: bigint) => this.#nativeView(a, 8).getBigUint64(0, true);
      case "store8":
        return (a: bigint, v: number) => void this.#nativeView(a, 1).setUint8(0, v);
      case "store16":
        return (a: bigint, v: number) => void this.#nativeView(a, 2).setUint16(0, v, true);
      case "store32":
        return (a: bigint, v: number) => void this.#nativeView(a, 4).setUint32(0, v, true);
      case "store64":
        return (a: bigint, v: bigint) => void this.#nativeView(a, 8).setBigInt64(0, v, true);
      case "copy":
        return (to: bigint, from: bigint, length: bigint) =>
          void this.bytes(to, Number(length)).set(this.bytes(from, Number(length)));
      case "own_address":
        return (pointer: number, length: number) => {
          if ((pointer >>> 0) + (length >>> 0) > this.#own.length) throw new GuestTrap("memory_out_of_bounds");
          return OWN_BASE + BigInt(pointer >>> 0);
        };
      case "startup":
        return () => this.#startup;
      case "guest_address":
        return (p: number, n: number, a: number) => this.#guestAddress(p, n, a);
      case "guest_realloc":
        return (old: number, oldSize: number, a: number, n: number) => this.#realloc(old, oldSize, a, n);
      case "syscall":
        return (nr: bigint, ...args: bigint[]) => BigInt(this.#syscall(Number(nr), args, this));
      case "exit":
        return (status: number) => {
          throw new GuestExit(status);
        };
      case "trap":
        return (code: number) => {
          throw new GuestTrap(TRAP_NAMES[code] ?? "none");
        };
      case "resource_new":
        return (rep: number) => {
          this.#handles.set(this.#nextHandle, { type: resource, rep });
          return this.#nextHandle++;
        };
      case "resource_rep":
        return (handle: number) => {
          const found = this.#handles.get(handle);
          if (found === undefined) throw new GuestTrap("unknown_handle");
          if (found.type !== resource) throw new GuestTrap("handle_type_mismatch");
          return found.rep;
        };
      default:
        throw new Error(`no intrinsic ${name}`);
    }
  }
}

/** Runs `body`, which must trap, and says how. */
export function trapOf(body: () => unknown): TrapName | undefined {
  try {
    body();
  } catch (error) {
    if (error instanceof GuestTrap) return error.trap;
    throw error;
  }
  return undefined;
}

/** System calls by number, as `runtime/linux.ts` has them. */
export const NR = {
  read: 0,
  write: 1,
  close: 3,
  lseek: 8,
  rt_sigaction: 13,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  fcntl: 72,
  fsync: 74,
  fdatasync: 75,
  ftruncate: 77,
  getdents64: 217,
  fadvise64: 221,
  clock_gettime: 228,
  clock_getres: 229,
  openat: 257,
  mkdirat: 258,
  unlinkat: 263,
  linkat: 265,
  symlinkat: 266,
  readlinkat: 267,
  ppoll: 271,
  utimensat: 280,
  renameat2: 316,
  getrandom: 318,
  statx: 332,
  openat2: 437,
} as const;

export const ERRNO = { EPERM: 1, EINTR: 4, EIO: 5, EBADF: 9, EAGAIN: 11, EINVAL: 22, EPIPE: 32, ENOSYS: 38 } as const;

/** A kernel with calls of a test's own; the others: standard streams are pipes that are ready, signals are ignored. */
export function scripted(calls: Partial<Record<keyof typeof NR, Syscall>>): Syscall {
  const table = new Map<number, Syscall>();
  for (const [name, nr] of Object.entries(NR)) {
    for (const [given, call] of Object.entries(calls)) if (given === name) table.set(nr, call);
  }
  return (nr, args, host) => {
    const call = table.get(nr);
    if (call !== undefined) return call(nr, args, host);
    if (nr === NR.rt_sigaction) return 0;
    if (nr === NR.ppoll) {
      const [fds = 0n, count = 0n] = args;
      for (let i = 0; i < Number(count); i++) {
        const pollfd = host.bytes(fds + BigInt(8 * i), 8);
        pollfd[6] = pollfd[4] ?? 0;
      }
      return count;
    }
    if (nr === NR.statx) {
      const [, , , , buffer = 0n] = args;
      host.bytes(buffer, 256).fill(0);
      host.bytes(buffer + 29n, 1)[0] = 0x10;
      return 0;
    }
    throw new Error(`unexpected system call ${nr}`);
  };
}
