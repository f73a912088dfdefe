/** Instantiation, entries and trampolines of small components, interpreted: what a host sees before there is machine code. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { HostStatus } from "../../src/layout/host.ts";
import { ContextField, InstanceState } from "../../src/layout/offsets.ts";
import { Trap } from "../../src/layout/traps.ts";
import { type HostFunction, Machine, programOf } from "./world.ts";

const COMPONENT = `
(component
  (import "log" (func $log (param "x" u32) (result u32)))
  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param i32) (param $align i32) (param $size i32) (result i32)
      (if (i32.eq (local.get $size) (i32.const 13)) (then (return (i32.const 0x7ffffff0))))
      (if (i32.eq (local.get $size) (i32.const 99)) (then (unreachable)))
      (global.set $top (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
      (global.get $top)
      (global.set $top (i32.add (global.get $top) (local.get $size)))))
  (core module $main
    (import "host" "log" (func $log (param i32) (result i32)))
    (import "libc" "memory" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (type $unary (func (param i32) (result i32)))
    (table $t 4 8 funcref)
    (elem (table $t) (i32.const 1) func $log $increment)
    (data (i32.const 16) "hello")
    (data $p "world!")
    (global $counter (mut i32) (i32.const 40))
    (func $increment (export "increment") (param i32) (result i32)
      (global.set $counter (i32.add (global.get $counter) (i32.const 1)))
      (i32.add (local.get 0) (i32.load (i32.const 16))))
    (func (export "call") (param i32 i32) (result i32)
      (call_indirect $t (type $unary) (local.get 1) (local.get 0)))
    (func (export "counter") (result i32)
      (memory.init $p (i32.const 32) (i32.const 1) (i32.const 4))
      (data.drop $p)
      (i32.add (global.get $counter) (i32.load (i32.const 32))))
    (func (export "counter-post") (param i32)
      (drop (call $log (i32.const 0))))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func $unused (result i32) (i32.const 12345)))
  (core instance $libc (instantiate $libc))
  (core func $lowered (canon lower (func $log)))
  (core instance $main (instantiate $main
    (with "host" (instance (export "log" (func $lowered))))
    (with "libc" (instance $libc))))
  (func (export "increment") (param "x" u32) (result u32) (canon lift (core func $main "increment")))
  (func (export "call") (param "f" u32) (param "x" u32) (result u32) (canon lift (core func $main "call")))
  (func (export "counter") (result u32)
    (canon lift (core func $main "counter") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) (post-return (core func $main "counter-post"))))
  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $main "grow"))))
`;

const HELLO = 0x6c6c_6568;
const WORL = BigInt(new DataView(new TextEncoder().encode("orld").buffer).getUint32(0, true));

async function machine(...hosts: (HostFunction | undefined)[]): Promise<Machine> {
  const m = new Machine(await programOf(COMPONENT));
  assert.equal(m.create(...hosts), 0n);
  return m;
}

/** A host function of ABI `dynamic` that adds `n`, or fails. */
const addHost =
  (n: bigint): HostFunction =>
  (m, [context, data, , , , values = 0n, count]) => {
    assert.equal(context, m.context);
    assert.equal(data, 0xda7aa000n);
    assert.equal(count, 1n);
    const x = m.interpreter.read(values, 4);
    if (x === 666n) return [1n];
    m.interpreter.write(values, 4, x + n);
    return [0n];
  };

test("instantiation, an export, globals, data, passive data", async () => {
  const m = await machine(addHost(1n));
  assert.equal(m.field(ContextField.self, 8), m.context + BigInt(InstanceState.ready));
  assert.deepEqual(m.enter("test_increment", 1n).slice(0, 2), [0n, BigInt(HELLO + 1)]);
  assert.deepEqual(m.enter("test_counter").slice(0, 2), [0n, 41n + WORL]);
  // The segment was dropped: 1 is beyond its end.
  assert.equal(m.enter("test_counter")[0], BigInt(Trap.memory_out_of_bounds));
});

test("calls through a table reach the host and the module", async () => {
  const m = await machine(addHost(5n));
  assert.deepEqual(m.enter("test_call", 1n, 10n).slice(0, 2), [0n, 15n]);
  assert.deepEqual(m.enter("test_call", 2n, 0n).slice(0, 2), [0n, BigInt(HELLO)]);
  assert.equal(m.enter("test_call", 3n, 0n)[0], BigInt(Trap.uninitialized_element));
});

test("a host function's failure, and a missing one, are traps", async () => {
  const m = await machine(addHost(5n));
  assert.equal(m.enter("test_call", 1n, 666n)[0], BigInt(Trap.host_function_failed));
  const none = await machine(undefined);
  assert.equal(none.enter("test_call", 1n, 1n)[0], BigInt(Trap.host_function_missing));
});

test("entries refuse with a status", async () => {
  const m = await machine(addHost(5n));
  const array = m.scratch + 0x800n;
  const [tooFew] = m.call("test_call", m.context, array, 1n);
  assert.equal(tooFew, BigInt(HostStatus.invalid_argument));
  assert.equal(m.call("test_call", m.context, 0n, 2n)[0], BigInt(HostStatus.invalid_argument));
  assert.equal(m.call("test_call", 0n, array, 2n)[0], BigInt(HostStatus.not_an_instance));
  m.setField(ContextField.self, m.context + BigInt(InstanceState.trapped), 8);
  assert.equal(m.enter("test_increment", 1n)[0], BigInt(HostStatus.instance_trapped));
  m.setField(ContextField.self, m.context + BigInt(InstanceState.ready), 8);
  m.call("test_delete", m.context);
  assert.equal(m.enter("test_increment", 1n)[0], BigInt(HostStatus.not_an_instance));
});

