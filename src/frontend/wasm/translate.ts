// hot loop: indices are in range by construction
/**
 * A wasm function body becomes a function of the IR, in one pass over its operators (after a quick scan, `scan.ts`).
 *
 * Receives a body that the validator has accepted. Guarantees what the IR's verifier asks, a `loc` for every instruction, and size in
 * proportion to the body. Code that can't be reached is not built. What has no translation is refused by the feature's name.
 */

import { InternalError, WindlassError } from "../../base/diagnostics.ts";
import { Workspace } from "../../base/workspace.ts";
import { type FuncBuilder, startFunction } from "../../ir/builder.ts";
import type { Func, StackSlot, Value } from "../../ir/function.ts";
import { Region } from "../../ir/ops.ts";
import { I32, I64, type Type, typeFromCode, V128 } from "../../ir/types.ts";
import { Trap } from "../../layout/traps.ts";
import { functionName, functionPath } from "../../wasm/module.ts";
import { opcodeFeature, opcodeName, PREFIX_FD } from "../../wasm/opcodes.ts";
import { OperatorReader } from "../../wasm/operators.ts";
import type { FunctionEnvironment } from "../environment.ts";
import { translateEqz } from "./arithmetic.ts";
import { translateAtomic } from "./atomic.ts";
import { Body } from "./body.ts";
import {
  translateCall,
  translateCallIndirect,
  translateCallRef,
  translateGlobalGet,
  translateGlobalSet,
} from "./calls.ts";
import { Control } from "./control.ts";
import { translateThrowRef } from "./exceptions.ts";
import { InstanceView, UnsupportedFeature, unsupportedFeature } from "./instance.ts";
import { translateLoad, translateStore } from "./memory.ts";
import { FORM_BINARY, FORM_ICMP, FORM_UNARY, REGULAR_DETAIL, REGULAR_FORM, REGULAR_TYPE } from "./numeric.ts";
import { translateRare } from "./rare.ts";
import { type BodyScan, scanBody } from "./scan.ts";
import { Ssa, SsaBudgetExceeded } from "./ssa.ts";
import { translateVector } from "./vector.ts";

/** Steps of SSA construction for each byte of a body, and for any body: real code takes 1 to 3 for each byte. */
const BUDGET_PER_BYTE = 64;
const BUDGET = 100_000;
/** Arguments of all branches and calls of a function. */
const MAX_ARGUMENTS = 1 << 24;

/** Bytes of a local that is kept in memory, and of a vector. */
const LOCAL_SIZE = 8;
const VECTOR_SIZE = 16;

/** Translates the functions that one core instance defines. */
export class FunctionTranslator {
  readonly #budget: number;
  readonly #view: InstanceView;
  readonly #reader: OperatorReader;

  /** `budget`: steps that SSA construction may take in any body, beyond those for its size. */
  constructor(env: FunctionEnvironment, budget: number = BUDGET) {
    this.#budget = budget;
    this.#view = new InstanceView(env);
    this.#reader = new OperatorReader(this.#view.module.bytes);
  }

  /**
   * `index` is in the module's function index space. Throws `WindlassError` for what is not supported or too large, and
   * `InternalError` when a body breaks what the validator promises. The function lives in `work`.
   */
  translate(index: number, work: Workspace = new Workspace()): Func {
    const { staticModule, module } = this.#view;
    const path = [`core module ${staticModule.name}`, functionPath(module, index)];
    try {
      try {
        return this.#translate(index, this.#budget, work);
      } catch (error) {
        if (!(error instanceof SsaBudgetExceeded)) throw error;
        return this.#translate(index, undefined, work);
      }
    } catch (error) {
      if (error instanceof WindlassError || error instanceof InternalError) throw error;
      const { offset } = this.#reader;
      if (error instanceof UnsupportedFeature) {
        throw new WindlassError({ kind: "unsupported", message: error.message, offset, path });
      }
      if (error instanceof SsaBudgetExceeded) {
        const message = `more than ${MAX_ARGUMENTS} arguments of calls and branches`;
        throw new WindlassError({ kind: "limit", message, offset, path });
      }
      const message = error instanceof Error ? error.message : String(error);
      throw new InternalError("frontend", `at offset ${offset}: ${message}`, path.join(" › "), { cause: error });
    }
  }

  /** `budget` undefined: locals are kept in memory, which takes no work at joins. */
  #translate(index: number, budget: number | undefined, work: Workspace): Func {
    const view = this.#view;
    const { module, staticModule } = view;
    const reader = this.#reader;
    const defined = index - module.importedFunctions;
    const start = module.bodyStart[defined];
    const end = module.bodyEnd[defined];
    if (start === undefined || end === undefined) throw new RangeError(`function ${index} has no body`);

