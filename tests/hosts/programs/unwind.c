/*
 * At every instruction of the object's functions, of its entries and trampolines, an unwinder that starts there reaches the caller of the
 * entry, with the callee-saved registers that this one had. The trap flag stops the program at each; libgcc unwinds.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ucontext.h>
#include <unwind.h>
#include "host_of_walk.h"

#define KNOWN_RBX 0x1b1b1b1b2c2c2c2cu
#define KNOWN_RBP 0x1b1b1b1b3c3c3c3cu
#define KNOWN_R12 0x1b1b1b1b4c4c4c4cu
#define KNOWN_R13 0x1b1b1b1b5c5c5c5cu
#define KNOWN_R14 0x1b1b1b1b6c6c6c6cu
#define KNOWN_R15 0x1b1b1b1b7c7c7c7cu

/* Calls `function` with up to six arguments; the callee-saved registers hold known values meanwhile. `flags` is 0x100 to stop at each
   instruction. Kills the process if one of the registers has changed. */
uint64_t call_known(uintptr_t function, const uint64_t arguments[6], uint64_t flags);
extern const char known_return[], call_known_end[];
__asm__(
    ".text\n"
    ".globl call_known, known_return, call_known_end\n"
    ".type call_known, @function\n"
    "call_known:\n"
    ".cfi_startproc\n"
    "  push %rbp\n .cfi_adjust_cfa_offset 8\n .cfi_rel_offset %rbp, 0\n"
    "  push %rbx\n .cfi_adjust_cfa_offset 8\n .cfi_rel_offset %rbx, 0\n"
    "  push %r12\n .cfi_adjust_cfa_offset 8\n .cfi_rel_offset %r12, 0\n"
    "  push %r13\n .cfi_adjust_cfa_offset 8\n .cfi_rel_offset %r13, 0\n"
    "  push %r14\n .cfi_adjust_cfa_offset 8\n .cfi_rel_offset %r14, 0\n"
    "  push %r15\n .cfi_adjust_cfa_offset 8\n .cfi_rel_offset %r15, 0\n"
    "  sub $8, %rsp\n .cfi_adjust_cfa_offset 8\n"
    "  mov %rdi, %rax\n"
    "  mov %rsi, %r10\n"
    "  mov %rdx, %r11\n"
    "  mov (%r10), %rdi\n"
    "  mov 8(%r10), %rsi\n"
    "  mov 16(%r10), %rdx\n"
    "  mov 24(%r10), %rcx\n"
    "  mov 32(%r10), %r8\n"
    "  mov 40(%r10), %r9\n"
    "  movabs $0x1b1b1b1b2c2c2c2c, %rbx\n"
    "  movabs $0x1b1b1b1b3c3c3c3c, %rbp\n"
    "  movabs $0x1b1b1b1b4c4c4c4c, %r12\n"
    "  movabs $0x1b1b1b1b5c5c5c5c, %r13\n"
    "  movabs $0x1b1b1b1b6c6c6c6c, %r14\n"
    "  movabs $0x1b1b1b1b7c7c7c7c, %r15\n"
    "  pushfq\n"
    "  or %r11, (%rsp)\n"
    "  popfq\n"
    "  call *%rax\n"
    "known_return:\n"
    "  pushfq\n"
    "  andl $~0x100, (%rsp)\n"
    "  popfq\n"
    "  movabs $0x1b1b1b1b2c2c2c2c, %rcx\n cmp %rcx, %rbx\n jne 1f\n"
    "  movabs $0x1b1b1b1b3c3c3c3c, %rcx\n cmp %rcx, %rbp\n jne 1f\n"
    "  movabs $0x1b1b1b1b4c4c4c4c, %rcx\n cmp %rcx, %r12\n jne 1f\n"
    "  movabs $0x1b1b1b1b5c5c5c5c, %rcx\n cmp %rcx, %r13\n jne 1f\n"
    "  movabs $0x1b1b1b1b6c6c6c6c, %rcx\n cmp %rcx, %r14\n jne 1f\n"
    "  movabs $0x1b1b1b1b7c7c7c7c, %rcx\n cmp %rcx, %r15\n je 2f\n"
    "1: ud2\n"
    "2: add $8, %rsp\n .cfi_adjust_cfa_offset -8\n"
    "  pop %r15\n .cfi_adjust_cfa_offset -8\n .cfi_restore %r15\n"
    "  pop %r14\n .cfi_adjust_cfa_offset -8\n .cfi_restore %r14\n"
    "  pop %r13\n .cfi_adjust_cfa_offset -8\n .cfi_restore %r13\n"
    "  pop %r12\n .cfi_adjust_cfa_offset -8\n .cfi_restore %r12\n"
    "  pop %rbx\n .cfi_adjust_cfa_offset -8\n .cfi_restore %rbx\n"
    "  pop %rbp\n .cfi_adjust_cfa_offset -8\n .cfi_restore %rbp\n"
    "  ret\n"
    ".cfi_endproc\n"
    ".size call_known, . - call_known\n"
    "call_known_end:\n");

