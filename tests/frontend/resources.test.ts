/** Resource trampolines and the intrinsics of the built-in WASI, interpreted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entity } from "../../src/base/entity.ts";
import { ProgramEnvironment } from "../../src/frontend/program-environment.ts";
import { Emitter } from "../../src/frontend/structured.ts";
import type { Value } from "../../src/ir/function.ts";
import { I32, I64, type Type } from "../../src/ir/types.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { ContextField, HandleEntry, InstanceFlag, MemoryDefinition, TrapRecord } from "../../src/layout/offsets.ts";
import { Trap } from "../../src/layout/traps.ts";
import type { CoreInstanceIndex } from "../../src/plan/component.ts";
import { TrapError } from "../support/ir-interpreter.ts";
import { Machine, programOf } from "./world.ts";

const COMPONENT = `
(component
  (import "host-thing" (type $host (sub resource)))
  (core module $d
    (global $last (mut i32) (i32.const 0))
    (func (export "dtor") (param i32) (global.set $last (local.get 0)))
    (func (export "last") (result i32) (global.get $last)))
  (core instance $d (instantiate $d))
  (type $r (resource (rep i32) (dtor (core func $d "dtor"))))
  (type $plain (resource (rep i32)))
  (core func $new (canon resource.new $r))
  (core func $rep (canon resource.rep $r))
  (core func $drop (canon resource.drop $r))
  (core func $new-plain (canon resource.new $plain))
  (core func $drop-plain (canon resource.drop $plain))
  (core func $drop-host (canon resource.drop $host))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "rep" (func $rep (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "new-plain" (func $new-plain (param i32) (result i32)))
    (import "" "drop-plain" (func $drop-plain (param i32)))
    (import "" "drop-host" (func $drop-host (param i32)))
    (func (export "new") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "rep") (param i32) (result i32) (call $rep (local.get 0)))
    (func (export "drop") (param i32) (call $drop (local.get 0)))
    (func (export "new-plain") (param i32) (result i32) (call $new-plain (local.get 0)))
    (func (export "drop-plain") (param i32) (call $drop-plain (local.get 0)))
    (func (export "drop-host") (param i32) (call $drop-host (local.get 0))))
  (core instance $m (instantiate $m (with "" (instance
    (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))
    (export "new-plain" (func $new-plain)) (export "drop-plain" (func $drop-plain))
    (export "drop-host" (func $drop-host))))))
  (func (export "make") (param "rep" u32) (result u32) (canon lift (core func $m "new")))
  (func (export "rep") (param "handle" u32) (result u32) (canon lift (core func $m "rep")))
  (func (export "drop") (param "handle" u32) (canon lift (core func $m "drop")))
  (func (export "make-plain") (param "rep" u32) (result u32) (canon lift (core func $m "new-plain")))
  (func (export "drop-plain") (param "handle" u32) (canon lift (core func $m "drop-plain")))
  (func (export "drop-host") (param "handle" u32) (canon lift (core func $m "drop-host")))
  (func (export "last") (result u32) (canon lift (core func $d "last"))))
`;

async function machine(): Promise<Machine> {
  const m = new Machine(await programOf(COMPONENT));
  assert.equal(m.create(), 0n);
  return m;
}

const value = (out: readonly bigint[]): bigint => {
  assert.equal(out[0], 0n);
  return out[1] ?? -1n;
};

test("resource.new, rep, drop", async () => {
  const m = await machine();
  assert.equal(value(m.enter("test_make", 77n)), 1n);
  assert.equal(value(m.enter("test_make_plain", 5n)), 2n);
  assert.equal(value(m.enter("test_make", 78n)), 3n);
  assert.equal(value(m.enter("test_rep", 1n)), 77n);
  assert.equal(value(m.enter("test_rep", 3n)), 78n);
  assert.equal(m.enter("test_drop", 1n)[0], 0n);
  assert.equal(value(m.enter("test_last")), 77n, "the destructor ran");
  assert.equal(m.enter("test_drop_plain", 2n)[0], 0n);
  assert.equal(value(m.enter("test_make", 79n)), 2n, "the last freed index first");
  assert.equal(value(m.enter("test_make", 80n)), 1n);
});

test("wrong handles are traps", async () => {
  for (const [entry, handle, trap] of [
    ["test_rep", 0n, Trap.unknown_handle],
    ["test_rep", 2n, Trap.unknown_handle],
    ["test_rep", 0xffff_ffffn, Trap.unknown_handle],
    ["test_drop_plain", 1n, Trap.handle_type_mismatch],
    ["test_drop_host", 1n, Trap.handle_type_mismatch],
  ] as const) {
    const m = await machine();
    assert.equal(value(m.enter("test_make", 77n)), 1n);
    assert.equal(m.enter(entry, handle)[0], BigInt(trap), `${entry} ${handle}`);
  }
  const m = await machine();
  assert.equal(value(m.enter("test_make", 77n)), 1n);
  assert.equal(m.enter("test_drop", 1n)[0], 0n);
  assert.equal(m.enter("test_drop", 1n)[0], BigInt(Trap.unknown_handle), "twice");
});

test("a lent handle can't be dropped; a borrowed one gives back its count", async () => {
  const m = await machine();
  assert.equal(value(m.enter("test_make", 77n)), 1n);
  const table = m.program.offsets.handleTable(0);
  m.setField(table + HandleEntry.size + HandleEntry.link, 1n, 4);
  assert.equal(m.enter("test_drop", 1n)[0], BigInt(Trap.handle_lent));

  const b = await machine();
  assert.equal(value(b.enter("test_make", 77n)), 1n);
  const scope = b.program.offsets.trap + TrapRecord.text + 64;
  b.setField(scope, 3n, 4);
  const tag = b.field(table + HandleEntry.size + HandleEntry.tag, 4);
  b.setField(table + HandleEntry.size + HandleEntry.tag, (tag & ~3n) | 2n, 4);
  b.setField(table + HandleEntry.size + HandleEntry.link, BigInt(scope), 4);
  assert.equal(b.enter("test_drop", 1n)[0], 0n);
  assert.equal(b.field(scope, 4), 2n);
  assert.equal(value(b.enter("test_last")), 0n, "a borrowed handle has no destructor");
});

test("the host's destructor gets its data and the representation", async () => {
  const seen: bigint[] = [];
  const m = new Machine(await programOf(COMPONENT));
  const destructor = (_m: Machine, [data = 0n, rep = 0n]: bigint[]): bigint[] => {
    seen.push(data, rep);
    return [];
  };
  assert.equal(m.create(destructor), 0n);
  const table = BigInt(m.program.offsets.handleTable(0));
  const resource = [...m.program.component.resources.entries()].find(([, r]) => r.kind === "host")?.[0];
  assert.ok(resource !== undefined);
  const args = [m.context, m.context + table, (BigInt(resource) << 2n) | 1n, 0xdead_beef_0000_0001n];
  const [handle = 0n] = m.interpreter.call(m.program.support("handle_new"), args);
  assert.equal(m.enter("test_drop_host", handle)[0], 0n);
  assert.deepEqual(seen, [0xda7aa000n, 0xdead_beef_0000_0001n]);
});

test("the instance must be allowed to leave", async () => {
  const m = await machine();
  m.setField(m.program.offsets.instanceFlags(0), 0n, 4);
  assert.equal(m.enter("test_make", 1n)[0], BigInt(Trap.cannot_leave_component));
});

const GUEST = `
(component
  (core module $m
    (memory (export "memory") 1 2)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local.get 0)))
  (core module $n (func (export "f") (param i32 i32)))
  (core instance $m (instantiate $m))
  (core instance $n (instantiate $n))
  (func (export "f") (param "s" string)
    (canon lift (core func $n "f") (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))
`;

/** Calls an intrinsic in a function of its own. */
function intrinsic(
  m: Machine,
  name: string,
  params: readonly Type[],
  result: Type | undefined,
  ...args: bigint[]
): bigint {
  const results = result === undefined ? [] : [result];
  const signature = { params: [I64, ...params], results, convention: "wasm" } as const;
  const e = Emitter.start(name, signature, { stackCheck: false, entry: false });
  const env = new ProgramEnvironment(m.program, entity<CoreInstanceIndex>(0));
  const out: readonly Value[] = env.expandIntrinsic(e.builder, name, e.params);
  if (e.open) e.return(...out);
  const func = e.finish();
  assert.deepEqual(verifyFunc(func), []);
  return m.interpreter.run(func, [m.context, ...args])[0] ?? -1n;
}