    const type = view.types(module.functions[index]!);
    reader.startBody(start, end);
    const localTypes: Type[] = [...type.params];
    for (let i = 0; i < reader.localCounts.length; i++) {
      const local = view.localType(reader.localTypes.get(i));
      for (let n = reader.localCounts.get(i); n > 0; n--) localTypes.push(local);
    }
    const code = reader.reader.pos;
    const scan = scanBody(work, reader, localTypes.length);
    reader.seek(code, end);

    const name = `${staticModule.name}::${functionName(module, index) ?? index}`;
    const attributes = { stackCheck: true, entry: false };
    const { builder, params } = startFunction(name, view.signature(module.functions[index]!), attributes, work);
    builder.loc = code;
    const context = params[0]!;
    const inMemory = budget === undefined;
    const steps = inMemory ? MAX_ARGUMENTS : budget + BUDGET_PER_BYTE * (end - start);
    const ssa = new Ssa(
      builder.func,
      inMemory ? [] : localTypes,
      inMemory ? [] : params.slice(1),
      scan.assignments,
      steps,
    );
    const body = new Body(view, reader, builder, context);
    if (scan.calls) body.poll();
    const locals = inMemory ? new MemoryLocals(body, ssa, localTypes, params) : ssa;
    new BodyTranslator(body, ssa, locals, scan, type.results).run();
    body.finishColdBlocks();
    ssa.finish();
    return builder.func;
  }
}

/** Translates one function: where there are many of one instance, a `FunctionTranslator` serves all. */
export function translateFunction(env: FunctionEnvironment, index: number): Func {
  return new FunctionTranslator(env).translate(index);
}

/** Where the values of locals are. */
interface Locals {
  read(local: number): Value;
  write(local: number, value: Value): void;
}

/** Locals in one stack slot: for functions whose SSA form is out of proportion to their size. */
class MemoryLocals implements Locals {
  readonly #builder: FuncBuilder;
  readonly #types: readonly Type[];
  readonly #slot: StackSlot;
  readonly #offsets: Int32Array;

  constructor(body: Body, ssa: Ssa, types: readonly Type[], params: readonly Value[]) {
    this.#builder = body.builder;
    this.#types = types;
    this.#offsets = body.func.work.i32(types.length);
    let size = 0;
    for (let i = 0; i < types.length; i++) {
      this.#offsets[i] = size;
      size += types[i] === V128 ? VECTOR_SIZE : LOCAL_SIZE;
    }
    this.#slot = body.builder.createSlot(size);
    for (let i = 0; i < types.length; i++) this.write(i, params[i + 1] ?? ssa.zero(types[i]!));
  }

