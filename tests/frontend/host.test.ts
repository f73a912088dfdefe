/**
 * A C host against objects of small components, natively: traps by check and by fault, stack limits, signals that are not ours, several
 * instances and several objects in one process.
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { compile } from "../support/sandbox.ts";
import { needTool, needX64Linux, runTool, scratchFolder } from "../support/tools.ts";
import { assemble } from "../support/wat.ts";

const FAULTS = `
(component
  (import "host" (func $host (param "x" u32) (result u32)))
  (core func $lowered (canon lower (func $host)))
  (core module $m
    (import "" "host" (func $host (param i32) (result i32)))
    (memory 1 2)
    (table 2 2 funcref)
    (func $load (param i32) (result i32) (i32.load offset=16 (local.get 0)))
    (func (export "load") (param i32) (result i32) (call $load (local.get 0)))
    (func $deep (export "deep") (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
        (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
    (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
    (func (export "call-null") (result i32) (call_indirect (result i32) (i32.const 1)))
    (func (export "call-host") (param i32) (result i32) (call $host (local.get 0))))
  (core instance $m (instantiate $m (with "" (instance (export "host" (func $lowered))))))
  (func (export "load") (param "at" u32) (result u32) (canon lift (core func $m "load")))
  (func (export "deep") (param "n" u32) (result u32) (canon lift (core func $m "deep")))
  (func (export "divide") (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $m "divide")))
  (func (export "call-null") (result u32) (canon lift (core func $m "call-null")))
  (func (export "call-host") (param "x" u32) (result u32) (canon lift (core func $m "call-host")))
  (export "host-again" (func $host)))
`;

const PRELUDE = `
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "one.h"
#include "two.h"
#define CHECK(c) do { if (!(c)) { printf("line %d: %s\\n", __LINE__, #c); exit(1); } } while (0)

static windlass_status_t host(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
                              int32_t encoding, windlass_val_raw_t *v, size_t n) {
  (void)vmctx; (void)memory; (void)realloc; (void)encoding; (void)n;
  if (v[0].i32 == 666) return 5;
  v[0].i32 += *(uint32_t *)data;
  return 0;
}
static uint32_t addend = 100;
static one_t *make_one(size_t budget) {
  one_imports_t imports = {0};
  windlass_options_t options = {0};
  imports.host.callee = host;
  imports.host.data = &addend;
  options.size = sizeof options;
  options.stack_budget = budget;
  one_t *out = NULL;
  CHECK(one_new(&imports, &options, &out) == 0 && out);
  return out;
}
static two_t *make_two(void) {
  two_t *out = NULL;
  CHECK(two_new(NULL, NULL, &out) == 0 && out);
  return out;
}
static windlass_status_t one1(windlass_status_t (*f)(one_t *, windlass_val_raw_t *, size_t), one_t *i, uint32_t a, uint32_t b, uint32_t *out) {
  windlass_val_raw_t v[2];
  memset(v, 0, sizeof v);
  v[0].i32 = a; v[1].i32 = b;
  windlass_status_t s = f(i, v, 2);
  if (out) *out = v[0].i32;
  return s;
}
`;

/** Compiles two components, builds `body` as the host and runs it. */
async function runHost(t: TestContext, body: string, flags: readonly string[] = []): Promise<string | undefined> {
  const cc = needTool(t, "cc", "gcc", "clang");
  if (cc === undefined || !needX64Linux(t)) return undefined;
  const folder = scratchFolder(t);
  const bytes = await assemble(FAULTS);
  for (const name of ["one", "two"]) {
    const { bytes: object, header } = await compile(bytes, {
      name,
      output: "object",
      hostAbi: "dynamic",
      verify: true,
    });
    writeFileSync(join(folder, `${name}.o`), object);
    writeFileSync(join(folder, `${name}.h`), header);
  }
  writeFileSync(join(folder, "host.c"), PRELUDE + body);
  const program = join(folder, "host");
  const warnings = ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-function"];
  runTool(cc, [...warnings, "-O1", ...flags, "-pthread", "host.c", "one.o", "two.o", "-o", program], folder);
  return runTool(program, []);
}

