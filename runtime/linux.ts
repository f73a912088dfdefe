/**
 * System calls of Linux on x86-64, typed. The only caller of `syscall`.
 *
 * Only calls that every 64-bit Linux has (the `at` forms, `ppoll`, `statx`), so that another target changes the numbers and the
 * flags that are marked, nothing else. Every function returns the kernel's result: negative is minus errno. Calls that block and
 * may be interrupted are repeated here. Structures live in own static memory; addresses are native ones from `native.ts`.
 */

import { Address, ownSpan, syscall } from "./native";

// Numbers: x86-64.
const READ: i64 = 0;
const WRITE: i64 = 1;
const CLOSE: i64 = 3;
const LSEEK: i64 = 8;
const RT_SIGACTION: i64 = 13;
const IOCTL: i64 = 16;
const PREAD64: i64 = 17;
const PWRITE64: i64 = 18;
const FCNTL: i64 = 72;
const FSYNC: i64 = 74;
const FDATASYNC: i64 = 75;
const FTRUNCATE: i64 = 77;
const GETDENTS64: i64 = 217;
const FADVISE64: i64 = 221;
const CLOCK_GETTIME: i64 = 228;
const CLOCK_GETRES: i64 = 229;
const OPENAT: i64 = 257;
const MKDIRAT: i64 = 258;
const UNLINKAT: i64 = 263;
const LINKAT: i64 = 265;
const SYMLINKAT: i64 = 266;
const READLINKAT: i64 = 267;
const PPOLL: i64 = 271;
const UTIMENSAT: i64 = 280;
const RENAMEAT2: i64 = 316;
const GETRANDOM: i64 = 318;
const STATX: i64 = 332;
const OPENAT2: i64 = 437;

export const EPERM: i32 = 1;
export const ENOENT: i32 = 2;
export const EINTR: i32 = 4;
export const EIO: i32 = 5;
export const EBADF: i32 = 9;
export const EAGAIN: i32 = 11;
export const EBUSY: i32 = 16;
export const EEXIST: i32 = 17;
export const EXDEV: i32 = 18;
export const ENOTDIR: i32 = 20;
export const EISDIR: i32 = 21;
export const EINVAL: i32 = 22;
export const EMFILE: i32 = 24;
export const ESPIPE: i32 = 29;
export const EROFS: i32 = 30;
export const EPIPE: i32 = 32;
export const ENAMETOOLONG: i32 = 36;
export const ENOSYS: i32 = 38;
export const ELOOP: i32 = 40;
export const EILSEQ: i32 = 84;

export const O_RDONLY: i32 = 0;
export const O_WRONLY: i32 = 1;
export const O_RDWR: i32 = 2;
export const O_CREAT: i32 = 0x40;
export const O_EXCL: i32 = 0x80;
export const O_NOCTTY: i32 = 0x100;
export const O_TRUNC: i32 = 0x200;
export const O_APPEND: i32 = 0x400;
export const O_DSYNC: i32 = 0x1000;
export const O_SYNC: i32 = 0x101000;
/** These two differ on other targets. */
export const O_DIRECTORY: i32 = 0x10000;
export const O_NOFOLLOW: i32 = 0x20000;
export const O_CLOEXEC: i32 = 0x80000;
export const O_PATH: i32 = 0x200000;

export const AT_FDCWD: i32 = -100;
export const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
export const AT_REMOVEDIR: i32 = 0x200;
export const AT_EMPTY_PATH: i32 = 0x1000;

export const S_IFMT: u32 = 0xf000;
export const S_IFIFO: u32 = 0x1000;
export const S_IFCHR: u32 = 0x2000;
export const S_IFDIR: u32 = 0x4000;
export const S_IFBLK: u32 = 0x6000;
export const S_IFREG: u32 = 0x8000;
export const S_IFLNK: u32 = 0xa000;
export const S_IFSOCK: u32 = 0xc000;

export const POLLIN: i32 = 1;
export const POLLOUT: i32 = 4;

export const CLOCK_REALTIME: i32 = 0;
export const CLOCK_MONOTONIC: i32 = 1;

const SIGPIPE: i32 = 13;
const SIGXFSZ: i32 = 25;

const PATH_LIMIT: u32 = 4096;

@inline function call(number: i64, a: i64 = 0, b: i64 = 0, c: i64 = 0, d: i64 = 0, e: i64 = 0): i64 {
  return syscall(number, a, b, c, d, e, 0);
}

/** Address of a NUL-terminated path in own memory: a span up to and including its NUL. */
function pathSpan(path: usize): Address {
  let length: u32 = 0;
  while (length < PATH_LIMIT && load<u8>(path + length)) length++;
  return ownSpan(path, length + 1);
}

const EMPTY: usize = memory.data<u8>([0]);

