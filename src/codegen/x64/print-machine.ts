/**
 * Prints a machine function, before or after register allocation: for dumps (`--emit asm`) and for the people who look for a fault in one.
 *
 * A line is `definitions = operation.size uses [address] immediates`; an operand is `v7`, with its constraint behind a colon (`:rax`, `:any`,
 * `:=1` tied to operand 1, `!` late) and its place behind `@` once there is one. Edits of the allocator are lines of their own.
 */

import { COND_NAMES, instName } from "./instructions.ts";
import { FIRST_PSEUDO, pseudoName } from "./mops.ts";
import { registerName } from "./registers.ts";
import type { BlockGraph } from "../blocks.ts";
import { MEM_BASE, MEM_INDEX, MEM_SCALE, type MachineFunction, MemKind } from "../machine.ts";
import { type AllocatorOutput, Constraint, EditKind, FIRST_SLOT, OperandKind } from "../regalloc/interface.ts";

const MEM_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(MemKind).map(([name, kind]) => [kind, name]),
);

function placeName(place: number): string {
  return place >= FIRST_SLOT ? `slot${place - FIRST_SLOT}` : registerName(place);
}

function operationName(op: number): string {
  return op < FIRST_PSEUDO ? instName(op) : pseudoName(op);
}

function constraintText(m: MachineFunction, o: number): string {
  const data = m.operandData[o] ?? 0;
  const kind = m.operandKind[o];
  const late = kind === OperandKind.lateUse || kind === OperandKind.earlyDef ? "!" : "";
  switch (m.operandConstraint[o]) {
    case Constraint.any:
      return `${late}:any`;
    case Constraint.fixed:
      return `${late}:${registerName(data)}`;
    case Constraint.tied:
      return `${late}:=${data}`;
    case Constraint.stack:
      return `${late}:slot`;
    default:
      return late;
  }
}

function operandText(m: MachineFunction, o: number, output: AllocatorOutput | undefined): string {
  const place = output === undefined ? "" : `@${placeName(output.operandPlace[o] ?? 0)}`;
  return `v${m.operandVreg[o]}${constraintText(m, o)}${place}`;
}

/** The address; `registers`: its operands, printed. */
function addressText(m: MachineFunction, raw: number, registers: readonly string[]): string {
  const kind = m.memKind[raw] ?? MemKind.none;
  const parts = m.memParts[raw] ?? 0;
  const disp = m.memDisp[raw] ?? 0;
  const terms: string[] = [];
  if (kind !== MemKind.registers) terms.push(`${MEM_NAMES[kind]}${m.memSymbol[raw]}`);
  if (parts & MEM_BASE) terms.push(registers[0] ?? "?");
  if (parts & MEM_INDEX) terms.push(`${registers[registers.length - 1]}*${1 << (parts & MEM_SCALE)}`);
  if (disp !== 0 || terms.length === 0) terms.push(String(disp));
  return `[${terms.join(" + ")}]`;
}

function instText(m: MachineFunction, i: number, output: AllocatorOutput | undefined): string {
  const raw = m.order[i] ?? 0;
  const op = m.op[raw] ?? 0;
  const defs: string[] = [];
  const uses: string[] = [];
  for (let o = m.operandStart[i] ?? 0; o < (m.operandStart[i + 1] ?? 0); o++) {
    ((m.operandKind[o] ?? 0) >= OperandKind.def ? defs : uses).push(operandText(m, o, output));
  }
  const words: string[] = [];
  if (m.memKind[raw] !== MemKind.none) {
    const parts = m.memParts[raw] ?? 0;
    const count = (parts & MEM_BASE ? 1 : 0) + (parts & MEM_INDEX ? 1 : 0);
    const registers = uses.splice(uses.length - count, count);
    words.push(addressText(m, raw, registers));
  }
  const name = operationName(op);
  const imm = m.imm[raw] ?? 0;
  const conditional = name.includes("cc_") || ["branch", "trap_if", "set_condition", "select_float"].includes(name);
  if (conditional) words.push(COND_NAMES[imm] ?? (imm === 16 ? "float_eq" : "float_ne"));
  else if (imm !== 0 || m.imm2[raw] !== 0) words.push(`#${imm}${m.imm2[raw] === 0 ? "" : `, #${m.imm2[raw]}`}`);
  if (m.trap[raw] !== 0) words.push(`trap ${m.trap[raw]}`);
  const left = defs.length === 0 ? "" : `${defs.join(", ")} = `;
  const size = m.size[raw] === 0 ? "" : `.${m.size[raw]}`;
  return `${left}${name}${size} ${[...uses, ...words].join(", ")}`.trimEnd();
}

function editText(output: AllocatorOutput, e: number): string {
  const to = placeName(output.editTo[e] ?? 0);
  const from = output.editFrom[e] ?? 0;
  return output.editKind[e] === EditKind.remat ? `${to} <- again i${from}` : `${to} <- ${placeName(from)}`;
}

/** The machine function, block by block; with `output` the allocation too. Ends in a newline. */
export function printMachine(m: MachineFunction, graph: BlockGraph, output?: AllocatorOutput): string {
  const lines: string[] = [];
  let edit = 0;
  const edits = (position: number): void => {
    if (output === undefined) return;
    while ((output.editPosition[edit] ?? Number.POSITIVE_INFINITY) <= position)
      lines.push(`        ${editText(output, edit++)}`);
  };
  for (let b = 0; b < m.blockCount; b++) {
    const params = [...m.params.subarray(m.paramStart[b], m.paramStart[b + 1])].map((v) => `v${v}`).join(", ");
    const notes = [`depth ${m.loopDepth[b]}`, ...(graph.cold[b] === 1 ? ["cold"] : []), `ir block${graph.irBlock[b]}`];
    lines.push(`b${b}(${params}):  ; ${notes.join(", ")}`);
    for (let i = m.blockStart[b] ?? 0; i < (m.blockStart[b + 1] ?? 0); i++) {
      edits(2 * i);
      lines.push(`  i${String(i).padEnd(4)} ${instText(m, i, output)}`);
      edits(2 * i + 1);
    }
    for (let e = m.succStart[b] ?? 0; e < (m.succStart[b + 1] ?? 0); e++) {
      const args = [...m.args.subarray(m.argStart[e], m.argStart[e + 1])].map((v) => `v${v}`).join(", ");
      lines.push(`        → b${m.succ[e]}(${args})`);
    }
  }
  return `${lines.join("\n")}\n`;
}
