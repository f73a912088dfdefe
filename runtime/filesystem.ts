/**
 * wasi:filesystem/types: the methods of `descriptor`.
 *
 * Each lifts its parameters (which traps when they are malformed), checks its return pointer, then acts. Functions on an open file want
 * a file (`bad-descriptor`), functions on paths a directory (`not-directory`) that is mutable if they change something (`read-only`).
 */

import {
  DESCRIPTOR_DATA_SYNC,
  DESCRIPTOR_FILE_SYNC,
  DESCRIPTOR_MUTATE,
  DESCRIPTOR_READ,
  DESCRIPTOR_WRITE,
  DESCRIPTOR_WRITE_SYNC,
  descriptorFile,
  descriptorFlags,
  takeDescriptor,
} from "./descriptors";
import { openDirectoryStream } from "./directory";
import { errorCode } from "./errors";
import { adoptFile, fileDescriptor, isDirectory, wantAppend } from "./files";
import {
  AT_REMOVEDIR,
  close,
  EBADF,
  EBUSY,
  EEXIST,
  EILSEQ,
  EINVAL,
  EISDIR,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EPERM,
  EROFS,
  fadvise,
  fdatasync,
  fsync,
  ftruncate,
  linkat,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_SYNC,
  O_TRUNC,
  O_WRONLY,
  pread,
  pwrite,
  readlink,
  renameat,
  S_IFDIR,
  S_IFMT,
  setTimes,
  setTimesAt,
  setTimesOfPath,
  stat,
  statEntry,
  statMode,
  symlinkat,
  timesBuffer,
  unlinkat,
} from "./linux";
import {
  beginResult,
  copyToGuest,
  descriptorRep,
  guestSpan,
  isUtf8,
  newDescriptor,
  newInputStream,
  newOutputStream,
  ownSpan,
  put32,
  put64,
  put8,
  requireCase,
} from "./native";
import {
  closeParent,
  entryIsDirectory,
  entryName,
  firstPath,
  isAbsolute,
  liftPath,
  openBeneath,
  openParent,
  PATH_SIZE,
  secondPath,
} from "./paths";
import {
  AT_8,
  beginByteResult,
  beginBytesResult,
  beginHandleResult,
  endByte,
  endByteError,
  endBytes,
  endBytesError,
  endError8,
  endHandle,
  endHandleError,
  unitResult,
} from "./results";
import { APPEND, buffer, BUFFER_SIZE, openInput, openOutput, POSITIONED } from "./streams";
import { appendByte, appendNumber, appendText, beginText, textPointer } from "./text";
import { descriptorType, putHash, putStat, statDevice, statInode } from "./types";

const PATH_SYMLINK_FOLLOW: u32 = 1;
const OPEN_CREATE: u32 = 1;
const OPEN_DIRECTORY: u32 = 2;
const OPEN_EXCLUSIVE: u32 = 4;
const OPEN_TRUNCATE: u32 = 8;

@inline function fdOf(descriptor: i32): i32 {
  return fileDescriptor(descriptorFile(descriptor));
}

/** 0, or minus errno unless the descriptor is a file that was opened with all of `flags`. */
function checkFile(descriptor: i32, flags: u32): i64 {
  if (isDirectory(descriptorFile(descriptor))) return -EBADF;
  return (descriptorFlags(descriptor) & flags) == flags ? 0 : -EBADF;
}

/** 0, or minus errno unless it is a directory, mutable if `flags` says so. */
function checkDirectory(descriptor: i32, flags: u32): i64 {
  if (!isDirectory(descriptorFile(descriptor))) return -ENOTDIR;
  return (descriptorFlags(descriptor) & flags) == flags ? 0 : -EROFS;
}

// Streams

export function filesystem_types_method_descriptor_read_via_stream(self: i32, offset: u64, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginHandleResult(ret);
  const status = checkFile(descriptor, DESCRIPTOR_READ);
  if (status < 0) {
    endHandleError(<i32>-status);
    return;
  }
  const stream = openInput(descriptorFile(descriptor), POSITIONED, offset);
  if (stream < 0) endHandleError(EMFILE);
  else endHandle(newInputStream(stream));
}

