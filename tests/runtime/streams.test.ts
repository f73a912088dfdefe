import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRNO, GuestExit, Host, scripted, type Syscall, trapOf } from "./host.ts";

const RET = 0x100;

/** Writes to descriptor 1 and 2 are collected; `plan` gives the results of the first calls. */
function sink(plan: (number | "all")[] = []): { readonly write: Syscall; readonly text: () => string } {
  const out: Uint8Array[] = [];
  const write: Syscall = (_nr, [, from = 0n, length = 0n], host) => {
    const next = plan.shift() ?? "all";
    if (next !== "all" && next < 0) return next;
    const n = next === "all" ? Number(length) : Math.min(next, Number(length));
    out.push(host.bytes(from, n).slice());
    return n;
  };
  return { write, text: () => Buffer.concat(out).toString() };
}

/** Reads from descriptor 0 come from `chunks`; a number is an errno, the end is 0. */
function source(chunks: (string | number)[]): Syscall {
  return (_nr, [, to = 0n, length = 0n], host) => {
    const next = chunks.shift();
    if (next === undefined) return 0;
    if (typeof next === "number") return next;
    const bytes = Buffer.from(next);
    const n = Math.min(bytes.length, Number(length));
    host.bytes(to, n).set(bytes.subarray(0, n));
    if (n < bytes.length) chunks.unshift(bytes.subarray(n).toString());
    return n;
  };
}

async function withStdout(plan: (number | "all")[] = []): Promise<{ host: Host; out: number; text: () => string }> {
  const { write, text } = sink(plan);
  const host = await Host.create({ syscall: scripted({ write }) });
  host.guest.fill(0xaa, RET, RET + 32);
  return { host, out: Number(host.call("cli_stdout_get_stdout")), text };
}

test("blocking-write-and-flush writes everything, over partial writes and interruptions", async () => {
  const { host, out, text } = await withStdout([3, -ERRNO.EINTR, 1, -ERRNO.EAGAIN]);
  assert.equal(host.handle(out)?.type, "wasi:io/streams/output-stream");
  host.call("io_streams_method_output_stream_blocking_write_and_flush", out, ...host.put("hello from here\n"), RET);
  assert.equal(text(), "hello from here\n");
  // result<_, stream-error>: only the tag is written.
  assert.equal(host.hex(RET, 12), "00aaaaaaaaaaaaaaaaaaaaaa");
});

test("a closed pipe is stream-error::closed, other errors carry an error resource; the stream stays closed", async () => {
  const { host, out } = await withStdout([-ERRNO.EPIPE]);
  host.call("io_streams_method_output_stream_blocking_write_and_flush", out, ...host.put("x"), RET);
  assert.equal(host.hex(RET, 12), "01aaaaaa01aaaaaaaaaaaaaa");
  const failing = await withStdout([-ERRNO.EIO]);
  const other = failing.host;
  other.call("io_streams_method_output_stream_blocking_write_and_flush", failing.out, ...other.put("x"), RET);
  const handle = other.u32(RET + 8);
  assert.equal(other.hex(RET, 8), "01aaaaaa00aaaaaa");
  assert.deepEqual(other.handle(handle), { type: "wasi:io/error/error", rep: ERRNO.EIO });
  other.call("io_error_method_error_to_debug_string", handle, RET + 16);
  assert.equal(other.text(other.u32(RET + 16), other.u32(RET + 20)), "input or output error (errno 5)");
  // option<error-code>: some(io)
  other.call("filesystem_types_filesystem_error_code", handle, RET + 24);
  assert.equal(other.hex(RET + 24, 2), "010d");
  other.drop(handle);
  other.guest.fill(0xaa, RET, RET + 32);
  other.call("io_streams_method_output_stream_check_write", failing.out, RET);
  assert.equal(other.hex(RET, 16), "01aaaaaaaaaaaaaa01aaaaaaaaaaaaaa");
  other.call("io_streams_method_output_stream_flush", failing.out, RET);
  assert.equal(other.hex(RET, 5), "01aaaaaa01");
});

