/**
 * What the guest was granted: environment variables and directories, from two environment blocks.
 *
 * 1. The built-in block, which the compiler writes at `config_address`: u32 length, then NUL-terminated `NAME=value` strings.
 * 2. The process's environment, when this is an executable that was not started with more rights than its user's.
 *
 * Both speak the same language; the second adds to the first and wins over it:
 *
 *     WINDLASS_DIR          directories, one a line: HOST::GUEST (split at the last "::"), or HOST for the same name inside
 *     WINDLASS_DIR_RO       the same, read-only
 *     WINDLASS_ENV          variables, one a line: NAME=value, or NAME to pass the process's own on
 *     WINDLASS_ENV_<NAME>   the variable NAME, with any value
 *     WINDLASS_INHERIT_ENV  1: every variable of the process is passed on; 0 or empty: none
 *
 * Nothing else reaches the guest; a variable whose name begins with WINDLASS_ never does, unless it was asked for by name. Inherited
 * variables that are not valid UTF-8 are left out; anything else that is malformed ends the program with a message and status 1.
 */

import { openPreopen } from "./preopens";
import { errorText } from "./errors";
import { ignoreWriteSignals, write } from "./linux";
import { closeFiles, prepareStandardFiles } from "./files";
import {
  Address,
  argument,
  argumentCount,
  byteAt,
  environmentString,
  exit,
  firstEnvironmentString,
  isUtf8,
  ownSpan,
  ownsProcess,
  startedWithPrivileges,
  stringLength,
} from "./native";
import { appendByte, appendText, beginText, textLength, textPointer } from "./text";

/** Where the compiler writes the built-in block, by a data segment, and how many bytes it may have with its length. */
const CONFIG_CAPACITY: u32 = 16384;
const config = memory.data(16384, 8);
export const config_address: usize = config;
export const config_capacity: u32 = CONFIG_CAPACITY;

/** Variables that a guest can have. */
export const ENVIRONMENT_LIMIT: u32 = 4096;

// An entry: i64 address of `NAME=value`, u32 its length, u32 the name's.
const ENTRY: usize = 16;
const environment = memory.data(16 * 4096, 8);
let count: u32 = 0;

@inline function entry(index: u32): usize {
  return environment + <usize>index * ENTRY;
}

export function environmentCount(): u32 {
  return count;
}
export function environmentPointer(index: u32): Address {
  return load<i64>(entry(index));
}
export function environmentLength(index: u32): u32 {
  return load<u32>(entry(index), 8);
}
export function environmentKeyLength(index: u32): u32 {
  return load<u32>(entry(index), 12);
}

// Messages

/** `windlass: text: [detail]`, then the end. */
function fail(text: string, detail: Address, length: u32, errno: i32 = 0): void {
  beginText();
  appendText("windlass: ");
  appendText(text);
  appendText(": ");
  // Room is left for the reason; control characters of the detail stay out of the terminal.
  for (let i: u32 = 0; i < length && i < 300; i++) {
    const byte = byteAt(detail + i);
    appendByte(byte < 0x20 || byte == 0x7f ? 0x3f : byte);
  }
  if (errno) {
    appendText(": ");
    appendText(errorText(errno));
  }
  appendText("\n");
  write(2, ownSpan(textPointer(), textLength()), textLength());
  exit(1);
  unreachable();
}

// Text at native addresses

/** Whether the `length` bytes at `address` begin with an ASCII literal. */
function startsWith(address: Address, length: u32, literal: string): bool {
  const n = <u32>literal.length;
  if (length < n) return false;
  for (let i: u32 = 0; i < n; i++) {
    if (byteAt(address + i) != load<u16>(changetype<usize>(literal) + (<usize>i << 1))) return false;
  }
  return true;
}

/** Position of the first `byte`, or `length`. */
function find(address: Address, length: u32, byte: i32): u32 {
  let i: u32 = 0;
  while (i < length && byteAt(address + i) != byte) i++;
  return i;
}

function same(a: Address, b: Address, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (byteAt(a + i) != byteAt(b + i)) return false;
  return true;
}

// The environment

function append(address: Address, length: u32, keyLength: u32): void {
  if (count == ENVIRONMENT_LIMIT) fail("too many environment variables, at", address, keyLength);
  store<i64>(entry(count), address);
  store<u32>(entry(count), length, 8);
  store<u32>(entry(count), keyLength, 12);
  count++;
}

/** Sets a variable that was asked for: `NAME=value`. */
function setVariable(address: Address, length: u32, keyLength: u32): void {
  if (!isUtf8(address, length)) fail("environment variable is not valid UTF-8", address, keyLength);
  if (keyLength == 0) fail("environment variable without a name", address, length);
  for (let i: u32 = 0; i < count; i++) {
    if (environmentKeyLength(i) == keyLength && same(environmentPointer(i), address, keyLength)) {
      store<i64>(entry(i), address);
      store<u32>(entry(i), length, 8);
      return;
    }
  }
  append(address, length, keyLength);
}

