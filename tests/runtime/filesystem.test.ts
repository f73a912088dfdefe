import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { findTool, scratchFolder } from "../support/tools.ts";
import { ERRNO, Host, NR, type Syscall, trapOf } from "./host.ts";
import { realKernel } from "./kernel.ts";

const RET = 0x100;
const A = 0x1000;
const B = 0x2000;
const FOLLOW = 1;
const CREATE = 1;
const DIRECTORY = 2;
const EXCLUSIVE = 4;
const TRUNCATE = 8;
const READ = 1;
const WRITE = 2;
const MUTATE = 32;

/** `error-code` of the WIT, in its order. */
const ERROR_CODES =
  "access would-block already bad-descriptor busy deadlock quota exist file-too-large illegal-byte-sequence in-progress interrupted invalid io is-directory loop too-many-links message-size name-too-long no-device no-entry no-lock insufficient-memory insufficient-space not-directory not-empty not-recoverable unsupported no-tty no-such-device overflow not-permitted pipe read-only invalid-seek text-file-busy cross-device".split(
    " ",
  );

const compiler = findTool("cc") ?? findTool("gcc") ?? findTool("clang");

/** A guest that has `root/box` of a scratch folder as `/`; `root/secret` lies beside it. */
class Guest {
  readonly host: Host;
  readonly box: string;
  readonly calls: string[];
  readonly root: number;

  constructor(host: Host, box: string, calls: string[]) {
    this.host = host;
    this.box = box;
    this.calls = calls;
    host.call("filesystem_preopens_get_directories", RET);
    this.root = host.u32(host.u32(RET));
  }

  method(name: string, ...args: (number | bigint)[]): void {
    this.host.resetHeap();
    this.host.guest.fill(0xaa, RET, RET + 128);
    this.host.call(`filesystem_types_method_descriptor_${name}`, ...args, RET);
  }

  /** The error of the result at `RET`, whose payload is at `payload`; "ok" when there is none. */
  outcome(payload: number): string {
    const tag = this.host.guest[RET] ?? 255;
    assert.ok(tag < 2);
    return tag === 0 ? "ok" : (ERROR_CODES[this.host.guest[RET + payload] ?? 255] ?? "none");
  }

  path(text: string, at = A): [number, number] {
    return this.host.put(text, at);
  }

  /** Opens: a handle, or the error. */
  open(path: string, how: { open?: number; flags?: number; follow?: number; from?: number } = {}): number | string {
    this.method(
      "open_at",
      how.from ?? this.root,
      how.follow ?? FOLLOW,
      ...this.path(path),
      how.open ?? 0,
      how.flags ?? READ,
    );
    const outcome = this.outcome(4);
    return outcome === "ok" ? this.host.u32(RET + 4) : outcome;
  }

  opened(path: string, how: { open?: number; flags?: number; follow?: number } = {}): number {
    const handle = this.open(path, how);
    assert.equal(typeof handle, "number", `${path}: ${handle}`);
    return Number(handle);
  }

  /** A function of one path that returns result<_, error-code>. */
  unit(name: string, path: string, ...flags: number[]): string {
    this.method(name, this.root, ...flags, ...this.path(path));
    return this.outcome(1);
  }

  two(name: string, from: string, to: string, ...flags: number[]): string {
    this.method(name, this.root, ...flags, ...this.path(from), this.root, ...this.path(to, B));
    return this.outcome(1);
  }

  symlink(target: string, path: string): string {
    this.method("symlink_at", this.root, ...this.path(target), ...this.path(path, B));
    return this.outcome(1);
  }

  readlink(path: string): string {
    this.method("readlink_at", this.root, ...this.path(path));
    const outcome = this.outcome(4);
    return outcome === "ok" ? `-> ${this.host.text(this.host.u32(RET + 4), this.host.u32(RET + 8))}` : outcome;
  }

  /** The number of the descriptor-type, or the error. */
  typeAt(path: string, follow = FOLLOW): string {
    this.method("stat_at", this.root, follow, ...this.path(path));
    const outcome = this.outcome(8);
    return outcome === "ok" ? String(this.host.guest[RET + 8]) : outcome;
  }

