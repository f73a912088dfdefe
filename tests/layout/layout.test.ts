/** The layout tables: nothing overlaps, everything is aligned, and C has the same idea of the host's structures. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { allStatuses, HOST_STRUCTS } from "../../src/layout/host.ts";
import {
  ContextField,
  ExceptionCell,
  ExceptionState,
  GLOBAL_SIZE,
  GUARDED_RESERVATION,
  HANDLE_LIMIT,
  HandleEntry,
  HOST_ARENA_MAPPED,
  HOST_ARENA_SIZE,
  HOST_HEAP_MAPPED,
  HOST_HEAP_SIZE,
  HostHeap,
  HostResource,
  Lowering,
  MemoryDefinition,
  PAGE_SIZE,
  RESULT_AREA,
  RESULT_SLOT_SIZE,
  TableDefinition,
  TrapRecord,
  VMComponentOffsets,
} from "../../src/layout/offsets.ts";
import { needTool, runTool, scratchFolder } from "../support/tools.ts";

const count = fc.nat(5);

test("regions of the context and of the reservation do not overlap", () => {
  fc.assert(
    fc.property(
      count,
      count,
      count,
      fc.array(fc.record({ style: fc.constantFrom("guarded", "checked"), maxBytes: fc.nat(1 << 24) }), {
        maxLength: 4,
      }),
      fc.array(fc.record({ maxElements: fc.nat(5000) }), { maxLength: 4 }),
      fc.record({
        globals: count,
        passiveSegments: count,
        resultSlots: count,
        typedHost: fc.boolean(),
        exceptionPayload: fc.option(
          fc.nat(2000).map((n) => 8 * n),
          { nil: undefined },
        ),
      }),
      fc.array(fc.nat(20), { maxLength: 3 }),
      (lowerings, componentInstances, hostResources, memories, tables, rest, elementAreas) => {
        const o = new VMComponentOffsets({
          lowerings,
          componentInstances,
          hostResources,
          memories,
          tables,
          elementAreas,
          ...rest,
        });
        const areas: [number, number, number][] = [[RESULT_AREA, rest.resultSlots * RESULT_SLOT_SIZE, 16]];
        const each = (n: number, at: (i: number) => number, size: number, align: number): void => {
          for (let i = 0; i < n; i++) areas.push([at(i), size, align]);
          assert.throws(() => at(n), RangeError);
        };
        each(componentInstances, (i) => o.instanceFlags(i), 4, 4);
        each(componentInstances, (i) => o.instanceBorrows(i), 4, 4);
        each(componentInstances, (i) => o.instanceLenders(i), 4, 4);
        each(lowerings, (i) => o.lowering(i), Lowering.size, 16);
        each(hostResources, (i) => o.hostResource(i), HostResource.size, 16);
        each(memories.length, (i) => o.memoryDefinition(i), MemoryDefinition.size, 16);
        each(tables.length, (i) => o.tableDefinition(i), TableDefinition.size, 8);
        each(rest.globals, (i) => o.global(i), GLOBAL_SIZE, 16);
        each(rest.passiveSegments, (i) => o.passiveSegment(i), 4, 4);
        elementAreas.forEach((n, i) => {
          areas.push([o.elementArea(i), 8 * n, 8]);
        });
        if (rest.typedHost) areas.push([o.hostHeapState, HostHeap.size, 16]);
        areas.push([o.trap, TrapRecord.size, 16]);
        const { exceptionPayload } = rest;
        if (exceptionPayload === undefined) assert.throws(() => o.exceptionState, RangeError);
        else areas.push([o.exceptionState, ExceptionState.payload + exceptionPayload, 16]);
        for (const [at, size] of areas) assert.ok(at + size <= o.contextSize);
        const growing: [number, number, number][] = [];
        tables.forEach((t, i) => {
          assert.equal(o.isMappedTable(i), t.maxElements <= 8192);
          (o.isMappedTable(i) ? areas : growing).push([o.table(i), 8 * t.maxElements, PAGE_SIZE]);
        });
        if (rest.typedHost) {
          areas.push([o.hostHeap, HOST_HEAP_MAPPED, PAGE_SIZE]);
          assert.ok(o.hostArena + HOST_ARENA_MAPPED <= o.eagerSize);
          growing.push([o.hostHeapMore, HOST_HEAP_SIZE, PAGE_SIZE]);
        }
        // One row of the area for all tables holds the entries with one index, each somewhere else.
        const { handleArea, handleStride, handleStep } = o;
        const owners = componentInstances + (rest.typedHost ? 1 : 0);
        const first = Array.from({ length: componentInstances }, (_, i) => o.handleTable(i));
        if (rest.typedHost) first.push(o.hostHandles);
        assert.throws(() => o.handleTable(componentInstances), RangeError);
        assert.deepEqual(
          first,
          first.map((_, i) => handleArea.at + HandleEntry.size * i),
        );
        assert.ok(owners * HandleEntry.size <= handleStride && handleStep % handleStride === 0);
        assert.equal(handleArea.bytes, owners === 0 ? 0 : HANDLE_LIMIT * handleStride);
        growing.push([handleArea.at, handleArea.bytes, PAGE_SIZE]);
        if (exceptionPayload !== undefined) {
          assert.ok(o.exceptionLimit > 0);
          growing.push([
            o.exceptionCells,
            (o.exceptionLimit + 1) * (ExceptionCell.payload + exceptionPayload),
            PAGE_SIZE,
          ]);
        }
        for (const [at, size] of areas) assert.ok(at + size <= o.eagerSize);
        for (const [at] of growing) assert.ok(at >= o.eagerSize);
        if (rest.typedHost) areas.push([o.hostArena, HOST_ARENA_SIZE, PAGE_SIZE]);
        areas.push(...growing);
        memories.forEach((m, i) => {
          areas.push([o.memory(i), m.style === "guarded" ? GUARDED_RESERVATION : m.maxBytes + 1, PAGE_SIZE]);
        });
        areas.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        let end = Math.max(...Object.values(ContextField)) + 8;
        for (const [at, size, align] of areas) {
          assert.equal(at % align, 0);
          assert.ok(size === 0 || at >= end, `${at} lies before ${end}`);
          end = Math.max(end, at + size);
        }
        assert.ok(end <= o.regionSize);
        assert.equal(o.regionSize % PAGE_SIZE, 0);
      },
    ),
  );
});

test("C has the same offsets and sizes", (t) => {
  const cc = needTool(t, "cc", "gcc", "clang");
  if (cc === undefined) return;
  const lines = ["#include <stddef.h>", "#include <stdint.h>", "typedef int32_t windlass_callee_t(void);"];
  for (const s of HOST_STRUCTS) {
    const members = s.fields.map((f) => `  ${f.declaration.replace("%", f.name)};`);
    lines.push(`typedef ${s.union ? "union" : "struct"} {`, ...members, `} ${s.name};`);
    lines.push(`_Static_assert(sizeof(${s.name}) == ${s.size}, "size of ${s.name}");`);
    for (const f of s.fields) {
      lines.push(`_Static_assert(offsetof(${s.name}, ${f.name}) == ${f.offset}, "offset of ${s.name}.${f.name}");`);
      lines.push(`_Static_assert(sizeof(((${s.name} *)0)->${f.name}) == ${f.size}, "size of ${s.name}.${f.name}");`);
    }
  }
  const folder = scratchFolder(t);
  const source = join(folder, "layout.c");
  writeFileSync(source, `${lines.join("\n")}\nint main(void) { return 0; }\n`);
  runTool(cc, ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", source, "-o", join(folder, "layout.o")]);
});

test("statuses are distinct", () => {
  const all = allStatuses();
  assert.equal(new Set(all.map((s) => s.value)).size, all.length);
  assert.equal(new Set(all.map((s) => s.name)).size, all.length);
  assert.equal(all[0]?.value, 0);
});
