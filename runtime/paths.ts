/**
 * The sandbox of paths: nothing outside the directory that a path starts from is ever reached.
 *
 * `openBeneath` is the only way from a guest's path to an open file. The kernel does it (`openat2` with RESOLVE_BENEATH); where it
 * cannot, the path is walked here, component by component, without ever following a symbolic link or `..` in the kernel: links are
 * read and spliced into what remains, and `..` walks again from the start. Operations on an entry (`unlink`, `rename` …) open its parent
 * that way and hand the kernel one plain name: never empty, `.`, `..` or with a slash.
 *
 * Absolute paths, absolute links and `..` beyond the start are EPERM (`not-permitted`).
 */

import {
  close,
  EAGAIN,
  EINVAL,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOSYS,
  ENOTDIR,
  EPERM,
  EXDEV,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  openat,
  openat2Beneath,
  readlink,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  stat,
  statMode,
} from "./linux";
import { copyToOwn, guestSpan, isUtf8, trap, TRAP_INVALID_UTF8 } from "./native";

/** With the NUL. */
export const PATH_SIZE: u32 = 4096;
const NAME_LIMIT: usize = 255;
const LINK_LIMIT: u32 = 40;
const RETRY_LIMIT: u32 = 100;

const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;
const DIRECTORY_PATH: i32 = O_PATH | O_DIRECTORY | O_CLOEXEC;

/** The paths of the call: no function has more than two. */
export const firstPath = memory.data(4096);
export const secondPath = memory.data(4096);

const HERE: usize = memory.data<u8>([0x2e, 0]);

/** Lifts a string parameter, NUL-terminated, into own memory. Traps when it is no string; returns 0 or minus errno when it is no path. */
export function liftPath(to: usize, pointer: i32, length: u32): i64 {
  const span = guestSpan(pointer, length, 1);
  if (!isUtf8(span, length)) trap(TRAP_INVALID_UTF8);
  if (length >= PATH_SIZE) return -ENAMETOOLONG;
  copyToOwn(to, span, length);
  for (let i: u32 = 0; i < length; i++) if (load<u8>(to + i) == 0) return -EINVAL;
  store<u8>(to + length, 0);
  return 0;
}

export function isAbsolute(path: usize): bool {
  return load<u8>(path) == SLASH;
}

// openBeneath

const UNKNOWN: i32 = 0;
const PRESENT: i32 = 1;
const ABSENT: i32 = 2;
let openat2State: i32 = 0;

/** Old container runtimes refuse unknown calls with EPERM, so a harmless one tells. */
function hasOpenat2(base: i32): bool {
  if (openat2State == UNKNOWN) {
    const r = openat2Beneath(base, HERE, DIRECTORY_PATH, 0);
    openat2State = r == -ENOSYS || r == -EPERM ? ABSENT : PRESENT;
    if (r >= 0) close(<i32>r);
  }
  return openat2State == PRESENT;
}

/** Opens `path` (own memory, NUL-terminated) below the directory `base`. Returns a descriptor or minus errno. */
export function openBeneath(base: i32, path: usize, flags: i32, mode: u32): i64 {
  if (load<u8>(path) == 0) return -ENOENT;
  if (isAbsolute(path)) return -EPERM;
  if (!hasOpenat2(base)) return walk(base, path, flags | O_CLOEXEC, mode);
  for (let i: u32 = 0; i < RETRY_LIMIT; i++) {
    const r = openat2Beneath(base, path, flags | O_CLOEXEC, mode);
    if (r == -EXDEV) return -EPERM;
    // Something was renamed meanwhile, and the kernel cannot tell whether a ".." stayed inside.
    if (r != -EAGAIN) return r;
  }
  return -EAGAIN;
}

// The walk

/** What remains, NUL-terminated at the end of the buffer; `at` moves through it. */
const REMAINING_SIZE: usize = 8192;
const remaining = memory.data(8192);
/** Names of the directories from `base` to where the walk is, each followed by a NUL. */
const REACHED_SIZE: usize = 8192;
const reached = memory.data(8192);
const component = memory.data(256);
const linkTarget = memory.data(4096);

let current: i32 = 0;

function leave(base: i32): void {
  if (current != base) close(current);
}

/** Goes back to `base` and down through `reached` again. Returns 0 or minus errno. */
function walkAgain(base: i32, reachedLength: usize): i64 {
  leave(base);
  current = base;
  let at: usize = 0;
  while (at < reachedLength) {
    const fd = openat(current, reached + at, DIRECTORY_PATH | O_NOFOLLOW, 0);
    leave(base);
    current = base;
    if (fd < 0) return fd;
    current = <i32>fd;
    while (load<u8>(reached + at)) at++;
    at++;
  }
  return 0;
}

/** Whether nothing but slashes follows. */
function isEnd(text: usize): bool {
  let at = text;
  while (load<u8>(at) == SLASH) at++;
  return load<u8>(at) == 0;
}