  read(handle: number, length = 1000n, offset = 0n): string {
    this.method("read", handle, length, offset);
    const outcome = this.outcome(4);
    if (outcome !== "ok") return outcome;
    return (
      this.host.text(this.host.u32(RET + 4), this.host.u32(RET + 8)) + (this.host.guest[RET + 12] === 1 ? "$" : "")
    );
  }

  list(handle: number): string[] {
    this.method("read_directory", handle);
    assert.equal(this.outcome(4), "ok");
    const stream = this.host.u32(RET + 4);
    const names: string[] = [];
    for (let entry = this.entry(stream); entry !== undefined; entry = this.entry(stream)) names.push(entry);
    this.host.drop(stream);
    return names.sort();
  }

  entry(stream: number): string | undefined {
    this.host.resetHeap();
    this.host.call("filesystem_types_method_directory_entry_stream_read_directory_entry", stream, RET);
    assert.equal(this.outcome(4), "ok");
    if (this.host.guest[RET + 4] === 0) return undefined;
    return `${this.host.guest[RET + 8]} ${this.host.text(this.host.u32(RET + 12), this.host.u32(RET + 16))}`;
  }
}

async function guest(t: TestContext, openat2: boolean, option = "WINDLASS_DIR"): Promise<Guest | undefined> {
  const root = scratchFolder(t);
  const box = join(root, "box");
  mkdirSync(join(box, "sub/deep"), { recursive: true });
  writeFileSync(join(root, "secret"), "secret");
  writeFileSync(join(box, "file.txt"), "And stood awhile in thought");
  writeFileSync(join(box, "sub/inner"), "inner");
  symlinkSync("file.txt", join(box, "link"));
  symlinkSync("sub", join(box, "sublink"));
  symlinkSync("../file.txt", join(box, "sub/up"));
  symlinkSync("../../secret", join(box, "sub/escape"));
  symlinkSync("/etc", join(box, "etc"));
  symlinkSync("..", join(box, "parent"));
  symlinkSync("loop", join(box, "loop"));
  symlinkSync("missing", join(box, "dangling"));
  const kernel = realKernel(t, compiler, root);
  if (kernel === undefined) {
    t.skip("oracle not found: a C compiler");
    return undefined;
  }
  // Without openat2, a kernel before 5.6: its utimensat has no AT_EMPTY_PATH either.
  const syscall: Syscall = (nr, args, host) => {
    if (!openat2 && nr === NR.openat2) return -ERRNO.ENOSYS;
    if (!openat2 && nr === NR.utimensat && args[3] === 0x1000n) return -ERRNO.EINVAL;
    return kernel.syscall(nr, args, host);
  };
  const host = await Host.create({ syscall, process: { args: [], env: [`${option}=box::/`] } });
  return new Guest(host, box, kernel.calls);
}

