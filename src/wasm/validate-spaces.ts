// hot loop: indices are in range by construction

/**
 * The part of the validator that concerns index spaces other than locals and labels: functions, tables, memories and
 * segments, and the operators on references. `validate-function.ts` hands it what it has no case for itself.
 */

import type { ModuleFacts } from "./facts.ts";
import { valTypeMatches } from "./matching.ts";
import { functionType, type Module } from "./module.ts";
import { declaredFunctions } from "./named-functions.ts";
import { Opcode, OPCODE_ALIGN, OPCODE_IMMEDIATES, opcodeFeature, opcodeName } from "./opcodes.ts";
import type { OperatorReader } from "./operators.ts";
import {
  asNonNull,
  concreteRef,
  type FuncType,
  I32,
  I64,
  isRef,
  type MemoryType,
  type TableType,
  type ValType,
  valTypeName,
} from "./types.ts";
import type { ValidationStack } from "./validate-stack.ts";
import { valTypeFault } from "./validate-types.ts";

export class SpaceValidator {
  readonly #module: Module;
  readonly #facts: ModuleFacts;
  readonly #reader: OperatorReader;
  readonly #stack: ValidationStack;
  readonly #declared: Uint8Array;

  constructor(module: Module, facts: ModuleFacts, reader: OperatorReader, stack: ValidationStack) {
    this.#module = module;
    this.#facts = facts;
    this.#reader = reader;
    this.#stack = stack;
    this.#declared = declaredFunctions(module);
  }

  // Lookups

  checkType(type: ValType): void {
    const fault = valTypeFault(type, this.#module.types.length);
    if (fault !== undefined) throw this.#stack.error(fault.message, fault.kind);
  }

  memory(index: number): MemoryType {
    const memory = this.#module.memories[index];
    if (memory === undefined) throw this.#stack.error(`unknown memory ${index}`);
    return memory.type;
  }

  table(index: number): TableType {
    const table = this.#module.tables[index];
    if (table === undefined) throw this.#stack.error(`unknown table ${index}`);
    return table.type;
  }

  #elementType(index: number): ValType {
    const segment = this.#module.elements[index];
    if (segment === undefined) throw this.#stack.error(`unknown elem segment ${index}`);
    return segment.type;
  }

