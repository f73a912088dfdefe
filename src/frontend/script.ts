/**
 * The output `script`: an executable that does what it is told on standard input, so that another process can instantiate the core
 * instances of a plan one by one, call any function of any of them, and look at memory. Conformance scripts run like this: a trap is an
 * answer, and the next command goes on.
 *
 * A command is a header, then what the header announces; so is the answer. All numbers are little-endian.
 *
 * | command | header says | then | answer |
 * |---|---|---|---|
 * | `call` | entry, count, results | `count` values | status, `results` values |
 * | `enter` | the same; a trap stays, as it does for a C host | | |
 * | `realloc` | entry of a realloc, count 4, results 1 | 4 values | status, 1 value |
 * | `realloc64` | the same, of a 64-bit memory | | |
 * | `read` | displacement from the context, length | | status 0, `length` bytes |
 * | `write` | displacement from the context, length | `length` bytes | status 0 |
 *
 * An entry is the position of its symbol among the program's entries. A value is a `ValRaw` of 16 bytes. At the end of its input, and when
 * it can't write, the program ends with exit code 0.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { Func, Value } from "../ir/function.ts";
import type { Signature } from "../ir/types.ts";
import { VAL_RAW_SIZE } from "../layout/host.ts";
import { InstanceState } from "../layout/offsets.ts";
import type { CoreFunc, CoreInstanceIndex } from "../plan/component.ts";
import { signatureOf } from "../plan/signatures.ts";
import type { FuncType } from "../wasm/types.ts";
import { ENTRY_ATTRIBUTES, emitEnter, loadValues, storeValues } from "./entries.ts";
import { PR_SET_PDEATHSIG, SIGKILL, Sys } from "./linux.ts";
import { emitSetState } from "./instance.ts";
import type { Program } from "./program.ts";
import { emitExit, emitOwnInstance } from "./start.ts";
import { Emitter } from "./structured.ts";
import { INSTANTIATE, LIFTED_ENTRY, REALLOC64_ENTRY, REALLOC_ENTRY } from "./support.ts";

export const ScriptCommand = { call: 0, enter: 1, realloc: 2, read: 3, write: 4, realloc64: 5 } as const;
/** Header of a command. */
export const CommandField = {
  command: 0,
  entry: 4,
  count: 8,
  results: 12,
  displacement: 16,
  length: 24,
  size: 32,
} as const;
/** Header of an answer: status. */
export const ANSWER_HEADER = 16;

const STDIN = 0;
const STDOUT = 1;

function typeOf(program: Program, func: CoreFunc): FuncType {
  const signature = signatureOf(program.component, func);
  if (signature === undefined) throw new InternalError("frontend", "an intrinsic has no entry");
  return program.component.signatures.get(signature);
}

/** The entry of a core function: (context, values) → status. */
export function buildScriptEntry(program: Program, func: CoreFunc, name: string): Func {
  const e = Emitter.start(name, LIFTED_ENTRY, ENTRY_ATTRIBUTES);
  const type = typeOf(program, func);
  const [context, values] = [e.param(0), e.param(1)];
  const args = loadValues(e, values, type.params);
  const { status, results } = emitEnter(
    e,
    program,
    context,
    program.functionSymbol(func),
    program.signature(type),
    args,
  );
  e.if(e.eqz(status), () => storeValues(e, values, results));
  e.return(status);
  return e.finish();
}

/** The entry that instantiates one core instance: (context) → status. */
export function buildScriptInstantiate(program: Program, instance: CoreInstanceIndex, name: string): Func {
  const e = Emitter.start(name, LIFTED_ENTRY, ENTRY_ATTRIBUTES);
  const { status } = emitEnter(
    e,
    program,
    e.param(0),
    program.functions.symbolOf({ kind: "instantiate-core", instance }),
    INSTANTIATE,
    [],
  );
  e.return(status);
  return e.finish();
}

