/** Support functions, interpreted: search, numbers, the text of a trap, block copies, handle tables against a model. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { buildFunction } from "../../src/frontend/build.ts";
import { handleTag } from "../../src/frontend/handles.ts";
import { LOC_INLINED } from "../../src/codegen/compiled.ts";
import {
  callTableBytes,
  type FunctionRows,
  functionTableBytes,
  inlinedTableBytes,
  TextRows,
  trapTableBytes,
} from "../../src/frontend/link-data.ts";
import { enumerateProgram, type Program } from "../../src/frontend/program.ts";
import type { DataSymbol, FuncSymbol } from "../../src/ir/function.ts";
import {
  ContextField,
  HANDLE_BORROW,
  HANDLE_OWN,
  HandleEntry,
  InstanceState,
  TRAP_TEXT_SIZE,
  TrapRecord,
} from "../../src/layout/offsets.ts";
import { Trap } from "../../src/layout/traps.ts";
import { Interpreter, MEMORY_BASE, TEXT_BASE, TrapError } from "../support/ir-interpreter.ts";
import { fakeLayout, NO_ROWS, programOf } from "./world.ts";

let program: Program;
before(async () => {
  program = await programOf(`(component (core module $m (func $f)) (core instance (instantiate $m)))`);
});

const CONTEXT = MEMORY_BASE + 0x8_0000n;

function interpreter(data?: (symbol: DataSymbol) => bigint): Interpreter {
  const cache = new Map<FuncSymbol, ReturnType<typeof buildFunction>>();
  return new Interpreter({
    resolve: (symbol) => {
      let func = cache.get(symbol);
      if (func === undefined) {
        func = buildFunction(program, symbol);
        cache.set(symbol, func);
      }
      return func;
    },
    ...(data === undefined ? {} : { dataAddress: data }),
  });
}

test("find_row gives the last row that is not greater", () => {
  const machine = interpreter();
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(100)), fc.nat(110), (unsorted, key) => {
      const keys = unsorted.sort((a, b) => a - b);
      machine.write(MEMORY_BASE, 4, BigInt(keys.length));
      keys.forEach((k, i) => {
        machine.write(MEMORY_BASE + 16n + 4n * BigInt(i), 4, BigInt(k));
      });
      const [row = 0n] = machine.call(program.support("find_row"), [MEMORY_BASE, BigInt(key)]);
      assert.equal(
        Number(BigInt.asIntN(32, row)),
        keys.findLastIndex((k) => k <= key),
      );
    }),
  );
});

test("numbers", () => {
  const machine = interpreter();
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(10, 16), (value, base) => {
      const args = [MEMORY_BASE, MEMORY_BASE + 100n, value, BigInt(base)];
      const [end = 0n] = machine.call(program.support("append_number"), args);
      machine.write(end, 1, 0n);
      assert.equal(machine.cstring(MEMORY_BASE), value.toString(base));
    }),
  );
});

test("text stops at its limit", () => {
  const machine = interpreter();
  machine.put(MEMORY_BASE, new TextEncoder().encode("0123456789\0"));
  const [end] = machine.call(program.support("append_text"), [MEMORY_BASE + 64n, MEMORY_BASE + 68n, MEMORY_BASE]);
  assert.equal(end, MEMORY_BASE + 68n);
  assert.equal(machine.read(MEMORY_BASE + 68n, 1), 0n);
});

test("memory_copy is memmove", () => {
  const machine = interpreter();
  fc.assert(
    fc.property(
      fc.nat(64),
      fc.nat(64),
      fc.nat(64),
      fc.uint8Array({ minLength: 128, maxLength: 128 }),
      (to, from, length, bytes) => {
        machine.put(MEMORY_BASE, bytes);
        const args = [0n, MEMORY_BASE + BigInt(to), MEMORY_BASE + BigInt(from), BigInt(length)];
        machine.call(program.support("memory_copy"), args);
        const expected = bytes.slice().copyWithin(to, from, from + length);
        assert.deepEqual(machine.memory.slice(0, 128), expected);
      },
    ),
  );
});

/** Rows of functions for a program whose functions have 16 bytes each. */
function rowsWith(rows: ReadonlyMap<number, Partial<FunctionRows>>): TextRows {
  const all = new TextRows();
  for (const symbol of program.functions.keys()) all.add(16 * symbol, { ...NO_ROWS, ...rows.get(symbol) });
  return all;
}