function outputStream(self: i32, how: u32, offset: u64, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginHandleResult(ret);
  const status = checkFile(descriptor, DESCRIPTOR_WRITE);
  if (status < 0) {
    endHandleError(<i32>-status);
    return;
  }
  const stream = openOutput(descriptorFile(descriptor), how, offset);
  if (stream < 0) endHandleError(EMFILE);
  else endHandle(newOutputStream(stream));
}

export function filesystem_types_method_descriptor_write_via_stream(self: i32, offset: u64, ret: i32): void {
  outputStream(self, POSITIONED, offset, ret);
}

export function filesystem_types_method_descriptor_append_via_stream(self: i32, ret: i32): void {
  outputStream(self, APPEND, 0, ret);
}

// The open file

/** The kernel's numbers (POSIX_FADV_…) for `advice` in the order of the WIT. */
const ADVICE: usize = memory.data<u8>([0, 2, 1, 3, 4, 5]);

export function filesystem_types_method_descriptor_advise(
  self: i32,
  offset: u64,
  length: u64,
  advice: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  requireCase(advice, 6);
  beginByteResult(ret);
  let status = checkFile(descriptor, 0);
  if (status == 0) status = fadvise(fdOf(descriptor), offset, length, load<u8>(ADVICE + advice));
  unitResult(status);
}

export function filesystem_types_method_descriptor_sync_data(self: i32, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginByteResult(ret);
  unitResult(fdatasync(fdOf(descriptor)));
}

export function filesystem_types_method_descriptor_sync(self: i32, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginByteResult(ret);
  unitResult(fsync(fdOf(descriptor)));
}

export function filesystem_types_method_descriptor_get_flags(self: i32, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginByteResult(ret);
  const flags = descriptorFlags(descriptor);
  endByte(isDirectory(descriptorFile(descriptor)) ? flags : flags & ~DESCRIPTOR_MUTATE);
}

export function filesystem_types_method_descriptor_get_type(self: i32, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginByteResult(ret);
  const status = stat(fdOf(descriptor));
  if (status < 0) endByteError(<i32>-status);
  else endByte(descriptorType(statMode() & S_IFMT));
}

export function filesystem_types_method_descriptor_set_size(self: i32, size: u64, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginByteResult(ret);
  let status = checkFile(descriptor, DESCRIPTOR_WRITE);
  if (status == 0) status = ftruncate(fdOf(descriptor), size);
  unitResult(status);
}

/** result<tuple<list<u8>, bool>, error-code>: u8 tag; at 4 pointer and length, at 12 whether the end was reached. */
export function filesystem_types_method_descriptor_read(self: i32, length: u64, offset: u64, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginResult(ret, 16, 4);
  let n = checkFile(descriptor, DESCRIPTOR_READ);
  if (n == 0) {
    const want = length < BUFFER_SIZE ? <u32>length : BUFFER_SIZE;
    n = pread(fdOf(descriptor), ownSpan(buffer, want), want, offset);
  }
  if (n < 0) {
    put8(0, 1);
    put8(4, errorCode(<i32>-n));
    return;
  }
  const pointer = copyToGuest(ownSpan(buffer, <u32>n), <u32>n);
  put8(0, 0);
  put32(4, pointer);
  put32(8, <i32>n);
  put8(12, n == 0 && length != 0);
}

export function filesystem_types_method_descriptor_write(
  self: i32,
  pointer: i32,
  length: u32,
  offset: u64,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  const from = guestSpan(pointer, length, 1);
  beginResult(ret, 16, 8);
  let n = checkFile(descriptor, DESCRIPTOR_WRITE);
  if (n == 0) n = wantAppend(descriptorFile(descriptor), false);
  if (n == 0) n = pwrite(fdOf(descriptor), from, length, offset);
  if (n < 0) {
    endError8(<i32>-n);
    return;
  }
  put8(0, 0);
  put64(AT_8, n);
}

