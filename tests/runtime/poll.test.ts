import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRNO, Host, scripted, type Syscall, trapOf } from "./host.ts";

const RET = 0x100;
const LIST = 0x400;

/** A clock that only `ppoll` advances, by its timeout; descriptors in `ready` are ready. */
function world(ready: Set<number>): {
  now: bigint;
  readonly clock_gettime: Syscall;
  readonly ppoll: Syscall;
  waits: bigint[];
} {
  const w = {
    now: 5_000_000_000n,
    waits: [] as bigint[],
    clock_gettime: ((_nr, [clock = 0n, to = 0n], host) => {
      const view = new DataView(host.bytes(to, 16).buffer, host.bytes(to, 16).byteOffset);
      const time = clock === 1n ? w.now : 1_700_000_000_123_456_789n;
      view.setBigInt64(0, time / 1_000_000_000n, true);
      view.setBigInt64(8, time % 1_000_000_000n, true);
      return 0;
    }) satisfies Syscall,
    ppoll: ((_nr, [fds = 0n, count = 0n, timeout = 0n], host) => {
      let n = 0;
      for (let i = 0; i < Number(count); i++) {
        const pollfd = host.bytes(fds + BigInt(8 * i), 8);
        const is = ready.has(pollfd[0] ?? 0);
        pollfd[6] = is ? (pollfd[4] ?? 0) : 0;
        if (is) n++;
      }
      if (n > 0) return n;
      assert.notEqual(timeout, 0n, "would wait for ever");
      const bytes = host.bytes(timeout, 16);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const wait = view.getBigInt64(0, true) * 1_000_000_000n + view.getBigInt64(8, true);
      w.waits.push(wait);
      if (wait > 1_000n) {
        // Interrupted half way.
        w.now += wait / 2n;
        return -ERRNO.EINTR;
      }
      w.now += wait;
      return 0;
    }) satisfies Syscall,
  };
  return w;
}

async function make(ready: number[]): Promise<{ host: Host; w: ReturnType<typeof world> }> {
  const w = world(new Set(ready));
  return { host: await Host.create({ syscall: scripted({ clock_gettime: w.clock_gettime, ppoll: w.ppoll }) }), w };
}

function poll(host: Host, handles: number[]): number[] {
  handles.forEach((handle, i) => {
    host.view.setUint32(LIST + 4 * i, handle, true);
  });
  host.call("io_poll_poll", LIST, handles.length, RET);
  const [pointer, length] = [host.u32(RET), host.u32(RET + 4)];
  return Array.from({ length }, (_, i) => host.u32(pointer + 4 * i));
}

test("timers wait, over interruptions, until their instant", async () => {
  const { host, w } = await make([]);
  const pollable = Number(host.call("clocks_monotonic_clock_subscribe_duration", 1_000_000_000n));
  assert.equal(host.call("io_poll_method_pollable_ready", pollable), 0);
  host.call("io_poll_method_pollable_block", pollable);
  assert.equal(host.call("clocks_monotonic_clock_now"), 6_000_000_000n);
  assert.equal(host.call("io_poll_method_pollable_ready", pollable), 1);
  const past = Number(host.call("clocks_monotonic_clock_subscribe_instant", 1n));
  assert.equal(host.call("io_poll_method_pollable_ready", past), 1);
  const never = Number(host.call("clocks_monotonic_clock_subscribe_duration", (1n << 64n) - 1n));
  assert.equal(host.call("io_poll_method_pollable_ready", never), 0);
  assert.ok(w.waits.length > 2);
});

test("poll reports every ready index, in order", async () => {
  const { host, w } = await make([1]);
  const stdin = Number(host.call("io_streams_method_input_stream_subscribe", host.call("cli_stdin_get_stdin")));
  const stdout = Number(host.call("io_streams_method_output_stream_subscribe", host.call("cli_stdout_get_stdout")));
  const late = Number(host.call("clocks_monotonic_clock_subscribe_instant", 9_000_000_000n));
  const early = Number(host.call("clocks_monotonic_clock_subscribe_instant", 4_000_000_000n));
  assert.deepEqual(poll(host, [late, stdout, stdin, early, stdout]), [1, 3, 4]);
  assert.deepEqual(poll(host, [stdin, late]), [1]);
  assert.equal(w.now, 9_000_000_000n);
  assert.equal(host.allocations.at(-1)?.join(), "4,4");
});

test("poll traps on an empty list, a list that is too long, and unknown handles", async () => {
  const { host } = await make([0]);
  assert.equal(
    trapOf(() => host.call("io_poll_poll", LIST, 0, RET)),
    "host_function_failed",
  );
  assert.equal(
    trapOf(() => host.call("io_poll_poll", LIST, 0x40000001, RET)),
    "handles_exhausted",
  );
  assert.equal(
    trapOf(() => poll(host, [77])),
    "unknown_handle",
  );
});

test("many timers need no descriptors", async () => {
  const { host } = await make([]);
  const timers = Array.from({ length: 2000 }, (_, i) =>
    Number(host.call("clocks_monotonic_clock_subscribe_instant", 6_000_000_000n + BigInt(i))),
  );
  assert.deepEqual(poll(host, timers), [0]);
});

test("wall clock and resolutions", async () => {
  const w = world(new Set());
  const host = await Host.create({
    syscall: scripted({
      clock_gettime: w.clock_gettime,
      clock_getres: (_nr, [, to = 0n], h) => {
        h.bytes(to, 16).fill(0);
        h.bytes(to + 8n, 1)[0] = 1;
        return 0;
      },
    }),
  });
  host.guest.fill(0xaa, RET, RET + 16);
  host.call("clocks_wall_clock_now", RET);
  assert.equal(host.hex(RET, 16), "00f1536500000000" + "15cd5b07" + "aaaaaaaa");
  host.call("clocks_wall_clock_resolution", RET);
  assert.deepEqual([host.u64(RET), host.u32(RET + 8)], [0n, 1]);
  assert.equal(host.call("clocks_monotonic_clock_resolution"), 1n);
});

test("random", async () => {
  let state = 7;
  const host = await Host.create({
    syscall: scripted({
      getrandom: (_nr, [to = 0n, length = 0n], h) => {
        // The kernel may give less than asked.
        const n = Math.min(Number(length), 100);
        const bytes = h.bytes(to, n);
        for (let i = 0; i < n; i++) bytes[i] = state++ & 0xff;
        return n;
      },
    }),
  });
  host.call("random_random_get_random_bytes", 300n, RET);
  const pointer = host.u32(RET);
  assert.equal(host.u32(RET + 4), 300);
  assert.deepEqual(
    [...host.guest.subarray(pointer, pointer + 300)],
    Array.from({ length: 300 }, (_, i) => (7 + i) & 0xff),
  );
  assert.deepEqual(host.allocations, [[1, 300]]);
  assert.equal(host.call("random_random_get_random_u64"), 0x3a39383736353433n);
  host.call("random_insecure_get_insecure_random_bytes", 0n, RET);
  assert.equal(host.u32(RET + 4), 0);
  host.call("random_insecure_seed_insecure_seed", RET);
  assert.notEqual(host.u64(RET), host.u64(RET + 8));
  assert.notEqual(host.call("random_insecure_get_insecure_random_u64"), 0n);
  assert.equal(
    trapOf(() => host.call("random_random_get_random_bytes", 1n << 28n, RET)),
    "host_function_failed",
  );
});