for (const openat2 of [true, false]) {
  describe(openat2 ? "with openat2" : "walking by hand", () => {
    const sandboxed = (name: string, body: (g: Guest) => void): void => {
      test(name, async (t) => {
        const g = await guest(t, openat2);
        if (g !== undefined) body(g);
      });
    };

    sandboxed("paths stay inside", (g) => {
      const cases: [string, string, string][] = [
        // path, type when links are followed, type when the last is not
        ["file.txt", "6", "6"],
        ["./sub/../file.txt", "6", "6"],
        ["sub//deep/", "3", "3"],
        [".", "3", "3"],
        ["sub/..", "3", "3"],
        ["sub/deep/../../sub/deep/..", "3", "3"],
        ["link", "6", "5"],
        ["sublink/inner", "6", "6"],
        ["sublink/up", "6", "5"],
        ["sublink/", "3", "3"],
        ["sublink/.", "3", "3"],
        ["sublink/../file.txt", "6", "6"],
        ["", "no-entry", "no-entry"],
        ["/", "not-permitted", "not-permitted"],
        ["/etc/passwd", "not-permitted", "not-permitted"],
        ["..", "not-permitted", "not-permitted"],
        ["../secret", "not-permitted", "not-permitted"],
        ["sub/../../secret", "not-permitted", "not-permitted"],
        ["../box/file.txt", "not-permitted", "not-permitted"],
        ["sub/escape", "not-permitted", "5"],
        ["etc", "not-permitted", "5"],
        ["etc/passwd", "not-permitted", "not-permitted"],
        ["etc/", "not-permitted", "not-permitted"],
        ["parent", "not-permitted", "5"],
        ["parent/secret", "not-permitted", "not-permitted"],
        ["loop", "loop", "5"],
        ["loop/x", "loop", "loop"],
        ["dangling", "no-entry", "5"],
        ["missing", "no-entry", "no-entry"],
        ["missing/x", "no-entry", "no-entry"],
        ["file.txt/", "not-directory", "not-directory"],
        ["file.txt/x", "not-directory", "not-directory"],
        ["file.txt/..", "not-directory", "not-directory"],
        ["n".repeat(256), "name-too-long", "name-too-long"],
        ["a/".repeat(2048), "name-too-long", "name-too-long"],
        ["nul\0byte", "invalid", "invalid"],
      ];
      for (const [path, followed, itself] of cases) {
        assert.equal(g.typeAt(path), followed, path);
        assert.equal(g.typeAt(path, 0), itself, `${path}, not followed`);
      }
      assert.equal(g.calls.includes("openat2"), openat2);
      assert.equal(
        trapOf(() => g.method("stat_at", g.root, 0, ...g.host.put(new Uint8Array([0xff]), A))),
        "invalid_utf8",
      );
    });

    sandboxed("opening", (g) => {
      assert.equal(g.read(g.opened("file.txt")), "And stood awhile in thought");
      assert.equal(g.read(g.opened("sub/up")), "And stood awhile in thought");
      assert.equal(g.open("sub/up", { follow: 0 }), "loop");
      assert.equal(g.open("sub/escape"), "not-permitted");
      assert.equal(g.open("missing"), "no-entry");
      assert.equal(g.open("file.txt", { open: DIRECTORY }), "not-directory");
      assert.equal(g.open("file.txt", { open: CREATE | EXCLUSIVE }), "exist");
      assert.equal(g.open("link", { open: CREATE | EXCLUSIVE }), "exist");
      assert.equal(g.open("new", { open: CREATE | DIRECTORY }), "invalid");
      assert.equal(g.open("sub", { flags: READ | WRITE }), "is-directory");
      assert.equal(g.open("new/", { open: CREATE, flags: WRITE }), "is-directory");
      assert.equal(g.open("../new", { open: CREATE, flags: WRITE }), "not-permitted");
      assert.equal(g.open("sub/escape", { open: CREATE, flags: WRITE }), "not-permitted");
      g.opened("sub/new", { open: CREATE, flags: WRITE });
      assert.equal(readFileSync(join(g.box, "sub/new"), "utf8"), "");
      g.opened("dangling", { open: CREATE, flags: WRITE });
      assert.ok(existsSync(join(g.box, "missing")));
      g.opened("link", { open: TRUNCATE, flags: WRITE });
      assert.equal(statSync(join(g.box, "file.txt")).size, 0);
      // Relative to an opened directory, which is no way out either.
      const sub = g.opened("sub", { open: DIRECTORY });
      assert.equal(typeof g.open("inner", { from: sub }), "number");
      assert.equal(g.open("up", { from: sub }), "not-permitted");
      assert.equal(g.open("../file.txt", { from: sub }), "not-permitted");
      assert.equal(g.open("x", { from: g.opened("sub/inner") }), "not-directory");
    });

    sandboxed("making, renaming and removing", (g) => {
      assert.equal(g.unit("create_directory_at", "made/"), "ok");
      assert.equal(g.unit("create_directory_at", "made"), "exist");
      assert.equal(g.unit("create_directory_at", "sub/.."), "exist");
      assert.equal(g.unit("create_directory_at", "../outside"), "not-permitted");
      assert.equal(g.unit("create_directory_at", "parent/outside"), "not-permitted");
      assert.equal(g.unit("create_directory_at", ".."), "not-permitted");
      assert.equal(g.unit("remove_directory_at", "made/"), "ok");
      assert.equal(g.unit("remove_directory_at", "sub"), "not-empty");
      assert.equal(g.unit("remove_directory_at", "sub/."), "invalid");
      assert.equal(g.unit("remove_directory_at", "sublink/"), "not-directory");
      assert.equal(g.unit("unlink_file_at", "sub"), "is-directory");
      assert.equal(g.unit("unlink_file_at", "sub/"), "is-directory");
      assert.equal(g.unit("unlink_file_at", "file.txt/"), "not-directory");
      assert.equal(g.unit("unlink_file_at", "../secret"), "not-permitted");
      assert.equal(g.unit("unlink_file_at", "parent/secret"), "not-permitted");
      assert.equal(g.unit("unlink_file_at", "/etc/passwd"), "not-permitted");
      assert.equal(g.two("rename_at", "file.txt", "sub/moved"), "ok");
      assert.equal(g.two("rename_at", "sub/moved", "x/"), "not-directory");
      assert.equal(g.two("rename_at", "sub/moved", "../stolen"), "not-permitted");
      assert.equal(g.two("rename_at", "../secret", "stolen"), "not-permitted");
      assert.equal(g.two("rename_at", "sub/..", "x"), "busy");
      assert.equal(g.two("rename_at", "sub", "renamed/"), "ok");
      assert.equal(g.two("link_at", "renamed/moved", "hard", 0), "ok");
      assert.equal(g.two("link_at", "renamed/moved", "hard", 0), "exist");
      assert.equal(g.two("link_at", "link", "hard2", FOLLOW), "invalid");
      assert.equal(g.two("link_at", "renamed", "hard2", 0), "not-permitted");
      assert.equal(g.two("link_at", "parent/secret", "hard2", 0), "not-permitted");
      assert.equal(statSync(join(g.box, "hard")).nlink, 2);
      assert.equal(g.unit("unlink_file_at", "hard"), "ok");
      assert.equal(g.unit("unlink_file_at", "etc"), "ok");
      assert.ok(existsSync("/etc"));
      assert.equal(g.symlink("renamed/moved", "soft"), "ok");
      assert.equal(g.symlink("/etc/passwd", "hard-target"), "not-permitted");
      assert.equal(g.symlink("x", "soft/"), "exist");
      assert.equal(g.symlink("x", "../soft"), "not-permitted");
      assert.equal(readlinkSync(join(g.box, "soft")), "renamed/moved");
      assert.equal(g.readlink("soft"), "-> renamed/moved");
      assert.equal(g.readlink("renamed"), "invalid");
      symlinkSync("/abs", join(g.box, "abs"));
      assert.equal(g.readlink("abs"), "not-permitted");
      assert.equal(g.readlink("parent"), "-> ..");
      assert.deepEqual(readdirSync(join(g.box, "..")).sort(), ["box", "secret"]);
    });

    sandboxed("times", (g) => {
      const set = (path: string, follow: number, ...times: (number | bigint)[]): string => {
        g.method("set_times_at", g.root, follow, ...g.path(path), ...times);
        return g.outcome(1);
      };
      utimesSync(join(g.box, "file.txt"), 1000, 2000);
      assert.equal(set("link", FOLLOW, 0, 0n, 0, 2, 3000n, 500_000_000), "ok");
      assert.deepEqual(
        [statSync(join(g.box, "file.txt")).atimeMs, statSync(join(g.box, "file.txt")).mtimeMs],
        [1_000_000, 3_000_500],
      );
      assert.equal(set("link", 0, 2, 7n, 0, 2, 8n, 0), "ok");
      assert.equal(lstatSync(join(g.box, "link")).mtimeMs, 8000);
      assert.equal(statSync(join(g.box, "file.txt")).mtimeMs, 3_000_500);
      assert.equal(set("file.txt", 0, 0, 0n, 0, 2, 8n, 1_000_000_000), "invalid");
      assert.equal(set("file.txt", 0, 0, 0n, 0, 2, 1n << 63n, 0), "invalid");
      assert.equal(set("parent/secret", FOLLOW, 1, 0n, 0, 1, 0n, 0), "not-permitted");
      const before = Date.now() - 1000;
      g.method("set_times", g.opened("file.txt"), 1, 0n, 0, 0, 0n, 0);
      assert.equal(g.outcome(1), "ok");
      assert.ok(statSync(join(g.box, "file.txt")).atimeMs > before);
      assert.equal(statSync(join(g.box, "file.txt")).mtimeMs, 3_000_500);
      assert.equal(
        trapOf(() => set("file.txt", 0, 3, 0n, 0, 0, 0n, 0)),
        "invalid_discriminant",
      );
    });
  });
}