test("the text of a trap names functions and places", () => {
  const f = program.functions.size - 1;
  const rows = rowsWith(
    new Map([
      [f - 1, { callOffset: Uint32Array.of(5, 9), callLoc: Uint32Array.of(0x77, 0) }],
      // The call at 5 was in function 1, whose body is in place of a call in function 2, which is in place of one at 0x11.
      [
        f - 2,
        {
          callOffset: Uint32Array.of(3),
          callLoc: Uint32Array.of(LOC_INLINED + 0x7fff_fffe),
          inlinedFunction: Uint32Array.of(2, 1),
          inlinedLoc: Uint32Array.of(0x22, 0x33),
          inlinedCall: Uint32Array.of(0x11, LOC_INLINED + 0x7fff_ffff),
        },
      ],
      [f, { trapOffset: Uint32Array.of(7), trapCode: Uint8Array.of(Trap.unreachable), trapLoc: Uint32Array.of(0x1f3) }],
    ]),
  );
  const layout = { ...fakeLayout(program), rows };
  const places = new Map<DataSymbol, bigint>([
    [program.trapTable, MEMORY_BASE],
    [program.callTable, MEMORY_BASE + 0x1000n],
    [program.functionTable, MEMORY_BASE + 0x2000n],
    [program.inlinedTable, MEMORY_BASE + 0x7000n],
    [program.messages, MEMORY_BASE + 0x8000n],
  ]);
  const machine = interpreter((symbol) => places.get(symbol) ?? 0n);
  machine.put(MEMORY_BASE, trapTableBytes(layout));
  machine.put(MEMORY_BASE + 0x1000n, callTableBytes(layout));
  machine.put(MEMORY_BASE + 0x2000n, functionTableBytes(program, layout));
  machine.put(MEMORY_BASE + 0x7000n, inlinedTableBytes(layout));
  const { content } = program.data.get(program.messages);
  assert.ok(content.kind === "bytes");
  machine.put(MEMORY_BASE + 0x8000n, content.bytes);

  const trap = CONTEXT + BigInt(program.offsets.trap);
  const frames = [
    TEXT_BASE + 16n * BigInt(f) + 7n,
    TEXT_BASE + 16n * BigInt(f - 1) + 5n,
    TEXT_BASE + 16n * BigInt(f - 1) + 9n,
    TEXT_BASE + 16n * BigInt(f - 2) + 3n,
  ];
  const record = (code: number, all: readonly bigint[]): string => {
    machine.write(CONTEXT + BigInt(ContextField.self), 8, CONTEXT + BigInt(InstanceState.trapped));
    machine.write(trap + BigInt(TrapRecord.code), 4, BigInt(code));
    machine.write(trap + BigInt(TrapRecord.frameCount), 4, BigInt(all.length));
    machine.write(trap + BigInt(TrapRecord.text), 1, 0n);
    all.forEach((pc, i) => {
      machine.write(trap + BigInt(TrapRecord.frames + 8 * i), 8, pc);
    });
    const [text = 0n] = machine.call(program.functions.symbolOf({ kind: "api", name: "last_trap" }), [CONTEXT]);
    assert.equal(
      machine.call(program.functions.symbolOf({ kind: "api", name: "last_trap" }), [CONTEXT])[0],
      text,
      "the second time it is there already",
    );
    return machine.cstring(text);
  };
  const name = (i: number): string => program.functions.values()[i]?.name ?? "";
  assert.equal(
    record(Trap.unreachable, frames),
    `wasm trap: unreachable\nwasm backtrace:\n    0: ${name(f)} (offset 0x1f3)\n    1: ${name(f - 1)} (offset 0x77)\n    2: ${name(f - 1)}\n    3: ${name(1)} (offset 0x33)\n    4: ${name(2)} (offset 0x22)\n    5: ${name(f - 2)} (offset 0x11)\n`,
  );
  assert.match(record(Trap.exit, []), /^wasm trap: exit\nwasm backtrace:\n$/);
  // 64 frames of a long name would be longer than the text.
  const long = record(Trap.unreachable, new Array<bigint>(64).fill(frames[0] ?? 0n));
  assert.ok(long.length < TRAP_TEXT_SIZE && long.endsWith("\n"));
});

