/* Runs functions of a flat code image that the test wrote to a file, as commands on standard input say. See native.ts. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define BASE ((char *)0x200000000000ULL)

struct call {
  uint64_t target, ints[6];
  unsigned char floats[8][16];
  uint64_t popped, words;
  uint64_t stack[64];
};
struct answer {
  uint64_t status, pc, rax, rdx;
  unsigned char xmm[2][16];
};

static struct call request;
static struct answer reply;
static sigjmp_buf landing;

/* Calls request.target with everything in place; callee-saved registers hold known values, which must still be there afterwards. */
uint64_t broken;
uint64_t saved_rsp;
void invoke(struct call *c, struct answer *a);
__asm__(
    ".text\n.globl invoke\ninvoke:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\npush %rsi\npush %rdi\n"
    "sub $8, %rsp\n"
    "mov %rsp, saved_rsp(%rip)\n"
    "mov %rdi, %r11\n"
    "mov 192(%r11), %rax\n" /* words, even */
    "1: test %rax, %rax\njz 2f\ndec %rax\npush 200(%r11,%rax,8)\njmp 1b\n2:\n"
    "mov 8(%r11), %rdi\nmov 16(%r11), %rsi\nmov 24(%r11), %rdx\nmov 32(%r11), %rcx\nmov 40(%r11), %r8\nmov 48(%r11), %r9\n"
    "movups 56(%r11), %xmm0\nmovups 72(%r11), %xmm1\nmovups 88(%r11), %xmm2\nmovups 104(%r11), %xmm3\n"
    "movups 120(%r11), %xmm4\nmovups 136(%r11), %xmm5\nmovups 152(%r11), %xmm6\nmovups 168(%r11), %xmm7\n"
    "mov $0x1111111111111111, %rbx\nmov $0x2222222222222222, %r12\nmov $0x3333333333333333, %r13\n"
    "mov $0x4444444444444444, %r14\nmov $0x5555555555555555, %r15\nmov $0x6666666666666666, %rbp\n"
    "mov $0x7777777777777777, %rax\nmov %rax, %r10\n"
    "call *(%r11)\n"
    "mov %rsp, %r8\nmov saved_rsp(%rip), %rsp\nmov 8(%rsp), %r11\nmov 16(%rsp), %r10\n"
    "mov %rax, 16(%r10)\nmov %rdx, 24(%r10)\nmovups %xmm0, 32(%r10)\nmovups %xmm1, 48(%r10)\n"
    "xor %r9d, %r9d\n"
    "mov $0x1111111111111111, %rax\ncmp %rax, %rbx\nsetne %r9b\nmov %r9, %rcx\n"
    "mov $0x2222222222222222, %rax\ncmp %rax, %r12\nsetne %r9b\nor %r9, %rcx\n"
    "mov $0x3333333333333333, %rax\ncmp %rax, %r13\nsetne %r9b\nor %r9, %rcx\n"
    "mov $0x4444444444444444, %rax\ncmp %rax, %r14\nsetne %r9b\nor %r9, %rcx\n"
    "mov $0x5555555555555555, %rax\ncmp %rax, %r15\nsetne %r9b\nor %r9, %rcx\n"
    "mov $0x6666666666666666, %rax\ncmp %rax, %rbp\nsetne %r9b\nor %r9, %rcx\n"
    /* the stack pointer: all argument words popped, or none */
    "mov 192(%r11), %rax\nmov 184(%r11), %rdx\nsub %rdx, %rax\nshl $3, %rax\nneg %rax\nadd %rsp, %rax\n"
    "xor %r9d, %r9d\ncmp %rax, %r8\nsetne %r9b\nadd %r9, %r9\nor %r9, %rcx\n"
    "mov %rcx, broken(%rip)\n"
    "add $8, %rsp\npop %rdi\npop %rsi\npop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");

/* raise: the image jumps here with its return address on the stack. */
void raised(uint64_t pc) {
  reply.pc = pc - (uint64_t)BASE;
  siglongjmp(landing, 1);
}
void raise_entry(void);
__asm__(".text\n.globl raise_entry\nraise_entry:\nmov (%rsp), %rdi\nand $-16, %rsp\ncall raised\n");

static void fault(int signal, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *u = context;
  reply.pc = (uint64_t)u->uc_mcontext.gregs[REG_RIP] - (uint64_t)BASE;
  siglongjmp(landing, 1 + signal);
}

static void need(void *to, size_t n) {
  if (fread(to, 1, n, stdin) != n) exit(0);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = strtoull(argv[2], 0, 0);
  char *image = mmap(BASE, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (image != BASE) return 3;
  FILE *f = fopen(argv[1], "rb");
  if (!f || fread(image, 1, size, f) == 0) return 4;
  fclose(f);
  void (*raise_pointer)(void) = raise_entry;
  memcpy(image + 8, &raise_pointer, 8);
  stack_t alternate = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&alternate, 0);
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  for (int i = 0; i < 5; i++) sigaction(signals[i], &action, 0);
  for (;;) {
    uint64_t head[3]; /* kind; offset, length */
    need(head, sizeof head);
    if (head[0] == 1) {
      need(&request, sizeof request);
      memset(&reply, 0, sizeof reply);
      int s = sigsetjmp(landing, 1);
      if (s == 0) {
        invoke(&request, &reply);
        reply.status = broken ? 100 + broken : 0;
      } else reply.status = (uint64_t)s;
      fwrite(&reply, 1, sizeof reply, stdout);
    } else if (head[0] == 2) fwrite(image + head[1], 1, head[2], stdout);
    else need(image + head[1], head[2]);
    if (head[0] == 4) fflush(stdout);
  }
}
