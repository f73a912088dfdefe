/** The table of descriptors: a shared file and what may be done with it. */

import { releaseFile } from "./files";
import { entryOf, giveEntry, takeEntry } from "./table";

export const DESCRIPTOR_LIMIT: u32 = 4096;

/** `descriptor-flags` of the WIT. `mutate-directory` of a file says that its directory was mutable: its times may be set. */
export const DESCRIPTOR_READ: u32 = 1;
export const DESCRIPTOR_WRITE: u32 = 2;
export const DESCRIPTOR_FILE_SYNC: u32 = 4;
export const DESCRIPTOR_DATA_SYNC: u32 = 8;
export const DESCRIPTOR_WRITE_SYNC: u32 = 16;
export const DESCRIPTOR_MUTATE: u32 = 32;

// An entry: free link, file, flags.
const SIZE: usize = 16;
const FILE: usize = 4;
const FLAGS: usize = 8;
const table = memory.data(8 + 16 * 4096, 8);

/** A descriptor that takes over one reference to `file`: its slot, or -1 (the reference is released) when there are too many. */
export function takeDescriptor(file: i32, flags: u32): i32 {
  const descriptor = takeEntry(table, SIZE, DESCRIPTOR_LIMIT);
  if (descriptor < 0) {
    releaseFile(file);
    return -1;
  }
  store<i32>(entryOf(table, SIZE, descriptor), file, FILE);
  store<u32>(entryOf(table, SIZE, descriptor), flags, FLAGS);
  return descriptor;
}

export function descriptorFile(descriptor: i32): i32 {
  return load<i32>(entryOf(table, SIZE, descriptor), FILE);
}

export function descriptorFlags(descriptor: i32): u32 {
  return load<u32>(entryOf(table, SIZE, descriptor), FLAGS);
}

export function drop_filesystem_types_descriptor(descriptor: i32): void {
  releaseFile(descriptorFile(descriptor));
  giveEntry(table, SIZE, descriptor);
}
