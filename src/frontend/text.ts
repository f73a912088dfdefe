/**
 * The text of a trap, written when the host asks for it: what happened, then the wasm functions that were active, innermost first.
 *
 *     wasm trap: unreachable
 *     wasm backtrace:
 *         0: greeter/core1::memcpy (offset 0x1f3)
 *
 * Offsets are those of the wasm file. It has `TRAP_TEXT_SIZE` bytes; a longer one ends after the last line that fits.
 */

import { LOC_INLINED } from "../codegen/compiled.ts";
import type { Value } from "../ir/function.ts";
import { InstanceState, TRAP_TEXT_SIZE, TrapRecord } from "../layout/offsets.ts";
import { TRAP_NAMES, Trap } from "../layout/traps.ts";
import type { Variable } from "./flow.ts";
import {
  inlinedTableCall,
  inlinedTableLocation,
  inlinedTableRow,
  TABLE_HEADER,
  trapTableLocations,
} from "./link-data.ts";
import { type TextName, textOffset } from "./messages.ts";
import { emitState, emitUnlessInstance } from "./instance.ts";
import type { Program } from "./program.ts";
import { emitRowKey } from "./raise.ts";
import type { Emitter } from "./structured.ts";
import { SUPPORT } from "./support.ts";

/** (cursor, limit, C string) → cursor. */
export function buildAppendText(e: Emitter): void {
  const limit = e.param(1);
  const cursor = e.variable(e.param(0));
  const source = e.variable(e.param(2));
  e.loop((loop) => {
    e.breakUnless(loop, e.ult(e.get(cursor), limit));
    const byte = e.load8(e.get(source), 0);
    e.breakIf(loop, e.eqz(byte));
    e.store8(e.get(cursor), 0, byte);
    e.set(cursor, e.offset(e.get(cursor), 1));
    e.set(source, e.offset(e.get(source), 1));
  });
  e.return(e.get(cursor));
}

/** (cursor, limit, number, base) → cursor. Base 10 or 16. */
export function buildAppendNumber(e: Emitter, program: Program): void {
  const digits = 24;
  const slot = e.slot(digits, 8);
  const start = e.slotAddress(slot);
  const base = e.zext(e.param(3));
  const at = e.variable(e.offset(start, digits - 1));
  e.store8(e.get(at), 0, e.i32(0));
  const rest = e.variable(e.param(2));
  e.loop((loop) => {
    const value = e.get(rest);
    const quotient = e.udiv(value, base);
    const digit = e.wrap(e.sub(value, e.mul(quotient, base)));
    e.set(at, e.offset(e.get(at), -1));
    e.store8(e.get(at), 0, e.add(digit, e.select(e.ultImm(digit, 10), e.i32(0x30), e.i32(0x61 - 10))));
    e.set(rest, quotient);
    e.breakIf(loop, e.eqz(quotient));
  });
  e.return(e.call1(program.support("append_text"), SUPPORT.append_text, [e.param(0), e.param(1), e.get(at)]));
}

class TextEmitter {
  readonly e: Emitter;
  readonly program: Program;
  readonly cursor: Variable;
  readonly limit: Value;

  constructor(e: Emitter, program: Program, start: Value, limit: Value) {
    this.e = e;
    this.program = program;
    this.cursor = e.variable(start);
    this.limit = limit;
  }

  string(address: Value): void {
    const { e } = this;
    const args = [e.get(this.cursor), this.limit, address];
    e.set(this.cursor, e.call1(this.program.support("append_text"), SUPPORT.append_text, args));
  }
  text(name: TextName): void {
    this.string(this.e.dataAddress(this.program.messages, textOffset(name)));
  }
  number(value: Value, base: number): void {
    const { e } = this;
    const args = [e.get(this.cursor), this.limit, value, e.i32(base)];
    e.set(this.cursor, e.call1(this.program.support("append_number"), SUPPORT.append_number, args));
  }
}

