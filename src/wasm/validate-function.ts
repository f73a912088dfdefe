// hot loop: indices are in range by construction

/**
 * Validates function bodies (Wasm 3.0 §3.4), one at a time and in any order, so that workers can share a module's.
 *
 * Needs a module whose declarations are valid (`validateDeclarations`). One pass over the operators: those with a plain
 * signature go through the opcode table, the others have a case each. Takes time linear in the size of the body: the
 * cost of one operator is bounded by the longest signature, and a `br_table` checks every label once.
 */

import { ReadError } from "../base/bytes.ts";
import { WindlassError } from "../base/diagnostics.ts";
import type { FunctionFacts, ModuleFacts } from "./facts.ts";
import { MAX_LOCALS } from "./limits.ts";
import { resultTypeMatches, valTypeMatches } from "./matching.ts";
import { functionPath, functionType, type Module } from "./module.ts";
import {
  ADDRESS,
  OPCODE_FEATURE,
  OPCODE_IMMEDIATES,
  OPCODE_LANES,
  OPCODE_SIGNATURE,
  opcodeName,
  SIGNATURES,
} from "./opcodes.ts";
import { CATCH_ALL, CATCH_ALL_REF, CATCH_REF, OperatorReader } from "./operators.ts";
import {
  abstractRef,
  BOTTOM,
  concreteRef,
  EXNREF,
  FUNCREF,
  type FuncType,
  HEAP_EXN,
  I32,
  I64,
  isDefaultable,
  isRef,
  type ValType,
  valTypeName,
} from "./types.ts";
import { SpaceValidator } from "./validate-spaces.ts";
import { ValidationStack } from "./validate-stack.ts";
import { endOfPart, moduleError } from "./validate-types.ts";

const EXN = abstractRef(HEAP_EXN, false);

/** Types of the first locals are spread out; those behind are found in the runs, so that 50,000 unused ones cost nothing. */
const SPREAD_LOCALS = 1024;

export class FunctionValidator {
  readonly #module: Module;
  readonly #facts: ModuleFacts;
  readonly #reader: OperatorReader;
  readonly #stack: ValidationStack;
  readonly #spaces: SpaceValidator;

  /** Parameters and declared locals of the function. */
  #localCount = 0;
  readonly #spread: Int32Array = new Int32Array(SPREAD_LOCALS);
  /** Runs of locals: the first local behind each, ascending, and their type. */
  #runEnd: Uint32Array = new Uint32Array(64);
  #runType: Int32Array = new Int32Array(64);
  #runs = 0;
  #paramCount = 0;
  #results: readonly ValType[] = [];

  /** `reader`, if given, is over the module's bytes; it is moved from body to body. */
  constructor(module: Module, facts: ModuleFacts, reader: OperatorReader = new OperatorReader(module.bytes)) {
    this.#module = module;
    this.#facts = facts;
    this.#reader = reader;
    this.#stack = new ValidationStack(module, reader);
    this.#spaces = new SpaceValidator(module, facts, reader, this.#stack);
  }

  /**
   * Validates the body of the defined function `index`; what it shows of the module is added to the `ModuleFacts`.
   * Throws `WindlassError`: `invalid`, `malformed`, `unsupported` or `limit`.
   */
  validate(index: number): FunctionFacts {
    const module = this.#module;
    const reader = this.#reader;
    const body = index - module.importedFunctions;
    const type = functionType(module, index);
    try {
      reader.offset = module.bodyStart[body]!;
      this.#stack.functionIndex = index;
      reader.startBody(module.bodyStart[body]!, module.bodyEnd[body]!);
      this.#startLocals(type);
      this.#stack.start(index, type, this.#localCount);
      this.#results = type.results;
      return this.#body();
    } catch (error) {
      const path = [functionPath(module, index)];
      if (error instanceof ReadError) throw moduleError("malformed", endOfPart(error.message), error.offset, path);
      if (!(error instanceof WindlassError)) throw error;
      throw new WindlassError(...error.diagnostics.map((d) => (d.path === undefined ? { ...d, path } : d)));
    }
  }

