/**
 * Runs an allocator input twice: with values in virtual registers, and with values in the places of an allocation. An instruction's
 * results are a hash of its number and its inputs; a branch goes where the hash says. Both runs must read the same values in the same order.
 */

import {
  type AllocatorInput,
  type AllocatorOutput,
  EditKind,
  OperandKind,
} from "../../src/codegen/regalloc/interface.ts";

function mix(a: number, b: number): number {
  let h = Math.imul(a ^ (b + 0x9e3779b9), 0x85ebca6b);
  h ^= h >>> 13;
  return Math.imul(h, 0xc2b2ae35) ^ (h >>> 16);
}

const at = (column: { readonly [index: number]: number }, index: number): number => column[index] ?? -1;

/** What instruction i's definition number k is, given the hash of its inputs. */
function result(i: number, inputs: number, k: number): number {
  return mix(mix(i, inputs), k);
}

/** The hashes of the inputs of every instruction executed, for at most `steps` instructions. */
export function runVirtual(input: AllocatorInput, seed: number, steps: number): number[] {
  const values = new Map<number, number>();
  const trace: number[] = [];
  let block = 0;
  for (;;) {
    const last = at(input.blockStart, block + 1) - 1;
    let inputs = 0;
    for (let i = at(input.blockStart, block); i <= last; i++) {
      inputs = i === 0 ? seed : 0;
      for (let o = at(input.operandStart, i); o < at(input.operandStart, i + 1); o++)
        if (at(input.operandKind, o) < OperandKind.def)
          inputs = mix(inputs, values.get(at(input.operandVreg, o)) ?? -7);
      trace.push(inputs);
      if (trace.length >= steps) return trace;
      for (let o = at(input.operandStart, i); o < at(input.operandStart, i + 1); o++)
        if (at(input.operandKind, o) >= OperandKind.def)
          values.set(at(input.operandVreg, o), result(i, inputs, o - at(input.operandStart, i)));
    }
    const first = at(input.succStart, block);
    const count = at(input.succStart, block + 1) - first;
    if (count === 0) return trace;
    const e = first + ((mix(inputs, trace.length) >>> 0) % count);
    const target = at(input.succ, e);
    const passed: number[] = [];
    for (let a = at(input.argStart, e); a < at(input.argStart, e + 1); a++)
      passed.push(values.get(at(input.args, a)) ?? -7);
    passed.forEach((value, k) => {
      values.set(at(input.params, at(input.paramStart, target) + k), value);
    });
    block = target;
  }
}

/** The same with places. Destroyed registers and scratch registers hold rubbish after each instruction. */
export function runAllocated(input: AllocatorInput, output: AllocatorOutput, seed: number, steps: number): number[] {
  const places = new Map<number, number>();
  /** Places that hold 16 bytes. */
  const wide = new Set<number>();
  const setWide = (place: number, bytes: number): void => {
    if (bytes === 16) wide.add(place);
    else wide.delete(place);
  };
  const trace: number[] = [];
  let rubbish = 12345;
  const spoil = (place: number): void => {
    rubbish = mix(rubbish, 99);
    places.set(place, rubbish);
  };
  const firstEdit: number[] = [];
  for (let p = 0, e = 0; p <= 2 * input.instCount + 1; p++) {
    while (e < output.editPosition.length && at(output.editPosition, e) < p) e++;
    firstEdit.push(e);
  }
  const edits = (position: number): void => {
    for (let e = at(firstEdit, position); e < at(firstEdit, position + 1); e++) {
      const from = at(output.editFrom, e);
      let value: number;
      if (at(output.editKind, e) === EditKind.move) value = places.get(from) ?? 0;
      else value = result(from, 0, 0);
      const to = at(output.editTo, e);
      const bytes = at(output.editClass, e) >> 4;
      // Half of a value is another value.
      if (at(output.editKind, e) === EditKind.move && bytes === 8 && wide.has(from)) value = mix(value, 8);
      setWide(to, bytes);
      places.set(to, value);
      if (to >= 64 && at(output.editClass, e) >> 4 === 16) spoil(to + 1);
    }
    spoil(input.scratchInt);
    spoil(input.scratchFloat);
  };
  let block = 0;
  for (;;) {
    const last = at(input.blockStart, block + 1) - 1;
    let inputs = 0;
    for (let i = at(input.blockStart, block); i <= last; i++) {
      edits(2 * i);
      inputs = i === 0 ? seed : 0;
      for (let o = at(input.operandStart, i); o < at(input.operandStart, i + 1); o++)
        if (at(input.operandKind, o) < OperandKind.def)
          inputs = mix(inputs, places.get(at(output.operandPlace, o)) ?? -8);
      trace.push(inputs);
      if (trace.length >= steps) return trace;
      if (at(output.skipped, i) === 1) {
        edits(2 * i + 1);
        continue;
      }
      for (let k = 0; k < 32; k++) {
        if ((at(input.clobberInt, i) >>> k) & 1) spoil(k);
        if ((at(input.clobberFloat, i) >>> k) & 1) spoil(32 + k);
      }
      for (let o = at(input.operandStart, i); o < at(input.operandStart, i + 1); o++)
        if (at(input.operandKind, o) >= OperandKind.def) {
          const place = at(output.operandPlace, o);
          setWide(place, at(input.vregSize, at(input.operandVreg, o)));
          if (place >= 64 && at(input.vregSize, at(input.operandVreg, o)) === 16) spoil(place + 1);
          places.set(place, result(i, inputs, o - at(input.operandStart, i)));
        }
      edits(2 * i + 1);
    }
    const first = at(input.succStart, block);
    const count = at(input.succStart, block + 1) - first;
    if (count === 0) return trace;
    block = at(input.succ, first + ((mix(inputs, trace.length) >>> 0) % count));
  }
}
