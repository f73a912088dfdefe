/** The IR of each function of the program: one switch over what it is. */

import { InternalError } from "../base/diagnostics.ts";
import type { Workspace } from "../base/workspace.ts";
import type { Func, FuncSymbol } from "../ir/function.ts";
import type { Signature } from "../ir/types.ts";
import type { CoreInstanceIndex, LoweredIndex } from "../plan/component.ts";
import {
  buildAdapter,
  buildAdapterFlatValue,
  buildAdapterString,
  buildAdapterValue,
  buildTranscoder,
} from "./adapters-build.ts";
import type { ApiFunction } from "./api.ts";
import {
  accessSignature,
  buildCheckReference,
  buildCoreAccess,
  buildCoreCall,
  buildCoreCallTarget,
  buildCoreEntry,
  buildHostFunction,
  CHECK_REFERENCE,
} from "./core-entries.ts";
import {
  buildDynamicCall,
  buildDynamicDescribe,
  buildDynamicDestructor,
  buildDynamicDropHandle,
  buildDynamicDropResult,
  buildDynamicImport,
  buildDynamicNew,
} from "./dynamic.ts";
import {
  buildDelete,
  buildEnterDrop,
  buildEnterInstantiate,
  buildFail,
  buildInterrupt,
  buildLiftedEntry,
  buildMemoryAccessor,
  buildNew,
  buildPostReturnEntry,
  buildTaskBody,
  buildReallocEntry,
  buildUser,
} from "./entries.ts";
import { buildResourceDrop } from "./host-handles.ts";
import { buildHostSupport } from "./host-support-build.ts";
import { MEMORY_GROW_SIGNATURE, TABLE_GROW_SIGNATURE } from "./environment.ts";
import {
  buildExceptionCapture,
  buildExceptionCollect,
  buildExceptionMark,
  buildExceptionNew,
  buildExceptionReserve,
  buildFindHandler,
  buildThrow,
  buildThrowRef,
} from "./exceptions.ts";
import { buildHandleNewSupport, buildHandleRepSupport, buildHandleSpace, buildHandleTakeSupport } from "./handles.ts";
import { buildCreateRegion, buildInstantiate, buildInstantiateCore } from "./instantiate.ts";
import { buildGuestAddress, buildGuestRealloc } from "./intrinsics.ts";
import { RESTORER_CODE } from "./linux.ts";
import {
  buildCopyBytes,
  buildCopyLong,
  buildFindWideCopy,
  buildMemoryCopy,
  buildMemoryFill,
  buildMemoryGrow,
  buildSleep,
  buildTableFill,
  buildTableGrow,
} from "./memory.ts";
import type { Program } from "./program.ts";
import { ProgramEnvironment } from "./program-environment.ts";
import { buildFindEntry, buildFindRow, buildRaise, buildRaiseCode, buildRecordTrap } from "./raise.ts";
import { buildChainSignal, buildHandleFault, buildInstallHandlers } from "./signals.ts";
import { buildScriptEntry, buildScriptInstantiate, buildScriptMain } from "./script.ts";
import { buildMain, buildStart } from "./start.ts";
import { Emitter } from "./structured.ts";
import { API_SIGNATURES, INSTANTIATE, MAIN, MEMORY_ACCESSOR, START, SUPPORT, type SupportName } from "./support.ts";
import { buildAppendNumber, buildAppendText, buildFormatTrap, buildLastTrap } from "./text.ts";
import { buildTaskBuiltin } from "./task-builtins.ts";
import { buildCheckedRealloc, buildLowered, buildTrampoline } from "./trampolines.ts";
import { buildTypedBody, buildTypedDrop, buildTypedEntry } from "./typed-exports.ts";
import { buildTypedLowered } from "./typed-imports.ts";
import { FunctionTranslator } from "./wasm/translate.ts";

type Builder = (e: Emitter, program: Program) => void;

const SUPPORT_BUILDERS: Readonly<Record<SupportName, Builder>> = {
  raise: buildRaise,
  raise_code: buildRaiseCode,
  find_row: buildFindRow,
  find_entry: buildFindEntry,
  record_trap: buildRecordTrap,
  append_text: buildAppendText,
  append_number: buildAppendNumber,
  format_trap: buildFormatTrap,
  handle_fault: buildHandleFault,
  chain_signal: buildChainSignal,
  install_handlers: buildInstallHandlers,
  create_region: buildCreateRegion,
  copy_bytes: buildCopyBytes,
  copy_long: buildCopyLong,
  find_wide_copy: buildFindWideCopy,
  memory_copy: buildMemoryCopy,
  memory_fill: buildMemoryFill,
  table_fill: buildTableFill,
  sleep: buildSleep,
  throw: buildThrow,
  throw_ref: buildThrowRef,
  exception_new: buildExceptionNew,
  exception_capture: buildExceptionCapture,
  find_handler: buildFindHandler,
  exception_reserve: buildExceptionReserve,
  exception_collect: buildExceptionCollect,
  exception_mark: buildExceptionMark,
  guest_address: buildGuestAddress,
  guest_realloc: buildGuestRealloc,
  handle_space: buildHandleSpace,
  handle_new: buildHandleNewSupport,
  handle_rep: buildHandleRepSupport,
  handle_take: buildHandleTakeSupport,
};

const API_BUILDERS: Readonly<Record<ApiFunction, Builder>> = {
  new: buildNew,
  delete: buildDelete,
  last_trap: buildLastTrap,
  user: buildUser,
  fail: buildFail,
  interrupt: (e, program) => buildInterrupt(e, program, 1),
  interrupt_clear: (e, program) => buildInterrupt(e, program, 0),
  dynamic_describe: buildDynamicDescribe,
  dynamic_new: buildDynamicNew,
  dynamic_call: buildDynamicCall,
  dynamic_drop_result: buildDynamicDropResult,
  dynamic_drop_handle: buildDynamicDropHandle,
};