const files = (name: string, body: (g: Guest) => void, option?: string): void => {
  test(name, async (t) => {
    const g = await guest(t, true, option);
    if (g !== undefined) body(g);
  });
};

files("stat has the exact layout of result<descriptor-stat, error-code>", (g) => {
  const path = join(g.box, "file.txt");
  linkSync(path, join(g.box, "second"));
  utimesSync(path, 1_700_000_001.5, 1_700_000_002.25);
  g.method("stat", g.opened("file.txt"));
  const expected = Buffer.alloc(104, 0xaa);
  const stat = statSync(path, { bigint: true });
  expected[0] = 0;
  expected[8] = 6;
  expected.writeBigUInt64LE(2n, 16);
  expected.writeBigUInt64LE(27n, 24);
  for (const [at, ns] of [
    [32, stat.atimeNs],
    [56, stat.mtimeNs],
    [80, stat.ctimeNs],
  ] as const) {
    expected[at] = 1;
    expected.writeBigUInt64LE(ns / 1_000_000_000n, at + 8);
    expected.writeUInt32LE(Number(ns % 1_000_000_000n), at + 16);
  }
  assert.equal(g.host.hex(RET, 104), expected.toString("hex"));
  execFileSync("touch", ["-a", "-d", "@-5", path]);
  g.method("stat", g.opened("file.txt"));
  assert.equal(g.host.hex(RET + 32, 1) + g.host.hex(RET + 56, 1), "0001");
});

