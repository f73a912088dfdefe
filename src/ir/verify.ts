/**
 * The verifier of the IR. Its rulebook:
 *
 * 1. The layout holds each block once; the entry block is first, is no branch's target, and its parameters are the signature's.
 * 2. Every block of the layout ends in a terminator, and has no other. Instruction lists are linked both ways.
 * 3. A branch goes to a block of the layout, with as many arguments as it has parameters, of the same types.
 * 4. Every value used is defined, by an instruction that is in a block or by a parameter, and its definition dominates the use.
 *    (Not asked in unreachable blocks.)
 * 5. Operand types are those of the op's row; so are result types and their number.
 * 6. Callees, signatures, slots and constants exist; arguments and results of a call match the signature.
 * 7. `return` gives what the signature promises. A tail call's results are the function's, its convention too.
 * 8. Access flags, conditions, shapes and lanes are ones that exist; a narrow access is narrower than its type.
 * 9. An entry, and a function with a stack check, takes its context (i64) first.
 */

import { entity } from "../base/entity.ts";
import { ControlFlowGraph } from "./cfg.ts";
import type { Block, Func, FuncRef, Inst, SigRef, Value } from "./function.ts";
import { NONE } from "./function.ts";
import {
  ACCESS_NAMES,
  Access,
  accessOf,
  accessSize,
  FLOAT_CC_NAMES,
  INT_CC_NAMES,
  IntCC,
  Op,
  type OperandTypes,
  type OpRow,
  opName,
  opRow,
  REGION_NAMES,
  regionOf,
} from "./ops.ts";
import { printInst } from "./print.ts";
import { F32, F64, I32, I64, type Signature, type Type, typeFromName, typeName, typeSize, V128 } from "./types.ts";
import { laneCount, laneType, SHAPE_NAMES, Shape } from "./vector.ts";

class Verifier {
  readonly func: Func;
  readonly errors: string[] = [];
  readonly #cfg: ControlFlowGraph;
  readonly #inLayout: Uint8Array;
  /** Position of an instruction within its block, for dominance inside a block. */
  readonly #order: Int32Array;
  #inst = 0;

  constructor(func: Func) {
    this.func = func;
    this.#inLayout = new Uint8Array(func.blockCount);
    this.#order = new Int32Array(func.instCount);
    for (const block of func.layout) {
      if (this.#inLayout[block] !== 0) this.errors.push(`block${block} is in the layout twice, or does not exist`);
      this.#inLayout[block] = 1;
      let n = 0;
      for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) this.#order[i] = n++;
    }
    this.#cfg = new ControlFlowGraph(func);
  }

