// hot loop: indices are in range by construction

/**
 * The operand stack and the control stack of the validation algorithm (Wasm 3.0 appendix "Validation Algorithm"), in
 * typed columns that are reused from function to function.
 *
 * After an unconditional branch the rest of a block is unreachable: its operand stack then behaves as if any number of
 * operands of the bottom type lay below what was pushed since.
 */

import type { DiagnosticKind, WindlassError } from "../base/diagnostics.ts";
import { MAX_OPERANDS } from "./limits.ts";
import { valTypeMatches } from "./matching.ts";
import { funcTypeAt, functionPath, type Module } from "./module.ts";
import { opcodeName } from "./opcodes.ts";
import type { OperatorReader } from "./operators.ts";
import { BOTTOM, BOTTOM_REF, type FuncType, isRef, type ValType, valTypeName } from "./types.ts";
import { moduleError } from "./validate-types.ts";

const EMPTY: FuncType = { kind: "func", params: [], results: [] };

/** From how many types on the label types that a `br_table` has seen are remembered. */
const LONG_LABEL = 8;

export class ValidationStack {
  readonly #module: Module;
  readonly #reader: OperatorReader;
  /** The function that is being validated, for messages. */
  functionIndex = 0;

  #operands: Int32Array = new Int32Array(256);
  /** Operands on the stack. */
  size = 0;
  /** Most operands at once. */
  maxSize = 0;

  // Control frames. The innermost one's height and reachability are copied to the fields below.
  #height: Uint32Array = new Uint32Array(64);
  #unreachable: Uint8Array = new Uint8Array(64);
  #opcode: Uint8Array = new Uint8Array(64);
  #initHeight: Uint32Array = new Uint32Array(64);
  #labelStamp: Uint32Array = new Uint32Array(64);
  readonly #types: FuncType[] = [];
  /** Number of frames, the function's own included. */
  depth = 0;
  maxDepth = 0;
  #base = 0;
  #dead = false;

  // Locals without default value that are set, and the order in which they were.
  #setStamp: Uint32Array = new Uint32Array(64);
  #functionStamp = 0;
  #setLocals: Uint32Array = new Uint32Array(64);
  #setCount = 0;

  #tableStamp = 0;
  readonly #longLabels = new Set<readonly ValType[]>();
  readonly #singleResult = new Map<ValType, FuncType>();

  constructor(module: Module, reader: OperatorReader) {
    this.#module = module;
    this.#reader = reader;
  }