files("reading and writing at offsets", (g) => {
  const file = g.opened("file.txt", { flags: READ | WRITE });
  assert.equal(g.read(file, 5n, 4n), "stood");
  assert.equal(g.host.hex(RET, 16), `00aaaaaa${"00800000"}${"05000000"}00aaaaaa`);
  assert.deepEqual(g.host.allocations, [[1, 5]]);
  assert.equal(g.read(file, 5n, 100n), "$");
  assert.equal(g.read(file, 0n, 0n), "");
  assert.equal(g.read(file, 1n, 1n << 63n), "invalid");
  g.method("write", file, ...g.path("HERE"), 4n);
  assert.equal(g.host.hex(RET, 16), "00aaaaaaaaaaaaaa0400000000000000");
  assert.equal(g.read(file), "And HEREd awhile in thought");
  g.method("set_size", file, 3n);
  assert.equal(g.host.hex(RET, 3), "00aaaa");
  assert.equal(g.read(file), "And");
  const readOnly = g.opened("file.txt");
  g.method("write", readOnly, ...g.path("x"), 0n);
  assert.equal(g.outcome(8), "bad-descriptor");
  g.method("set_size", readOnly, 3n);
  assert.equal(g.outcome(1), "bad-descriptor");
  assert.equal(g.read(g.opened("file.txt", { flags: WRITE })), "bad-descriptor");
  assert.equal(g.read(g.root), "bad-descriptor");
});