extern const char __executable_start[], etext[];
static uintptr_t expected_cfa;
static long steps, failures;

struct walk_state {
  int frames, reached;
};

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *argument) {
  struct walk_state *state = (struct walk_state *)argument;
  if (++state->frames > 200) return _URC_NORMAL_STOP;
  if (_Unwind_GetIP(context) != (uintptr_t)known_return) return _URC_NO_REASON;
  /* The frame's stack pointer at the call is the canonical frame address of the function that it called. */
  state->reached = _Unwind_GetGR(context, 3) == KNOWN_RBX && _Unwind_GetGR(context, 6) == KNOWN_RBP &&
                   _Unwind_GetGR(context, 12) == KNOWN_R12 && _Unwind_GetGR(context, 13) == KNOWN_R13 &&
                   _Unwind_GetGR(context, 14) == KNOWN_R14 && _Unwind_GetGR(context, 15) == KNOWN_R15 &&
                   _Unwind_GetCFA(context) == expected_cfa
                       ? 1
                       : -1;
  return _URC_NORMAL_STOP;
}

static void on_step(int number, siginfo_t *info, void *ucontext) {
  const greg_t *registers = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
  uintptr_t pc = (uintptr_t)registers[REG_RIP];
  struct walk_state state = {0, 0};
  (void)number, (void)info;
  if (pc - (uintptr_t)__executable_start >= (uintptr_t)(etext - __executable_start)) return; /* libc */
  if (pc - (uintptr_t)call_known < (uintptr_t)call_known_end - (uintptr_t)call_known) return;
  if (steps++ == 0) expected_cfa = (uintptr_t)registers[REG_RSP] + 8;
  _Unwind_Backtrace(on_frame, &state);
  if (state.reached == 1) return;
  if (failures++ < 50) printf("lost at %lx: %s after %d frames\n", (unsigned long)pc, state.reached == 0 ? "no caller" : "registers", state.frames);
}

static uint64_t stepped(const char *what, uintptr_t function, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
  const uint64_t arguments[6] = {a, b, c, d, e, f};
  uint64_t result;
  (void)call_known(function, arguments, 0); /* Without steps, for symbols that are bound late and pages that are not there yet. */
  steps = 0;
  result = call_known(function, arguments, 0x100);
  printf("%s: %ld steps\n", what, steps);
  CHECK(steps > 3);
  return result;
}

static _Unwind_Reason_Code print_frame(struct _Unwind_Context *context, void *argument) {
  (void)argument;
  printf("frame %lx\n", (unsigned long)_Unwind_GetIP(context) - 1);
  return _URC_NO_REASON;
}

