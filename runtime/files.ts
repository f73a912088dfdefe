/**
 * Open files of the kernel, counted: a descriptor and the streams and pollables made from it share one. Closed when the last goes.
 *
 * Slots 0, 1 and 2 are the process's standard streams, never closed.
 */

import { close, S_IFDIR, S_IFMT, S_IFREG, setAppend, stat, statMode } from "./linux";
import { entryOf, giveEntry, takeEntry } from "./table";

export const FILE_LIMIT: u32 = 4096;

// An entry: free link, fd, references, properties.
const SIZE: usize = 16;
const FD: usize = 4;
const REFERENCES: usize = 8;
const PROPERTIES: usize = 12;
const table = memory.data(8 + 16 * 4096, 8);

const REGULAR: u32 = 1;
const DIRECTORY: u32 = 2;
/** `O_APPEND` is on. */
const APPENDING: u32 = 4;

let standardReady = false;

@inline function entry(file: i32): usize {
  return entryOf(table, SIZE, file);
}

function propertiesOf(fd: i32): u32 {
  if (stat(fd) < 0) return 0;
  const kind = statMode() & S_IFMT;
  return kind == S_IFREG ? REGULAR : kind == S_IFDIR ? DIRECTORY : 0;
}

/** Makes slots 0, 1 and 2. Must run before the first `adoptFile`. */
export function prepareStandardFiles(): void {
  if (standardReady) return;
  standardReady = true;
  for (let fd = 0; fd < 3; fd++) {
    const file = takeEntry(table, SIZE, FILE_LIMIT);
    store<i32>(entry(file), fd, FD);
    store<u32>(entry(file), 1, REFERENCES);
    store<u32>(entry(file), propertiesOf(fd), PROPERTIES);
  }
}

/** Takes over `fd`, with one reference: its slot, or -1 when there are too many (`fd` is closed then). */
export function adoptFile(fd: i32): i32 {
  prepareStandardFiles();
  const file = takeEntry(table, SIZE, FILE_LIMIT);
  if (file < 0) {
    close(fd);
    return -1;
  }
  store<i32>(entry(file), fd, FD);
  store<u32>(entry(file), 1, REFERENCES);
  store<u32>(entry(file), propertiesOf(fd), PROPERTIES);
  return file;
}

export function shareFile(file: i32): i32 {
  store<u32>(entry(file), load<u32>(entry(file), REFERENCES) + 1, REFERENCES);
  return file;
}

export function releaseFile(file: i32): void {
  const references = load<u32>(entry(file), REFERENCES) - 1;
  store<u32>(entry(file), references, REFERENCES);
  if (references) return;
  close(fileDescriptor(file));
  giveEntry(table, SIZE, file);
}

@inline export function fileDescriptor(file: i32): i32 {
  return load<i32>(entry(file), FD);
}

@inline export function isRegular(file: i32): bool {
  return (load<u32>(entry(file), PROPERTIES) & REGULAR) != 0;
}

@inline export function isDirectory(file: i32): bool {
  return (load<u32>(entry(file), PROPERTIES) & DIRECTORY) != 0;
}

/** With `O_APPEND` the kernel appends whatever the offset says, so positioned writes need it off. */
export function wantAppend(file: i32, on: bool): i64 {
  const properties = load<u32>(entry(file), PROPERTIES);
  if (((properties & APPENDING) != 0) == on) return 0;
  const r = setAppend(fileDescriptor(file), on);
  if (r >= 0) store<u32>(entry(file), properties ^ APPENDING, PROPERTIES);
  return r;
}

/** Closes everything that the guest left open, for an instance that is deleted inside a living process. */
export function closeFiles(): void {
  const used = load<u32>(table, 4);
  for (let file: u32 = 3; file < used; file++) {
    if (load<u32>(entry(file), REFERENCES)) {
      store<u32>(entry(file), 0, REFERENCES);
      close(fileDescriptor(file));
    }
  }
}