export function filesystem_types_method_descriptor_read_directory(self: i32, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginHandleResult(ret);
  let status = checkDirectory(descriptor, DESCRIPTOR_READ);
  if (status == 0) status = openDirectoryStream(fdOf(descriptor));
  if (status < 0) endHandleError(<i32>-status);
  else endHandle(<i32>status);
}

// Status

function statResult(status: i64): void {
  if (status < 0) {
    endError8(<i32>-status);
    return;
  }
  put8(0, 0);
  putStat(AT_8);
}

function hashResult(status: i64): void {
  if (status < 0) {
    endError8(<i32>-status);
    return;
  }
  put8(0, 0);
  putHash(AT_8);
}

/** Status of what a path names: 0 or minus errno. */
function statAt(descriptor: i32, pathFlags: u32, lifted: i64): i64 {
  if (lifted < 0) return lifted;
  const fd = openForStatus(descriptor, pathFlags);
  if (fd < 0) return fd;
  const status = stat(<i32>fd);
  close(<i32>fd);
  return status;
}

/** An `O_PATH` descriptor of what `firstPath` names, or minus errno. */
function openForStatus(descriptor: i32, pathFlags: u32): i64 {
  const status = checkDirectory(descriptor, 0);
  if (status < 0) return status;
  return openBeneath(fdOf(descriptor), firstPath, pathFlags & PATH_SYMLINK_FOLLOW ? O_PATH : O_PATH | O_NOFOLLOW, 0);
}

export function filesystem_types_method_descriptor_stat(self: i32, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginResult(ret, 104, 8);
  statResult(stat(fdOf(descriptor)));
}

export function filesystem_types_method_descriptor_stat_at(
  self: i32,
  pathFlags: u32,
  path: i32,
  pathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  const lifted = liftPath(firstPath, path, pathLength);
  beginResult(ret, 104, 8);
  statResult(statAt(descriptor, pathFlags, lifted));
}

export function filesystem_types_method_descriptor_metadata_hash(self: i32, ret: i32): void {
  const descriptor = descriptorRep(self);
  beginResult(ret, 24, 8);
  hashResult(stat(fdOf(descriptor)));
}

export function filesystem_types_method_descriptor_metadata_hash_at(
  self: i32,
  pathFlags: u32,
  path: i32,
  pathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  const lifted = liftPath(firstPath, path, pathLength);
  beginResult(ret, 24, 8);
  hashResult(statAt(descriptor, pathFlags, lifted));
}

export function filesystem_types_method_descriptor_is_same_object(self: i32, other: i32): i32 {
  const a = descriptorRep(self);
  const b = descriptorRep(other);
  if (stat(fdOf(a)) < 0) return 0;
  const device = statDevice();
  const inode = statInode();
  if (stat(fdOf(b)) < 0) return 0;
  return statDevice() == device && statInode() == inode ? 1 : 0;
}

// Times

const UTIME_NOW: i64 = 0x3fffffff;
const UTIME_OMIT: i64 = 0x3ffffffe;

/** new-timestamp → timespec number `index` of `timesBuffer`. Returns 0 or minus errno. */
function liftTime(index: usize, kind: u32, seconds: u64, nanoseconds: u32): i64 {
  requireCase(kind, 3);
  const at = timesBuffer + (index << 4);
  store<i64>(at, kind == 2 ? seconds : 0);
  store<i64>(at, kind == 2 ? nanoseconds : kind == 1 ? UTIME_NOW : UTIME_OMIT, 8);
  return kind == 2 && (nanoseconds >= 1000000000 || <i64>seconds < 0) ? -EINVAL : 0;
}