test("a guest's pointers are checked", async () => {
  const m = new Machine(await programOf(GUEST));
  assert.equal(m.create(), 0n);
  const address = (pointer: bigint, length: bigint, align: bigint): bigint =>
    intrinsic(m, "guest_address", [I32, I32, I32], I64, pointer, length, align);
  assert.throws(() => address(0n, 0n, 1n), new TrapError(Trap.invalid_pointer), "no guest is calling");
  m.setField(ContextField.currentMemory, m.context + BigInt(m.program.offsets.memoryDefinition(0)));
  const base = m.field(m.program.offsets.memoryDefinition(0) + MemoryDefinition.base);
  assert.equal(address(16n, 65520n, 8n), base + 16n);
  assert.equal(address(65536n, 0n, 4n), base + 65536n);
  for (const [pointer, length, align] of [
    [65536n, 1n, 1n],
    [0n, 65537n, 1n],
    [0xffff_ffffn, 1n, 1n],
    [0xffff_fff8n, 0xffff_ffffn, 8n],
    [4n, 4n, 8n],
    [1n, 1n, 2n],
  ] as const) {
    assert.throws(() => address(pointer, length, align), new TrapError(Trap.invalid_pointer));
  }
});

test("a guest's realloc may not leave, and its result is checked", async () => {
  const m = new Machine(await programOf(GUEST));
  assert.equal(m.create(), 0n);
  const { offsets } = m.program;
  const realloc = (old: bigint, align: bigint, size: bigint): bigint =>
    intrinsic(m, "guest_realloc", [I32, I32, I32, I32], I32, old, 0n, align, size);
  m.setField(ContextField.currentMemory, m.context + BigInt(offsets.memoryDefinition(0)));
  assert.throws(() => realloc(8n, 8n, 8n), new TrapError(Trap.realloc_failed), "the guest has none");
  let flags = 0n;
  const guest = m.host((machine, [context, old = 0n]) => {
    assert.equal(context, machine.context);
    flags = machine.field(offsets.instanceFlags(0), 4);
    return [old];
  });
  m.setField(ContextField.currentRealloc, guest);
  m.setField(ContextField.currentFlags, m.context + BigInt(offsets.instanceFlags(0)));
  assert.equal(realloc(64n, 8n, 100n), 64n);
  assert.equal(flags, 0n);
  assert.equal(m.field(offsets.instanceFlags(0), 4), BigInt(InstanceFlag.mayLeave));
  assert.throws(() => realloc(4n, 8n, 8n), new TrapError(Trap.unaligned_realloc));
  assert.throws(() => realloc(65528n, 8n, 9n), new TrapError(Trap.realloc_failed));
});