test("check-write grants a permit; write takes from it and traps beyond it", async () => {
  const { host, out, text } = await withStdout();
  const write = (s: string): unknown => host.call("io_streams_method_output_stream_write", out, ...host.put(s), RET);
  assert.equal(
    trapOf(() => write("no permit yet")),
    "host_function_failed",
  );
  host.call("io_streams_method_output_stream_check_write", out, RET);
  assert.equal(host.hex(RET, 16), "00aaaaaaaaaaaaaa0010000000000000");
  write("a".repeat(4000));
  write("b".repeat(96));
  assert.equal(
    trapOf(() => write("c")),
    "host_function_failed",
  );
  assert.equal(text(), "a".repeat(4000) + "b".repeat(96));
  assert.equal(
    trapOf(() =>
      host.call("io_streams_method_output_stream_blocking_write_and_flush", out, ...host.put("d".repeat(4097)), RET),
    ),
    "host_function_failed",
  );
});

test("a destination that would block grants nothing", async () => {
  const host = await Host.create({ syscall: scripted({ ppoll: () => 0 }) });
  const out = host.call("cli_stdout_get_stdout");
  host.call("io_streams_method_output_stream_check_write", out, RET);
  assert.equal(host.u64(RET + 8), 0n);
});

test("write-zeroes", async () => {
  const { host, out, text } = await withStdout();
  host.call("io_streams_method_output_stream_blocking_write_zeroes_and_flush", out, 4096n, RET);
  assert.equal(text(), "\0".repeat(4096));
  const blocking = "io_streams_method_output_stream_blocking_write_zeroes_and_flush";
  assert.equal(
    trapOf(() => host.call(blocking, out, 4097n, RET)),
    "host_function_failed",
  );
});

test("reads return exactly what was read, and closed at the end", async () => {
  const host = await Host.create({ syscall: scripted({ read: source([-ERRNO.EINTR, "So rested he", -ERRNO.EIO]) }) });
  const stdin = host.call("cli_stdin_get_stdin");
  host.guest.fill(0xaa, RET, RET + 32);
  const read = (length: bigint): unknown =>
    host.call("io_streams_method_input_stream_blocking_read", stdin, length, RET);
  read(9n);
  assert.equal(host.hex(RET, 4), "00aaaaaa");
  assert.equal(host.text(host.u32(RET + 4), host.u32(RET + 8)), "So rested");
  read(1n << 40n);
  assert.equal(host.text(host.u32(RET + 4), host.u32(RET + 8)), " he");
  assert.deepEqual(host.allocations, [
    [1, 9],
    [1, 3],
  ]);
  read(0n);
  assert.equal(host.u32(RET + 8), 0);
  read(5n);
  assert.equal(host.hex(RET, 5), "01aaaaaa00");
  assert.equal(host.handle(host.u32(RET + 8))?.rep, ERRNO.EIO);
  read(5n);
  assert.equal(host.hex(RET, 5), "01aaaaaa01");
});

test("read does not block; skip counts; an end is closed", async () => {
  let ready = 0;
  const host = await Host.create({
    syscall: scripted({ read: source(["0123456789"]), ppoll: () => ready }),
  });
  const stdin = host.call("cli_stdin_get_stdin");
  host.call("io_streams_method_input_stream_read", stdin, 10n, RET);
  assert.deepEqual([host.u32(RET) & 0xff, host.u32(RET + 8)], [0, 0]);
  ready = 1;
  host.call("io_streams_method_input_stream_skip", stdin, 7n, RET);
  assert.deepEqual([host.u32(RET) & 0xff, host.u64(RET + 8)], [0, 7n]);
  host.call("io_streams_method_input_stream_read", stdin, 10n, RET);
  assert.equal(host.text(host.u32(RET + 4), host.u32(RET + 8)), "789");
  host.call("io_streams_method_input_stream_blocking_skip", stdin, 7n, RET);
  assert.equal(host.hex(RET, 1) + host.hex(RET + 8, 1), "0101");
});