test("an export can't be entered from inside; realloc can", async () => {
  let inside: bigint[] = [];
  let limits: bigint[] = [];
  const m = await machine((machine, [, , , realloc, , values = 0n]) => {
    const out = machine.scratch + 0x700n;
    const saved = machine.interpreter.read(values, 4);
    const limit = machine.field(ContextField.stackLimit);
    const entered = machine.enter("test_increment", 1n)[0] ?? 0n;
    assert.equal(realloc, 0n, "the lowering has no realloc");
    const [status = 0n] = machine.call("test_realloc", machine.context, 0n, 0n, 8n, 24n, out);
    inside = [entered, status, machine.interpreter.read(out, 4)];
    limits = [machine.field(ContextField.outermostFrame), limit, machine.field(ContextField.stackLimit)];
    machine.interpreter.write(values, 4, saved);
    return [0n];
  });
  assert.equal(m.enter("test_call", 1n, 7n)[0], 0n);
  assert.deepEqual(inside, [BigInt(HostStatus.instance_busy), 0n, 1024n]);
  assert.notEqual(limits[0], 0n);
  assert.equal(limits[1], limits[2], "the stack limit of the outer call");
  assert.equal(m.field(ContextField.outermostFrame), 0n);
  assert.equal(m.enter("test_increment", 1n)[0], 0n, "afterwards it can be entered again");
});

test("realloc's result is checked, its trap is a status", async () => {
  const m = await machine(addHost(5n));
  const out = m.scratch + 0x700n;
  const realloc = (size: bigint, align = 8n): bigint | undefined =>
    m.call("test_realloc", m.context, 0n, 0n, align, size, out)[0];
  assert.equal(realloc(8n), 0n);
  assert.equal(m.interpreter.read(out, 4), 1024n);
  assert.equal(realloc(13n, 1n), BigInt(Trap.realloc_failed), "out of bounds");
  const other = await machine(addHost(5n));
  assert.equal(other.call("test_realloc", other.context, 0n, 0n, 1n, 99n, out)[0], BigInt(Trap.unreachable));
});

test("post-return may not leave the instance", async () => {
  const m = await machine(addHost(5n));
  assert.equal(m.enter("test_counter")[0], 0n);
  assert.equal(m.enter("test_counter_post_return", 1n)[0], BigInt(Trap.cannot_leave_component));
});

test("memory.grow makes pages accessible and knows the maximum", async () => {
  const m = await machine(addHost(5n));
  const before = m.syscalls.length;
  assert.deepEqual(m.enter("test_grow", 3n).slice(0, 2), [0n, 1n]);
  assert.equal(m.syscalls.length, before + 1);
  assert.deepEqual(m.syscalls.at(-1)?.slice(0, 1), [10n]);
  assert.equal(m.syscalls.at(-1)?.[2], 3n * 65536n);
  assert.deepEqual(m.enter("test_grow", 0n).slice(0, 2), [0n, 4n]);
  assert.deepEqual(m.enter("test_grow", 65536n).slice(0, 2), [0n, 0xffff_ffffn]);
  assert.equal(m.syscalls.length, before + 1);
});

const TRAPPING = (fields: string): string => `
(component
  (core module $m (memory 1) (table 2 4 funcref) ${fields})
  (core instance (instantiate $m)))
`;

test("traps while instantiating give a status and leave nothing behind", async () => {
  const cases: [string, number][] = [
    [`(data (i32.const 65535) "ab")`, Trap.memory_out_of_bounds],
    [`(data (i32.const -1) "")`, Trap.memory_out_of_bounds],
    [`(elem (i32.const 1) func $f $f) (func $f)`, Trap.table_out_of_bounds],
    [`(start $f) (func $f unreachable)`, Trap.unreachable],
    [`(data (i32.const 65536) "") (elem (i32.const 2) func)`, 0],
    [`(global $g i32 (i32.const 4)) (data (i32.add (global.get $g) (i32.const 65528)) "1234")`, 0],
    [
      `(global $g i32 (i32.const 4)) (data (i32.add (global.get $g) (i32.const 65529)) "1234")`,
      Trap.memory_out_of_bounds,
    ],
  ];
  for (const [fields, trap] of cases) {
    const m = new Machine(await programOf(TRAPPING(fields)));
    assert.equal(m.create(), BigInt(trap), fields);
    const unmapped = m.syscalls.filter(([n]) => n === 11n);
    assert.equal(unmapped.length, trap === 0 ? 0 : 1, fields);
    assert.equal(m.interpreter.read(m.scratch, 8), trap === 0 ? m.context : 0n);
  }
});

test("the host ABI flat: plain arguments, and failure by a call", async () => {
  const program = await programOf(COMPONENT, {}, { hostAbi: "flat" });
  const m = new Machine(program);
  const status = m.create((machine, [context, data, x = 0n]) => {
    assert.equal(context, machine.context);
    assert.equal(data, 0xda7aa000n);
    if (x === 666n) machine.call("test_fail", machine.context, 0n);
    return [x * 2n];
  });
  assert.equal(status, 0n);
  assert.deepEqual(m.enter("test_call", 1n, 21n).slice(0, 2), [0n, 42n]);
  assert.equal(m.enter("test_call", 1n, 666n)[0], BigInt(Trap.host_function_failed));
});

test("the pointer of the options", async () => {
  const m = await machine(addHost(1n));
  m.setField(ContextField.user, 0x1234n);
  assert.deepEqual(m.call("test_user", m.context), [0x1234n]);
  assert.deepEqual(m.call("test_last_trap", m.context), [0n]);
});
