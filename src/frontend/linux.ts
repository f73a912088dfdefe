/** Linux on x86-64, as far as the generated code talks to the kernel: numbers of system calls, flags, structures. */

export const Sys = {
  read: 0,
  write: 1,
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  rtSigaction: 13,
  rtSigprocmask: 14,
  schedYield: 24,
  nanosleep: 35,
  getpid: 39,
  gettid: 186,
  prctl: 157,
  exitGroup: 231,
  futex: 202,
  tgkill: 234,
  getrandom: 318,
} as const;

export const PROT_NONE = 0;
export const PROT_READ_WRITE = 3;
/** MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE. */
export const MAP_RESERVE = 0x2 | 0x20 | 0x4000;
/** MAP_PRIVATE | MAP_ANONYMOUS. */
export const MAP_ANONYMOUS = 0x2 | 0x20;

/** `GRND_NONBLOCK | GRND_INSECURE`: any number will do. */
export const ANY_RANDOM = 1 | 4;

export const EINTR = 4;
export const EFAULT = 14;
/** `FUTEX_WAIT | FUTEX_PRIVATE_FLAG`. */
export const FUTEX_WAIT_PRIVATE = 128;
/** `struct timespec`. */
export const Timespec = { seconds: 0, nanoseconds: 8, size: 16 } as const;

export const PR_SET_PDEATHSIG = 1;

export const SIGBUS = 7;
export const SIGKILL = 9;
export const SIGSEGV = 11;
export const SIG_DFL = 0;
export const SIG_IGN = 1;
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;

export const SA_SIGINFO = 0x4;
export const SA_RESTORER = 0x0400_0000;
export const SA_ONSTACK = 0x0800_0000;
export const SA_NODEFER = 0x4000_0000;
/** As u32. */
export const SA_RESETHAND = 0x8000_0000;

/** `struct kernel_sigaction`: not the one of libc. */
export const KernelSigaction = { handler: 0, flags: 8, restorer: 16, mask: 24, size: 32, maskSize: 8 } as const;

export const Siginfo = { code: 8, address: 16 } as const;

/** Offsets in `ucontext_t`: `uc_mcontext.gregs` starts at 40, 8 bytes each. */
export const Ucontext = {
  r11: 40 + 8 * 3,
  rbp: 40 + 8 * 10,
  rsp: 40 + 8 * 15,
  rip: 40 + 8 * 16,
  /** The processor's error code of a page fault. */
  error: 40 + 8 * 19,
} as const;
/** A bit of the error code: it was a write. */
export const PAGE_FAULT_WRITE = 2;

/**
 * The restorer of a signal frame: `nop; mov rax, 15 (rt_sigreturn); syscall`. Debuggers and unwinders know a signal frame by these very
 * bytes. The `nop` is for those that look one byte before: the restorer proper starts at `RESTORER_START`.
 */
export const RESTORER_CODE: readonly number[] = [0x90, 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05];
export const RESTORER_START = 1;

/** The object's only writable data: u32 0 not installed, 1 being installed, 2 installed; then the actions that were there before. */
export const SignalState = { installed: 0, segv: 16, bus: 48, size: 80 } as const;
