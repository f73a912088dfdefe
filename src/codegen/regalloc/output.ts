/** An allocator's answer, from the places of operands and the list of edits. */
// hot loop: indices are in range by construction

import { type AllocatorInput, type AllocatorOutput, FIRST_SLOT, OperandKind, RegClass } from "./interface.ts";
import type { EditList } from "./parallel-moves.ts";

/** Finds the callee-saved registers that are written: as a place, by a move, or by an instruction that destroys them. */
export function makeOutput(
  input: AllocatorInput,
  operandPlace: Int32Array,
  skipped: Uint8Array,
  edits: EditList,
  slotCount: number,
): AllocatorOutput {
  let usedInt = 0;
  let usedFloat = 0;
  for (let i = 0; i < input.instCount; i++) {
    usedInt |= input.clobberInt[i]!;
    usedFloat |= input.clobberFloat[i]!;
  }
  const operands = input.operandStart[input.instCount]!;
  for (let o = 0; o < operands; o++) {
    const place = operandPlace[o]!;
    if (place < 0 || place >= FIRST_SLOT || input.operandKind[o]! < OperandKind.def) continue;
    if (place < 32) usedInt |= 1 << place;
    else usedFloat |= 1 << (place & 31);
  }
  for (let e = 0; e < edits.to.length; e++) {
    const place = edits.to.data[e]!;
    if (place >= FIRST_SLOT) continue;
    if ((edits.regClass.data[e]! & 15) === RegClass.int) usedInt |= 1 << place;
    else usedFloat |= 1 << (place & 31);
  }
  return {
    operandPlace,
    editPosition: edits.position.view(),
    editKind: edits.kind.data.subarray(0, edits.kind.length),
    editFrom: edits.from.view(),
    editTo: edits.to.view(),
    editClass: edits.regClass.data.subarray(0, edits.regClass.length),
    skipped,
    slotCount,
    usedCalleeSavedInt: usedInt & input.calleeSavedInt,
    usedCalleeSavedFloat: usedFloat & input.calleeSavedFloat,
  };
}
