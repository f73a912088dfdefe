/** wasi:cli: arguments, environment, standard streams, terminals, exit. */

import { environmentCount, environmentKeyLength, environmentLength, environmentPointer } from "./config";
import { prepareStandardFiles } from "./files";
import { isTerminal } from "./linux";
import {
  allocateGuest,
  argument,
  argumentCount,
  beginResult,
  copyToGuest,
  exit,
  newTerminalInput,
  newTerminalOutput,
  put8,
  requireCase,
  stringLength,
  writeGuest32,
} from "./native";
import { beginList, endList, optionHandleResult } from "./results";
import { standardInput, standardOutput } from "./streams";

/** list<tuple<string, string>>: elements of 16 bytes. */
export function cli_environment_get_environment(ret: i32): void {
  beginList(ret);
  const count = environmentCount();
  const list = allocateGuest(count << 4, 4);
  for (let i: u32 = 0; i < count; i++) {
    const element = list + (i << 4);
    const from = environmentPointer(i);
    const keyLength = environmentKeyLength(i);
    const valueLength = environmentLength(i) - keyLength - 1;
    writeGuest32(element, copyToGuest(from, keyLength));
    writeGuest32(element + 4, keyLength);
    writeGuest32(element + 8, copyToGuest(from + keyLength + 1, valueLength));
    writeGuest32(element + 12, valueLength);
  }
  endList(list, count);
}

/** list<string>: elements of 8 bytes. The first is the program's name. */
export function cli_environment_get_arguments(ret: i32): void {
  beginList(ret);
  const count = argumentCount();
  const list = allocateGuest(count << 3, 4);
  for (let i: u32 = 0; i < count; i++) {
    const from = argument(i);
    const length = stringLength(from);
    writeGuest32(list + (i << 3), copyToGuest(from, length));
    writeGuest32(list + (i << 3) + 4, length);
  }
  endList(list, count);
}

/** option<string>: none, because directories have guest names only where they are granted. */
export function cli_environment_initial_cwd(ret: i32): void {
  beginResult(ret, 12, 4);
  put8(0, 0);
}

/** The parameter is a `result`: its discriminant. */
export function cli_exit_exit(status: u32): void {
  requireCase(status, 2);
  exit(status);
}

export function cli_exit_exit_with_code(code: i32): void {
  exit(code & 0xff);
}

export function cli_stdin_get_stdin(): i32 {
  prepareStandardFiles();
  return standardInput(0);
}

export function cli_stdout_get_stdout(): i32 {
  prepareStandardFiles();
  return standardOutput(1);
}

export function cli_stderr_get_stderr(): i32 {
  prepareStandardFiles();
  return standardOutput(2);
}

// A terminal's representation is its descriptor; nothing can be done with one.

export function cli_terminal_stdin_get_terminal_stdin(ret: i32): void {
  const some = isTerminal(0);
  optionHandleResult(ret, some, some ? newTerminalInput(0) : 0);
}

export function cli_terminal_stdout_get_terminal_stdout(ret: i32): void {
  const some = isTerminal(1);
  optionHandleResult(ret, some, some ? newTerminalOutput(1) : 0);
}

export function cli_terminal_stderr_get_terminal_stderr(ret: i32): void {
  const some = isTerminal(2);
  optionHandleResult(ret, some, some ? newTerminalOutput(2) : 0);
}

export function drop_cli_terminal_input_terminal_input(_fd: i32): void {}

export function drop_cli_terminal_output_terminal_output(_fd: i32): void {}
