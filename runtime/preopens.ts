/** wasi:filesystem/preopens: the directories that the guest was granted, opened when it starts. */

import { DESCRIPTOR_MUTATE, DESCRIPTOR_READ, takeDescriptor } from "./descriptors";
import { adoptFile, releaseFile, shareFile } from "./files";
import { AT_FDCWD, EMFILE, ENAMETOOLONG, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat } from "./linux";
import {
  Address,
  allocateGuest,
  byteAt,
  copyToGuest,
  copyToOwn,
  newDescriptor,
  trap,
  TRAP_HANDLES_EXHAUSTED,
  writeGuest32,
} from "./native";
import { beginList, endList } from "./results";

export const PREOPEN_LIMIT: u32 = 256;

// An entry: i32 file, u32 flags, i64 address of the guest's name, u32 its length.
const ENTRY: u32 = 24;
const table = memory.data(24 * 256, 8);
let count: u32 = 0;

const HOST_PATH_SIZE: u32 = 4096;
const hostPath = memory.data(4096);

function sameName(entry: usize, guest: Address, length: u32): bool {
  if (load<u32>(entry, 16) != length) return false;
  const name = load<i64>(entry, 8);
  for (let i: u32 = 0; i < length; i++) if (byteAt(name + i) != byteAt(guest + i)) return false;
  return true;
}

/** Opens a directory of the host under a name of the guest; the later of two with one name wins. Returns 0 or minus errno. */
export function openPreopen(host: Address, hostLength: u32, guest: Address, guestLength: u32, readOnly: bool): i64 {
  if (hostLength >= HOST_PATH_SIZE) return -ENAMETOOLONG;
  copyToOwn(hostPath, host, hostLength);
  store<u8>(hostPath + hostLength, 0);
  const fd = openat(AT_FDCWD, hostPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  let index: u32 = 0;
  while (index < count && !sameName(table + index * ENTRY, guest, guestLength)) index++;
  const file = index == PREOPEN_LIMIT ? -1 : adoptFile(<i32>fd);
  if (file < 0) return -EMFILE;
  const entry = table + index * ENTRY;
  if (index == count) count++;
  else releaseFile(load<i32>(entry));
  store<i32>(entry, file);
  store<u32>(entry, readOnly ? DESCRIPTOR_READ : DESCRIPTOR_READ | DESCRIPTOR_MUTATE, 4);
  store<i64>(entry, guest, 8);
  store<u32>(entry, guestLength, 16);
  return 0;
}

/** list<tuple<descriptor, string>>: elements of 12 bytes. */
export function filesystem_preopens_get_directories(ret: i32): void {
  beginList(ret);
  const list = allocateGuest(count * 12, 4);
  for (let i: u32 = 0; i < count; i++) {
    const entry = table + i * ENTRY;
    const descriptor = takeDescriptor(shareFile(load<i32>(entry)), load<u32>(entry, 4));
    if (descriptor < 0) trap(TRAP_HANDLES_EXHAUSTED);
    const length = load<u32>(entry, 16);
    writeGuest32(list + i * 12, newDescriptor(descriptor));
    writeGuest32(list + i * 12 + 4, copyToGuest(load<i64>(entry, 8), length));
    writeGuest32(list + i * 12 + 8, length);
  }
  endList(list, count);
}