test("exit, trap, raw access, resources that nobody has", async () => {
  const m = new Machine(await programOf(GUEST));
  assert.equal(m.create(), 0n);
  assert.throws(() => intrinsic(m, "exit", [I32], undefined, 42n), new TrapError(Trap.exit));
  assert.equal(m.field(m.program.offsets.trap + TrapRecord.exitStatus, 4), 42n);
  assert.throws(
    () => intrinsic(m, "trap", [I32], undefined, BigInt(Trap.invalid_utf8)),
    new TrapError(Trap.invalid_utf8),
  );
  intrinsic(m, "store64", [I64, I64], undefined, m.scratch, 0x1122_3344_5566_7788n);
  assert.equal(intrinsic(m, "load8_u", [I64], I32, m.scratch), 0x88n);
  assert.equal(intrinsic(m, "load16_u", [I64], I32, m.scratch), 0x7788n);
  assert.equal(intrinsic(m, "load32_u", [I64], I32, m.scratch), 0x5566_7788n);
  assert.equal(intrinsic(m, "load64", [I64], I64, m.scratch), 0x1122_3344_5566_7788n);
  const name = "wasi:io/streams/output-stream";
  for (const what of ["resource_new", "resource_rep", "resource_take"]) {
    assert.throws(() => intrinsic(m, `${what} ${name}`, [I32], undefined, 1n), new TrapError(Trap.unknown_handle));
  }
});
