/** A C host and a component with a 64-bit memory: pointers, lengths and `realloc` are 64 bits wide in both directions. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "../support/sandbox.ts";
import { needTool, needX64Linux, runTool, scratchFolder } from "../support/tools.ts";
import { assemble } from "../support/wat.ts";

const WIDE = `
(component
  (import "shout" (func $shout (param "s" string) (result string)))
  (core module $Libc
    (memory (export "mem") i64 1)
    (global $top (mut i64) (i64.const 1024))
    (func (export "realloc") (param i64 i64 i64 i64) (result i64)
      (if (i64.eq (local.get 3) (i64.const 99)) (then (return (i64.const 0x7fff_ffff_0000))))
      (global.set $top (i64.add (global.get $top) (local.get 3)))
      (i64.sub (global.get $top) (local.get 3))))
  (core instance $libc (instantiate $Libc))
  (core func $shout' (canon lower (func $shout) (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))))
  (core module $M
    (import "" "shout" (func $shout (param i64 i64 i64)))
    (func (export "run") (param i64 i64) (result i64)
      (call $shout (local.get 0) (local.get 1) (i64.const 16))
      (i64.const 16)))
  (core instance $m (instantiate $M (with "" (instance (export "shout" (func $shout'))))))
  (func (export "run") (param "s" string) (result string)
    (canon lift (core func $m "run") (memory (core memory $libc "mem")) (realloc (core func $libc "realloc")))))`;

const HOST = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wide.h"
#define CHECK(c) do { if (!(c)) { printf("line %d: %s\\n", __LINE__, #c); exit(1); } } while (0)

static windlass_status_t shout(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                               int32_t encoding, windlass_val_raw_t *v, size_t n) {
  windlass_realloc64_t *allocate = (windlass_realloc64_t *)(void (*)(void))realloc;
  CHECK(n == 3 && encoding == 0 && data == NULL);
  uint64_t from = v[0].i64, length = v[1].i64, out = v[2].i64, at;
  if (length == 7) {
    CHECK(allocate(vmctx, 0, 0, 1, 99, &at) == WINDLASS_TRAP_REALLOC_FAILED);
    return 1;
  }
  CHECK(allocate(vmctx, 0, 0, 1, length + 1, &at) == 0);
  memcpy(memory->base + at, memory->base + from, length);
  memory->base[at + length] = '!';
  length++;
  memcpy(memory->base + out, &at, 8);
  memcpy(memory->base + out + 8, &length, 8);
  return 0;
}

static windlass_status_t run(wide_t *wide, const char *text, char *result) {
  windlass_val_raw_t v[2];
  uint64_t at, pair[2];
  memset(v, 0, sizeof v);
  CHECK(wide_realloc(wide, 0, 0, 1, strlen(text), &at) == 0);
  memcpy(wide_memory(wide)->base + at, text, strlen(text));
  v[0].i64 = at;
  v[1].i64 = strlen(text);
  windlass_status_t status = wide_run(wide, v, 2);
  if (status != 0) return status;
  memcpy(pair, wide_memory(wide)->base + v[0].i64, sizeof pair);
  memcpy(result, wide_memory(wide)->base + pair[0], pair[1]);
  result[pair[1]] = 0;
  return 0;
}

int main(void) {
  wide_imports_t imports;
  wide_t *wide = NULL;
  char result[64];
  memset(&imports, 0, sizeof imports);
  imports.shout.callee = shout;
  CHECK(wide_new(&imports, NULL, &wide) == 0);
  CHECK(run(wide, "hello", result) == 0);
  printf("%s\\n", result);
  windlass_status_t status = run(wide, "1234567", result);
  CHECK(status == WINDLASS_TRAP_HOST_FUNCTION_FAILED || status == WINDLASS_TRAP_REALLOC_FAILED);
  wide_delete(wide);
  return 0;
}
`;

const TYPED_HOST = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wide.h"
#define CHECK(c) do { if (!(c)) { printf("line %d: %s\\n", __LINE__, #c); exit(1); } } while (0)

static windlass_status_t shout(void *data, windlass_call_t *call, wide_string_t s, wide_string_t *out) {
  char *text = windlass_call_alloc(call, s.len + 1);
  CHECK(data == NULL);
  memcpy(text, s.ptr, s.len);
  text[s.len] = '!';
  out->ptr = text;
  out->len = s.len + 1;
  return 0;
}

int main(void) {
  wide_imports_t imports;
  wide_t *wide = NULL;
  wide_string_t hello = {"hello", 5}, result;
  memset(&imports, 0, sizeof imports);
  imports.shout = shout;
  CHECK(wide_new(&imports, NULL, &wide) == 0);
  CHECK(wide_run(wide, hello, &result) == 0);
  printf("%.*s\\n", (int)result.len, result.ptr);
  CHECK(wide_string_drop(wide, &result) == 0);
  hello.ptr = "a string of ninety-nine bytes, for which the component's allocator gives an address that is too high";
  hello.len = 99;
  CHECK(wide_run(wide, hello, &result) == WINDLASS_TRAP_STRING_OUT_OF_BOUNDS);
  wide_delete(wide);
  return 0;
}
`;

for (const [hostAbi, host] of [
  ["dynamic", HOST],
  ["typed", TYPED_HOST],
] as const) {
  test(`a host calls, and is called by, a component with a 64-bit memory: host ABI ${hostAbi}`, async (t) => {
    const cc = needTool(t, "cc", "gcc", "clang");
    if (cc === undefined || !needX64Linux(t)) return;
    const folder = scratchFolder(t);
    const options = { name: "wide", output: "object", hostAbi, verify: true } as const;
    const { bytes, header } = await compile(await assemble(WIDE), options);
    writeFileSync(join(folder, "wide.o"), bytes);
    writeFileSync(join(folder, "wide.h"), header);
    writeFileSync(join(folder, "host.c"), host);
    const program = join(folder, "host");
    const warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror"];
    runTool(cc, [...warnings, "-O1", "host.c", "wide.o", "-o", program], folder);
    assert.equal(runTool(program, []), "hello!\n");
  });
}