  // Locals

  #startLocals(type: FuncType): void {
    const reader = this.#reader;
    const { params } = type;
    const groups = reader.localCounts.length;
    if (this.#runEnd.length < params.length + groups) {
      this.#runEnd = new Uint32Array((params.length + groups) * 2);
      this.#runType = new Int32Array((params.length + groups) * 2);
    }
    this.#runs = 0;
    let total = 0;
    const add = (count: number, local: ValType): void => {
      if (count === 0) return;
      if (total < SPREAD_LOCALS) this.#spread.fill(local, total, Math.min(total + count, SPREAD_LOCALS));
      total += count;
      this.#runEnd[this.#runs] = total;
      this.#runType[this.#runs++] = local;
    };
    for (const param of params) add(1, param);
    for (let i = 0; i < groups; i++) {
      const local = reader.localTypes.get(i);
      if (isRef(local)) this.#spaces.checkType(local);
      add(reader.localCounts.get(i), local);
    }
    if (total > MAX_LOCALS) {
      throw this.#stack.error(`too many locals: ${total} exceed the limit of ${MAX_LOCALS}`, "limit");
    }
    this.#localCount = total;
    this.#paramCount = params.length;
  }

  #localType(index: number): ValType {
    if (index >= this.#localCount) throw this.#stack.error(`unknown local ${index}`);
    if (index < SPREAD_LOCALS) return this.#spread[index]!;
    let low = 0;
    let high = this.#runs - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#runEnd[middle]! > index) high = middle;
      else low = middle + 1;
    }
    return this.#runType[low]!;
  }

  // Lookups

  #funcType(typeIndex: number): FuncType {
    return this.#stack.blockType(Math.min(typeIndex, 0x7fff_ffff));
  }

  // Operators

  #body(): FunctionFacts {
    const reader = this.#reader;
    const stack = this.#stack;
    let operators = 0;
    let features = 0;
    while (!reader.atEnd) {
      if (stack.depth === 0) {
        reader.offset = reader.reader.pos;
        throw stack.error("section size mismatch: operators behind the end of the function", "malformed");
      }
      reader.next();
      operators++;
      features |= 1 << OPCODE_FEATURE[reader.op]!;
      if (OPCODE_SIGNATURE[reader.op] !== 0) this.#plain();
      else this.#operator();
    }
    if (stack.depth !== 0) {
      reader.offset = reader.reader.pos;
      throw stack.error("unexpected end of section or function: END opcode expected", "malformed");
    }
    this.#facts.features |= features;
    return { operators, features, maxDepth: stack.maxDepth, maxOperands: stack.maxSize, locals: reader.localCount };
  }

  /** An operator whose types are those of the opcode table. */
  #plain(): void {
    const reader = this.#reader;
    const stack = this.#stack;
    const { op } = reader;
    let address = I32;
    // The numbers are positions in `IMMEDIATES`.
    switch (OPCODE_IMMEDIATES[op]) {
      case 12: // memarg
      case 32: // atomic
      case 13: // memargLane
        address = this.#spaces.memarg();
        break;
      case 19: // shuffle
        if (((reader.lo | reader.hi | reader.lo2 | reader.hi2) & 0xe0e0e0e0) !== 0) {
          throw stack.error("invalid lane index: i8x16.shuffle selects from 32 lanes");
        }
        break;
      case 20: // lane
        this.#spaces.checkLane(OPCODE_LANES[op]!);
        break;
    }
    const { params, results } = SIGNATURES[OPCODE_SIGNATURE[op]!]!;
    for (let i = params.length - 1; i >= 0; i--) {
      const param = params[i]!;
      stack.pop(param === ADDRESS ? address : param);
    }
    for (let i = 0; i < results.length; i++) stack.push(results[i]!);
  }

  /** An operator with rules of its own. */
  #operator(): void {
    const reader = this.#reader;
    const stack = this.#stack;
    switch (reader.op) {
      case 0x00: // unreachable
        stack.setUnreachable();
        return;
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
        this.#enter();
        return;
      case 0x05: // else
        this.#else();
        return;
      case 0x0b: // end
        this.#end();
        return;
      case 0x0c: // br
        stack.popAll(stack.labelTypes(reader.index));
        stack.setUnreachable();
        return;
      case 0x0d: {
        // br_if
        stack.pop(I32);
        const types = stack.labelTypes(reader.index);
        stack.popAll(types);
        stack.pushAll(types);
        return;
      }
      case 0x0e: // br_table
        stack.pop(I32);
        stack.checkLabels(reader.labels.view());
        stack.setUnreachable();
        return;
      case 0x0f: // return
        stack.popAll(this.#results);
        stack.setUnreachable();
        return;
      case 0x1a: // drop
        stack.popAny();
        return;
      case 0x1b: // select
        this.#select();
        return;
      case 0x1c: {
        // select_t
        if (reader.selectTypes.length !== 1) throw stack.error("invalid result arity: select takes one type");
        const type = reader.selectTypes.get(0);
        this.#spaces.checkType(type);
        stack.pop(I32);
        stack.pop(type);
        stack.pop(type);
        stack.push(type);
        return;
      }
      case 0x20: {
        // local.get
        const type = this.#localType(reader.index);
        this.#checkInitialized(type);
        stack.push(type);
        return;
      }
      case 0x21: // local.set
      case 0x22: {
        // local.tee
        const type = this.#localType(reader.index);
        stack.pop(type);
        if (!isDefaultable(type)) stack.setLocal(reader.index);
        if (reader.op === 0x22 /* local.tee */) stack.push(type);
        return;
      }
      case 0x23: // global.get
      case 0x24: // global.set
        this.#global();
        return;
      case 0x10: // call
      case 0x11: // call_indirect
      case 0x12: // return_call
      case 0x13: // return_call_indirect
      case 0x14: // call_ref
      case 0x15: // return_call_ref
        this.#call();
        return;
      case 0x08: {
        // throw
        stack.popAll(this.#tagParams(reader.index));
        stack.setUnreachable();
        return;
      }
      case 0x0a: // throw_ref
        stack.pop(EXNREF);
        stack.setUnreachable();
        return;
      case 0x1f: // try_table
        this.#tryTable();
        return;
      default:
        this.#spaces.operator();
    }
  }

  // Blocks

  #enter(): void {
    const stack = this.#stack;
    const { blockType, op } = this.#reader;
    if (blockType < -1) this.#spaces.checkType(~blockType);
    const type = stack.blockType(blockType);
    if (op === 0x04 /* if */) stack.pop(I32);
    stack.popAll(type.params);
    stack.enter(op, type);
  }

  #else(): void {
    const stack = this.#stack;
    if (stack.opcode !== 0x04 /* if */) throw stack.error("else found outside of an if block", "malformed");
    stack.enter(0x05 /* else */, stack.leave());
  }

  #end(): void {
    const stack = this.#stack;
    const { opcode } = stack;
    const type = stack.leave();
    if (opcode === 0x04 /* if */) {
      const { params, results } = type;
      if (!resultTypeMatches(params, this.#module, results, this.#module)) {
        throw stack.error("type mismatch: an if without else must have the same parameters and results");
      }
    }
    if (stack.depth > 0) stack.pushAll(type.results);
  }

  #tagParams(index: number): readonly ValType[] {
    const tag = this.#module.tags[index];
    if (tag === undefined) throw this.#stack.error(`unknown tag ${index}`);
    return this.#funcType(tag.type.type).params;
  }

  #tryTable(): void {
    const stack = this.#stack;
    const reader = this.#reader;
    // Labels of the clauses count from outside of the block.
    for (let i = 0; i < reader.catchKinds.length; i++) {
      const kind = reader.catchKinds.get(i);
      const params = kind < CATCH_ALL ? this.#tagParams(reader.catchTags.get(i)) : NO_TYPES;
      const withRef = kind === CATCH_REF || kind === CATCH_ALL_REF;
      this.#checkCatch(params, withRef, stack.labelTypes(reader.catchLabels.get(i)));
    }
    this.#enter();
  }

  #checkCatch(params: readonly ValType[], withRef: boolean, label: readonly ValType[]): void {
    const module = this.#module;
    let fits = label.length === params.length + (withRef ? 1 : 0);
    for (let i = 0; fits && i < params.length; i++) fits = valTypeMatches(params[i]!, module, label[i]!, module);
    if (fits && withRef) fits = valTypeMatches(EXN, module, label[params.length]!, module);
    if (fits) return;
    const passed = withRef ? [...params, EXN] : params;
    const [given, taken] = [passed, label].map((types) => `[${types.map(valTypeName).join(" ")}]`);
    throw this.#stack.error(`type mismatch: a catch clause passes ${given}, its label takes ${taken}`);
  }

  // Parametric, variables

  #select(): void {
    const stack = this.#stack;
    stack.pop(I32);
    const second = stack.popAny();
    const first = stack.popAny();
    if (isRef(first) || isRef(second)) {
      throw stack.mismatch("numbers or vectors", valTypeName(isRef(first) ? first : second));
    }
    if (first !== second && first !== BOTTOM && second !== BOTTOM) {
      throw stack.mismatch(valTypeName(first), valTypeName(second));
    }
    stack.push(first === BOTTOM ? second : first);
  }

  #checkInitialized(type: ValType): void {
    const { index } = this.#reader;
    if (isDefaultable(type) || this.#stack.isLocalSet(index)) return;
    if (index < this.#paramCount) return;
    throw this.#stack.error(`uninitialized local ${index}`);
  }

  #global(): void {
    const stack = this.#stack;
    const { index, op } = this.#reader;
    const global = this.#module.globals[index];
    if (global === undefined) throw stack.error(`unknown global ${index}`);
    if (op === 0x23 /* global.get */) {
      stack.push(global.type.type);
      return;
    }
    if (!global.type.mutable) throw stack.error(`immutable global ${index}`);
    stack.pop(global.type.type);
    this.#facts.globalSet[index] = 1;
  }

  // Calls

  #call(): void {
    const stack = this.#stack;
    const { index, index2, op } = this.#reader;
    let type: FuncType;
    switch (op) {
      case 0x10: // call
      case 0x12: // return_call
        type = this.#spaces.functionType(index);
        this.#spaces.mention(index);
        break;
      case 0x11: // call_indirect
      case 0x13: {
        // return_call_indirect
        const table = this.#spaces.table(index2);
        type = this.#funcType(index);
        if (!valTypeMatches(table.element, this.#module, FUNCREF, this.#module)) {
          throw stack.mismatch("a table of functions", `one of ${valTypeName(table.element)}`);
        }
        stack.pop(table.is64 ? I64 : I32);
        break;
      }
      default: // call_ref, return_call_ref
        type = this.#funcType(index);
        stack.pop(concreteRef(index, true));
    }
    stack.popAll(type.params);
    if (op === 0x10 /* call */ || op === 0x11 /* call_indirect */ || op === 0x14 /* call_ref */) {
      stack.pushAll(type.results);
      return;
    }
    if (!resultTypeMatches(type.results, this.#module, this.#results, this.#module)) {
      throw stack.error(`type mismatch: ${opcodeName(op)} must have the results of the function that it is in`);
    }
    stack.setUnreachable();
  }
}

const NO_TYPES: readonly ValType[] = [];