export function read(fd: i32, to: Address, length: u32): i64 {
  let n: i64;
  do n = call(READ, fd, to, length);
  while (n == -EINTR);
  return n;
}

export function write(fd: i32, from: Address, length: u32): i64 {
  let n: i64;
  do n = call(WRITE, fd, from, length);
  while (n == -EINTR);
  return n;
}

export function pread(fd: i32, to: Address, length: u32, offset: i64): i64 {
  let n: i64;
  do n = call(PREAD64, fd, to, length, offset);
  while (n == -EINTR);
  return n;
}

export function pwrite(fd: i32, from: Address, length: u32, offset: i64): i64 {
  let n: i64;
  do n = call(PWRITE64, fd, from, length, offset);
  while (n == -EINTR);
  return n;
}

/** Never repeated: Linux has closed the descriptor even when it reports an interruption. */
export function close(fd: i32): void {
  call(CLOSE, fd);
}

/** `lseek(SEEK_SET)`. */
export function seek(fd: i32, offset: i64): i64 {
  return call(LSEEK, fd, offset, 0);
}

/** Switches `O_APPEND` of an open file (and its sync flags' neighbours off: the kernel ignores those here). */
export function setAppend(fd: i32, on: bool): i64 {
  const F_SETFL: i64 = 4;
  return call(FCNTL, fd, F_SETFL, on ? O_APPEND : 0);
}

export function fsync(fd: i32): i64 {
  let r: i64;
  do r = call(FSYNC, fd);
  while (r == -EINTR);
  return r;
}

export function fdatasync(fd: i32): i64 {
  let r: i64;
  do r = call(FDATASYNC, fd);
  while (r == -EINTR);
  return r;
}

export function ftruncate(fd: i32, size: i64): i64 {
  let r: i64;
  do r = call(FTRUNCATE, fd, size);
  while (r == -EINTR);
  return r;
}

export function fadvise(fd: i32, offset: i64, length: i64, advice: i32): i64 {
  return call(FADVISE64, fd, offset, length, advice);
}

export function getdents(fd: i32, buffer: usize, size: u32): i64 {
  return call(GETDENTS64, fd, ownSpan(buffer, size), size);
}

export function openat(directory: i32, path: usize, flags: i32, mode: u32): i64 {
  let r: i64;
  do r = call(OPENAT, directory, pathSpan(path), flags, mode);
  while (r == -EINTR);
  return r;
}

const openHow = memory.data(24, 8);
const RESOLVE_NO_MAGICLINKS: u64 = 0x02;
const RESOLVE_BENEATH: u64 = 0x08;

/** `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS`. */
export function openat2Beneath(directory: i32, path: usize, flags: i32, mode: u32): i64 {
  store<u64>(openHow, flags);
  store<u64>(openHow, flags & O_CREAT ? mode : 0, 8);
  store<u64>(openHow, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, 16);
  let r: i64;
  do r = call(OPENAT2, directory, pathSpan(path), ownSpan(openHow, 24), 24);
  while (r == -EINTR);
  return r;
}

export function mkdirat(directory: i32, path: usize, mode: u32): i64 {
  return call(MKDIRAT, directory, pathSpan(path), mode);
}

export function unlinkat(directory: i32, path: usize, flags: i32): i64 {
  return call(UNLINKAT, directory, pathSpan(path), flags);
}

export function linkat(oldDirectory: i32, oldPath: usize, newDirectory: i32, newPath: usize): i64 {
  return call(LINKAT, oldDirectory, pathSpan(oldPath), newDirectory, pathSpan(newPath), 0);
}

export function symlinkat(target: usize, directory: i32, path: usize): i64 {
  return call(SYMLINKAT, pathSpan(target), directory, pathSpan(path));
}

export function renameat(oldDirectory: i32, oldPath: usize, newDirectory: i32, newPath: usize): i64 {
  return call(RENAMEAT2, oldDirectory, pathSpan(oldPath), newDirectory, pathSpan(newPath), 0);
}

/** Contents of the symbolic link that `fd` (`O_PATH | O_NOFOLLOW`) refers to. */
export function readlink(fd: i32, buffer: usize, size: u32): i64 {
  return call(READLINKAT, fd, ownSpan(EMPTY, 1), ownSpan(buffer, size), size);
}

/** Field offsets of `struct statx`. */
export const STATX_NLINK: usize = 16;
export const STATX_MODE: usize = 28;
export const STATX_INO: usize = 32;
export const STATX_SIZE: usize = 40;
export const STATX_ATIME: usize = 64;
export const STATX_CTIME: usize = 96;
export const STATX_MTIME: usize = 112;
/** Major, then minor, number of the device. */
export const STATX_DEV: usize = 136;
const STATX_BYTES: u32 = 256;
const STATX_BASIC_STATS: i64 = 0x7ff;

