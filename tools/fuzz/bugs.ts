/** Bugs that `npm run fuzz:planted` plants: each replaces a text that a file holds once. Small slips, of the kind that people make. */

export interface PlantedBug {
  readonly name: string;
  readonly kind: "selection" | "allocation" | "folding" | "encoding" | "pass" | "checks" | "frame";
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const X64 = "src/codegen/x64/";
const REGALLOC = "src/codegen/regalloc/";

export const PLANTED: readonly PlantedBug[] = [
  // Selection.
  {
    name: "count of leading zeros: 0 gives one too little",
    kind: "selection",
    file: `${X64}rules-integer.ts`,
    from: "scan(s, Inst.bsr_rr, 2 * top + 1)",
    to: "scan(s, Inst.bsr_rr, 2 * top)",
  },
  {
    name: "a comparison with swapped operands keeps its condition",
    kind: "selection",
    file: `${X64}rules-compare.ts`,
    from: "(s) => s.imm32(s.a),                            swapped(",
    to: "(s) => s.imm32(s.a),                            comparing(",
  },
  {
    name: "a load of s8 is zero-extended",
    kind: "selection",
    file: `${X64}rules-memory.ts`,
    from: "load(s, Inst.movsx8_rm, s.size)",
    to: "load(s, Inst.movzx8_rm, 4)",
  },
  {
    name: "a - k of a shared a becomes a + k",
    kind: "selection",
    file: `${X64}rules-integer.ts`,
    from: "leaConstant(s, -s.k)",
    to: "leaConstant(s, s.k)",
  },
  {
    name: "unsigned minimum of vectors is the signed one",
    kind: "selection",
    file: `${X64}rules-vector.ts`,
    from: "byShape(MIN_U)",
    to: "byShape(MIN_S)",
  },
  {
    name: "shift of bytes by a constant lets bits of neighbours in",
    kind: "selection",
    file: `${X64}rules-vector.ts`,
    from: "shift8ByConstant(s, Inst.psllw_ri, 0xff << amount(s))",
    to: "shift8ByConstant(s, Inst.psllw_ri, 0xff)",
  },
  // Encoding.
  {
    name: "rotation to the right by a constant goes left",
    kind: "encoding",
    file: `${X64}instructions.ts`,
    from: 'ror_ri: { sizes: ALL, code: "C1 /1 ib", byte: "C0 /1 ib", one: "D1 /1"',
    to: 'ror_ri: { sizes: ALL, code: "C1 /0 ib", byte: "C0 /0 ib", one: "D1 /0"',
  },
  {
    name: "arithmetic shift by cl is encoded as a logical one",
    kind: "encoding",
    file: `${X64}instructions.ts`,
    from: 'sar_rc: { sizes: ALL, code: "D3 /7", byte: "D2 /7"',
    to: 'sar_rc: { sizes: ALL, code: "D3 /5", byte: "D2 /5"',
  },
  {
    name: "minimum of u16 lanes has the opcode of u32",
    kind: "encoding",
    file: `${X64}instructions.ts`,
    from: 'pminuw_rr: { code: "66 0F 38 3A /r"',
    to: 'pminuw_rr: { code: "66 0F 38 3B /r"',
  },
  {
    name: "conversion of f64 to an integer reads an f32",
    kind: "encoding",
    file: `${X64}instructions.ts`,
    from: 'cvttsd2si_rr: { sizes: W, code: "F2 0F 2C /r"',
    to: 'cvttsd2si_rr: { sizes: W, code: "F3 0F 2C /r"',
  },
  // Allocation.
  {
    name: "parallel moves: cycles are broken without saving",
    kind: "allocation",
    file: `${REGALLOC}parallel-moves.ts`,
    from: "      this.move(position, saved, temporary, regClass.data[reader]!);\n",
    to: "",
  },
  {
    name: "parallel moves: a destination that is read is ready",
    kind: "allocation",
    file: `${REGALLOC}parallel-moves.ts`,
    from: "if (this.readers[to.data[k]!] === 0) ready.push(k);",
    to: "ready.push(k);",
  },
  {
    name: "slots: one is free a little before it is",
    kind: "allocation",
    file: `${REGALLOC}slots.ts`,
    from: "heapEnd[0]! <= from)",
    to: "heapEnd[0]! <= from + 12)",
  },
  {
    name: "a call is said to leave two registers alone",
    kind: "allocation",
    file: `${X64}rules-control.ts`,
    from: "m.rawClobberInt[i] = clobberInt & ~registerBit(R11);",
    to: "m.rawClobberInt[i] = clobberInt & ~registerBit(R11) & ~0x300;",
  },
  // Folding.
  {
    name: "a constant shift to the right is unsigned",
    kind: "folding",
    file: "src/opt/fold.ts",
    from: "if (narrow) t.lo = alo >> amount;",
    to: "if (narrow) t.lo = (alo >>> amount) | 0;",
  },
  {
    name: "unsigned comparisons of constants are signed",
    kind: "folding",
    file: "src/opt/fold.ts",
    from: "signed ? alo - blo : (alo >>> 0) - (blo >>> 0)",
    to: "alo - blo",
  },
  {
    name: "division by a power of two rounds down",
    kind: "folding",
    file: "src/opt/division.ts",
    from: "const raised = w.emit(Op.iadd, type, a, bias);",
    to: "const raised = bias < 0 ? bias : a;",
  },
  {
    name: "division by a constant: the multiplier's sign is forgotten",
    kind: "folding",
    file: "src/opt/division.ts",
    from: "if (m.hi < 0) quotient = w.emit(Op.iadd, I64, quotient, a);\n",
    to: "\n",
  },
  {
    name: "x - y against 0 is taken for x + y as well",
    kind: "folding",
    file: "src/opt/compare.ts",
    from: "if (op === Op.iadd || lo !== 0 || hi !== 0) return NONE;",
    to: "if (lo !== 0 || hi !== 0) return NONE;",
  },
  // Passes.
  {
    name: "loads survive stores",
    kind: "pass",
    file: "src/opt/memory.ts",
    from: "return region === Region.any ? ALL : (1 << region) | (1 << Region.any);",
    to: "return region === Region.any ? ALL : 1 << Region.any;",
  },
  {
    name: "a branch's condition holds on the other edge",
    kind: "pass",
    file: "src/opt/value-numbering.ts",
    from: "f.callBlock.get(f.b.get(last)) === block);",
    to: "f.callBlock.get(f.b.get(last)) !== block);",
  },
  {
    name: "a known condition selects the other value",
    kind: "pass",
    file: "src/opt/value-numbering.ts",
    from: "truth === 1 ? f.b.get(inst) : f.c.get(inst)",
    to: "truth === 1 ? f.c.get(inst) : f.b.get(inst)",
  },
  // Checks.
  {
    name: "explicit bounds: the size of the access is forgotten",
    kind: "checks",
    file: "src/frontend/wasm/memory.ts",
    from: "const span = builder.iconst64n(offset + size);",
    to: "const span = builder.iconst64n(offset + 1);",
  },
  {
    name: "a table's length itself is an index",
    kind: "checks",
    file: "src/frontend/wasm/tables.ts",
    from: "over = builder.icmp(IntCC.uge, I32, index, length);",
    to: "over = builder.icmp(IntCC.ugt, I32, index, length);",
  },
  {
    name: "call_ref does not look for null",
    kind: "checks",
    file: "src/frontend/wasm/calls.ts",
    from: "  checkNonNull(body, reference, Trap.null_function_reference);\n",
    to: "",
  },
  {
    name: "the smallest integer divided by -1",
    kind: "checks",
    file: "src/frontend/wasm/arithmetic.ts",
    from: "builder.trapIf(Op.trapnz, overflow, Trap.integer_overflow);",
    to: "builder.trapIf(Op.trapnz, overflow, Trap.integer_divide_by_zero);",
  },
];
