/**
 * Calls, returns and jumps: that they go where they may, with the context in rdi, the frame in order, and references where references are
 * expected; and what is left of the registers behind a call.
 */

import { checkFrame, checkPush, isReference, UNCHECKED_STACK } from "./access.ts";
import { Part } from "./atoms.ts";
import { Flow, OperandKind } from "./decode.ts";
import type { CodeFunction } from "./image.ts";
import { Op } from "./instructions.ts";
import { moveStack } from "./arithmetic.ts";
import { type Machine, Reg } from "./machine.ts";
import { step } from "./step.ts";
import { RESULT_SLOTS, type State } from "./state.ts";
import { checkSupport, checkTableGrow } from "./support.ts";
import type { FunctionType } from "./types.ts";
import { AtomKind, Base, Form, loneAtom } from "./values.ts";

/** Of a callee that nothing is known of. */
const NOTHING: FunctionType = {
  text: ">",
  stackBytes: 0,
  registerReferences: [],
  stackReferences: [],
  resultRegisters: [],
  resultSlots: [],
};

const CALLEE_SAVED = [3, 5, 12, 13, 14, 15] as const;
const CALLER_SAVED = [0, 1, 2, 6, 7, 8, 9, 10, 11] as const;

/** What the end of a block leads to. */
export type End =
  | { readonly kind: "falls" }
  | { readonly kind: "ends" }
  | { readonly kind: "jump"; readonly target: number }
  | { readonly kind: "branch"; readonly target: number }
  | { readonly kind: "table"; readonly targets: readonly number[] };

const FALLS: End = { kind: "falls" };
const ENDS: End = { kind: "ends" };

/** Runs the current instruction, whatever it is. */
export function run(m: Machine): End {
  const { i } = m;
  if (i.flow !== Flow.next && i.prefixed) {
    m.fail("an instruction that compiled code does not have");
    return ENDS;
  }
  switch (i.flow) {
    case Flow.next: {
      if (i.op >= Op.push) stack(m, i.op);
      else step(m);
      return FALLS;
    }
    case Flow.jump:
      return jump(m);
    case Flow.branch:
      return { kind: "branch", target: i.target };
    case Flow.return:
      leaves(m, m.type);
      return ENDS;
    case Flow.call:
      return directCall(m);
    case Flow.indirectCall:
      return indirectCall(m);
    case Flow.indirectJump:
      return indirectJump(m);
    default:
      m.fail("an instruction that compiled code does not have");
      return ENDS;
  }
}

/** push, pop and leave, of whole registers. */
function stack(m: Machine, op: number): void {
  const { i, state } = m;
  const sp = state.register(Reg.rsp);
  if (sp.base !== Base.frame || sp.a !== 0) return m.fail("the stack pointer is not known");
  if (op === Op.leave) {
    const frame = state.register(Reg.rbp);
    if (frame.base !== Base.frame || frame.a !== 0) return m.fail("the frame pointer is not known");
    return pop(m, frame.c, Reg.rbp);
  }
  if (i.k0 !== OperandKind.register || i.s0 !== 8) return m.fail("an instruction that compiled code does not have");
  if (op === Op.pop) return pop(m, sp.c, i.r0);
  const at = sp.c - 8;
  if (!checkPush(m, at)) return;
  const value = state.register(i.r0);
  state.registers[Reg.rsp] = new Form(Base.frame, at);
  state.killSlots(at, at + 8);
  state.slots.set(at, value);
}

function pop(m: Machine, at: number, register: number): void {
  const { state } = m;
  if (at < state.register(Reg.rsp).c || at + 8 > 16 + m.type.stackBytes) {
    return m.fail("pops from outside of the function's frame");
  }
  const value = state.slots.get(at) ?? m.fresh(8, Part.pop);
  moveStack(m, new Form(Base.frame, at + 8));
  if (register === Reg.rsp) return m.fail("the stack pointer gets a value that is not followed");
  m.write(register, 8, value);
}