/** The text of the trap that is in the record, made at the first call. */
export function buildFormatTrap(e: Emitter, program: Program): void {
  const context = e.param(0);
  const { trap } = program.offsets;
  const text = e.offset(context, trap + TrapRecord.text);
  e.if(e.nez(e.load8(text, 0)), () => e.return(text));
  const out = new TextEmitter(e, program, text, e.offset(text, TRAP_TEXT_SIZE - 1));

  out.text("trap");
  const code = e.load32(context, trap + TrapRecord.code);
  const messages = e.dataAddress(program.messages);
  const known = e.select(e.ultImm(code, TRAP_NAMES.length), code, e.i32(0));
  const message = (): void =>
    out.string(e.add(messages, e.zext(e.load32(e.add(messages, e.shl(e.zext(known), 2)), 0))));
  const handle = (): void => out.number(e.zext(e.load32(context, trap + TrapRecord.handle)), 10);
  e.if(
    e.eqImm(code, Trap.handle_type_mismatch),
    () => {
      out.text("handleIndex");
      handle();
      out.text("wrongType");
      if (program.component.resources.values().every((r) => r.kind === "defined")) out.text("otherResource");
    },
    () => {
      message();
      const status = e.load32(context, trap + TrapRecord.exitStatus);
      e.if(e.and(e.eqImm(code, Trap.host_function_failed), e.nez(status)), () => {
        out.text("status");
        // As a signed number.
        e.if(e.slt(status, e.i32(0)), () => out.text("minus"));
        out.number(e.zext(e.select(e.slt(status, e.i32(0)), e.sub(e.i32(0), status), status)), 10);
        out.text("endOfOffset");
      });
      e.if(e.eqImm(code, Trap.unknown_handle), () => {
        out.text("space");
        handle();
      });
    },
  );
  out.text("backtrace");

  const base = e.textBase();
  const functions = e.dataAddress(program.functionTable);
  const traps = e.dataAddress(program.trapTable);
  const calls = e.dataAddress(program.callTable);
  const inlined = e.dataAddress(program.inlinedTable);
  const count = e.load32(context, trap + TrapRecord.frameCount);
  const frame = e.variable(e.i32(0));
  const line = e.variable(e.i32(0));
  const end = e.variable(e.get(out.cursor));
  const frameLine = (row: Value, location: Value): void => {
    out.text("indent");
    out.number(e.zext(e.get(line)), 10);
    out.text("colon");
    e.if(
      e.eqImm(row, -1),
      () => out.text("unknown"),
      () => {
        const names = e.add(functions, e.shl(e.zext(e.load32(functions, 0)), 2));
        const name = e.load32(e.add(names, e.shl(e.zext(row), 2)), TABLE_HEADER);
        out.string(e.add(functions, e.zext(name)));
      },
    );
    e.if(e.nez(location), () => {
      out.text("offset");
      out.number(e.zext(location), 16);
      out.text("endOfOffset");
    });
    out.text("newline");
    e.if(e.ult(e.get(out.cursor), out.limit), () => e.set(end, e.get(out.cursor)));
    e.set(line, e.offset(e.get(line), 1));
  };
  e.loop((loop) => {
    const index = e.get(frame);
    e.breakUnless(loop, e.ult(index, count));
    const pc = e.load64(e.add(context, e.shl(e.zext(index), 3)), trap + TrapRecord.frames);
    const at = e.wrap(e.sub(pc, base));
    const location = e.variable(e.i32(0));
    const lookUp = (table: Value): void => {
      const place = e.call1(program.support("find_row"), SUPPORT.find_row, [table, at]);
      e.if(e.neImm(place, -1), () => {
        e.if(e.eq(emitRowKey(e, table, place), at), () => {
          const rows = e.mul(e.zext(e.load32(table, 0)), e.i64(trapTableLocations));
          e.set(location, e.load32(e.add(e.add(table, rows), e.shl(e.zext(place), 2)), TABLE_HEADER));
        });
      });
    };
    // The first frame is the trap itself, or the call that threw; the others are behind calls.
    e.if(e.eqz(index), () => lookUp(traps));
    e.if(e.eqz(e.get(location)), () => lookUp(calls));
    // Functions that were put in place of calls come first, the function that holds the code last. A return address may be the first byte
    // behind its function.
    const outer = e.call1(program.support("find_row"), SUPPORT.find_row, [functions, e.offset(at, -1)]);
    e.while(
      () => e.uge(e.get(location), e.i32(LOC_INLINED | 0)),
      () => {
        const number = e.add(e.get(location), e.i32(LOC_INLINED | 0));
        const place = e.add(inlined, e.mul(e.zext(number), e.i64(inlinedTableRow)));
        frameLine(e.load32(place, TABLE_HEADER), e.load32(place, TABLE_HEADER + inlinedTableLocation));
        e.set(location, e.load32(place, TABLE_HEADER + inlinedTableCall));
      },
    );
    frameLine(outer, e.get(location));
    e.breakUnless(loop, e.ult(e.get(out.cursor), out.limit));
    e.set(frame, e.offset(e.get(frame), 1));
  });
  e.store8(e.get(end), 0, e.i32(0));
  e.return(text);
}

/** `last_trap`: null unless the instance has trapped. */
export function buildLastTrap(e: Emitter, program: Program): void {
  const context = e.param(0);
  const none = (): void => e.return(e.i64(0));
  emitUnlessInstance(e, program, context, none);
  e.if(e.neImm(emitState(e, context), InstanceState.trapped), none);
  e.return(e.call1(program.support("format_trap"), SUPPORT.format_trap, [context]));
}
