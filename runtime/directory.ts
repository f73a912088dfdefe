/** wasi:filesystem's directory-entry-stream over `getdents64`. `.` and `..` are left out. */

import { adoptFile, fileDescriptor, releaseFile } from "./files";
import { EILSEQ, EMFILE, getdents, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat, S_IFMT, seek, statEntry, statMode } from "./linux";
import { beginResult, copyToGuest, directoryEntryStreamRep, isUtf8, newDirectoryEntryStream, ownSpan, put32, put8 } from "./native";
import { errorCode } from "./errors";
import { entryOf, giveEntry, takeEntry } from "./table";
import { descriptorType } from "./types";

export const DIRECTORY_STREAM_LIMIT: u32 = 1024;

// An entry: free link, file, cookie (where the next entry is, as the kernel names it).
const SIZE: usize = 16;
const FILE: usize = 4;
const COOKIE: usize = 8;
const table = memory.data(8 + 16 * 1024, 8);

// Streams share a few buffers: number `stream % BUFFERS`. One that finds another's entries there seeks to its cookie and reads again.
const BUFFERS: i32 = 8;
const BUFFER_SIZE: usize = 8192;
const buffers = memory.data(8 * 8192, 8);
// For each: i32 owner plus one, u32 position, u32 end.
const STATE: usize = 12;
const states = memory.data(8 * 12, 4);

/** struct linux_dirent64: u64 inode; i64 cookie of the next; u16 size; u8 type; name. */
const DIRENT_NEXT: usize = 8;
const DIRENT_SIZE: usize = 16;
const DIRENT_TYPE: usize = 18;
const DIRENT_NAME: usize = 19;

const HERE: usize = memory.data<u8>([0x2e, 0]);

/** A handle of a stream over the directory `fd`, or minus errno. Its own open file: positions are not shared. */
export function openDirectoryStream(fd: i32): i64 {
  const opened = openat(fd, HERE, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (opened < 0) return opened;
  const file = adoptFile(<i32>opened);
  if (file < 0) return -EMFILE;
  const stream = takeEntry(table, SIZE, DIRECTORY_STREAM_LIMIT);
  if (stream < 0) {
    releaseFile(file);
    return -EMFILE;
  }
  store<i32>(entryOf(table, SIZE, stream), file, FILE);
  return newDirectoryEntryStream(stream);
}

@inline function stateOf(stream: i32): usize {
  return states + <usize>(stream % BUFFERS) * STATE;
}

export function drop_filesystem_types_directory_entry_stream(stream: i32): void {
  if (load<i32>(stateOf(stream)) == stream + 1) store<i32>(stateOf(stream), 0);
  releaseFile(load<i32>(entryOf(table, SIZE, stream), FILE));
  giveEntry(table, SIZE, stream);
}

/** The next dirent in own memory: its address, 0 at the end, or minus errno. */
function next(stream: i32): i64 {
  const entry = entryOf(table, SIZE, stream);
  const fd = fileDescriptor(load<i32>(entry, FILE));
  const state = stateOf(stream);
  const buffer = buffers + <usize>(stream % BUFFERS) * BUFFER_SIZE;
  if (load<i32>(state) != stream + 1) {
    const r = seek(fd, load<i64>(entry, COOKIE));
    if (r < 0) return r;
    store<i32>(state, stream + 1);
    store<u32>(state, 0, 4);
    store<u32>(state, 0, 8);
  }
  let position: usize = load<u32>(state, 4);
  if (position == load<u32>(state, 8)) {
    const n = getdents(fd, buffer, <u32>BUFFER_SIZE);
    // A directory that was removed has no entries.
    if (n == -2) return 0;
    if (n <= 0) return n;
    position = 0;
    store<u32>(state, <u32>n, 8);
  }
  const dirent = buffer + position;
  store<u32>(state, <u32>position + load<u16>(dirent, DIRENT_SIZE), 4);
  store<i64>(entry, load<i64>(dirent, DIRENT_NEXT), COOKIE);
  return dirent;
}

function isDots(name: usize): bool {
  if (load<u8>(name) != 0x2e) return false;
  return load<u8>(name, 1) == 0 || (load<u8>(name, 1) == 0x2e && load<u8>(name, 2) == 0);
}

/** `d_type` is the file type of `st_mode`, shifted; 0 where the file system does not say. */
function typeOf(stream: i32, dirent: usize): u8 {
  const type = load<u8>(dirent, DIRENT_TYPE);
  if (type) return descriptorType(<u32>type << 12);
  const fd = fileDescriptor(load<i32>(entryOf(table, SIZE, stream), FILE));
  return statEntry(fd, dirent + DIRENT_NAME) < 0 ? 0 : descriptorType(statMode() & S_IFMT);
}

/** result<option<directory-entry>, error-code>: u8 tag; at 4 the option: u8 tag; at 8 u8 type; at 12 pointer and length of the name. */
export function filesystem_types_method_directory_entry_stream_read_directory_entry(self: i32, ret: i32): void {
  const stream = directoryEntryStreamRep(self);
  beginResult(ret, 20, 4);
  let dirent: i64;
  do {
    dirent = next(stream);
  } while (dirent > 0 && isDots(<usize>dirent + DIRENT_NAME));
  if (dirent < 0) {
    put8(0, 1);
    put8(4, errorCode(<i32>-dirent));
    return;
  }
  if (dirent == 0) {
    put8(0, 0);
    put8(4, 0);
    return;
  }
  const name = <usize>dirent + DIRENT_NAME;
  let length: u32 = 0;
  while (load<u8>(name + length)) length++;
  const span = ownSpan(name, length);
  if (!isUtf8(span, length)) {
    put8(0, 1);
    put8(4, errorCode(EILSEQ));
    return;
  }
  const type = typeOf(stream, <usize>dirent);
  const pointer = copyToGuest(span, length);
  put8(0, 0);
  put8(4, 1);
  put8(8, type);
  put32(12, pointer);
  put32(16, length);
}
