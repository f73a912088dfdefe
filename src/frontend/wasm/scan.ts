// hot loop: indices are in range by construction
/**
 * The first look at a body: where each local is assigned, and where each loop ends. SSA construction needs both before it comes
 * to them: a loop's header takes parameters for what the loop will assign.
 */

import type { Workspace } from "../../base/workspace.ts";
import type { OperatorReader } from "../../wasm/operators.ts";

/** Byte offsets of the assignments (`local.set`, `local.tee`) to each local, in order. */
export class Assignments {
  /** Local → its part of `#offsets`. */
  readonly #starts: Int32Array;
  readonly #offsets: Int32Array;

  constructor(work: Workspace, localCount: number, locals: Int32Array, offsets: Int32Array) {
    const starts = work.i32(localCount + 1);
    for (let i = 0; i < locals.length; i++) starts[locals[i]! + 1]!++;
    for (let i = 0; i < localCount; i++) starts[i + 1]! += starts[i]!;
    const next = work.copy(starts, localCount);
    this.#offsets = work.i32(locals.length);
    for (let i = 0; i < locals.length; i++) this.#offsets[next[locals[i]!]!++] = offsets[i]!;
    this.#starts = starts;
  }

  ever(local: number): boolean {
    return this.#starts[local] !== this.#starts[local + 1];
  }

  /** Whether an assignment is at bytes `[start, end)`. */
  within(local: number, start: number, end: number): boolean {
    let low = this.#starts[local]!;
    const last = this.#starts[local + 1]!;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! < start) low = middle + 1;
      else high = middle;
    }
    return low < last && this.#offsets[low]! < end;
  }
}

export interface BodyScan {
  readonly assignments: Assignments;
  /** Offsets of the loops, in order, and of the `end` of each. */
  readonly loopStarts: Int32Array;
  readonly loopEnds: Int32Array;
  /** It calls something: only then can it be part of a recursion. */
  readonly calls: boolean;
}

/** Reads a body to its end; `reader` is behind the local declarations. */
export function scanBody(work: Workspace, reader: OperatorReader, localCount: number): BodyScan {
  const locals = work.column();
  const offsets = work.column();
  const loopStarts = work.column();
  const loopEnds = work.column();
  /** Open constructs: the number of the loop, or -1. */
  const open: number[] = [];
  let calls = false;
  while (!reader.atEnd) {
    reader.next();
    switch (reader.op) {
      case 0x02: // block
      case 0x04: // if
      case 0x06: // try
      case 0x1f: // try_table
        open.push(-1);
        break;
      case 0x03: // loop
        open.push(loopStarts.push(reader.offset));
        loopEnds.push(reader.offset);
        break;
      case 0x0b: {
        // end
        const loop = open.pop();
        if (loop !== undefined && loop >= 0) loopEnds.set(loop, reader.offset);
        break;
      }
      case 0x10: // call
      case 0x11: // call_indirect
      case 0x12: // return_call
      case 0x13: // return_call_indirect
      case 0x14: // call_ref
      case 0x15: // return_call_ref
        calls = true;
        break;
      case 0x21: // local.set
      case 0x22: // local.tee
        locals.push(reader.index);
        offsets.push(reader.offset);
        break;
    }
  }
  return {
    assignments: new Assignments(work, localCount, locals.view(), offsets.view()),
    loopStarts: loopStarts.view(),
    loopEnds: loopEnds.view(),
    calls,
  };
}