  #fail(message: string): void {
    this.errors.push(`${printInst(this.func, entity<Inst>(this.#inst))}: ${message}`);
  }

  run(): void {
    const { func } = this;
    this.#entry();
    for (const block of func.layout) {
      const last = func.lastInst.get(block);
      if (last === NONE || opRow(func.op.get(last)).terminator !== true) {
        this.errors.push(`block${block} does not end in a terminator`);
        continue;
      }
      let prev = NONE;
      for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) {
        this.#inst = i;
        if (func.prev.get(i) !== prev || func.instBlock.get(i) !== block) this.#fail("is not linked into its block");
        if (i !== last && opRow(func.op.get(i)).terminator === true) this.#fail("is a terminator inside a block");
        this.#instruction(i, block);
        prev = i;
      }
      if (prev !== last) this.errors.push(`block${block}: its last instruction is not at the end of its list`);
    }
  }

  #entry(): void {
    const { func } = this;
    const params = func.paramsOf(func.entryBlock);
    const types = func.signature.params;
    if (params.length !== types.length || params.some((p, i) => func.typeOf(p) !== types[i])) {
      this.errors.push("the entry block's parameters are not the signature's");
    }
    if ((this.#cfg.predStart[func.entryBlock + 1] ?? 0) > (this.#cfg.predStart[func.entryBlock] ?? 0)) {
      this.errors.push("the entry block is the target of a branch");
    }
    if ((func.attributes.entry || func.attributes.stackCheck) && types[0] !== I64) {
      this.errors.push("an entry or a function with a stack check takes its context first");
    }
  }

  /** Rule 4, and the type, when one is asked for. */
  #use(raw: number, block: Block, at: number, type?: Type): void {
    const { func } = this;
    if (raw < 0 || raw >= func.valueCount) return this.#fail(`uses v${raw}, which does not exist`);
    const value = func.resolve(entity<Value>(raw));
    if (type !== undefined && func.typeOf(value) !== type) {
      this.#fail(`v${value} is ${typeName(func.typeOf(value))}, expected ${typeName(type)}`);
    }
    const def = func.valueDef.get(value);
    const defBlock = def < 0 ? ~def : func.instBlock.get(def);
    if (defBlock === NONE || this.#inLayout[defBlock] !== 1) return this.#fail(`v${value} is defined nowhere`);
    if (def < 0 && !func.paramsOf(entity<Block>(defBlock)).includes(value)) {
      return this.#fail(`v${value} is no longer a parameter of block${defBlock}`);
    }
    if (!this.#cfg.reachable(block)) return undefined;
    if (defBlock === block) {
      if (def >= 0 && (this.#order[def] ?? 0) >= at) this.#fail(`v${value} is used before it is defined`);
    } else if (!this.#cfg.reachable(entity<Block>(defBlock)) || !this.#cfg.dominates(entity<Block>(defBlock), block)) {
      this.#fail(`v${value} does not dominate its use`);
    }
    return undefined;
  }

  #uses(start: number, length: number, block: Block, at: number, types: readonly Type[] | undefined): void {
    if (types !== undefined && types.length !== length) {
      return this.#fail(`has ${length} values, expected ${types.length}`);
    }
    for (let i = 0; i < length; i++) this.#use(this.func.pool.get(start + i), block, at, types?.[i]);
    return undefined;
  }

  #operandType(operands: OperandTypes | undefined, controlling: Type): Type | undefined {
    switch (operands) {
      case "int":
        if (controlling !== I32 && controlling !== I64) this.#fail("has a type that is no integer");
        return controlling;
      case "float":
        if (controlling !== F32 && controlling !== F64) this.#fail("has a type that is no float");
        return controlling;
      case "any":
        return controlling;
      case undefined:
      case "lane":
        return undefined;
      default:
        return typeFromName(operands);
    }
  }

  #results(types: readonly Type[]): void {
    const { func } = this;
    const first = func.firstResult.get(this.#inst);
    const count = func.resultCount.get(this.#inst);
    if (count !== types.length) return this.#fail(`has ${count} results, expected ${types.length}`);
    for (let i = 0; i < count; i++) {
      const value = entity<Value>(first + i);
      if (func.typeOf(value) !== types[i]) this.#fail(`v${value} has the wrong type`);
      if (func.valueDef.get(value) !== this.#inst) this.#fail(`v${value} is not its result`);
    }
    return undefined;
  }

  #blockCall(call: number, block: Block, at: number): void {
    const { func } = this;
    const target = func.callBlock.get(call);
    if (this.#inLayout[target] !== 1) return this.#fail(`goes to block${target}, which is not in the layout`);
    const types = func.paramsOf(entity<Block>(target)).map((p) => func.typeOf(p));
    this.#uses(func.callArgsStart.get(call), func.callArgsLength.get(call), block, at, types);
    return undefined;
  }

  #access(inst: number, type: Type): void {
    const { func } = this;
    const flags = func.hi.get(inst);
    if (accessOf(flags) >= ACCESS_NAMES.length || regionOf(flags) >= REGION_NAMES.length) this.#fail("has bad flags");
    const access = accessOf(flags);
    const op = func.op.get(inst);
    if (opRow(op).operands === "int") {
      if (type > I64) this.#fail("is atomic, and its type is no integer");
      if (access === Access.s8 || access === Access.s16 || access === Access.s32) this.#fail("is atomic and signed");
    }
    if (access === Access.full) return;
    const isVectorLoad = type === V128 && op === Op.load && (access === Access.u32 || access === Access.u64);
    if (!isVectorLoad && (type > I64 || accessSize(access, type) >= typeSize(type))) {
      this.#fail("has an access that is not narrower than its type");
    }
  }

  #instruction(inst: number, block: Block): void {
    const { func } = this;
    const op = func.op.get(inst);
    const row = opRow(op);
    const type = typeFromCodeOf(func, inst);
    const at = this.#order[inst] ?? 0;
    const a = func.a.get(inst);
    const b = func.b.get(inst);
    const c = func.c.get(inst);
    const lo = func.lo.get(inst);
    let results: readonly Type[] = [];
    if (row.result === "controlling") results = [type];
    else if (row.result !== null && row.result !== "call") results = [typeFromName(row.result) ?? I64];
    switch (row.format) {
      case "const":
        if (op === Op.iconst && type !== I32 && type !== I64) this.#fail("has a type that is no integer");
        if (op === Op.v128const && func.vectors[lo]?.length !== 16) this.#fail("names no constant");
        break;
      case "nullary":
        break;
      case "unary":
        if (row.operands === "v128" || row.operands === "lane") this.#vector(inst, row, type, block, at);
        else this.#unary(op, type, a, block, at);
        break;
      case "binary":
      case "compare": {
        if (row.operands === "v128") {
          this.#vector(inst, row, type, block, at);
          break;
        }
        const operand = this.#operandType(row.operands, type);
        this.#use(a, block, at, operand);
        this.#use(b, block, at, operand);
        const names = op !== Op.fcmp ? INT_CC_NAMES : FLOAT_CC_NAMES;
        if (row.format === "compare" && names[lo] === undefined) this.#fail("has no such condition");
        break;
      }
      case "select":
        this.#use(a, block, at, I32);
        this.#use(b, block, at, type);
        this.#use(c, block, at, type);
        break;
      case "load":
        this.#use(a, block, at, I64);
        this.#access(inst, type);
        break;
      case "store":
        this.#use(a, block, at, I64);
        this.#use(b, block, at, type);
        this.#access(inst, type);
        break;
      case "rmw":
      case "cas":
        this.#use(a, block, at, I64);
        this.#use(b, block, at, type);
        if (row.format === "cas") this.#use(c, block, at, type);
        this.#access(inst, type);
        break;
      case "call":
        results = this.#call(op, a, b, c, block, at);
        break;
      case "call_indirect":
        this.#use(a, block, at, I64);
        if (!func.signatures.has(lo)) this.#fail(`names sig${lo}, which does not exist`);
        else results = this.#callResults(op, func.signatures.get(entity<SigRef>(lo)), b, c, block, at);
        break;
      case "address":
        if (op === Op.slot_addr && !func.slots.has(lo)) this.#fail(`names slot${lo}, which does not exist`);
        break;
      case "jump":
        this.#blockCall(a, block, at);
        break;
      case "brif":
        this.#use(a, block, at, I32);
        this.#blockCall(b, block, at);
        this.#blockCall(c, block, at);
        break;
      case "br_table":
        this.#use(a, block, at, I32);
        if (c < 1) this.#fail("has no default");
        for (let i = 0; i < c; i++) this.#blockCall(func.pool.get(b + i), block, at);
        break;
      case "return":
        this.#uses(b, c, block, at, func.signature.results);
        break;
      case "trap":
        if (op !== Op.trap) this.#use(a, block, at, I32);
        break;
      case "list":
        this.#list(op, b, c, block, at);
        break;
    }
    this.#results(results);
  }

  /** An op on vectors: its shape, its detail, its operands. */
  #vector(inst: number, row: OpRow, type: Type, block: Block, at: number): void {
    const { func } = this;
    const lo = func.lo.get(inst);
    const hi = func.hi.get(inst);
    let lane: Type = V128;
    if (row.lanes !== undefined) {
      const shape = SHAPE_NAMES[lo];
      if (shape === undefined || !row.lanes.includes(shape)) return this.#fail("has a shape that the op has not");
      lane = laneType(lo);
      if (row.detail === "lane" && (hi < 0 || hi >= laneCount(lo))) this.#fail("has no such lane");
      if (row.detail === "intcc" && (INT_CC_NAMES[hi] === undefined || (lo === Shape.i64x2 && hi >= IntCC.ult))) {
        this.#fail("has no such condition");
      }
      if (row.detail === "floatcc" && FLOAT_CC_NAMES[hi] === undefined) this.#fail("has no such condition");
    }
    if (row.detail === "indices") {
      const indices = func.vectors[lo];
      if (indices?.length !== 16 || indices.some((i) => i >= 32)) this.#fail("has no 16 indices below 32");
    }
    if (type !== (row.result === "controlling" ? lane : V128)) this.#fail("has a type that is not its shape's");
    this.#use(func.a.get(inst), block, at, row.operands === "lane" ? lane : V128);
    if (row.format !== "binary") return;
    this.#use(func.b.get(inst), block, at, row.second === "lane" ? lane : row.second === "i32" ? I32 : V128);
  }

  #unary(op: number, type: Type, a: number, block: Block, at: number): void {
    const row = opRow(op);
    let expected: Type | undefined;
    switch (op) {
      case Op.fcvt_from_sint:
      case Op.fcvt_from_uint:
      case Op.fcvt_to_sint:
      case Op.fcvt_to_uint:
      case Op.fcvt_to_sint_sat:
      case Op.fcvt_to_uint_sat: {
        const given = this.func.typeOf(this.func.resolve(entity<Value>(a)));
        const toFloat = op === Op.fcvt_from_sint || op === Op.fcvt_from_uint;
        const isFloat = (t: Type): boolean => t === F32 || t === F64;
        if (given === V128 || isFloat(given) === toFloat || isFloat(type) !== toFloat) this.#fail("has bad types");
        break;
      }
      case Op.bitcast:
        expected = type === I32 ? F32 : type === F32 ? I32 : type === I64 ? F64 : I64;
        break;
      default:
        expected = this.#operandType(row.operands, type);
    }
    this.#use(a, block, at, expected);
  }

  #call(op: number, callee: number, start: number, length: number, block: Block, at: number): readonly Type[] {
    const { func } = this;
    if (!func.functions.has(callee)) {
      this.#fail(`names fn${callee}, which does not exist`);
      return [];
    }
    const signature = func.signatures.get(func.functions.get(entity<FuncRef>(callee)).signature);
    return this.#callResults(op, signature, start, length, block, at);
  }

  #callResults(
    op: number,
    signature: Signature,
    start: number,
    length: number,
    block: Block,
    at: number,
  ): readonly Type[] {
    const tail = op === Op.return_call || op === Op.return_call_indirect;
    const onStack = op === Op.call_on_stack;
    this.#uses(start, length, block, at, onStack ? [I64, ...signature.params] : signature.params);
    if (tail) {
      const own = this.func.signature;
      const same =
        own.results.length === signature.results.length && own.results.every((t, i) => t === signature.results[i]);
      if (!same || own.convention !== signature.convention) this.#fail("is a tail call with other results");
      return [];
    }
    if (signature.convention === "c" && signature.results.length > 1) this.#fail("calls C with several results");
    const entry = op === Op.call_catch || op === Op.call_catch_indirect;
    return entry ? [I32, ...signature.results] : signature.results;
  }

  #list(op: number, start: number, length: number, block: Block, at: number): void {
    const shapes: Readonly<Record<number, readonly Type[]>> = {
      [Op.copy_forward]: [I64, I64, I64],
      [Op.copy_wide]: [I64, I64, I64],
      [Op.copy_widest]: [I64, I64, I64],
      [Op.fill]: [I64, I32, I64],
      [Op.syscall]: [I64, I64, I64, I64, I64, I64, I64],
      [Op.unwind_to]: [I64, I64, I32],
    };
    const shape = shapes[op];
    if (shape === undefined) return this.#fail(`${opName(op)} has no shape`);
    this.#uses(start, length, block, at, shape);
    return undefined;
  }
}

function typeFromCodeOf(func: Func, inst: number): Type {
  const code = func.type.get(inst);
  return code === I32 || code === I64 || code === F32 || code === F64 ? code : V128;
}

/** What is wrong with `func`, one line each; empty if nothing. */
export function verifyFunc(func: Func): string[] {
  const verifier = new Verifier(func);
  verifier.run();
  return verifier.errors;
}
