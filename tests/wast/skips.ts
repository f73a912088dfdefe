/**
 * What conformance scripts skip: how many forms of each script of the standard's suites, and why. The runner fails a script that skips more
 * or fewer. Scripts that are not here skip nothing. Only what needs garbage collection, and what the assembler can't read, may be here.
 */

const GC = "needs structs, arrays, i31 or casts of references, which are refused by name";
const DESCRIPTORS = "a proposal that extends structs and arrays";

export interface Skip {
  /** Below the folder of the suites. */
  readonly file: string;
  readonly forms: number;
  readonly reason: string;
}

export const SKIPS: readonly Skip[] = [
  { file: "core/array.wast", forms: 51, reason: GC },
  { file: "core/array_copy.wast", forms: 35, reason: GC },
  { file: "core/array_fill.wast", forms: 30, reason: GC },
  { file: "core/array_init_data.wast", forms: 46, reason: GC },
  { file: "core/array_init_elem.wast", forms: 36, reason: GC },
  { file: "core/array_new_data.wast", forms: 28, reason: GC },
  { file: "core/array_new_elem.wast", forms: 24, reason: GC },
  { file: "core/br_on_cast.wast", forms: 37, reason: GC },
  { file: "core/br_on_cast_fail.wast", forms: 37, reason: GC },
  { file: "core/extern.wast", forms: 18, reason: GC },
  { file: "core/i31.wast", forms: 71, reason: GC },
  { file: "core/proposals/custom-descriptors/array_new_exact.wast", forms: 1, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/binary-descriptors.wast", forms: 2, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/br_on_cast.wast", forms: 36, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/br_on_cast_desc_eq.wast", forms: 103, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/br_on_cast_desc_eq_fail.wast", forms: 103, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/br_on_cast_fail.wast", forms: 36, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/descriptors.wast", forms: 6, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/exact-casts.wast", forms: 111, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/exact-func-import.wast", forms: 21, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/exact.wast", forms: 16, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/ref_cast_desc_eq.wast", forms: 97, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/ref_get_desc.wast", forms: 29, reason: DESCRIPTORS },
  { file: "core/proposals/custom-descriptors/struct_new_desc.wast", forms: 25, reason: DESCRIPTORS },
  { file: "core/ref_cast.wast", forms: 45, reason: GC },
  { file: "core/ref_eq.wast", forms: 89, reason: GC },
  { file: "core/ref_null.wast", forms: 34, reason: GC },
  { file: "core/ref_test.wast", forms: 71, reason: GC },
  { file: "core/struct.wast", forms: 27, reason: GC },
  { file: "core/table_init.wast", forms: 2, reason: GC },
  { file: "core/table_init64.wast", forms: 2, reason: GC },
  { file: "core/type-rec.wast", forms: 20, reason: GC },
  { file: "core/type-subtyping.wast", forms: 69, reason: GC },
];

/** Lines of scripts that assert what a rule of an older version forbids. The standard has lifted it: the module must be accepted. */
export interface Lifted {
  readonly file: string;
  readonly lines: readonly number[];
  readonly rule: string;
}

export const LIFTED: readonly Lifted[] = [
  { file: "core/proposals/threads/imports.wast", lines: [309, 313, 317], rule: "multiple tables" },
  { file: "core/proposals/threads/imports.wast", lines: [404, 408, 412], rule: "multiple memories" },
  { file: "core/proposals/threads/memory.wast", lines: [14, 15], rule: "multiple memories" },
];