files("streams of a file outlive its descriptor, and close it when they go", (g) => {
  const file = g.opened("file.txt", { flags: READ | WRITE });
  const fds = (): number => g.calls.filter((c) => c === "close").length;
  g.method("read_via_stream", file, 4n);
  assert.equal(g.host.hex(RET, 4), "00aaaaaa");
  const input = g.host.u32(RET + 4);
  g.method("write_via_stream", file, 2n);
  const output = g.host.u32(RET + 4);
  g.method("append_via_stream", file);
  const append = g.host.u32(RET + 4);
  const before = fds();
  g.host.drop(file);
  g.host.call("io_streams_method_input_stream_blocking_read", input, 5n, RET);
  assert.equal(g.host.text(g.host.u32(RET + 4), g.host.u32(RET + 8)), "stood");
  g.host.call("io_streams_method_output_stream_check_write", output, RET);
  assert.equal(g.host.u64(RET + 8), 1n << 20n);
  const write = (stream: number, text: string): void => {
    g.host.call("io_streams_method_output_stream_blocking_write_and_flush", stream, ...g.path(text), RET);
    assert.equal(g.outcome(4), "ok");
  };
  write(output, "y");
  write(append, "!");
  write(output, "?");
  write(append, "!");
  assert.equal(readFileSync(join(g.box, "file.txt"), "utf8"), "Any?stood awhile in thought!!");
  g.host.call("io_streams_method_input_stream_skip", input, 1000n, RET);
  assert.equal(g.host.u64(RET + 8), 20n);
  g.host.call("io_streams_method_input_stream_read", input, 1n, RET);
  assert.equal(g.host.hex(RET, 1) + g.host.hex(RET + 4, 1), "0101");
  assert.equal(fds(), before);
  const pollable = Number(g.host.call("io_streams_method_input_stream_subscribe", input));
  assert.equal(g.host.call("io_poll_method_pollable_ready", pollable), 1);
  for (const handle of [input, output, append]) g.host.drop(handle);
  assert.equal(fds(), before);
  g.host.drop(pollable);
  assert.equal(fds(), before + 1);
});

files("directories", (g) => {
  assert.deepEqual(g.list(g.root), [
    "3 sub",
    "5 dangling",
    "5 etc",
    "5 link",
    "5 loop",
    "5 parent",
    "5 sublink",
    "6 file.txt",
  ]);
  const sub = g.opened("sub", { open: DIRECTORY });
  assert.deepEqual(g.list(sub), ["3 deep", "5 escape", "5 up", "6 inner"]);
  g.method("read_directory", g.opened("file.txt"));
  assert.equal(g.outcome(4), "not-directory");
  // More streams than buffers, in turns, over directories that need several reads.
  const names = Array.from({ length: 700 }, (_, i) => `entry-with-a-long-name-${i}`);
  mkdirSync(join(g.box, "big"));
  for (const name of names) writeFileSync(join(g.box, "big", name), "");
  const big = g.opened("big");
  const streams = Array.from({ length: 20 }, () => {
    g.method("read_directory", big);
    return g.host.u32(RET + 4);
  });
  const seen = streams.map(() => [] as string[]);
  for (let live = true; live; ) {
    live = false;
    streams.forEach((stream, i) => {
      for (let k = 0; k < 100; k++) {
        const entry = g.entry(stream);
        if (entry === undefined) return;
        seen[i]?.push(entry);
        live = true;
      }
    });
  }
  const all = names.map((n) => `6 ${n}`).sort();
  for (const got of seen) assert.deepEqual(got.sort(), all);
  for (const stream of streams) g.host.drop(stream);
});

files("a name that is not UTF-8 is an error of its entry only", (g) => {
  mkdirSync(join(g.box, "odd"));
  writeFileSync(Buffer.concat([Buffer.from(join(g.box, "odd/")), new Uint8Array([0xff, 0x41])]), "");
  writeFileSync(join(g.box, "odd/good"), "");
  g.method("read_directory", g.opened("odd"));
  const stream = g.host.u32(RET + 4);
  const outcomes: string[] = [];
  for (let i = 0; i < 3; i++) {
    g.host.call("filesystem_types_method_directory_entry_stream_read_directory_entry", stream, RET);
    outcomes.push(g.outcome(4) === "ok" && g.host.guest[RET + 4] === 0 ? "end" : g.outcome(4));
  }
  assert.deepEqual(outcomes.slice(0, 2).sort(), ["illegal-byte-sequence", "ok"]);
  assert.equal(outcomes[2], "end");
});

