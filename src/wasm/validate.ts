/**
 * Validates a decoded module (Wasm 3.0 §3.6): everything outside function bodies here, bodies in `validate-function.ts`.
 *
 * Guarantees to later phases: every index is in range, every operator is well-typed, segments and expressions fit, and
 * nothing occurs that this version refuses (garbage-collected types, the legacy exception proposal). Takes time linear
 * in the size of the module. Stops at the first fault.
 */

import { ModuleFacts } from "./facts.ts";
import { valTypeMatches } from "./matching.ts";
import { type ElementSegment, type ExternKind, type Module, NULL_FUNCTION, type SegmentMode } from "./module.ts";
import { concreteRef, I32, I64, isDefaultable, type TagType, type ValType, valTypeName } from "./types.ts";
import { validateConstExpr } from "./validate-expressions.ts";
import { FunctionValidator } from "./validate-function.ts";
import { checkValType, moduleError, validateMemoryType, validateTableType, validateTypes } from "./validate-types.ts";

/** Validates the whole module, all bodies included. Throws `WindlassError`: `invalid`, `malformed` or `unsupported`. */
export function validateModule(module: Module): ModuleFacts {
  validateDeclarations(module);
  const facts = new ModuleFacts(module);
  const validator = new FunctionValidator(module, facts);
  for (let i = module.importedFunctions; i < module.functions.length; i++) validator.validate(i);
  return facts;
}

/** Validates everything but the function bodies, which `FunctionValidator` then takes in any order. */
export function validateDeclarations(module: Module): void {
  validateTypes(module);
  validateImports(module);
  validateFunctionTypes(module);
  validateTables(module);
  module.memories.slice(module.importedMemories).forEach(({ type, offset }) => {
    validateMemoryType(type, offset, ["memory section"]);
  });
  for (const { type, offset } of module.tags.slice(module.importedTags)) {
    validateTagType(module, type, offset, ["tag section"]);
  }
  validateGlobals(module);
  validateExports(module);
  validateStart(module);
  validateElements(module);
  validateData(module);
}

function checkFuncType(module: Module, typeIndex: number, offset: number, path: readonly string[]): void {
  const composite = module.types[typeIndex]?.composite;
  if (composite === undefined) throw moduleError("invalid", `unknown type ${typeIndex}`, offset, path);
  if (composite.kind !== "func") throw moduleError("invalid", `type ${typeIndex} is no function type`, offset, path);
}

function validateTagType(module: Module, type: TagType, offset: number, path: readonly string[]): void {
  checkFuncType(module, type.type, offset, path);
  const composite = module.types[type.type]?.composite;
  if (composite?.kind === "func" && composite.results.length > 0) {
    throw moduleError("invalid", "non-empty tag result type", offset, path);
  }
}

function validateImports(module: Module): void {
  for (const { module: from, name, desc, offset } of module.imports) {
    const path = [`import ${JSON.stringify(from)} ${JSON.stringify(name)}`];
    switch (desc.kind) {
      case "func":
        checkFuncType(module, desc.type, offset, path);
        break;
      case "table":
        validateTableType(desc.type, module.types.length, offset, path);
        break;
      case "memory":
        validateMemoryType(desc.type, offset, path);
        break;
      case "global":
        checkValType(desc.type.type, module.types.length, offset, path);
        break;
      case "tag":
        validateTagType(module, desc.type, offset, path);
        break;
    }
  }
}

function validateFunctionTypes(module: Module): void {
  for (let i = module.importedFunctions; i < module.functions.length; i++) {
    const body = module.bodyStart[i - module.importedFunctions] ?? module.start;
    checkFuncType(module, module.functions[i] ?? -1, body, ["function section"]);
  }
}

function validateTables(module: Module): void {
  for (let i = module.importedTables; i < module.tables.length; i++) {
    const table = module.tables[i];
    if (table === undefined) continue;
    const path = [`table ${i}`];
    const { element } = table.type;
    validateTableType(table.type, module.types.length, table.offset, path);
    if (table.init !== undefined) {
      validateConstExpr(module, table.init, element, module.importedGlobals, path);
    } else if (!isDefaultable(element)) {
      const message = `type mismatch: a table of ${valTypeName(element)} needs an initializer`;
      throw moduleError("invalid", message, table.offset, path);
    }
  }
}