  read(local: number): Value {
    const builder = this.#builder;
    return builder.load(this.#types[local]!, builder.slotAddr(this.#slot, this.#offsets[local]!), 0, Region.stack);
  }

  write(local: number, value: Value): void {
    const builder = this.#builder;
    builder.store(this.#types[local]!, builder.slotAddr(this.#slot, this.#offsets[local]!), value, 0, Region.stack);
  }
}

class BodyTranslator {
  readonly #body: Body;
  readonly #locals: Locals;
  readonly #control: Control;

  constructor(body: Body, ssa: Ssa, locals: Locals, scan: BodyScan, results: readonly Type[]) {
    this.#body = body;
    this.#locals = locals;
    this.#control = new Control(body, ssa, scan, results);
  }

  run(): void {
    const body = this.#body;
    const control = this.#control;
    const { reader, builder, func } = body;
    while (control.depth > 0) {
      reader.next();
      builder.loc = reader.offset;
      if (!body.dead) this.#operator(reader.op);
      else if (control.skip(reader.op)) {
        if (reader.op === 0x05 /* else */) control.turnElse();
        else control.end();
      }
      if (func.pool.length > MAX_ARGUMENTS) throw new SsaBudgetExceeded();
    }
  }

  #operator(opcode: number): void {
    const body = this.#body;
    const { builder, reader } = body;
    const form = REGULAR_FORM[opcode]!;
    if (form !== 0) {
      const detail = REGULAR_DETAIL[opcode]!;
      const type = typeFromCode(REGULAR_TYPE[opcode]!);
      const b = body.pop();
      if (form === FORM_UNARY) body.push(builder.unary(detail, type, b));
      else {
        const a = body.pop();
        if (form === FORM_BINARY) body.push(builder.binary(detail, type, a, b));
        else if (form === FORM_ICMP) body.push(builder.icmp(detail, type, a, b));
        else body.push(builder.fcmp(detail, type, a, b));
      }
      return;
    }
    switch (opcode) {
      case 0x20: // local.get
        body.push(this.#locals.read(reader.index));
        return;
      case 0x21: // local.set
        this.#locals.write(reader.index, body.pop());
        return;
      case 0x22: // local.tee
        this.#locals.write(reader.index, body.peek());
        return;
      case 0x41: // i32.const
        body.push(builder.iconst32(reader.lo));
        return;
      case 0x42: // i64.const
        body.push(builder.iconst64(reader.lo, reader.hi));
        return;
      case 0x43: // f32.const
        body.push(builder.f32const(reader.lo));
        return;
      case 0x44: // f64.const
        body.push(builder.f64const(reader.lo, reader.hi));
        return;
      case 0x28: // i32.load
      case 0x29: // i64.load
      case 0x2a: // f32.load
      case 0x2b: // f64.load
      case 0x2c: // i32.load8_s
      case 0x2d: // i32.load8_u
      case 0x2e: // i32.load16_s
      case 0x2f: // i32.load16_u
      case 0x30: // i64.load8_s
      case 0x31: // i64.load8_u
      case 0x32: // i64.load16_s
      case 0x33: // i64.load16_u
      case 0x34: // i64.load32_s
      case 0x35: // i64.load32_u
        translateLoad(body, opcode);
        return;
      case 0x36: // i32.store
      case 0x37: // i64.store
      case 0x38: // f32.store
      case 0x39: // f64.store
      case 0x3a: // i32.store8
      case 0x3b: // i32.store16
      case 0x3c: // i64.store8
      case 0x3d: // i64.store16
      case 0x3e: // i64.store32
        translateStore(body, opcode);
        return;
      case 0x45: // i32.eqz
        translateEqz(body, I32);
        return;
      case 0x50: // i64.eqz
        translateEqz(body, I64);
        return;
      case 0x23: // global.get
        translateGlobalGet(body, reader.index);
        return;
      case 0x24: // global.set
        translateGlobalSet(body, reader.index);
        return;
      case 0x1a: // drop
        body.pop();
        return;
      case 0x1b: // select
      case 0x1c: // select_t
        this.#select();
        return;
      default:
        if (opcode <= 0x15 /* return_call_ref */ || opcode === 0x1f /* try_table */) this.#controlOperator(opcode);
        else if (!this.#otherOperator(opcode)) throw this.#unsupported(opcode);
    }
  }

  #select(): void {
    const body = this.#body;
    const condition = body.pop();
    const ifZero = body.pop();
    const ifNonZero = body.pop();
    body.push(body.builder.select(body.typeOf(ifZero), condition, ifNonZero, ifZero));
  }

  #controlOperator(opcode: number): void {
    const body = this.#body;
    const control = this.#control;
    const { reader } = body;
    switch (opcode) {
      case 0x00: // unreachable
        body.trap(Trap.unreachable);
        return;
      case 0x01: // nop
        return;
      case 0x02: // block
        control.openBlock();
        return;
      case 0x03: // loop
        control.openLoop();
        return;
      case 0x04: // if
        control.openIf();
        return;
      case 0x05: // else
        control.turnElse();
        return;
      case 0x08: // throw
        control.throw(reader.index);
        return;
      case 0x0a: // throw_ref
        translateThrowRef(body);
        return;
      case 0x0b: // end
        control.end();
        return;
      case 0x0c: // br
        control.branch(reader.index);
        return;
      case 0x0d: // br_if
        control.branchIf(reader.index, body.pop());
        return;
      case 0x0e: // br_table
        control.branchTable(body.pop());
        return;
      case 0x0f: // return
        control.return();
        return;
      case 0x10: // call
        translateCall(body, reader.index, false);
        return;
      case 0x11: // call_indirect
        translateCallIndirect(body, reader.index, reader.index2, false);
        return;
      case 0x12: // return_call
        translateCall(body, reader.index, true);
        return;
      case 0x13: // return_call_indirect
        translateCallIndirect(body, reader.index, reader.index2, true);
        return;
      case 0x14: // call_ref
        translateCallRef(body, reader.index, false);
        return;
      case 0x15: // return_call_ref
        translateCallRef(body, reader.index, true);
        return;
      case 0x1f: // try_table
        control.openTry();
        return;
      default:
        throw this.#unsupported(opcode);
    }
  }

  /** Whether it is one that has a translation; then it is translated. */
  #otherOperator(opcode: number): boolean {
    const body = this.#body;
    if (opcode >= PREFIX_FD) return translateVector(body, opcode);
    return translateRare(body, this.#control, opcode) || translateAtomic(body, opcode);
  }

  /** The one way to refuse an operator. */
  #unsupported(opcode: number): UnsupportedFeature {
    return unsupportedFeature(opcodeFeature(opcode), `the operator ${opcodeName(opcode)}`);
  }
}