test("an instance that has not trapped has no text", () => {
  const machine = interpreter();
  assert.deepEqual(machine.call(program.functions.symbolOf({ kind: "api", name: "last_trap" }), [CONTEXT]), [0n]);
  assert.deepEqual(machine.call(program.functions.symbolOf({ kind: "api", name: "last_trap" }), [0n]), [0n]);
});

interface ModelHandle {
  own: boolean;
  resource: number;
  rep: bigint;
}

/** Indices as the Canonical ABI gives them: the last freed one first. */
class ModelTable {
  readonly handles: (ModelHandle | undefined)[] = [undefined];
  readonly free: number[] = [];
  add(handle: ModelHandle): number {
    const index = this.free.pop() ?? this.handles.length;
    this.handles[index] = handle;
    return index;
  }
  find(index: number, resource: number): ModelHandle {
    const handle = this.handles[index];
    if (handle === undefined) throw new TrapError(Trap.unknown_handle);
    if (handle.resource !== resource) throw new TrapError(Trap.handle_type_mismatch);
    return handle;
  }
  take(index: number, resource: number): ModelHandle {
    const handle = this.find(index, resource);
    if (!handle.own) throw new TrapError(Trap.handle_type_mismatch);
    this.handles[index] = undefined;
    this.free.push(index);
    return handle;
  }
}

/** Where a trap leaves the index of the handle. */
const TRAP_CONTEXT = MEMORY_BASE + 0x1_0000n;

const outcome = (run: () => bigint | number): string => {
  try {
    return String(run());
  } catch (error) {
    if (error instanceof TrapError) return error.message;
    throw error;
  }
};

test("handle tables do what the model does", () => {
  const action = fc.record({
    what: fc.constantFrom("new", "new", "borrow", "rep", "take"),
    index: fc.oneof(fc.nat(6), fc.constant(-1), fc.nat()),
    resource: fc.nat(1),
    rep: fc.bigInt(0n, 2n ** 64n - 1n),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const machine = interpreter();
      const table = MEMORY_BASE + 64n;
      const model = new ModelTable();
      for (const { what, index, resource, rep } of actions) {
        if (what === "new" || what === "borrow") {
          const own = what === "new";
          const tag = BigInt(handleTag(own ? HANDLE_OWN : HANDLE_BORROW, resource));
          const real = outcome(
            () => machine.call(program.support("handle_new"), [TRAP_CONTEXT, table, tag, rep])[0] ?? -1n,
          );
          assert.equal(real, String(model.add({ own, resource, rep })));
        } else {
          const support = what === "rep" ? "handle_rep" : "handle_take";
          const args = [TRAP_CONTEXT, table, BigInt(resource), BigInt(index)];
          const real = outcome(() => machine.call(program.support(support), args)[0] ?? -1n);
          const expected = outcome(
            () => (what === "rep" ? model.find(index, resource) : model.take(index, resource)).rep,
          );
          assert.equal(real, expected);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("a lent handle can't be taken", () => {
  const machine = interpreter();
  const table = MEMORY_BASE + 64n;
  const [index = 0n] = machine.call(program.support("handle_new"), [0n, table, BigInt(handleTag(HANDLE_OWN, 3)), 9n]);
  machine.write(table + 16n * index + BigInt(HandleEntry.link), 4, 1n);
  const take = (): bigint[] => machine.call(program.support("handle_take"), [0n, table, 3n, index]);
  assert.throws(take, new TrapError(Trap.handle_lent));
  machine.write(table + 16n * index + BigInt(HandleEntry.link), 4, 0n);
  assert.deepEqual(take(), [9n]);
});

test("an executable needs wasi:cli/run", () => {
  assert.throws(
    () => enumerateProgram(program.component, { name: "x", prefix: "x", output: "executable" }),
    /does not export wasi:cli\/run/,
  );
});
