/** Which instructions there may be in a verified function, by what they do. The names are the library's mnemonics. */

import type { Disassembler } from "./decode.ts";

export const Op = {
  refused: 0,
  mov: 1,
  zeroExtend: 2,
  signExtend: 3,
  lea: 4,
  add: 5,
  sub: 6,
  compare: 7,
  test: 8,
  and: 9,
  or: 10,
  xor: 11,
  shl: 12,
  shr: 13,
  multiply: 14,
  widening: 15,
  signOfRax: 16,
  widenRax: 17,
  set: 18,
  conditionalMove: 19,
  update: 20,
  define: 21,
  count: 22,
  examine: 23,
  exchange: 24,
  compareExchange: 25,
  nothing: 26,
  vector: 27,
  divide: 28,
  sar: 29,
  scan: 30,
  negate: 31,
  changeBit: 32,
  exchangeAdd: 33,
  // What `control.ts` handles.
  push: 34,
  pop: 35,
  leave: 36,
} as const;

const GENERAL: Readonly<Record<string, number>> = {
  Mov: Op.mov,
  Movzx: Op.zeroExtend,
  Movsx: Op.signExtend,
  Movsxd: Op.signExtend,
  Lea: Op.lea,
  Add: Op.add,
  Sub: Op.sub,
  Cmp: Op.compare,
  Test: Op.test,
  And: Op.and,
  Or: Op.or,
  Xor: Op.xor,
  Shl: Op.shl,
  Sal: Op.shl,
  Shr: Op.shr,
  Sar: Op.sar,
  Imul: Op.multiply,
  Mul: Op.widening,
  Div: Op.divide,
  Idiv: Op.widening,
  Cdq: Op.signOfRax,
  Cqo: Op.signOfRax,
  Cwd: Op.signOfRax,
  Cwde: Op.widenRax,
  Cdqe: Op.widenRax,
  Cbw: Op.widenRax,
  Rol: Op.update,
  Ror: Op.update,
  Shld: Op.update,
  Shrd: Op.update,
  Not: Op.update,
  Neg: Op.negate,
  Inc: Op.update,
  Dec: Op.update,
  Adc: Op.update,
  Sbb: Op.update,
  Bts: Op.changeBit,
  Btr: Op.changeBit,
  Btc: Op.changeBit,
  Bswap: Op.update,
  Bt: Op.examine,
  Bsf: Op.scan,
  Bsr: Op.scan,
  Tzcnt: Op.count,
  Lzcnt: Op.count,
  Popcnt: Op.count,
  Andn: Op.define,
  Xchg: Op.exchange,
  Xadd: Op.exchangeAdd,
  Cmpxchg: Op.compareExchange,
  Mfence: Op.nothing,
  Lfence: Op.nothing,
  Sfence: Op.nothing,
  Pause: Op.nothing,
  Nop: Op.nothing,
  Endbr64: Op.nothing,
  Push: Op.push,
  Pop: Op.pop,
  Leave: Op.leave,
};

/** Vector instructions that change the processor's modes, or tell them. */
const REFUSED: ReadonlySet<string> = new Set(["Ldmxcsr", "Stmxcsr", "Vldmxcsr", "Vstmxcsr"]);

/** `Op` of an instruction with this mnemonic. */
export function operationOf(iced: Disassembler, mnemonic: number): number {
  const name = iced.Mnemonic[mnemonic];
  if (name === undefined || REFUSED.has(name)) return Op.refused;
  const op = Object.hasOwn(GENERAL, name) ? GENERAL[name] : undefined;
  if (op !== undefined) return op;
  if (/^Set(?!ssbsy)/.test(name)) return Op.set;
  return name.startsWith("Cmov") ? Op.conditionalMove : Op.vector;
}