// Leaving the function.

/** The caller's registers and stack are as they were, with `type`'s arguments (of a tail call) above the return address. */
function checkRestored(m: Machine, stackBytes: number): boolean {
  const { state } = m;
  const sp = state.register(Reg.rsp);
  const at = 8 + m.type.stackBytes - stackBytes;
  if (sp.base !== Base.frame || sp.a !== 0 || sp.c !== at) {
    m.fail("the stack pointer is not back where it was");
    return false;
  }
  const address = state.slots.get(at);
  if (address?.base !== Base.returnAddress || address.a !== 0 || address.c !== 0) {
    m.fail("the return address may have been overwritten");
    return false;
  }
  for (const r of CALLEE_SAVED) {
    const f = state.register(r);
    if (f.base !== Base.saved + r || f.a !== 0 || f.c !== 0) {
      m.fail(`${REGISTER_NAMES[r] ?? ""} does not have the caller's value`);
      return false;
    }
  }
  return true;
}

const REGISTER_NAMES: Readonly<Record<number, string>> = {
  3: "rbx",
  5: "rbp",
  12: "r12",
  13: "r13",
  14: "r14",
  15: "r15",
};

function leaves(m: Machine, type: FunctionType): void {
  const { i, state } = m;
  const popped = i.operands === 0 ? 0 : i.immediate;
  if (popped !== type.stackBytes) return m.fail(`pops ${popped} bytes of arguments, not ${type.stackBytes}`);
  if (!checkRestored(m, type.stackBytes)) return;
  for (const [register, token] of type.resultRegisters) {
    if (!isReference(m, state.register(register), token)) return m.fail("returns something that is no reference");
  }
  for (const [at, token] of type.resultSlots) {
    const value = state.slots.get(RESULT_SLOTS + at);
    if (value === undefined || !isReference(m, value, token)) return m.fail("returns something that is no reference");
  }
}

function jump(m: Machine): End {
  const { i, f, world } = m;
  if (i.target >= f.start && i.target < f.end) return { kind: "jump", target: i.target };
  const target = world.image.byStart.get(i.target);
  if (target === undefined) {
    m.fail("jumps to something that is no function's start");
    return ENDS;
  }
  const type = calleeType(m, target);
  if (type !== undefined) tailCall(m, type);
  return ENDS;
}

function tailCall(m: Machine, type: FunctionType): void {
  if (!checkRestored(m, type.stackBytes)) return;
  if (m.type.resultRegisters.length > 0 || m.type.resultSlots.length > 0 || type.resultRegisters.length > 0) {
    if (!sameResults(m, type)) return m.fail("calls a function with other results in its place");
  }
  checkArguments(m, type, 8);
}

function sameResults(m: Machine, type: FunctionType): boolean {
  const { types } = m.world;
  const fits = (mine: readonly (readonly [number, string])[], its: readonly (readonly [number, string])[]): boolean =>
    mine.every(([at, token]) => its.some(([other, sub]) => other === at && types.fits(sub, token)));
  return fits(m.type.resultRegisters, type.resultRegisters) && fits(m.type.resultSlots, type.resultSlots);
}

function indirectJump(m: Machine): End {
  const { i, state, atoms } = m;
  if (i.k0 !== OperandKind.register || i.s0 !== 8) {
    m.fail("jumps to an address in memory");
    return ENDS;
  }
  const target = state.register(i.r0);
  const distance = target.b === 0 && target.s === 1 ? target.a : 0;
  const entry = atoms.kind[distance] === AtomKind.signed ? atoms.twin(distance) : 0;
  if (target.base === Base.image && atoms.kind[entry] === AtomKind.jumpTable) return tableJump(m, target, entry);
  const type = checkedCode(m, target);
  if (type === undefined) m.fail("jumps to an address that was not checked");
  else tailCall(m, type);
  return ENDS;
}

