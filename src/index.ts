/**
 * The public API: the compiler as a function, and the component compiler that it is built on.
 *
 * Nothing here needs Node but `compile` with more than one worker.
 */

export { type Diagnostic, formatDiagnostic, InternalError, WindlassError } from "./base/diagnostics.ts";
export { type Entity, PrimaryMap } from "./base/entity.ts";
export type { CompiledFunction } from "./codegen/compiled.ts";
export {
  type CompiledTrampoline,
  type ComponentCompiler,
  X64ComponentCompiler,
} from "./compiler/component-compiler.ts";
export type { CompilerThreads } from "./compiler/pool.ts";
export { decodeInfo, decodeTrampolines, type ObjectInfo, type TrampolineInfo } from "./compiler/info.ts";
export { decodeComponent } from "./component/decode.ts";
export type { ComponentTypes } from "./component/types.ts";
export { validateComponent } from "./component/validate/validate.ts";
export { type CompileOptions, type CompileResult, compile, compilerThreads, TARGET } from "./driver/compile.ts";
export { inspect, type ObjectReport, type Report, type TrampolineReport } from "./driver/inspect.ts";
export { VERSION } from "./driver/version.ts";
export { allStatuses, HOST_STRUCTS } from "./layout/host.ts";
export { type ContextShape, Lowering as VMLowering, VMComponentOffsets } from "./layout/offsets.ts";
export { ElfObject } from "./object/writer.ts";
export type { Component, LoweredIndex, LowerImport } from "./plan/component.ts";
export { printPlan } from "./plan/print.ts";
export { verifyPlan } from "./plan/verify.ts";
export { type TranslateOptions, translate } from "./translate/translate.ts";