test("traps by fault and by check come back with a text; the host goes on", async (t) => {
  const out = await runHost(
    t,
    `
int main(void) {
  uint32_t r;
  one_t *a = make_one(0);
  CHECK(one_last_trap(a) == NULL);
  CHECK(one1(one_load, a, 1024, 0, &r) == 0 && r == 0);
  CHECK(one1(one_divide, a, 7, 2, &r) == 0 && r == 3);
  CHECK(one1(one_host_again, a, 8, 0, &r) == 0 && r == 108);
  CHECK(one1(one_call_host, a, 7, 0, &r) == 0 && r == 107);
  CHECK(one1(one_load, a, 0xfffffff0u, 0, &r) == WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
  printf("%s", one_last_trap(a));
  CHECK(one1(one_load, a, 0, 0, &r) == WINDLASS_INSTANCE_TRAPPED);
  one_delete(a);
  struct { windlass_status_t (*f)(one_t *, windlass_val_raw_t *, size_t); uint32_t a, b; windlass_status_t s; } all[] = {
    { one_load, 65536 - 16, 0, WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS },
    { one_load, 65536 - 19, 0, WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS },
    { one_divide, 1, 0, WINDLASS_TRAP_INTEGER_DIVIDE_BY_ZERO },
    { one_divide, 0x80000000u, 0xffffffffu, WINDLASS_TRAP_INTEGER_OVERFLOW },
    { one_call_null, 0, 0, WINDLASS_TRAP_UNINITIALIZED_ELEMENT },
    { one_call_host, 666, 0, WINDLASS_TRAP_HOST_FUNCTION_FAILED },
    { one_host_again, 666, 0, WINDLASS_TRAP_HOST_FUNCTION_FAILED },
    { one_deep, 100000000, 0, WINDLASS_TRAP_STACK_EXHAUSTED },
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    one_t *b = make_one(0);
    windlass_status_t s = one1(all[i].f, b, all[i].a, all[i].b, &r);
    if (s != all[i].s) printf("%zu: %d instead of %d\\n", i, s, all[i].s);
    printf("%s", one_last_trap(b));
    one_delete(b);
  }
  one_delete(NULL);
  return 0;
}
`,
  );
  if (out === undefined) return;
  assert.doesNotMatch(out, /instead of|line /);
  assert.match(
    out,
    /^wasm trap: out of bounds memory access\nwasm backtrace:\n {4}0: one\/\S+::load \(offset 0x[0-9a-f]+\)\n/,
  );
  assert.match(out, /wasm trap: host function failed\nwasm backtrace:\n {4}0: one\/lowered0::host\n/);
  assert.match(out, /wasm trap: call stack exhausted\nwasm backtrace:\n( {4}\d+: one\/\S+::deep.*\n){64}/);
});

test("two objects and many instances trap by turns", async (t) => {
  const out = await runHost(
    t,
    `
int main(void) {
  for (int round = 0; round < 20; round++) {
    one_t *a = make_one(0), *b = make_one(0);
    two_t *c = make_two();
    windlass_val_raw_t v[2];
    memset(v, 0, sizeof v);
    v[0].i32 = 0xf0000000u;
    CHECK(one_load(a, v, 2) == WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
    CHECK(two_load(c, v, 2) == WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
    CHECK(strstr(two_last_trap(c), "two/") != NULL);
    CHECK(two_call_host(c, v, 2) == WINDLASS_INSTANCE_TRAPPED);
    v[0].i32 = 64;
    CHECK(one_load(b, v, 2) == 0);
    one_delete(a); two_delete(c);
    CHECK(one_load(b, v, 2) == 0);
    one_delete(b);
    two_t *d = make_two();
    CHECK(two_call_host(d, v, 2) == WINDLASS_TRAP_HOST_FUNCTION_MISSING);
    two_delete(d);
  }
  printf("ok");
  return 0;
}
`,
    ["-static"],
  );
  if (out !== undefined) assert.equal(out, "ok");
});

test("stack overflow on a thread with a small stack is a trap", async (t) => {
  const out = await runHost(
    t,
    `
static void *run(void *arg) {
  one_t *a = make_one(96 * 1024);
  (void)arg;
  uint32_t r;
  CHECK(one1(one_deep, a, 100, 0, &r) == 0 && r == 100);
  CHECK(one1(one_deep, a, 1000000, 0, &r) == WINDLASS_TRAP_STACK_EXHAUSTED);
  one_delete(a);
  return NULL;
}
int main(void) {
  pthread_attr_t attr;
  pthread_t threads[4];
  pthread_attr_init(&attr);
  CHECK(pthread_attr_setstacksize(&attr, 128 * 1024) == 0);
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], &attr, run, NULL) == 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  one_t *tiny = make_one(1);
  uint32_t r;
  CHECK(one1(one_deep, tiny, 0, 0, &r) == WINDLASS_TRAP_STACK_EXHAUSTED);
  printf("ok");
  return 0;
}
`,
  );
  if (out !== undefined) assert.equal(out, "ok");
});