/** What `stat` filled in last. */
export const statBuffer = memory.data(256, 8);

/** Status of the open file itself into `statBuffer`. */
export function stat(fd: i32): i64 {
  return call(STATX, fd, ownSpan(EMPTY, 1), AT_EMPTY_PATH, STATX_BASIC_STATS, ownSpan(statBuffer, STATX_BYTES));
}

/** Status of a directory's entry, a symbolic link not followed, into `statBuffer`. */
export function statEntry(directory: i32, name: usize): i64 {
  return call(STATX, directory, pathSpan(name), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, ownSpan(statBuffer, STATX_BYTES));
}

export function statMode(): u32 {
  return load<u16>(statBuffer, STATX_MODE);
}

/** Two timespecs: access, modification. */
export const timesBuffer = memory.data(32, 8);

/** Sets the times of an open file; a null path. */
export function setTimes(fd: i32): i64 {
  return call(UTIMENSAT, fd, 0, ownSpan(timesBuffer, 32), 0);
}

/** The same for an `O_PATH` descriptor; kernels before 5.8 say EINVAL. */
export function setTimesOfPath(fd: i32): i64 {
  return call(UTIMENSAT, fd, ownSpan(EMPTY, 1), ownSpan(timesBuffer, 32), AT_EMPTY_PATH);
}

/** The same by an absolute path of our making. */
export function setTimesAt(path: usize): i64 {
  return call(UTIMENSAT, AT_FDCWD, pathSpan(path), ownSpan(timesBuffer, 32), 0);
}

const timespec = memory.data(16, 8);

/** Nanoseconds of a clock. */
export function clockNow(clock: i32): u64 {
  call(CLOCK_GETTIME, clock, ownSpan(timespec, 16));
  return load<u64>(timespec) * 1000000000 + load<u64>(timespec, 8);
}

/** Seconds of a clock; the nanoseconds are in `clockNanoseconds`. */
export function clockSeconds(clock: i32): i64 {
  call(CLOCK_GETTIME, clock, ownSpan(timespec, 16));
  return load<i64>(timespec);
}

/** Seconds of its resolution, as before. */
export function clockResolution(clock: i32): i64 {
  call(CLOCK_GETRES, clock, ownSpan(timespec, 16));
  return load<i64>(timespec);
}

export function clockNanoseconds(): u32 {
  return <u32>load<u64>(timespec, 8);
}

const pollTimeout = memory.data(16, 8);

/** `ppoll` over `count` pollfds in own memory; waits `nanoseconds`, for ever when `u64.MAX_VALUE`. Interruptions are reported. */
export function poll(fds: usize, count: u32, nanoseconds: u64): i64 {
  let timeout: Address = 0;
  if (nanoseconds != u64.MAX_VALUE) {
    store<u64>(pollTimeout, nanoseconds / 1000000000);
    store<u64>(pollTimeout, nanoseconds % 1000000000, 8);
    timeout = ownSpan(pollTimeout, 16);
  }
  return call(PPOLL, ownSpan(fds, count << 3), count, timeout, 0, 8);
}

const onePollfd = memory.data(8, 4);

/** Whether `fd` is ready for `events` now. Errors and hang-ups count: the operation will report them. */
export function isReady(fd: i32, events: i32): bool {
  store<i32>(onePollfd, fd);
  store<i32>(onePollfd, events, 4);
  let r: i64;
  do r = poll(onePollfd, 1, 0);
  while (r == -EINTR);
  return r != 0;
}

/** Waits until `fd` is ready for `events`. */
export function waitFor(fd: i32, events: i32): void {
  store<i32>(onePollfd, fd);
  store<i32>(onePollfd, events, 4);
  while (poll(onePollfd, 1, u64.MAX_VALUE) == -EINTR) {}
}

const termios = memory.data(64, 8);

export function isTerminal(fd: i32): bool {
  const TCGETS: i64 = 0x5401;
  return call(IOCTL, fd, TCGETS, ownSpan(termios, 64)) >= 0;
}

/** Fills `length` bytes with random numbers of the kernel. Returns 0 or minus errno. */
export function random(to: Address, length: u32): i64 {
  let done: u32 = 0;
  while (done < length) {
    const n = call(GETRANDOM, to + done, length - done, 0);
    if (n == -EINTR) continue;
    if (n < 0) return n;
    done += <u32>n;
  }
  return 0;
}

const sigaction = memory.data(32, 8);

/** A closed pipe and a file that is too large become error codes, not the end of the process. */
export function ignoreWriteSignals(): void {
  const SIG_IGN: u64 = 1;
  store<u64>(sigaction, SIG_IGN);
  call(RT_SIGACTION, SIGPIPE, ownSpan(sigaction, 32), 0, 8);
  call(RT_SIGACTION, SIGXFSZ, ownSpan(sigaction, 32), 0, 8);
}