function build(name: string, signature: Signature, body: (e: Emitter) => void): Func {
  const e = Emitter.start(name, signature, { stackCheck: false, entry: false });
  body(e);
  return e.finish();
}

/** What becomes code: IR, or bytes that are no IR. */
export type BuiltFunction =
  | { readonly kind: "ir"; readonly func: Func }
  | { readonly kind: "code"; readonly code: Uint8Array };

/**
 * The IR of `symbol`. Throws `InternalError` for the restorer, which has none. A function of a module lives in `work`; the default is memory of
 * its own.
 */
export function buildFunction(program: Program, symbol: FuncSymbol, work?: Workspace): Func {
  const { kind, name } = program.functions.get(symbol);
  switch (kind.kind) {
    case "support":
      return build(name, SUPPORT[kind.name], (e) => SUPPORT_BUILDERS[kind.name](e, program));
    case "restorer":
      throw new InternalError("frontend", "has no IR", name);
    case "memory-grow":
      return build(name, MEMORY_GROW_SIGNATURE, (e) => buildMemoryGrow(e, program, kind.memory));
    case "table-grow":
      return build(name, TABLE_GROW_SIGNATURE, (e) => buildTableGrow(e, program, kind.table));
    case "enter-instantiate":
      return buildEnterInstantiate(program, name);
    case "enter-drop":
      return buildEnterDrop(program, name);
    case "lifted-entry":
      return buildLiftedEntry(program, kind.export, name);
    case "task-body":
      return buildTaskBody(program, kind.export, name);
    case "post-return-entry":
      return buildPostReturnEntry(program, kind.export, name);
    case "realloc-entry":
      return buildReallocEntry(program, kind.realloc, name);
    case "script-entry":
      return buildScriptEntry(program, kind.func, name);
    case "script-instantiate":
      return buildScriptInstantiate(program, kind.instance, name);
    case "api":
      return build(name, API_SIGNATURES[kind.name], (e) => API_BUILDERS[kind.name](e, program));
    case "memory-accessor":
      return build(name, MEMORY_ACCESSOR, (e) => buildMemoryAccessor(e, program, kind.memory));
    case "start":
      return build(name, START, (e) => buildStart(e, program));
    case "main":
      return build(name, MAIN, (e) => (program.options.output === "script" ? buildScriptMain : buildMain)(e, program));
    case "instantiate":
      return build(name, INSTANTIATE, (e) => buildInstantiate(e, program));
    case "instantiate-core":
      return build(name, INSTANTIATE, (e) => buildInstantiateCore(e, program, kind.instance));
    case "checked-realloc":
      return buildCheckedRealloc(program, kind.realloc, name);
    case "core-entry":
      return buildCoreEntry(program, kind.export, name);
    case "core-call":
      return buildCoreCall(program, kind.call, name);
    case "core-call-target":
      return buildCoreCallTarget(program, kind.call, name);
    case "core-access":
      return build(name, accessSignature(program, kind.access, kind.item), (e) =>
        buildCoreAccess(e, program, kind.access, kind.item),
      );
    case "check-reference":
      return build(name, CHECK_REFERENCE, (e) => buildCheckReference(e, program));
    case "lowered":
      return isTypedLowering(program, kind.index)
        ? buildTypedLowered(program, kind.index, name)
        : buildLowered(program, kind.index, name);
    case "typed-entry":
      return buildTypedEntry(program, kind.export, name);
    case "typed-body":
      return buildTypedBody(program, kind.export, name);
    case "typed-drop":
      return buildTypedDrop(program, kind.drop, name);
    case "resource-drop":
      return buildResourceDrop(program, kind.drop, name);
    case "dynamic-import":
      return buildDynamicImport(program, kind.import, name);
    case "dynamic-destructor":
      return buildDynamicDestructor(program, kind.resource, name);
    case "host-support":
      return buildHostSupport(program, kind.name, name);
    case "trampoline": {
      const trampoline = program.component.trampolines.get(kind.index);
      if (trampoline.kind === "host-function") return buildHostFunction(program, trampoline, name);
      if (trampoline.kind === "adapter") return buildAdapter(program, trampoline, name);
      if (trampoline.kind === "task-builtin") return buildTaskBuiltin(program, trampoline, name);
      return buildTrampoline(program, trampoline, name);
    }
    case "adapter-string":
      return buildAdapterString(program, kind.index, name);
    case "adapter-value":
      return buildAdapterValue(program, kind.index, name);
    case "adapter-flat-value":
      return buildAdapterFlatValue(program, kind.index, name);
    case "transcoder":
      return buildTranscoder(program, kind.name, kind.refusing, name);
    case "wasm":
      return translatorOf(program, kind.instance).translate(kind.func, work);
  }
}

function isTypedLowering(program: Program, index: LoweredIndex): boolean {
  const { callee } = program.component.lowerings.get(index);
  return callee.kind === "host" && callee.abi === "typed";
}

/** The translator of one instance's bodies, made once. */
function translatorOf(program: Program, instance: CoreInstanceIndex): FunctionTranslator {
  let translator = program.translators.get(instance);
  if (translator === undefined) {
    translator = new FunctionTranslator(new ProgramEnvironment(program, instance));
    program.translators.set(instance, translator);
  }
  return translator;
}

/** IR or bytes of `symbol`. */
export function buildCode(program: Program, symbol: FuncSymbol, work?: Workspace): BuiltFunction {
  return program.functions.get(symbol).kind.kind === "restorer"
    ? { kind: "code", code: Uint8Array.from(RESTORER_CODE) }
    : { kind: "ir", func: buildFunction(program, symbol, work) };
}