export function filesystem_types_method_descriptor_set_times(
  self: i32,
  accessKind: u32,
  accessSeconds: u64,
  accessNanoseconds: u32,
  modificationKind: u32,
  modificationSeconds: u64,
  modificationNanoseconds: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  const access = liftTime(0, accessKind, accessSeconds, accessNanoseconds);
  const modification = liftTime(1, modificationKind, modificationSeconds, modificationNanoseconds);
  beginByteResult(ret);
  let status = access < 0 ? access : modification;
  if (status == 0 && (descriptorFlags(descriptor) & DESCRIPTOR_MUTATE) == 0) status = -EROFS;
  if (status == 0) status = setTimes(fdOf(descriptor));
  unitResult(status);
}

export function filesystem_types_method_descriptor_set_times_at(
  self: i32,
  pathFlags: u32,
  path: i32,
  pathLength: u32,
  accessKind: u32,
  accessSeconds: u64,
  accessNanoseconds: u32,
  modificationKind: u32,
  modificationSeconds: u64,
  modificationNanoseconds: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let status = liftPath(firstPath, path, pathLength);
  const access = liftTime(0, accessKind, accessSeconds, accessNanoseconds);
  const modification = liftTime(1, modificationKind, modificationSeconds, modificationNanoseconds);
  beginByteResult(ret);
  if (status == 0) status = checkDirectory(descriptor, DESCRIPTOR_MUTATE);
  if (status == 0) status = access < 0 ? access : modification;
  if (status == 0) status = openForStatus(descriptor, pathFlags);
  if (status >= 0) {
    const fd = <i32>status;
    status = setTimesOfPath(fd);
    if (status == -EINVAL) {
      // Kernels before 5.8. The name leads to what `fd` refers to, a symbolic link itself included.
      beginText();
      appendText("/proc/self/fd/");
      appendNumber(fd);
      appendByte(0);
      status = setTimesAt(textPointer());
    }
    close(fd);
  }
  unitResult(status);
}

// Paths

export function filesystem_types_method_descriptor_open_at(
  self: i32,
  pathFlags: u32,
  path: i32,
  pathLength: u32,
  openFlags: u32,
  flags: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let status = liftPath(firstPath, path, pathLength);
  beginHandleResult(ret);
  if (status == 0) status = openAt(descriptor, pathFlags, openFlags, flags);
  if (status < 0) {
    endHandleError(<i32>-status);
    return;
  }
  const file = adoptFile(<i32>status);
  const kept = flags & (DESCRIPTOR_READ | DESCRIPTOR_WRITE | DESCRIPTOR_FILE_SYNC | DESCRIPTOR_DATA_SYNC | DESCRIPTOR_WRITE_SYNC);
  // Neither asked for: the kernel has no such mode, and a directory is opened to look into it.
  const readable = kept & (DESCRIPTOR_READ | DESCRIPTOR_WRITE) ? kept : kept | DESCRIPTOR_READ;
  const opened = file < 0 ? -1 : takeDescriptor(file, readable | (descriptorFlags(descriptor) & DESCRIPTOR_MUTATE));
  if (opened < 0) endHandleError(EMFILE);
  else endHandle(newDescriptor(opened));
}

function openAt(descriptor: i32, pathFlags: u32, openFlags: u32, flags: u32): i64 {
  const mutates = (openFlags & (OPEN_CREATE | OPEN_TRUNCATE)) | (flags & (DESCRIPTOR_WRITE | DESCRIPTOR_MUTATE));
  const status = checkDirectory(descriptor, mutates ? DESCRIPTOR_MUTATE : 0);
  if (status < 0) return status;
  let how = O_NOCTTY;
  if (flags & DESCRIPTOR_WRITE) how |= flags & DESCRIPTOR_READ ? O_RDWR : O_WRONLY;
  else how |= O_RDONLY;
  if (openFlags & OPEN_DIRECTORY) {
    if (openFlags & (OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_TRUNCATE)) return -EINVAL;
    how |= O_DIRECTORY;
  }
  if (openFlags & OPEN_CREATE) how |= openFlags & OPEN_EXCLUSIVE ? O_CREAT | O_EXCL : O_CREAT;
  if (openFlags & OPEN_TRUNCATE) how |= O_TRUNC;
  if (flags & (DESCRIPTOR_FILE_SYNC | DESCRIPTOR_WRITE_SYNC)) how |= O_SYNC;
  else if (flags & DESCRIPTOR_DATA_SYNC) how |= O_DSYNC;
  if ((pathFlags & PATH_SYMLINK_FOLLOW) == 0) how |= O_NOFOLLOW;
  return openBeneath(fdOf(descriptor), firstPath, how, 0o666);
}