  #checkData(index: number): void {
    const count = this.#module.dataCount;
    if (count === undefined) throw this.#stack.error("data count section required", "malformed");
    if (index >= count) throw this.#stack.error(`unknown data segment ${index}`);
  }

  functionType(index: number): FuncType {
    if (index >= this.#module.functions.length) throw this.#stack.error(`unknown function ${index}`);
    return functionType(this.#module, index);
  }

  /** The body at hand calls or names function `index`. */
  mention(index: number): void {
    this.#facts.mention(this.#stack.functionIndex - this.#module.importedFunctions, index);
  }

  checkLane(lanes: number): void {
    const { lane, op } = this.#reader;
    if (lane >= lanes) throw this.#stack.error(`invalid lane index: ${opcodeName(op)} has ${lanes} lanes`);
  }

  /** Checks a memarg; returns the address type. */
  memarg(): ValType {
    const reader = this.#reader;
    const memory = this.memory(reader.memory);
    const natural = OPCODE_ALIGN[reader.op]!;
    const immediates = OPCODE_IMMEDIATES[reader.op];
    if (reader.align > natural) throw this.#stack.error("alignment must not be larger than natural");
    if (immediates === 32 /* atomic */ && reader.align !== natural) {
      throw this.#stack.error("atomic alignment must be natural");
    }
    if (immediates === 13 /* memargLane */) this.checkLane(16 >> natural);
    if (memory.is64) return I64;
    if (reader.offsetHi !== 0) throw this.#stack.error("offset out of range");
    return I32;
  }

  /** An operator on references, tables or memories; refuses what no validator function knows. */
  operator(): void {
    const { op } = this.#reader;
    if (op >= Opcode.ref_null && op <= Opcode.br_on_non_null) this.#reference();
    else this.#space();
  }

  #reference(): void {
    const stack = this.#stack;
    const reader = this.#reader;
    switch (reader.op) {
      case Opcode.ref_null:
        this.checkType(reader.type);
        stack.push(reader.type);
        return;
      case Opcode.ref_is_null:
        stack.popRef();
        stack.push(I32);
        return;
      case Opcode.ref_func:
        this.functionType(reader.index);
        if (this.#declared[reader.index] === 0) {
          throw stack.error(`undeclared function reference ${reader.index}`);
        }
        this.#facts.functionReferenced[reader.index] = 1;
        this.mention(reader.index);
        stack.push(concreteRef(this.#module.functions[reader.index]!, false));
        return;
      case Opcode.ref_as_non_null:
        stack.push(asNonNull(stack.popRef()));
        return;
      case Opcode.br_on_null: {
        const type = stack.popRef();
        const label = stack.labelTypes(reader.index);
        stack.popAll(label);
        stack.pushAll(label);
        stack.push(asNonNull(type));
        return;
      }
      case Opcode.br_on_non_null: {
        const label = stack.labelTypes(reader.index);
        const last = label[label.length - 1];
        if (last === undefined || !isRef(last)) {
          throw stack.mismatch("a label that takes a reference", last === undefined ? "none" : valTypeName(last));
        }
        stack.push(asNonNull(stack.popRef()));
        stack.popAll(label);
        stack.pushAll(label);
        stack.popAny();
        return;
      }
      default:
        this.#refuse();
    }
  }

  #refuse(): never {
    const { op } = this.#reader;
    throw this.#stack.error(`${opcodeName(op)} needs the ${opcodeFeature(op)} feature`, "unsupported");
  }

  #space(): void {
    const stack = this.#stack;
    const { op, index, index2 } = this.#reader;
    switch (op) {
      case Opcode.table_get: {
        const table = this.table(index);
        stack.pop(addressType(table));
        stack.push(table.element);
        return;
      }
      case Opcode.table_set: {
        const table = this.table(index);
        stack.pop(table.element);
        stack.pop(addressType(table));
        this.#facts.tableMutated[index] = 1;
        return;
      }
      case Opcode.table_init: {
        const table = this.table(index2);
        const type = this.#elementType(index);
        if (!valTypeMatches(type, this.#module, table.element, this.#module)) {
          throw stack.mismatch(valTypeName(table.element), valTypeName(type));
        }
        this.#popRange(addressType(table), I32, I32);
        this.#facts.tableMutated[index2] = 1;
        return;
      }
      case Opcode.elem_drop:
        this.#elementType(index);
        return;
      case Opcode.table_copy: {
        const to = this.table(index);
        const from = this.table(index2);
        if (!valTypeMatches(from.element, this.#module, to.element, this.#module)) {
          throw stack.mismatch(valTypeName(to.element), valTypeName(from.element));
        }
        this.#popRange(addressType(to), addressType(from), to.is64 && from.is64 ? I64 : I32);
        this.#facts.tableMutated[index] = 1;
        return;
      }
      case Opcode.table_grow: {
        const table = this.table(index);
        stack.pop(addressType(table));
        stack.pop(table.element);
        stack.push(addressType(table));
        this.#facts.tableMutated[index] = 1;
        this.#facts.tableGrows[index] = 1;
        return;
      }
      case Opcode.table_size:
        stack.push(addressType(this.table(index)));
        return;
      case Opcode.table_fill: {
        const table = this.table(index);
        this.#popRange(addressType(table), table.element, addressType(table));
        this.#facts.tableMutated[index] = 1;
        return;
      }
      case Opcode.memory_size:
        stack.push(addressType(this.memory(index)));
        return;
      case Opcode.memory_grow: {
        const type = addressType(this.memory(index));
        stack.pop(type);
        stack.push(type);
        this.#facts.memoryGrows[index] = 1;
        return;
      }
      case Opcode.memory_init: {
        const memory = this.memory(index2);
        this.#checkData(index);
        this.#popRange(addressType(memory), I32, I32);
        return;
      }
      case Opcode.data_drop:
        this.#checkData(index);
        return;
      case Opcode.memory_copy: {
        const to = this.memory(index);
        const from = this.memory(index2);
        this.#popRange(addressType(to), addressType(from), to.is64 && from.is64 ? I64 : I32);
        return;
      }
      case Opcode.memory_fill: {
        const type = addressType(this.memory(index));
        this.#popRange(type, I32, type);
        return;
      }
      default:
        this.#refuse();
    }
  }

  #popRange(first: ValType, second: ValType, third: ValType): void {
    this.#stack.pop(third);
    this.#stack.pop(second);
    this.#stack.pop(first);
  }
}

function addressType(space: TableType | MemoryType): ValType {
  return space.is64 ? I64 : I32;
}