function walk(base: i32, path: usize, flags: i32, mode: u32): i64 {
  let follow = (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
  let length: usize = 0;
  while (load<u8>(path + length)) length++;
  let at = REMAINING_SIZE - 1 - length;
  for (let i: usize = 0; i <= length; i++) store<u8>(remaining + at + i, load<u8>(path + i));
  let reachedLength: usize = 0;
  let links: u32 = 0;
  let result: i64 = 0;
  current = base;
  for (;;) {
    while (load<u8>(remaining + at) == SLASH) at++;
    if (load<u8>(remaining + at) == 0) {
      result = openat(current, HERE, flags & ~O_NOFOLLOW, mode);
      break;
    }
    let end = at;
    while (load<u8>(remaining + end) != 0 && load<u8>(remaining + end) != SLASH) end++;
    const size = end - at;
    const name = remaining + at;
    if (size == 1 && load<u8>(name) == DOT) {
      at = end;
      continue;
    }
    if (size == 2 && load<u8>(name) == DOT && load<u8>(name, 1) == DOT) {
      if (reachedLength == 0) {
        result = -EPERM;
        break;
      }
      reachedLength--;
      while (reachedLength && load<u8>(reached + reachedLength - 1)) reachedLength--;
      result = walkAgain(base, reachedLength);
      if (result < 0) break;
      at = end;
      continue;
    }
    if (size > NAME_LIMIT) {
      result = -ENAMETOOLONG;
      break;
    }
    for (let i: usize = 0; i < size; i++) store<u8>(component + i, load<u8>(name + i));
    store<u8>(component + size, 0);
    const last = load<u8>(remaining + end) == 0;
    if (last && !follow) {
      result = openat(current, component, flags | O_NOFOLLOW, mode);
      break;
    }
    if (!last && flags & O_CREAT && isEnd(remaining + end)) {
      result = -EISDIR;
      break;
    }
    const fd = openat(current, component, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) {
      if (last) result = openat(current, component, flags | O_NOFOLLOW, mode);
      else result = fd;
      break;
    }
    result = stat(<i32>fd);
    const kind = statMode() & S_IFMT;
    if (result < 0) {
      close(<i32>fd);
      break;
    }
    if (kind == S_IFLNK) {
      const n = readlink(<i32>fd, linkTarget, PATH_SIZE);
      close(<i32>fd);
      if (n < 0) result = n;
      else if (n == 0) result = -ENOENT;
      else if (load<u8>(linkTarget) == SLASH) result = -EPERM;
      else if (++links > LINK_LIMIT) result = -ELOOP;
      else if (n == PATH_SIZE || <usize>n > end) result = -ENAMETOOLONG;
      if (result < 0) break;
      at = end - <usize>n;
      for (let i: usize = 0; i < <usize>n; i++) store<u8>(remaining + at + i, load<u8>(linkTarget + i));
      continue;
    }
    if (last) {
      close(<i32>fd);
      result = openat(current, component, flags | O_NOFOLLOW, mode);
      break;
    }
    if (kind != S_IFDIR) {
      close(<i32>fd);
      result = -ENOTDIR;
      break;
    }
    leave(base);
    current = <i32>fd;
    if (reachedLength + size + 1 > REACHED_SIZE) {
      result = -ENAMETOOLONG;
      break;
    }
    for (let i: usize = 0; i <= size; i++) store<u8>(reached + reachedLength + i, load<u8>(component + i));
    reachedLength += size + 1;
    at = end;
  }
  leave(base);
  return result;
}

// Entries of directories

/** The plain name that `openParent` found last, and whether a slash followed it. */
export let entryName: usize = 0;
export let entryIsDirectory: bool = false;

/**
 * Opens the directory that holds the last component of `path`, which it splits in place. Returns its descriptor (`base` itself when
 * there is nothing before the name; see `closeParent`) or minus errno. A path that ends in `.` or `..` has no name: `-dots`, if
 * it resolves at all.
 */
export function openParent(base: i32, path: usize, dots: i32): i64 {
  if (load<u8>(path) == 0) return -ENOENT;
  if (isAbsolute(path)) return -EPERM;
  let end: usize = 0;
  while (load<u8>(path + end)) end++;
  const length = end;
  while (load<u8>(path + end - 1) == SLASH) end--;
  let start = end;
  while (start && load<u8>(path + start - 1) != SLASH) start--;
  const size = end - start;
  const first = load<u8>(path + start);
  if (first == DOT && (size == 1 || (size == 2 && load<u8>(path + start, 1) == DOT))) {
    const r = openBeneath(base, path, DIRECTORY_PATH, 0);
    if (r < 0) return r;
    close(<i32>r);
    return -dots;
  }
  entryIsDirectory = end != length;
  entryName = path + start;
  store<u8>(path + end, 0);
  if (start == 0) return base;
  store<u8>(path + start - 1, 0);
  return openBeneath(base, path, DIRECTORY_PATH, 0);
}

export function closeParent(base: i32, parent: i64): void {
  if (parent >= 0 && parent != base) close(<i32>parent);
}