export function filesystem_types_method_descriptor_create_directory_at(
  self: i32,
  path: i32,
  pathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let status = liftPath(firstPath, path, pathLength);
  beginByteResult(ret);
  if (status == 0) status = checkDirectory(descriptor, DESCRIPTOR_MUTATE);
  if (status == 0) {
    const base = fdOf(descriptor);
    const parent = openParent(base, firstPath, EEXIST);
    status = parent < 0 ? parent : mkdirat(<i32>parent, entryName, 0o777);
    closeParent(base, parent);
  }
  unitResult(status);
}

export function filesystem_types_method_descriptor_remove_directory_at(
  self: i32,
  path: i32,
  pathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let status = liftPath(firstPath, path, pathLength);
  beginByteResult(ret);
  if (status == 0) status = checkDirectory(descriptor, DESCRIPTOR_MUTATE);
  if (status == 0) {
    const base = fdOf(descriptor);
    const parent = openParent(base, firstPath, EINVAL);
    status = parent < 0 ? parent : unlinkat(<i32>parent, entryName, AT_REMOVEDIR);
    closeParent(base, parent);
  }
  unitResult(status);
}

export function filesystem_types_method_descriptor_unlink_file_at(
  self: i32,
  path: i32,
  pathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let status = liftPath(firstPath, path, pathLength);
  beginByteResult(ret);
  if (status == 0) status = checkDirectory(descriptor, DESCRIPTOR_MUTATE);
  if (status == 0) {
    const base = fdOf(descriptor);
    const parent = openParent(base, firstPath, EISDIR);
    if (parent < 0) status = parent;
    else if (!entryIsDirectory) status = unlinkat(<i32>parent, entryName, 0);
    else {
      status = statEntry(<i32>parent, entryName);
      if (status == 0) status = isEntryDirectory() ? -EISDIR : -ENOTDIR;
    }
    closeParent(base, parent);
  }
  unitResult(status);
}

function isEntryDirectory(): bool {
  return (statMode() & S_IFMT) == S_IFDIR;
}

export function filesystem_types_method_descriptor_rename_at(
  self: i32,
  oldPath: i32,
  oldPathLength: u32,
  newDescriptorHandle: i32,
  newPath: i32,
  newPathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let status = liftPath(firstPath, oldPath, oldPathLength);
  const target = descriptorRep(newDescriptorHandle);
  const lifted = liftPath(secondPath, newPath, newPathLength);
  beginByteResult(ret);
  if (status == 0) status = lifted;
  if (status == 0) status = checkDirectory(descriptor, DESCRIPTOR_MUTATE);
  if (status == 0) status = checkDirectory(target, DESCRIPTOR_MUTATE);
  if (status == 0) {
    const oldBase = fdOf(descriptor);
    const newBase = fdOf(target);
    const oldParent = openParent(oldBase, firstPath, EBUSY);
    const oldName = entryName;
    let wantsDirectory = entryIsDirectory;
    if (oldParent < 0) status = oldParent;
    else {
      const newParent = openParent(newBase, secondPath, EBUSY);
      wantsDirectory = wantsDirectory || entryIsDirectory;
      if (newParent < 0) status = newParent;
      else {
        if (wantsDirectory) {
          status = statEntry(<i32>oldParent, oldName);
          if (status == 0 && !isEntryDirectory()) status = -ENOTDIR;
        }
        if (status == 0) status = renameat(<i32>oldParent, oldName, <i32>newParent, entryName);
      }
      closeParent(newBase, newParent);
    }
    closeParent(oldBase, oldParent);
  }
  unitResult(status);
}