function tableJump(m: Machine, target: Form, entry: number): End {
  const { atoms, world, f } = m;
  const start = atoms.detail[entry] ?? 0;
  const count = Number(atoms.payload[entry]);
  const view = new DataView(world.image.text.buffer, world.image.text.byteOffset, world.image.text.length);
  const targets: number[] = [];
  for (let k = 0; k < count; k++) {
    const to = target.c + view.getInt32(start - world.image.textStart + 4 * k, true);
    if (to < f.start || to >= f.end) {
      m.failAccess(`entry ${k} of the jump table leads out of the function`);
      return ENDS;
    }
    targets.push(to);
  }
  return { kind: "table", targets };
}

// Calls.

/** What may be called, and its type; undefined when it may not, which is reported. */
function calleeType(m: Machine, target: CodeFunction): FunctionType | undefined {
  const type = target.type === undefined ? undefined : m.world.types.of(target.type);
  if (type === undefined || !mayCall(m, target)) {
    m.fail(`calls ${target.name}, which it may not`);
    return undefined;
  }
  return type;
}

function mayCall(m: Machine, target: CodeFunction): boolean {
  switch (target.kind) {
    case "wasm":
    case "lowered":
    case "trampoline":
    case "support memory_copy":
    case "support memory_fill":
    case "support table_fill":
    case "support sleep":
    case "support throw":
    case "support throw_ref":
    case "support exception_new":
    case "support exception_capture":
      return true;
    case "trusted":
      return target.of === m.f.of;
    case "memory-grow":
      return m.rights.memories.has(target.of);
    case "table-grow":
      return m.rights.tables.has(target.of) && m.world.map.policy.tables[target.of]?.constant === false;
    default:
      return false;
  }
}

function directCall(m: Machine): End {
  const { i, world } = m;
  const target = world.image.byStart.get(i.target);
  if (target === undefined) {
    m.fail("calls something that is no function's start");
    return ENDS;
  }
  if (target.kind === "support raise") {
    const sp = m.state.register(Reg.rsp);
    if (sp.base !== Base.frame || sp.a !== 0 || sp.c > 0) m.fail("the stack pointer is not in the frame at a call");
    else if (checkFrame(m, "a call")) checkPush(m, sp.c - 8);
    return ENDS;
  }
  const type = calleeType(m, target);
  if (type === undefined) return ENDS;
  if (target.kind.startsWith("support ")) checkSupport(m, target.kind.slice("support ".length));
  else if (target.kind === "table-grow") checkTableGrow(m, target.of);
  call(m, type);
  return FALLS;
}

function indirectCall(m: Machine): End {
  const { i, state, world } = m;
  if (i.k0 !== OperandKind.register || i.s0 !== 8) {
    m.fail("calls an address in memory");
    return ENDS;
  }
  const target = state.register(i.r0);
  const type = checkedCode(m, target);
  if (type === undefined) m.fail("calls an address that was not checked");
  // Of a null reference, for a processor that runs ahead: it does not come back.
  const isRaise = target.a === 0 && world.image.byStart.get(target.c)?.kind === "support raise";
  if (isRaise && target.base === Base.image) return ENDS;
  call(m, type ?? NOTHING);
  return FALLS;
}