files("identity", (g) => {
  linkSync(join(g.box, "file.txt"), join(g.box, "second"));
  const [file, second, inner] = [g.opened("file.txt"), g.opened("second"), g.opened("sub/inner")];
  const same = (a: number, b: number): unknown =>
    g.host.call("filesystem_types_method_descriptor_is_same_object", a, b);
  assert.equal(same(file, second), 1);
  assert.equal(same(file, inner), 0);
  const hash = (method: string, ...args: number[]): string => {
    g.method(method, ...args);
    assert.equal(g.outcome(8), "ok");
    return g.host.hex(RET + 8, 16);
  };
  assert.equal(hash("metadata_hash", file), hash("metadata_hash", second));
  assert.equal(hash("metadata_hash", file), hash("metadata_hash_at", g.root, FOLLOW, ...g.path("link")));
  assert.notEqual(hash("metadata_hash", file), hash("metadata_hash_at", g.root, 0, ...g.path("link")));
  assert.notEqual(hash("metadata_hash", file), hash("metadata_hash", inner));
});

files("flags, type, advice, sync", (g) => {
  const byte = (method: string, ...args: (number | bigint)[]): string => {
    g.method(method, ...args);
    return g.host.hex(RET, 2);
  };
  const file = g.opened("file.txt", { flags: READ | WRITE | 4 });
  assert.equal(byte("get_flags", file), "0007");
  assert.equal(byte("get_flags", g.root), "0021");
  assert.equal(byte("get_flags", g.opened("sub", { flags: READ | MUTATE })), "0021");
  assert.equal(byte("get_type", file), "0006");
  assert.equal(byte("get_type", g.root), "0003");
  for (let advice = 0; advice < 6; advice++) assert.equal(byte("advise", file, 0n, 10n, advice), "00aa");
  assert.equal(
    trapOf(() => byte("advise", file, 0n, 10n, 6)),
    "invalid_discriminant",
  );
  assert.equal(byte("advise", g.root, 0n, 10n, 0), "0103");
  assert.equal(byte("sync", file), "00aa");
  assert.equal(byte("sync_data", file), "00aa");
  assert.equal(byte("sync", g.root), "00aa");
});

files(
  "a read-only directory",
  (g) => {
    assert.equal(g.read(g.opened("file.txt")), "And stood awhile in thought");
    assert.equal(g.open("file.txt", { flags: READ | WRITE }), "read-only");
    assert.equal(g.open("new", { open: CREATE }), "read-only");
    assert.equal(g.open("file.txt", { open: TRUNCATE }), "read-only");
    assert.equal(g.open("sub", { flags: READ | MUTATE }), "read-only");
    assert.equal(g.unit("create_directory_at", "new"), "read-only");
    assert.equal(g.unit("unlink_file_at", "file.txt"), "read-only");
    assert.equal(g.unit("remove_directory_at", "sub"), "read-only");
    assert.equal(g.two("rename_at", "file.txt", "new"), "read-only");
    assert.equal(g.two("link_at", "file.txt", "new", 0), "read-only");
    assert.equal(g.symlink("file.txt", "new"), "read-only");
    g.method("set_times", g.opened("file.txt"), 1, 0n, 0, 1, 0n, 0);
    assert.equal(g.outcome(1), "read-only");
    g.method("set_times_at", g.root, 0, ...g.path("file.txt"), 1, 0n, 0, 1, 0n, 0);
    assert.equal(g.outcome(1), "read-only");
    // What is opened below is as read-only.
    const sub = g.opened("sub");
    assert.equal(g.open("inner", { from: sub, flags: WRITE }), "read-only");
    g.method("get_flags", g.root);
    assert.equal(g.host.hex(RET, 2), "0001");
  },
  "WINDLASS_DIR_RO",
);

files("opening and dropping for ever leaks nothing", (g) => {
  for (let i = 0; i < 3000; i++) {
    const file = g.opened("sub/inner");
    g.method("read_via_stream", file, 0n);
    g.host.drop(g.host.u32(RET + 4));
    g.host.drop(file);
  }
  assert.equal(g.calls.filter((c) => c === "close").length, 3001);
  const leftOpen = g.opened("file.txt");
  assert.notEqual(leftOpen, 0);
  const before = g.calls.length;
  g.host.call("runtime_drop");
  assert.equal(g.calls.slice(before).join(), "close,close");
});