export function filesystem_types_method_descriptor_link_at(
  self: i32,
  oldPathFlags: u32,
  oldPath: i32,
  oldPathLength: u32,
  newDescriptorHandle: i32,
  newPath: i32,
  newPathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let status = liftPath(firstPath, oldPath, oldPathLength);
  const target = descriptorRep(newDescriptorHandle);
  const lifted = liftPath(secondPath, newPath, newPathLength);
  beginByteResult(ret);
  if (status == 0) status = lifted;
  if (status == 0) status = checkDirectory(descriptor, DESCRIPTOR_MUTATE);
  if (status == 0) status = checkDirectory(target, DESCRIPTOR_MUTATE);
  // A link to what a symbolic link names would have to be made by a name that could change in between.
  if (status == 0 && oldPathFlags & PATH_SYMLINK_FOLLOW) status = -EINVAL;
  if (status == 0) {
    const oldBase = fdOf(descriptor);
    const newBase = fdOf(target);
    const oldParent = openParent(oldBase, firstPath, EPERM);
    const oldName = entryName;
    const oldWantsDirectory = entryIsDirectory;
    if (oldParent < 0) status = oldParent;
    else {
      const newParent = openParent(newBase, secondPath, EEXIST);
      if (newParent < 0) status = newParent;
      else {
        if (oldWantsDirectory) {
          status = statEntry(<i32>oldParent, oldName);
          if (status == 0) status = isEntryDirectory() ? -EPERM : -ENOTDIR;
        }
        if (status == 0 && entryIsDirectory) status = missingOrThere(<i32>newParent);
        if (status == 0) status = linkat(<i32>oldParent, oldName, <i32>newParent, entryName);
      }
      closeParent(newBase, newParent);
    }
    closeParent(oldBase, oldParent);
  }
  unitResult(status);
}

/** What making something that is not a directory under a name with a slash behind it fails with. */
function missingOrThere(parent: i32): i64 {
  const status = statEntry(parent, entryName);
  return status == 0 ? -EEXIST : status;
}

export function filesystem_types_method_descriptor_symlink_at(
  self: i32,
  oldPath: i32,
  oldPathLength: u32,
  newPath: i32,
  newPathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let status = liftPath(firstPath, oldPath, oldPathLength);
  const lifted = liftPath(secondPath, newPath, newPathLength);
  beginByteResult(ret);
  if (status == 0) status = lifted;
  if (status == 0) status = checkDirectory(descriptor, DESCRIPTOR_MUTATE);
  if (status == 0 && isAbsolute(firstPath)) status = -EPERM;
  if (status == 0) {
    const base = fdOf(descriptor);
    const parent = openParent(base, secondPath, EEXIST);
    if (parent < 0) status = parent;
    else {
      if (entryIsDirectory) status = missingOrThere(<i32>parent);
      if (status == 0) status = symlinkat(firstPath, <i32>parent, entryName);
    }
    closeParent(base, parent);
  }
  unitResult(status);
}

export function filesystem_types_method_descriptor_readlink_at(
  self: i32,
  path: i32,
  pathLength: u32,
  ret: i32,
): void {
  const descriptor = descriptorRep(self);
  let n = liftPath(firstPath, path, pathLength);
  beginBytesResult(ret);
  if (n == 0) n = openForStatus(descriptor, 0);
  if (n >= 0) {
    const fd = <i32>n;
    n = readlink(fd, secondPath, PATH_SIZE);
    // What exists and is no symbolic link.
    if (n == -ENOENT) n = -EINVAL;
    close(fd);
  }
  if (n == PATH_SIZE) n = -ENAMETOOLONG;
  else if (n > 0 && isAbsolute(secondPath)) n = -EPERM;
  else if (n > 0 && !isUtf8(ownSpan(secondPath, <u32>n), <u32>n)) n = -EILSEQ;
  if (n < 0) endBytesError(<i32>-n);
  else endBytes(copyToGuest(ownSpan(secondPath, <u32>n), <u32>n), <u32>n);
}
