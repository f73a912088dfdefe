/** What a program is made of: kinds of functions and of data, as `program.ts` lists them and `build.ts` and `link-data.ts` make them. */

import type { TranscoderName } from "../abi/transcode.ts";
import type {
  CoreFunc,
  CoreInstanceIndex,
  LoweredIndex,
  MemoryIndex,
  TableIndex,
  TrampolineIndex,
} from "../plan/component.ts";
import type { ApiFunction } from "./api.ts";
import type { CoreAccess } from "./core-entries.ts";
import type { HostSupportName } from "./host-support.ts";
import type { SupportName } from "./support.ts";

/** What a function of the program is. Indices of entries are positions in the lists of `Api`. */
export type FunctionKind =
  | { readonly kind: "support"; readonly name: SupportName }
  /** Code that is no IR: the restorer of signal frames. Has no unwind information. */
  | { readonly kind: "restorer" }
  | { readonly kind: "memory-grow"; readonly memory: MemoryIndex }
  | { readonly kind: "table-grow"; readonly table: TableIndex }
  | { readonly kind: "enter-instantiate" }
  | { readonly kind: "enter-drop" }
  | { readonly kind: "lifted-entry"; readonly export: number }
  | { readonly kind: "post-return-entry"; readonly export: number }
  | { readonly kind: "realloc-entry"; readonly realloc: number }
  | { readonly kind: "script-entry"; readonly func: CoreFunc }
  | { readonly kind: "script-instantiate"; readonly instance: CoreInstanceIndex }
  | { readonly kind: "api"; readonly name: ApiFunction }
  | { readonly kind: "memory-accessor"; readonly memory: number }
  /** Of a core module (`CoreApi`): positions in its lists. */
  | { readonly kind: "core-entry"; readonly export: number }
  | { readonly kind: "core-call"; readonly call: number }
  | { readonly kind: "core-call-target"; readonly call: number }
  | { readonly kind: "core-access"; readonly access: CoreAccess; readonly item: number }
  | { readonly kind: "check-reference" }
  | { readonly kind: "start" }
  | { readonly kind: "main" }
  | { readonly kind: "instantiate" }
  | { readonly kind: "instantiate-core"; readonly instance: CoreInstanceIndex }
  | { readonly kind: "checked-realloc"; readonly realloc: number }
  | { readonly kind: "lowered"; readonly index: LoweredIndex }
  | { readonly kind: "trampoline"; readonly index: TrampolineIndex }
  /** What adapters call: positions in `AdapterFunctions`. */
  | { readonly kind: "adapter-string"; readonly index: number }
  | { readonly kind: "adapter-value"; readonly index: number }
  | { readonly kind: "adapter-flat-value"; readonly index: number }
  | { readonly kind: "transcoder"; readonly name: TranscoderName; readonly refusing: boolean }
  /** Typed exports: the C function, and what it enters (`typed-exports.ts`); `drop` is a position in `Api.drops`. */
  | { readonly kind: "typed-entry"; readonly export: number }
  | { readonly kind: "typed-body" | "task-body"; readonly export: number }
  | { readonly kind: "typed-drop"; readonly drop: number }
  /** An entry: `drop` is a position in `Api.resourceDrops`. */
  | { readonly kind: "resource-drop"; readonly drop: number }
  | { readonly kind: "host-support"; readonly name: HostSupportName }
  /** C functions for a host that takes any call (`dynamic.ts`): positions in `Api.imports` and `Api.hostResources`. */
  | { readonly kind: "dynamic-import"; readonly import: number }
  | { readonly kind: "dynamic-destructor"; readonly resource: number }
  | { readonly kind: "wasm"; readonly instance: CoreInstanceIndex; readonly func: number };

export interface ProgramFunction {
  readonly kind: FunctionKind;
  /** Its symbol's name in the object. Local ones need not be distinct. */
  readonly name: string;
  /** A function of the C interface, or `_start`. */
  readonly global: boolean;
}

/** Bytes of a data object, or how they follow from the text's layout (`link-data.ts`). */
export type DataContent =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Zero when the program starts, and written. */
  | { readonly kind: "zero"; readonly size: number }
  /** Function references: for each element its function, or -1 for null, and the signature's number in the reference. */
  | { readonly kind: "funcrefs"; readonly functions: Int32Array; readonly signatures: Uint32Array }
  | { readonly kind: "traps" }
  | { readonly kind: "calls" }
  | { readonly kind: "catches" }
  | { readonly kind: "inlined" }
  | { readonly kind: "functions" };

export interface DataObject {
  readonly name: string;
  /** Power of two. */
  readonly align: number;
  readonly writable: boolean;
  readonly content: DataContent;
}