static int wants_backtrace;
static void visited(walk_t *walk) {
  uint32_t at = 0;
  if (wants_backtrace) {
    wants_backtrace = 0;
    _Unwind_Backtrace(print_frame, NULL);
  }
  /* A nested entry. */
  EQUAL(walk_realloc(walk, 0, 0, 1, 16, &at), 0);
  CHECK(at != 0);
}

int main(int argc, char **argv) {
  struct sigaction action;
  windlass_val_raw_t v[3];
  walk_t *walk = make_walk(0);
  uint32_t n = 1234567, how, at;
  const char *text;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_step;
  action.sa_flags = SA_SIGINFO;
  CHECK(sigaction(SIGTRAP, &action, NULL) == 0);

  wants_backtrace = 1;
  v[0].i32 = n;
  EQUAL(walk_walk(walk, v, 1), 0);
  EQUAL(v[0].i32, expected_walk(n));
  if (argc > 1 && strcmp(argv[1], "backtrace") == 0) return 0;

  v[0].i32 = n;
  EQUAL(stepped("walk", (uintptr_t)walk_walk, (uint64_t)walk, (uint64_t)v, 1, 0, 0, 0), 0);
  EQUAL(v[0].i32, expected_walk(expected_walk(n)));
  v[0].i32 = 0;
  EQUAL(stepped("grow", (uintptr_t)walk_grow, (uint64_t)walk, (uint64_t)v, 1, 0, 0, 0), 0);
  EQUAL(stepped("realloc", (uintptr_t)walk_realloc, (uint64_t)walk, 0, 0, 8, 64, (uint64_t)&at), 0);
  EQUAL(stepped("refused", (uintptr_t)walk_walk, (uint64_t)walk, 0, 0, 0, 0, 0), WINDLASS_INVALID_ARGUMENT);
  EQUAL(stepped("null", (uintptr_t)walk_walk, 0, 0, 0, 0, 0, 0), WINDLASS_NOT_AN_INSTANCE);
  stepped("memory", (uintptr_t)walk_memory, (uint64_t)walk, 0, 0, 0, 0, 0);
  stepped("user", (uintptr_t)walk_user, (uint64_t)walk, 0, 0, 0, 0, 0);
  walk_delete(walk);

  /* Traps: by check, and by a fault; their text. An instance each. */
  for (how = 0; how < 8; how++) {
    const uint64_t values[8] = {0, 0xfffffff0u, 0, 3, 1, 100, 0, 0x80000000u};
    if (how == 6) continue; /* A stack overflow is long. */
    walk = make_walk(0);
    v[0].i32 = how, v[1].i32 = (uint32_t)values[how];
    {
      const uint64_t arguments[6] = {(uint64_t)walk, (uint64_t)v, 2, 0, 0, 0};
      steps = 0;
      CHECK(call_known((uintptr_t)walk_trap, arguments, 0x100) > 0);
      printf("trap %u: %ld steps: ", how, steps);
      CHECK(steps > 20);
    }
    {
      const uint64_t arguments[6] = {(uint64_t)walk, 0, 0, 0, 0, 0};
      steps = 0;
      text = (const char *)call_known((uintptr_t)walk_last_trap, arguments, how < 2 ? 0x100 : 0) + strlen("wasm trap: ");
      printf("%.*s\n", (int)strcspn(text, "\n"), text);
      CHECK(how >= 2 || steps > 200);
      steps = 0;
      call_known((uintptr_t)walk_delete, arguments, 0x100);
    }
  }

  /* An instance is made. */
  {
    walk_imports_t imports;
    const uint64_t arguments[6] = {(uint64_t)&imports, 0, (uint64_t)&walk, 0, 0, 0};
    memset(&imports, 0, sizeof imports);
    steps = 0;
    EQUAL(call_known((uintptr_t)walk_new, arguments, 0x100), 0);
    printf("new: %ld steps\n", steps);
    walk_delete(walk);
  }
  printf("%ld failures\n", failures);
  return 0;
}