/** The type of the function at an address that can only be a function's: text base plus a checked offset. */
function checkedCode(m: Machine, target: Form): FunctionType | undefined {
  const { atoms, world, state } = m;
  if (target.base !== Base.image || target.b !== 0) return undefined;
  if (target.a === 0) {
    const f = world.image.byStart.get(target.c);
    return f?.type === undefined || !mayCall(m, f) || f.kind.startsWith("support ")
      ? undefined
      : world.types.of(f.type);
  }
  if (target.c !== world.image.textStart || target.s !== 1) return undefined;
  const address = atoms.payload[target.a];
  if (atoms.kind[target.a] === AtomKind.elementCode && address instanceof Form) {
    return world.types.list[state.elementType(address, atoms.detail[target.a] ?? 0)];
  }
  if (atoms.kind[target.a] === AtomKind.code) return world.types.list[atoms.detail[target.a] ?? -1];
  // The low half of a typed reference that is not null.
  if (atoms.kind[target.a] !== AtomKind.low) return undefined;
  const of = atoms.payload[target.a];
  const reference = of instanceof Form ? loneAtom(of) : 0;
  const token = atoms.payload[reference];
  if (atoms.kind[reference] !== AtomKind.reference || typeof token !== "string" || !/^r\d/.test(token))
    return undefined;
  if (state.rangeOf(reference).lo < 1 && !m.speculative) return undefined;
  return world.types.list[world.types.ofSignature(Number(token.slice(1)))];
}

/** Context and references of a call; `above`: bytes between the stack pointer and the stack arguments. */
function checkArguments(m: Machine, type: FunctionType, above: number): boolean {
  const { state } = m;
  const context = state.register(Reg.rdi);
  if (context.base !== Base.context || context.a !== 0 || context.c !== 0) {
    m.fail("rdi is not the context at a call");
    return false;
  }
  const sp = state.register(Reg.rsp).c + above;
  for (const [register, token] of type.registerReferences) {
    if (isReference(m, state.register(register), token)) continue;
    m.fail("passes something that is no reference where one is expected");
    return false;
  }
  for (const [offset, token] of type.stackReferences) {
    const value = state.slots.get(sp + offset);
    if (value !== undefined && isReference(m, value, token)) continue;
    m.fail("passes something that is no reference where one is expected");
    return false;
  }
  return true;
}

function call(m: Machine, type: FunctionType): void {
  const { state } = m;
  const sp = state.register(Reg.rsp);
  if (sp.base !== Base.frame || sp.a !== 0) return m.failAccess("the stack pointer is not known at a call");
  if (!checkFrame(m, "a call") || !checkArguments(m, type, 0)) return afterCall(m, type);
  // The frame record and what the caller passed are not the callee's.
  if (sp.c + type.stackBytes > 0) m.fail("a call's stack arguments are outside of the frame");
  else if (sp.c % 16 !== 0) m.fail("the stack is misaligned at a call");
  else if (state.floor > sp.c + UNCHECKED_STACK)
    m.fail("calls without having compared the stack pointer with the limit");
  afterCall(m, type);
}

function afterCall(m: Machine, type: FunctionType): void {
  const { state } = m;
  const { c } = state.register(Reg.rsp);
  state.killSlots(c, c + type.stackBytes);
  for (const key of state.slots.entries().keys()) if (key < c || key >= RESULT_SLOTS / 2) state.slots.delete(key);
  state.registers[Reg.rsp] = new Form(Base.frame, c + type.stackBytes);
  m.tablesChange();
  state.flags = undefined;
  for (const r of CALLER_SAVED) state.registers[r] = m.fresh(8, Part.register + r);
  const reference = (token: string, part: number): Form =>
    m.atom(Number.POSITIVE_INFINITY, AtomKind.reference, 0, token, part);
  for (const [register, token] of type.resultRegisters) {
    state.registers[register] = reference(token, Part.register + register);
  }
  for (const [at, token] of type.resultSlots) state.slots.set(RESULT_SLOTS + at, reference(token, Part.slot + at));
  if (m.world.image.catches.has(m.i.next)) m.landing = landingState(m);
}

/** What holds where an exception continues: of the registers only rbp, and the frame as the call left it. */
function landingState(m: Machine): State {
  const state = m.state.clone();
  for (let r = 0; r < 16; r++) if (r !== Reg.rbp) state.registers[r] = m.fresh(8, Part.landing + r);
  for (const key of state.slots.entries().keys()) if (key >= RESULT_SLOTS / 2) state.slots.delete(key);
  return state;
}