/** Reads or writes exactly `length` bytes at `address`, or ends the process. */
function emitTransfer(e: Emitter, call: number, file: number, address: Value, length: Value): void {
  const at = e.variable(address);
  const end = e.add(address, length);
  e.while(
    () => e.ult(e.get(at), end),
    () => {
      const count = e.syscall(call, e.i64(file), e.get(at), e.sub(end, e.get(at)));
      e.if(e.eqz(e.slt(e.i64(0), count)), () => emitExit(e, e.i32(0)));
      e.set(at, e.add(e.get(at), count));
    },
  );
}

/** Values that any entry takes or gives. */
function mostValues(program: Program): number {
  let most = 4;
  const see = ({ params, results }: FuncType): void => {
    most = Math.max(most, params.length, results.length);
  };
  for (const func of program.scriptFunctions) see(typeOf(program, func));
  for (const { values } of program.api.exports) most = Math.max(most, values);
  return most;
}

/** `main(address of argc)` of a script. Does not return. */
export function buildScriptMain(e: Emitter, program: Program): void {
  // What it is told to run may not end: it does not outlive who tells it.
  e.syscall(Sys.prctl, e.i64(PR_SET_PDEATHSIG), e.i64(SIGKILL));
  const context = emitOwnInstance(e, program);
  const command = e.slotAddress(e.slot(CommandField.size));
  const most = mostValues(program);
  const answer = e.slotAddress(e.slot(ANSWER_HEADER + VAL_RAW_SIZE * most, VAL_RAW_SIZE));
  const values = e.offset(answer, ANSWER_HEADER);
  const dispatch = e.dataAddress(program.dispatch);
  const read = (address: Value, length: Value): void => emitTransfer(e, Sys.read, STDIN, address, length);
  const write = (address: Value, length: Value): void => emitTransfer(e, Sys.write, STDOUT, address, length);
  const bytesOf = (count: Value): Value => e.shl(e.zext(count), Math.log2(VAL_RAW_SIZE));

  e.loop((loop) => {
    read(command, e.i64(CommandField.size));
    const kind = e.load32(command, CommandField.command);
    const place = e.add(context, e.load64(command, CommandField.displacement));
    const length = e.load64(command, CommandField.length);
    e.store(answer, 0, e.i64(0));
    e.if(e.eqImm(kind, ScriptCommand.read), () => {
      write(answer, e.i64(ANSWER_HEADER));
      write(place, length);
      e.continue(loop);
    });
    e.if(e.eqImm(kind, ScriptCommand.write), () => {
      read(place, length);
      write(answer, e.i64(ANSWER_HEADER));
      e.continue(loop);
    });

    const count = e.load32(command, CommandField.count);
    const results = e.load32(command, CommandField.results);
    const tooMany = e.or(e.ugt(count, e.i32(most)), e.ugt(results, e.i32(most)));
    e.if(tooMany, () => emitExit(e, e.i32(1)));
    read(values, bytesOf(count));
    const record = e.add(dispatch, e.shl(e.zext(e.load32(command, CommandField.entry)), 3));
    const code = e.add(e.textBase(), e.zext(e.load32(record, 0)));
    const realloc = (signature: Signature, load: (at: number) => Value) => (): void => {
      const args = [0, 1, 2, 3].map((i) => load(VAL_RAW_SIZE * i));
      e.store(answer, 0, e.callIndirect1(code, signature, [context, ...args, values]));
    };
    const enter = (): void => {
      e.if(e.eqImm(kind, ScriptCommand.call), () => {
        emitSetState(e, context, InstanceState.ready);
      });
      e.store(answer, 0, e.callIndirect1(code, LIFTED_ENTRY, [context, values, e.i64(most)]));
    };
    e.if(
      e.eqImm(kind, ScriptCommand.realloc),
      realloc(REALLOC_ENTRY, (at) => e.load32(values, at)),
      () =>
        e.if(
          e.eqImm(kind, ScriptCommand.realloc64),
          realloc(REALLOC64_ENTRY, (at) => e.load64(values, at)),
          enter,
        ),
    );
    write(answer, e.offset(bytesOf(results), ANSWER_HEADER));
  });
}