/** Passes a variable of the process on, if it is there. */
function passVariable(name: Address, nameLength: u32): void {
  let cursor = firstEnvironmentString();
  for (; ; cursor += 8) {
    const variable = environmentString(cursor);
    if (!variable) return;
    const length = stringLength(variable);
    if (length > nameLength && byteAt(variable + nameLength) == 0x3d && same(variable, name, nameLength)) {
      setVariable(variable, length, nameLength);
      return;
    }
  }
}

function inheritEnvironment(): void {
  let cursor = firstEnvironmentString();
  for (; ; cursor += 8) {
    const variable = environmentString(cursor);
    if (!variable) return;
    const length = stringLength(variable);
    const keyLength = find(variable, length, 0x3d);
    if (keyLength == 0 || keyLength == length) continue;
    if (startsWith(variable, length, "WINDLASS_") || !isUtf8(variable, length)) continue;
    append(variable, length, keyLength);
  }
}

// Settings

let inherit = false;

const INHERIT: i32 = 0;
const GRANT: i32 = 1;

function grantDirectory(line: Address, length: u32, readOnly: bool): void {
  // The last "::".
  let split = length;
  for (let i: u32 = 0; i + 1 < length; i++) {
    if (byteAt(line + i) == 0x3a && byteAt(line + i + 1) == 0x3a) split = i;
  }
  const guest = split == length ? line : line + split + 2;
  const guestLength = split == length ? length : length - split - 2;
  if (guestLength == 0 || split == 0) fail("a directory is HOST::GUEST or HOST, not", line, length);
  if (!isUtf8(guest, guestLength)) fail("directory name is not valid UTF-8", line, length);
  const status = openPreopen(line, split, guest, guestLength, readOnly);
  if (status < 0) fail("cannot open directory", line, split, <i32>-status);
}

function eachLine(address: Address, length: u32, what: i32): void {
  let at: u32 = 0;
  while (at < length) {
    const line = address + at;
    const n = find(line, length - at, 0x0a);
    at += n + 1;
    if (n == 0) continue;
    if (what == LINE_VARIABLE) {
      const keyLength = find(line, n, 0x3d);
      if (keyLength == n) passVariable(line, n);
      else setVariable(line, n, keyLength);
    } else grantDirectory(line, n, what == LINE_READ_ONLY);
  }
}

const LINE_VARIABLE: i32 = 0;
const LINE_DIRECTORY: i32 = 1;
const LINE_READ_ONLY: i32 = 2;

/** One `NAME=value` of either block, in one of the two passes: what is inherited must be known before anything is granted. */
function setting(address: Address, length: u32, pass: i32): void {
  if (!startsWith(address, length, "WINDLASS_")) return;
  const keyLength = find(address, length, 0x3d);
  if (keyLength == length) return;
  const value = address + keyLength + 1;
  const valueLength = length - keyLength - 1;
  if (pass == INHERIT) {
    if (startsWith(address, length, "WINDLASS_INHERIT_ENV=")) {
      inherit = valueLength == 1 && byteAt(value) == 0x31;
      if (!inherit && valueLength && !(valueLength == 1 && byteAt(value) == 0x30)) {
        fail("WINDLASS_INHERIT_ENV is 1 or 0, not", value, valueLength);
      }
    }
    return;
  }
  if (startsWith(address, length, "WINDLASS_ENV=")) eachLine(value, valueLength, LINE_VARIABLE);
  else if (startsWith(address, length, "WINDLASS_ENV_")) setVariable(address + 13, length - 13, keyLength - 13);
  else if (startsWith(address, length, "WINDLASS_DIR=")) eachLine(value, valueLength, LINE_DIRECTORY);
  else if (startsWith(address, length, "WINDLASS_DIR_RO=")) eachLine(value, valueLength, LINE_READ_ONLY);
}

function readSettings(pass: i32): void {
  const length = load<u32>(config);
  if (length <= CONFIG_CAPACITY - 4) {
    const block = ownSpan(config + 4, length);
    let at: u32 = 0;
    while (at < length) {
      const n = find(block + at, length - at, 0);
      setting(block + at, n, pass);
      at += n + 1;
    }
  }
  if (startedWithPrivileges()) return;
  let cursor = firstEnvironmentString();
  for (; ; cursor += 8) {
    const variable = environmentString(cursor);
    if (!variable) return;
    setting(variable, stringLength(variable), pass);
  }
}

/** Called once, when the instance is made, before any code of the guest. */
export function runtime_init(): void {
  prepareStandardFiles();
  if (ownsProcess()) ignoreWriteSignals();
  const arguments_ = argumentCount();
  for (let i: u32 = 0; i < arguments_; i++) {
    const address = argument(i);
    const length = stringLength(address);
    if (!isUtf8(address, length)) fail("argument is not valid UTF-8", address, length);
  }
  readSettings(INHERIT);
  if (inherit) inheritEnvironment();
  readSettings(GRANT);
}

/** Called when the instance is deleted and the process goes on. */
export function runtime_drop(): void {
  closeFiles();
}