  /** Starts a function with `locals` locals, parameters included. */
  start(functionIndex: number, type: FuncType, locals: number): void {
    this.functionIndex = functionIndex;
    this.size = 0;
    this.maxSize = 0;
    this.depth = 0;
    this.maxDepth = 0;
    this.#types.length = 0;
    this.#setCount = 0;
    if (this.#setStamp.length < locals) this.#setStamp = new Uint32Array(locals * 2);
    this.#functionStamp++;
    this.enter(0, type.results.length === 0 ? EMPTY : { kind: "func", params: [], results: type.results });
  }

  // Errors

  error(message: string, kind: DiagnosticKind = "invalid"): WindlassError {
    return moduleError(kind, message, this.#reader.offset, [functionPath(this.#module, this.functionIndex)]);
  }

  /** `type mismatch: <operator> expects <expected>, found <found>`. */
  mismatch(expected: string, found: string): WindlassError {
    return this.error(`type mismatch: ${opcodeName(this.#reader.op)} expects ${expected}, found ${found}`);
  }

  // Operands

  push(type: ValType): void {
    if (this.size === this.#operands.length) {
      if (this.size >= MAX_OPERANDS) {
        throw this.error(`operand stack exceeds the limit of ${MAX_OPERANDS} values`, "limit");
      }
      const bigger = new Int32Array(Math.min(MAX_OPERANDS, this.size * 4));
      bigger.set(this.#operands);
      this.#operands = bigger;
    }
    this.#operands[this.size++] = type;
    if (this.size > this.maxSize) this.maxSize = this.size;
  }

  /** Pops any operand. */
  popAny(): ValType {
    if (this.size > this.#base) return this.#operands[--this.size]!;
    if (this.#dead) return BOTTOM;
    throw this.mismatch("a value", "nothing");
  }

  pop(expected: ValType): void {
    if (this.size > this.#base) {
      const found = this.#operands[--this.size]!;
      if (found === expected || valTypeMatches(found, this.#module, expected, this.#module)) return;
      throw this.mismatch(valTypeName(expected), valTypeName(found));
    }
    if (!this.#dead) throw this.mismatch(valTypeName(expected), "nothing");
  }

  /** Pops a reference; `BOTTOM_REF` in unreachable code. */
  popRef(): ValType {
    const type = this.popAny();
    if (isRef(type)) return type;
    if (type === BOTTOM) return BOTTOM_REF;
    throw this.mismatch("a reference", valTypeName(type));
  }

  pushAll(types: readonly ValType[]): void {
    for (let i = 0; i < types.length; i++) this.push(types[i]!);
  }

  popAll(types: readonly ValType[]): void {
    for (let i = types.length - 1; i >= 0; i--) this.pop(types[i]!);
  }

  /** Checks that `types` are on top, and leaves the stack as it is. */
  checkTop(types: readonly ValType[]): void {
    let at = this.size;
    for (let i = types.length - 1; i >= 0; i--) {
      const expected = types[i]!;
      if (at === this.#base) {
        if (this.#dead) return;
        throw this.mismatch(valTypeName(expected), "nothing");
      }
      const found = this.#operands[--at]!;
      if (found !== expected && !valTypeMatches(found, this.#module, expected, this.#module)) {
        throw this.mismatch(valTypeName(expected), valTypeName(found));
      }
    }
  }

  /** The rest of the block can't be reached. */
  setUnreachable(): void {
    this.size = this.#base;
    this.#dead = true;
    this.#unreachable[this.depth - 1] = 1;
  }

  // Control

  /** The function type that `OperatorReader.blockType` stands for. The value type in it must have been checked. */
  blockType(blockType: number): FuncType {
    if (blockType === -1) return EMPTY;
    if (blockType >= 0) {
      const composite = this.#module.types[blockType]?.composite;
      if (composite === undefined) throw this.error(`unknown type ${blockType}`);
      if (composite.kind !== "func") throw this.error(`type ${blockType} is no function type`);
      return funcTypeAt(this.#module, blockType);
    }
    const result = ~blockType;
    let type = this.#singleResult.get(result);
    if (type === undefined) {
      type = { kind: "func", params: [], results: [result] };
      this.#singleResult.set(result, type);
    }
    return type;
  }

  /** Enters a block of `opcode` (0 for the function itself); its parameters must have been popped. */
  enter(opcode: number, type: FuncType): void {
    const depth = this.depth++;
    if (depth === this.#height.length) this.#growFrames();
    this.#height[depth] = this.size;
    this.#unreachable[depth] = 0;
    this.#opcode[depth] = opcode;
    this.#initHeight[depth] = this.#setCount;
    this.#labelStamp[depth] = 0;
    this.#types[depth] = type;
    this.#base = this.size;
    this.#dead = false;
    if (this.depth > this.maxDepth) this.maxDepth = this.depth;
    this.pushAll(type.params);
  }

  #growFrames(): void {
    const length = this.#height.length * 2;
    const wider = (old: Uint32Array): Uint32Array => {
      const bigger = new Uint32Array(length);
      bigger.set(old);
      return bigger;
    };
    const widerBytes = (old: Uint8Array): Uint8Array => {
      const bigger = new Uint8Array(length);
      bigger.set(old);
      return bigger;
    };
    this.#height = wider(this.#height);
    this.#initHeight = wider(this.#initHeight);
    this.#labelStamp = wider(this.#labelStamp);
    this.#unreachable = widerBytes(this.#unreachable);
    this.#opcode = widerBytes(this.#opcode);
  }

  /** Opcode of the innermost block. */
  get opcode(): number {
    return this.#opcode[this.depth - 1]!;
  }

  /** Leaves the innermost block with exactly its results on the stack, which it pops; returns its type. */
  leave(): FuncType {
    const top = this.depth - 1;
    const type = this.#types[top]!;
    this.popAll(type.results);
    if (this.size !== this.#base) throw this.error("type mismatch: values remaining on stack at end of block");
    const setHeight = this.#initHeight[top]!;
    while (this.#setCount > setHeight) this.#setStamp[this.#setLocals[--this.#setCount]!] = 0;
    this.depth = top;
    if (top > 0) {
      this.#base = this.#height[top - 1]!;
      this.#dead = this.#unreachable[top - 1] === 1;
    }
    return type;
  }

  /** The types that a branch to `label` takes. */
  labelTypes(label: number): readonly ValType[] {
    if (label >= this.depth) throw this.error(`unknown label ${label}`);
    const frame = this.depth - 1 - label;
    const type = this.#types[frame]!;
    return this.#opcode[frame] === 0x03 /* loop */ ? type.params : type.results;
  }

  /** The targets of a `br_table`, the default last: same arity, and all match the stack. */
  checkLabels(labels: Uint32Array): void {
    const arity = this.labelTypes(labels[labels.length - 1]!).length;
    const stamp = ++this.#tableStamp;
    this.#longLabels.clear();
    // From the default on, and every label once: a table may name one label thousands of times.
    for (let i = labels.length - 1; i >= 0; i--) {
      const label = labels[i]!;
      const types = this.labelTypes(label);
      const frame = this.depth - 1 - label;
      if (this.#labelStamp[frame] === stamp) continue;
      this.#labelStamp[frame] = stamp;
      if (types.length !== arity) {
        throw this.error(
          `type mismatch: br_table expects labels of ${arity} values, label ${label} has ${types.length}`,
        );
      }
      if (types.length >= LONG_LABEL) {
        if (this.#longLabels.has(types)) continue;
        this.#longLabels.add(types);
      }
      this.checkTop(types);
    }
  }

  // Locals without default value

  isLocalSet(local: number): boolean {
    return this.#setStamp[local] === this.#functionStamp;
  }

  /** Marks a local without default value as set until the end of the block. */
  setLocal(local: number): void {
    if (this.#setStamp[local] === this.#functionStamp) return;
    this.#setStamp[local] = this.#functionStamp;
    if (this.#setCount === this.#setLocals.length) {
      const bigger = new Uint32Array(this.#setCount * 2);
      bigger.set(this.#setLocals);
      this.#setLocals = bigger;
    }
    this.#setLocals[this.#setCount++] = local;
  }
}
