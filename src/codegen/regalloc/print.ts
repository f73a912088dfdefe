/** Text forms of the allocator's input and answer, for dumps and failing tests. */

import { type AllocatorInput, type AllocatorOutput, EditKind, FIRST_SLOT, OperandKind } from "./interface.ts";

function at(column: { readonly [index: number]: number }, index: number): number {
  return column[index] ?? -1;
}

/** `r3`, `x2` (float register 2), `s5` (slot 5). */
export function printPlace(place: number): string {
  if (place < 0) return "nowhere";
  if (place >= FIRST_SLOT) return `s${place - FIRST_SLOT}`;
  return place < 32 ? `r${place}` : `x${place - 32}`;
}

const KINDS = ["use", "late", "def", "early"];
const CONSTRAINTS = ["reg", "any", "fixed", "tied", "stack"];

function printOperand(input: AllocatorInput, output: AllocatorOutput | undefined, o: number): string {
  const constraint = at(input.operandConstraint, o);
  const data = constraint === 2 || constraint === 3 ? `(${at(input.operandData, o)})` : "";
  const place = output === undefined ? "" : `=${printPlace(at(output.operandPlace, o))}`;
  return `${KINDS[at(input.operandKind, o)]} v${at(input.operandVreg, o)}:${CONSTRAINTS[constraint]}${data}${place}`;
}

/** One line per instruction, with operands and (given an output) places and edits. */
export function printAllocation(input: AllocatorInput, output?: AllocatorOutput): string {
  const lines: string[] = [];
  let edit = 0;
  const edits = (position: number): void => {
    if (output === undefined) return;
    for (; edit < output.editPosition.length && at(output.editPosition, edit) <= position; edit++) {
      const to = printPlace(at(output.editTo, edit));
      const from = at(output.editFrom, edit);
      lines.push(
        `          ${to} <- ${at(output.editKind, edit) === EditKind.remat ? `again ${from}` : printPlace(from)}`,
      );
    }
  };
  for (let b = 0; b < input.blockCount; b++) {
    const params: string[] = [];
    for (let p = at(input.paramStart, b); p < at(input.paramStart, b + 1); p++) params.push(`v${at(input.params, p)}`);
    lines.push(`block${b}(${params.join(", ")}): depth ${at(input.loopDepth, b)}`);
    for (let i = at(input.blockStart, b); i < at(input.blockStart, b + 1); i++) {
      edits(2 * i);
      const operands: string[] = [];
      for (const defs of [true, false])
        for (let o = at(input.operandStart, i); o < at(input.operandStart, i + 1); o++)
          if (at(input.operandKind, o) >= OperandKind.def === defs) operands.push(printOperand(input, output, o));
      const clobbers = at(input.clobberInt, i) | at(input.clobberFloat, i);
      lines.push(
        `  ${String(i).padStart(4)}: ${at(input.isMove, i) === 1 ? "move " : ""}${operands.join("  ")}${
          clobbers === 0
            ? ""
            : `  clobbers ${at(input.clobberInt, i).toString(16)}/${at(input.clobberFloat, i).toString(16)}`
        }`,
      );
      edits(2 * i + 1);
    }
    for (let e = at(input.succStart, b); e < at(input.succStart, b + 1); e++) {
      const args: string[] = [];
      for (let a = at(input.argStart, e); a < at(input.argStart, e + 1); a++) args.push(`v${at(input.args, a)}`);
      lines.push(`        -> block${at(input.succ, e)}(${args.join(", ")})`);
    }
  }
  return `${lines.join("\n")}\n`;
}
