/** Values of wasi:filesystem/types that come from a file's status. */

import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFREG,
  S_IFSOCK,
  STATX_ATIME,
  STATX_CTIME,
  STATX_DEV,
  STATX_INO,
  STATX_MTIME,
  STATX_NLINK,
  STATX_SIZE,
  statBuffer,
  statMode,
  S_IFMT,
} from "./linux";
import { put64, put8 } from "./native";
import { putDatetime } from "./results";

/** `descriptor-type` of a file type in `st_mode`. */
export function descriptorType(kind: u32): u8 {
  switch (kind) {
    case S_IFBLK: return 1;
    case S_IFCHR: return 2;
    case S_IFDIR: return 3;
    case S_IFIFO: return 4;
    case S_IFLNK: return 5;
    case S_IFREG: return 6;
    case S_IFSOCK: return 7;
    default: return 0;
  }
}

/** option<datetime>, 24 bytes: u8 tag; at 8 the datetime. WASI's has no time before 1970. */
function putTime(at: u32, field: usize): void {
  const seconds = load<i64>(statBuffer + field);
  if (seconds < 0) {
    put8(at, 0);
    return;
  }
  put8(at, 1);
  putDatetime(at + 8, seconds, load<u32>(statBuffer + field, 8));
}

/** descriptor-stat, 96 bytes, of `statBuffer`. */
export function putStat(at: u32): void {
  put8(at, descriptorType(statMode() & S_IFMT));
  put64(at + 8, load<u32>(statBuffer, STATX_NLINK));
  put64(at + 16, load<i64>(statBuffer, STATX_SIZE));
  putTime(at + 24, STATX_ATIME);
  putTime(at + 48, STATX_MTIME);
  putTime(at + 72, STATX_CTIME);
}

export function statDevice(): u64 {
  return load<u64>(statBuffer, STATX_DEV);
}

export function statInode(): u64 {
  return load<u64>(statBuffer, STATX_INO);
}

/** A bijection of 64-bit numbers that spreads every bit. */
function mix(value: u64): u64 {
  let x = value + 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/** metadata-hash-value of `statBuffer`: the same for the same file, whatever its name. */
export function putHash(at: u32): void {
  const lower = mix(statInode() ^ mix(statDevice()));
  put64(at, lower);
  put64(at + 8, mix(lower ^ mix(statDevice() + 1)));
}