test("a fault that is not ours reaches the action before", async (t) => {
  const out = await runHost(
    t,
    `
static sigjmp_buf back;
static volatile int seen, seen_code, nodefer_blocked, usr1_blocked;
static void *volatile seen_address;
static void with_info(int sig, siginfo_t *info, void *context) {
  (void)context;
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, NULL, &now);
  usr1_blocked = sigismember(&now, SIGUSR1);
  nodefer_blocked = sigismember(&now, SIGSEGV);
  seen = sig; seen_code = info->si_code; seen_address = info->si_addr;
  siglongjmp(back, 1);
}
static void plain(int sig) { seen = sig; siglongjmp(back, 1); }
static void act(int sig, void (*info)(int, siginfo_t *, void *), void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  if (info) { action.sa_sigaction = info; flags |= SA_SIGINFO; } else action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGUSR1);
  CHECK(sigaction(sig, &action, NULL) == 0);
}
static void fault(void) { *(volatile int *)0x40 = 1; }
static void *fault_here(void *arg) {
  (void)arg;
  if (sigsetjmp(back, 1) == 0) fault();
  return NULL;
}
/* Runs f in a child; gives its wait status. */
static int child(void (*f)(void)) {
  pid_t pid = fork();
  if (pid == 0) { f(); _exit(0); }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  return status;
}
static void use(void) {
  one_t *a = make_one(0); two_t *c = make_two();
  uint32_t r;
  CHECK(one1(one_load, a, 0xf0000000u, 0, &r) == WINDLASS_TRAP_MEMORY_OUT_OF_BOUNDS);
  one_delete(a); two_delete(c);
}
static void default_action(void) { use(); fault(); }
static void default_sent(void) { use(); kill(getpid(), SIGSEGV); for (;;) pause(); }
static void ignored_sent(void) { signal(SIGSEGV, SIG_IGN); use(); kill(getpid(), SIGSEGV); use(); _exit(7); }
static void ignored_fault(void) { signal(SIGSEGV, SIG_IGN); use(); fault(); _exit(7); }
static void default_bus(void) { use(); kill(getpid(), SIGBUS); for (;;) pause(); }
static void once(void) {
  act(SIGSEGV, NULL, plain, SA_RESETHAND);
  use();
  if (sigsetjmp(back, 1) == 0) fault();
  fault();
}
int main(void) {
  int s = child(default_action);
  CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV);
  s = child(default_sent);
  CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV);
  s = child(default_bus);
  CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGBUS);
  s = child(ignored_sent);
  CHECK(WIFEXITED(s) && WEXITSTATUS(s) == 7);
  s = child(ignored_fault);
  CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV);
  s = child(once);
  CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV);

  act(SIGSEGV, with_info, NULL, SA_NODEFER);
  act(SIGBUS, NULL, plain, 0);
  use();
  if (sigsetjmp(back, 1) == 0) { fault(); CHECK(0); }
  CHECK(seen == SIGSEGV && seen_code == SEGV_MAPERR && seen_address == (void *)0x40 && usr1_blocked == 1 && nodefer_blocked == 0);
  seen = 0;
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, fault_here, NULL) == 0);
  pthread_join(thread, NULL);
  CHECK(seen == SIGSEGV);
  seen = 0;
  if (sigsetjmp(back, 1) == 0) { raise(SIGBUS); CHECK(0); }
  CHECK(seen == SIGBUS);
  use();
  printf("ok");
  return 0;
}
`,
  );
  if (out !== undefined) assert.equal(out, "ok");
});

test("a fault in a host function that the guest called is the host's", async (t) => {
  const out = await runHost(
    t,
    `
static sigjmp_buf back;
static void handler(int sig) { (void)sig; siglongjmp(back, 1); }
static windlass_status_t bad(void *vmctx, void *data, const windlass_memory_t *m, windlass_realloc_t *realloc, int32_t e, windlass_val_raw_t *v, size_t n) {
  (void)data; (void)m; (void)realloc; (void)e; (void)n;
  if (v[0].i32 == 1) *(volatile int *)0x40 = 1;
  /* Inside, the instance can't be entered. */
  windlass_val_raw_t w[2];
  memset(w, 0, sizeof w);
  v[0].i32 = (uint32_t)one_load(vmctx, w, 2);
  return 0;
}
int main(void) {
  signal(SIGSEGV, handler);
  one_imports_t imports = {0};
  one_t *a = NULL;
  uint32_t r;
  imports.host.callee = bad;
  CHECK(one_new(&imports, NULL, &a) == 0);
  CHECK(one1(one_call_host, a, 2, 0, &r) == 0 && r == WINDLASS_INSTANCE_BUSY);
  CHECK(one1(one_load, a, 0, 0, &r) == 0);
  if (sigsetjmp(back, 1) == 0) { one1(one_call_host, a, 1, 0, &r); CHECK(0); }
  CHECK(one1(one_load, a, 0, 0, &r) == WINDLASS_INSTANCE_BUSY);
  CHECK(one_last_trap(a) == NULL);
  one_delete(a);
  printf("ok");
  return 0;
}
`,
  );
  if (out !== undefined) assert.equal(out, "ok");
});