function validateGlobals(module: Module): void {
  for (let i = module.importedGlobals; i < module.globals.length; i++) {
    const global = module.globals[i];
    if (global === undefined) continue;
    const path = [`global ${i}`];
    checkValType(global.type.type, module.types.length, global.offset, path);
    if (global.init !== undefined) validateConstExpr(module, global.init, global.type.type, i, path);
  }
}

function spaceSize(module: Module, kind: ExternKind): number {
  switch (kind) {
    case "func":
      return module.functions.length;
    case "table":
      return module.tables.length;
    case "memory":
      return module.memories.length;
    case "global":
      return module.globals.length;
    case "tag":
      return module.tags.length;
  }
}

function validateExports(module: Module): void {
  const seen = new Set<string>();
  for (const { name, kind, index, offset } of module.exports) {
    const path = [`export ${JSON.stringify(name)}`];
    if (index >= spaceSize(module, kind)) {
      throw moduleError("invalid", `unknown ${kind === "func" ? "function" : kind} ${index}`, offset, path);
    }
    if (seen.has(name)) throw moduleError("invalid", `duplicate export name ${JSON.stringify(name)}`, offset, path);
    seen.add(name);
  }
}

function validateStart(module: Module): void {
  const index = module.startFunction;
  if (index === undefined) return;
  const path = ["start section"];
  const typeIndex = module.functions[index];
  if (typeIndex === undefined) throw moduleError("invalid", `unknown function ${index}`, module.start, path);
  const type = module.types[typeIndex]?.composite;
  if (type?.kind !== "func" || type.params.length > 0 || type.results.length > 0) {
    throw moduleError("invalid", "start function must have no parameters and no results", module.start, path);
  }
}

function validateMode(module: Module, mode: SegmentMode, is64: boolean, path: readonly string[]): void {
  if (mode.kind === "active") {
    validateConstExpr(module, mode.offset, is64 ? I64 : I32, module.globals.length, path);
  }
}

function validateElements(module: Module): void {
  module.elements.forEach((segment, i) => {
    const { mode, type, offset } = segment;
    const path = [`element segment ${i}`];
    checkValType(type, module.types.length, offset, path);
    if (mode.kind === "active") {
      const table = module.tables[mode.index];
      if (table === undefined) throw moduleError("invalid", `unknown table ${mode.index}`, offset, path);
      if (!valTypeMatches(type, module, table.type.element, module)) {
        const message = `type mismatch: a table of ${valTypeName(table.type.element)} can't hold ${valTypeName(type)}`;
        throw moduleError("invalid", message, offset, path);
      }
      validateMode(module, mode, table.type.is64, path);
    }
    validateElementItems(module, segment, path);
  });
}

function validateElementItems(module: Module, segment: ElementSegment, path: readonly string[]): void {
  const { items, type, offset } = segment;
  if (items.kind === "expressions") {
    for (const item of items.expressions) validateConstExpr(module, item, type, module.globals.length, path);
    return;
  }
  const expect = (found: ValType): void => {
    if (valTypeMatches(found, module, type, module)) return;
    const message = `type mismatch: element segment of ${valTypeName(type)}, found ${valTypeName(found)}`;
    throw moduleError("invalid", message, offset, path);
  };
  if (items.nullType !== undefined) {
    checkValType(items.nullType, module.types.length, offset, path);
    expect(items.nullType);
  }
  let lastType = -1;
  for (const index of items.functions) {
    if (index === NULL_FUNCTION && items.nullType !== undefined) continue;
    const typeIndex = module.functions[index];
    if (typeIndex === undefined) throw moduleError("invalid", `unknown function ${index}`, offset, path);
    if (typeIndex !== lastType) expect(concreteRef(typeIndex, false));
    lastType = typeIndex;
  }
}

function validateData(module: Module): void {
  module.data.forEach(({ mode, offset }, i) => {
    if (mode.kind !== "active") return;
    const path = [`data segment ${i}`];
    const memory = module.memories[mode.index];
    if (memory === undefined) throw moduleError("invalid", `unknown memory ${mode.index}`, offset, path);
    validateMode(module, mode, memory.type.is64, path);
  });
}