test("splice moves bytes from an input to an output", async () => {
  const { write, text } = sink();
  const host = await Host.create({ syscall: scripted({ write, read: source(["one two three"]) }) });
  const stdin = host.call("cli_stdin_get_stdin");
  const out = host.call("cli_stdout_get_stdout");
  host.call("io_streams_method_output_stream_splice", out, stdin, 4n, RET);
  assert.equal(host.u64(RET + 8), 4n);
  host.call("io_streams_method_output_stream_blocking_splice", out, stdin, 100n, RET);
  assert.equal(host.u64(RET + 8), 9n);
  host.call("io_streams_method_output_stream_blocking_splice", out, stdin, 100n, RET);
  assert.equal(host.hex(RET, 1) + host.hex(RET + 8, 1), "0101");
  assert.equal(text(), "one two three");
});

test("what the guest passes is checked before anything happens", async () => {
  const { host, out, text } = await withStdout();
  const write = "io_streams_method_output_stream_blocking_write_and_flush";
  assert.equal(
    trapOf(() => host.call(write, out, 0xffff0, 0x20, RET)),
    "invalid_pointer",
  );
  assert.equal(
    trapOf(() => host.call(write, out, 0xffffffff, 1, RET)),
    "invalid_pointer",
  );
  assert.equal(
    trapOf(() => host.call(write, out, 0x1000, 1, RET + 2)),
    "invalid_pointer",
  );
  assert.equal(
    trapOf(() => host.call(write, 99, 0x1000, 1, RET)),
    "unknown_handle",
  );
  const stdin = host.call("cli_stdin_get_stdin");
  assert.equal(
    trapOf(() => host.call(write, stdin, 0x1000, 1, RET)),
    "handle_type_mismatch",
  );
  assert.equal(
    trapOf(() => host.call("cli_exit_exit", 2)),
    "invalid_discriminant",
  );
  assert.equal(text(), "");
});

test("a program may make and drop streams and pollables for ever; too many at once trap", async () => {
  const { host } = await withStdout();
  for (let i = 0; i < 20_000; i++) {
    const stream = Number(host.call("cli_stderr_get_stderr"));
    const pollable = Number(host.call("io_streams_method_output_stream_subscribe", stream));
    host.drop(stream);
    host.drop(pollable);
  }
  const many = (): void => {
    for (let i = 0; i < 5000; i++) host.call("cli_stdin_get_stdin");
  };
  assert.equal(trapOf(many), "handles_exhausted");
});

test("exit", async () => {
  const host = await Host.create({ syscall: scripted({}) });
  const status = (name: string, value: number): number | undefined => {
    try {
      host.call(name, value);
    } catch (error) {
      if (error instanceof GuestExit) return error.status;
      throw error;
    }
    return undefined;
  };
  assert.equal(status("cli_exit_exit", 0), 0);
  assert.equal(status("cli_exit_exit", 1), 1);
  assert.equal(status("cli_exit_exit_with_code", 42), 42);
  assert.equal(status("cli_exit_exit_with_code", 0x1ff), 255);
});

test("terminals: none for pipes", async () => {
  const host = await Host.create({ syscall: scripted({ ioctl: (_nr, [fd = 0n]) => (fd === 2n ? 0 : -25) }) });
  host.call("cli_terminal_stdin_get_terminal_stdin", RET);
  assert.equal(host.hex(RET, 1), "00");
  host.call("cli_terminal_stderr_get_terminal_stderr", RET);
  assert.equal(host.hex(RET, 1), "01");
  assert.deepEqual(host.handle(host.u32(RET + 4)), { type: "wasi:cli/terminal-output/terminal-output", rep: 2 });
});
