/**
 * THE opcode table: what is known of an operator from its opcode alone, one row each. Everything else that depends on an
 * opcode (the operator reader, the validator, printers) reads the columns that are derived at the end of this file.
 *
 * An opcode is one number: the byte itself, or for prefixed opcodes the sub-opcode plus the base of its prefix:
 *
 * | prefix | base  | what                       |
 * |--------|-------|----------------------------|
 * | none   | 0x000 | MVP and what grew from it  |
 * | 0xfb   | 0x100 | garbage collection         |
 * | 0xfc   | 0x140 | saturation, bulk, wide     |
 * | 0xfe   | 0x180 | threads                    |
 * | 0xfd   | 0x200 | SIMD and relaxed SIMD      |
 *
 * so `i32.add` is 0x6a and `v128.const` is 0x20c everywhere. Code names them, `Opcode.i32_add`; a loop that looks at
 * every operator of a body and wants few of them has a column (`opcodeKinds`). Only what every compilation does with every operator, in files that
 * begin with `// hot loop`, writes `case 0x6a: // i32.add`: names cost it some percent before V8's optimizer arrives. A test checks these comments.
 *
 * Signature: operands, `:`, results; `i l f d v` are i32 i64 f32 f64 v128, `a` is the address type of the memory
 * immediate; `*` has rules of its own in the validator.
 */

/** Kinds of immediates. Their numbers are positions in this list; 0 is no opcode at all. */
export const IMMEDIATES = [
  "illegal",
  "none",
  "blockType",
  "label",
  "labelTable", // br_table
  "function",
  "type",
  "callIndirect", // type, table
  "local",
  "global",
  "table",
  "memory",
  "memarg",
  "memargLane",
  "i32",
  "i64",
  "f32",
  "f64",
  "v128",
  "shuffle", // 16 lanes
  "lane",
  "selectTypes",
  "heapType",
  "tag",
  "tryTable",
  "memoryMemory", // destination, source
  "dataMemory",
  "data",
  "elementTable",
  "element",
  "tableTable", // destination, source
  "fence", // a zero byte
  "atomic", // a memarg whose alignment is the natural one
  "typeField",
  "typeCount",
  "typeData",
  "typeElement",
  "typeType",
  "castLabel",
] as const;
export type Immediates = (typeof IMMEDIATES)[number];

export const FEATURES = [
  "mvp",
  "sign-extension",
  "saturating-conversions",
  "bulk-memory",
  "reference-types",
  "function-references",
  "tail-calls",
  "simd",
  "relaxed-simd",
  "threads",
  "exceptions",
  "wide-arithmetic",
  "gc",
  "legacy-exceptions",
] as const;
export type Feature = (typeof FEATURES)[number];

/** Mnemonic, opcode, immediates, signature, feature; then log2 of the natural alignment, or the number of lanes. */
export type OpcodeRow =
  | readonly [name: string, code: number, immediates: Immediates, signature: string, feature: Feature]
  | readonly [name: string, code: number, immediates: Immediates, signature: string, feature: Feature, extra: number];

// biome-ignore format: one row per opcode
export const OPCODES = [
  // Control: typed by the validator's own rules.
  ["unreachable", 0x00, "none", "*", "mvp"],
  ["nop", 0x01, "none", ":", "mvp"],
  ["block", 0x02, "blockType", "*", "mvp"],
  ["loop", 0x03, "blockType", "*", "mvp"],
  ["if", 0x04, "blockType", "*", "mvp"],
  ["else", 0x05, "none", "*", "mvp"],
  ["try", 0x06, "blockType", "*", "legacy-exceptions"],
  ["catch", 0x07, "tag", "*", "legacy-exceptions"],
  ["throw", 0x08, "tag", "*", "exceptions"],
  ["rethrow", 0x09, "label", "*", "legacy-exceptions"],
  ["throw_ref", 0x0a, "none", "*", "exceptions"],
  ["end", 0x0b, "none", "*", "mvp"],
  ["br", 0x0c, "label", "*", "mvp"],
  ["br_if", 0x0d, "label", "*", "mvp"],
  ["br_table", 0x0e, "labelTable", "*", "mvp"],
  ["return", 0x0f, "none", "*", "mvp"],
  ["call", 0x10, "function", "*", "mvp"],
  ["call_indirect", 0x11, "callIndirect", "*", "mvp"],
  ["return_call", 0x12, "function", "*", "tail-calls"],
  ["return_call_indirect", 0x13, "callIndirect", "*", "tail-calls"],
  ["call_ref", 0x14, "type", "*", "function-references"],
  ["return_call_ref", 0x15, "type", "*", "function-references"],
  ["delegate", 0x18, "label", "*", "legacy-exceptions"],
  ["catch_all", 0x19, "none", "*", "legacy-exceptions"],
  ["drop", 0x1a, "none", "*", "mvp"],
  ["select", 0x1b, "none", "*", "mvp"],
  ["select_t", 0x1c, "selectTypes", "*", "reference-types"],
  ["try_table", 0x1f, "tryTable", "*", "exceptions"],
  // Variables and tables.
  ["local.get", 0x20, "local", "*", "mvp"],
  ["local.set", 0x21, "local", "*", "mvp"],
  ["local.tee", 0x22, "local", "*", "mvp"],
  ["global.get", 0x23, "global", "*", "mvp"],
  ["global.set", 0x24, "global", "*", "mvp"],
  ["table.get", 0x25, "table", "*", "reference-types"],
  ["table.set", 0x26, "table", "*", "reference-types"],
  // Memory: `a` is the address type of the memory; the last column is the natural alignment, log2.
  ["i32.load", 0x28, "memarg", "a:i", "mvp", 2],
  ["i64.load", 0x29, "memarg", "a:l", "mvp", 3],
  ["f32.load", 0x2a, "memarg", "a:f", "mvp", 2],
  ["f64.load", 0x2b, "memarg", "a:d", "mvp", 3],
  ["i32.load8_s", 0x2c, "memarg", "a:i", "mvp", 0],
  ["i32.load8_u", 0x2d, "memarg", "a:i", "mvp", 0],
  ["i32.load16_s", 0x2e, "memarg", "a:i", "mvp", 1],
  ["i32.load16_u", 0x2f, "memarg", "a:i", "mvp", 1],
  ["i64.load8_s", 0x30, "memarg", "a:l", "mvp", 0],
  ["i64.load8_u", 0x31, "memarg", "a:l", "mvp", 0],
  ["i64.load16_s", 0x32, "memarg", "a:l", "mvp", 1],
  ["i64.load16_u", 0x33, "memarg", "a:l", "mvp", 1],
  ["i64.load32_s", 0x34, "memarg", "a:l", "mvp", 2],
  ["i64.load32_u", 0x35, "memarg", "a:l", "mvp", 2],
  ["i32.store", 0x36, "memarg", "ai:", "mvp", 2],
  ["i64.store", 0x37, "memarg", "al:", "mvp", 3],
  ["f32.store", 0x38, "memarg", "af:", "mvp", 2],
  ["f64.store", 0x39, "memarg", "ad:", "mvp", 3],
  ["i32.store8", 0x3a, "memarg", "ai:", "mvp", 0],
  ["i32.store16", 0x3b, "memarg", "ai:", "mvp", 1],
  ["i64.store8", 0x3c, "memarg", "al:", "mvp", 0],
  ["i64.store16", 0x3d, "memarg", "al:", "mvp", 1],
  ["i64.store32", 0x3e, "memarg", "al:", "mvp", 2],
  ["memory.size", 0x3f, "memory", "*", "mvp"],
  ["memory.grow", 0x40, "memory", "*", "mvp"],
  // Numeric.
  ["i32.const", 0x41, "i32", ":i", "mvp"],
  ["i64.const", 0x42, "i64", ":l", "mvp"],
  ["f32.const", 0x43, "f32", ":f", "mvp"],
  ["f64.const", 0x44, "f64", ":d", "mvp"],
  ["i32.eqz", 0x45, "none", "i:i", "mvp"],
  ["i32.eq", 0x46, "none", "ii:i", "mvp"],
  ["i32.ne", 0x47, "none", "ii:i", "mvp"],
  ["i32.lt_s", 0x48, "none", "ii:i", "mvp"],
  ["i32.lt_u", 0x49, "none", "ii:i", "mvp"],
  ["i32.gt_s", 0x4a, "none", "ii:i", "mvp"],
  ["i32.gt_u", 0x4b, "none", "ii:i", "mvp"],
  ["i32.le_s", 0x4c, "none", "ii:i", "mvp"],
  ["i32.le_u", 0x4d, "none", "ii:i", "mvp"],
  ["i32.ge_s", 0x4e, "none", "ii:i", "mvp"],
  ["i32.ge_u", 0x4f, "none", "ii:i", "mvp"],
  ["i64.eqz", 0x50, "none", "l:i", "mvp"],
  ["i64.eq", 0x51, "none", "ll:i", "mvp"],
  ["i64.ne", 0x52, "none", "ll:i", "mvp"],
  ["i64.lt_s", 0x53, "none", "ll:i", "mvp"],
  ["i64.lt_u", 0x54, "none", "ll:i", "mvp"],
  ["i64.gt_s", 0x55, "none", "ll:i", "mvp"],
  ["i64.gt_u", 0x56, "none", "ll:i", "mvp"],
  ["i64.le_s", 0x57, "none", "ll:i", "mvp"],
  ["i64.le_u", 0x58, "none", "ll:i", "mvp"],
  ["i64.ge_s", 0x59, "none", "ll:i", "mvp"],
  ["i64.ge_u", 0x5a, "none", "ll:i", "mvp"],
  ["f32.eq", 0x5b, "none", "ff:i", "mvp"],
  ["f32.ne", 0x5c, "none", "ff:i", "mvp"],
  ["f32.lt", 0x5d, "none", "ff:i", "mvp"],
  ["f32.gt", 0x5e, "none", "ff:i", "mvp"],
  ["f32.le", 0x5f, "none", "ff:i", "mvp"],
  ["f32.ge", 0x60, "none", "ff:i", "mvp"],
  ["f64.eq", 0x61, "none", "dd:i", "mvp"],
  ["f64.ne", 0x62, "none", "dd:i", "mvp"],
  ["f64.lt", 0x63, "none", "dd:i", "mvp"],
  ["f64.gt", 0x64, "none", "dd:i", "mvp"],
  ["f64.le", 0x65, "none", "dd:i", "mvp"],
  ["f64.ge", 0x66, "none", "dd:i", "mvp"],
  ["i32.clz", 0x67, "none", "i:i", "mvp"],
  ["i32.ctz", 0x68, "none", "i:i", "mvp"],
  ["i32.popcnt", 0x69, "none", "i:i", "mvp"],
  ["i32.add", 0x6a, "none", "ii:i", "mvp"],
  ["i32.sub", 0x6b, "none", "ii:i", "mvp"],
  ["i32.mul", 0x6c, "none", "ii:i", "mvp"],
  ["i32.div_s", 0x6d, "none", "ii:i", "mvp"],
  ["i32.div_u", 0x6e, "none", "ii:i", "mvp"],
  ["i32.rem_s", 0x6f, "none", "ii:i", "mvp"],
  ["i32.rem_u", 0x70, "none", "ii:i", "mvp"],
  ["i32.and", 0x71, "none", "ii:i", "mvp"],
  ["i32.or", 0x72, "none", "ii:i", "mvp"],
  ["i32.xor", 0x73, "none", "ii:i", "mvp"],
  ["i32.shl", 0x74, "none", "ii:i", "mvp"],
  ["i32.shr_s", 0x75, "none", "ii:i", "mvp"],
  ["i32.shr_u", 0x76, "none", "ii:i", "mvp"],
  ["i32.rotl", 0x77, "none", "ii:i", "mvp"],
  ["i32.rotr", 0x78, "none", "ii:i", "mvp"],
  ["i64.clz", 0x79, "none", "l:l", "mvp"],
  ["i64.ctz", 0x7a, "none", "l:l", "mvp"],
  ["i64.popcnt", 0x7b, "none", "l:l", "mvp"],
  ["i64.add", 0x7c, "none", "ll:l", "mvp"],
  ["i64.sub", 0x7d, "none", "ll:l", "mvp"],
  ["i64.mul", 0x7e, "none", "ll:l", "mvp"],
  ["i64.div_s", 0x7f, "none", "ll:l", "mvp"],
  ["i64.div_u", 0x80, "none", "ll:l", "mvp"],
  ["i64.rem_s", 0x81, "none", "ll:l", "mvp"],
  ["i64.rem_u", 0x82, "none", "ll:l", "mvp"],
  ["i64.and", 0x83, "none", "ll:l", "mvp"],
  ["i64.or", 0x84, "none", "ll:l", "mvp"],
  ["i64.xor", 0x85, "none", "ll:l", "mvp"],
  ["i64.shl", 0x86, "none", "ll:l", "mvp"],
  ["i64.shr_s", 0x87, "none", "ll:l", "mvp"],
  ["i64.shr_u", 0x88, "none", "ll:l", "mvp"],
  ["i64.rotl", 0x89, "none", "ll:l", "mvp"],
  ["i64.rotr", 0x8a, "none", "ll:l", "mvp"],
  ["f32.abs", 0x8b, "none", "f:f", "mvp"],
  ["f32.neg", 0x8c, "none", "f:f", "mvp"],
  ["f32.ceil", 0x8d, "none", "f:f", "mvp"],
  ["f32.floor", 0x8e, "none", "f:f", "mvp"],
  ["f32.trunc", 0x8f, "none", "f:f", "mvp"],
  ["f32.nearest", 0x90, "none", "f:f", "mvp"],
  ["f32.sqrt", 0x91, "none", "f:f", "mvp"],
  ["f32.add", 0x92, "none", "ff:f", "mvp"],
  ["f32.sub", 0x93, "none", "ff:f", "mvp"],
  ["f32.mul", 0x94, "none", "ff:f", "mvp"],
  ["f32.div", 0x95, "none", "ff:f", "mvp"],
  ["f32.min", 0x96, "none", "ff:f", "mvp"],
  ["f32.max", 0x97, "none", "ff:f", "mvp"],
  ["f32.copysign", 0x98, "none", "ff:f", "mvp"],
  ["f64.abs", 0x99, "none", "d:d", "mvp"],
  ["f64.neg", 0x9a, "none", "d:d", "mvp"],
  ["f64.ceil", 0x9b, "none", "d:d", "mvp"],
  ["f64.floor", 0x9c, "none", "d:d", "mvp"],
  ["f64.trunc", 0x9d, "none", "d:d", "mvp"],
  ["f64.nearest", 0x9e, "none", "d:d", "mvp"],
  ["f64.sqrt", 0x9f, "none", "d:d", "mvp"],
  ["f64.add", 0xa0, "none", "dd:d", "mvp"],
  ["f64.sub", 0xa1, "none", "dd:d", "mvp"],
  ["f64.mul", 0xa2, "none", "dd:d", "mvp"],
  ["f64.div", 0xa3, "none", "dd:d", "mvp"],
  ["f64.min", 0xa4, "none", "dd:d", "mvp"],
  ["f64.max", 0xa5, "none", "dd:d", "mvp"],
  ["f64.copysign", 0xa6, "none", "dd:d", "mvp"],
  ["i32.wrap_i64", 0xa7, "none", "l:i", "mvp"],
  ["i32.trunc_f32_s", 0xa8, "none", "f:i", "mvp"],
  ["i32.trunc_f32_u", 0xa9, "none", "f:i", "mvp"],
  ["i32.trunc_f64_s", 0xaa, "none", "d:i", "mvp"],
  ["i32.trunc_f64_u", 0xab, "none", "d:i", "mvp"],
  ["i64.extend_i32_s", 0xac, "none", "i:l", "mvp"],
  ["i64.extend_i32_u", 0xad, "none", "i:l", "mvp"],
  ["i64.trunc_f32_s", 0xae, "none", "f:l", "mvp"],
  ["i64.trunc_f32_u", 0xaf, "none", "f:l", "mvp"],
  ["i64.trunc_f64_s", 0xb0, "none", "d:l", "mvp"],
  ["i64.trunc_f64_u", 0xb1, "none", "d:l", "mvp"],
  ["f32.convert_i32_s", 0xb2, "none", "i:f", "mvp"],
  ["f32.convert_i32_u", 0xb3, "none", "i:f", "mvp"],
  ["f32.convert_i64_s", 0xb4, "none", "l:f", "mvp"],
  ["f32.convert_i64_u", 0xb5, "none", "l:f", "mvp"],
  ["f32.demote_f64", 0xb6, "none", "d:f", "mvp"],
  ["f64.convert_i32_s", 0xb7, "none", "i:d", "mvp"],
  ["f64.convert_i32_u", 0xb8, "none", "i:d", "mvp"],
  ["f64.convert_i64_s", 0xb9, "none", "l:d", "mvp"],
  ["f64.convert_i64_u", 0xba, "none", "l:d", "mvp"],
  ["f64.promote_f32", 0xbb, "none", "f:d", "mvp"],
  ["i32.reinterpret_f32", 0xbc, "none", "f:i", "mvp"],
  ["i64.reinterpret_f64", 0xbd, "none", "d:l", "mvp"],
  ["f32.reinterpret_i32", 0xbe, "none", "i:f", "mvp"],
  ["f64.reinterpret_i64", 0xbf, "none", "l:d", "mvp"],
  ["i32.extend8_s", 0xc0, "none", "i:i", "sign-extension"],
  ["i32.extend16_s", 0xc1, "none", "i:i", "sign-extension"],
  ["i64.extend8_s", 0xc2, "none", "l:l", "sign-extension"],
  ["i64.extend16_s", 0xc3, "none", "l:l", "sign-extension"],
  ["i64.extend32_s", 0xc4, "none", "l:l", "sign-extension"],
  // References.
  ["ref.null", 0xd0, "heapType", "*", "reference-types"],
  ["ref.is_null", 0xd1, "none", "*", "reference-types"],
  ["ref.func", 0xd2, "function", "*", "reference-types"],
  ["ref.eq", 0xd3, "none", "*", "gc"],
  ["ref.as_non_null", 0xd4, "none", "*", "function-references"],
  ["br_on_null", 0xd5, "label", "*", "function-references"],
  ["br_on_non_null", 0xd6, "label", "*", "function-references"],
  // Prefix 0xfb: garbage collection, decoded and then refused.
  ["struct.new", 0x100, "type", "*", "gc"],
  ["struct.new_default", 0x101, "type", "*", "gc"],
  ["struct.get", 0x102, "typeField", "*", "gc"],
  ["struct.get_s", 0x103, "typeField", "*", "gc"],
  ["struct.get_u", 0x104, "typeField", "*", "gc"],
  ["struct.set", 0x105, "typeField", "*", "gc"],
  ["array.new", 0x106, "type", "*", "gc"],
  ["array.new_default", 0x107, "type", "*", "gc"],
  ["array.new_fixed", 0x108, "typeCount", "*", "gc"],
  ["array.new_data", 0x109, "typeData", "*", "gc"],
  ["array.new_elem", 0x10a, "typeElement", "*", "gc"],
  ["array.get", 0x10b, "type", "*", "gc"],
  ["array.get_s", 0x10c, "type", "*", "gc"],
  ["array.get_u", 0x10d, "type", "*", "gc"],
  ["array.set", 0x10e, "type", "*", "gc"],
  ["array.len", 0x10f, "none", "*", "gc"],
  ["array.fill", 0x110, "type", "*", "gc"],
  ["array.copy", 0x111, "typeType", "*", "gc"],
  ["array.init_data", 0x112, "typeData", "*", "gc"],
  ["array.init_elem", 0x113, "typeElement", "*", "gc"],
  ["ref.test", 0x114, "heapType", "*", "gc"],
  ["ref.test_null", 0x115, "heapType", "*", "gc"],
  ["ref.cast", 0x116, "heapType", "*", "gc"],
  ["ref.cast_null", 0x117, "heapType", "*", "gc"],
  ["br_on_cast", 0x118, "castLabel", "*", "gc"],
  ["br_on_cast_fail", 0x119, "castLabel", "*", "gc"],
  ["any.convert_extern", 0x11a, "none", "*", "gc"],
  ["extern.convert_any", 0x11b, "none", "*", "gc"],
  ["ref.i31", 0x11c, "none", "*", "gc"],
  ["i31.get_s", 0x11d, "none", "*", "gc"],
  ["i31.get_u", 0x11e, "none", "*", "gc"],
  // Prefix 0xfc.
  ["i32.trunc_sat_f32_s", 0x140, "none", "f:i", "saturating-conversions"],
  ["i32.trunc_sat_f32_u", 0x141, "none", "f:i", "saturating-conversions"],
  ["i32.trunc_sat_f64_s", 0x142, "none", "d:i", "saturating-conversions"],
  ["i32.trunc_sat_f64_u", 0x143, "none", "d:i", "saturating-conversions"],
  ["i64.trunc_sat_f32_s", 0x144, "none", "f:l", "saturating-conversions"],
  ["i64.trunc_sat_f32_u", 0x145, "none", "f:l", "saturating-conversions"],
  ["i64.trunc_sat_f64_s", 0x146, "none", "d:l", "saturating-conversions"],
  ["i64.trunc_sat_f64_u", 0x147, "none", "d:l", "saturating-conversions"],
  ["memory.init", 0x148, "dataMemory", "*", "bulk-memory"],
  ["data.drop", 0x149, "data", "*", "bulk-memory"],
  ["memory.copy", 0x14a, "memoryMemory", "*", "bulk-memory"],
  ["memory.fill", 0x14b, "memory", "*", "bulk-memory"],
  ["table.init", 0x14c, "elementTable", "*", "bulk-memory"],
  ["elem.drop", 0x14d, "element", "*", "bulk-memory"],
  ["table.copy", 0x14e, "tableTable", "*", "bulk-memory"],
  ["table.grow", 0x14f, "table", "*", "reference-types"],
  ["table.size", 0x150, "table", "*", "reference-types"],
  ["table.fill", 0x151, "table", "*", "reference-types"],
  ["i64.add128", 0x153, "none", "llll:ll", "wide-arithmetic"],
  ["i64.sub128", 0x154, "none", "llll:ll", "wide-arithmetic"],
  ["i64.mul_wide_s", 0x155, "none", "ll:ll", "wide-arithmetic"],
  ["i64.mul_wide_u", 0x156, "none", "ll:ll", "wide-arithmetic"],
  // Prefix 0xfe: threads. Alignment must be the natural one.
  ["memory.atomic.notify", 0x180, "atomic", "ai:i", "threads", 2],
  ["memory.atomic.wait32", 0x181, "atomic", "ail:i", "threads", 2],
  ["memory.atomic.wait64", 0x182, "atomic", "all:i", "threads", 3],
  ["atomic.fence", 0x183, "fence", ":", "threads"],
  ["i32.atomic.load", 0x190, "atomic", "a:i", "threads", 2],
  ["i64.atomic.load", 0x191, "atomic", "a:l", "threads", 3],
  ["i32.atomic.load8_u", 0x192, "atomic", "a:i", "threads", 0],
  ["i32.atomic.load16_u", 0x193, "atomic", "a:i", "threads", 1],
  ["i64.atomic.load8_u", 0x194, "atomic", "a:l", "threads", 0],
  ["i64.atomic.load16_u", 0x195, "atomic", "a:l", "threads", 1],
  ["i64.atomic.load32_u", 0x196, "atomic", "a:l", "threads", 2],
  ["i32.atomic.store", 0x197, "atomic", "ai:", "threads", 2],
  ["i64.atomic.store", 0x198, "atomic", "al:", "threads", 3],
  ["i32.atomic.store8", 0x199, "atomic", "ai:", "threads", 0],
  ["i32.atomic.store16", 0x19a, "atomic", "ai:", "threads", 1],
  ["i64.atomic.store8", 0x19b, "atomic", "al:", "threads", 0],
  ["i64.atomic.store16", 0x19c, "atomic", "al:", "threads", 1],
  ["i64.atomic.store32", 0x19d, "atomic", "al:", "threads", 2],
  ["i32.atomic.rmw.add", 0x19e, "atomic", "ai:i", "threads", 2],
  ["i64.atomic.rmw.add", 0x19f, "atomic", "al:l", "threads", 3],
  ["i32.atomic.rmw8.add_u", 0x1a0, "atomic", "ai:i", "threads", 0],
  ["i32.atomic.rmw16.add_u", 0x1a1, "atomic", "ai:i", "threads", 1],
  ["i64.atomic.rmw8.add_u", 0x1a2, "atomic", "al:l", "threads", 0],
  ["i64.atomic.rmw16.add_u", 0x1a3, "atomic", "al:l", "threads", 1],
  ["i64.atomic.rmw32.add_u", 0x1a4, "atomic", "al:l", "threads", 2],
  ["i32.atomic.rmw.sub", 0x1a5, "atomic", "ai:i", "threads", 2],
  ["i64.atomic.rmw.sub", 0x1a6, "atomic", "al:l", "threads", 3],
  ["i32.atomic.rmw8.sub_u", 0x1a7, "atomic", "ai:i", "threads", 0],
  ["i32.atomic.rmw16.sub_u", 0x1a8, "atomic", "ai:i", "threads", 1],
  ["i64.atomic.rmw8.sub_u", 0x1a9, "atomic", "al:l", "threads", 0],
  ["i64.atomic.rmw16.sub_u", 0x1aa, "atomic", "al:l", "threads", 1],
  ["i64.atomic.rmw32.sub_u", 0x1ab, "atomic", "al:l", "threads", 2],
  ["i32.atomic.rmw.and", 0x1ac, "atomic", "ai:i", "threads", 2],
  ["i64.atomic.rmw.and", 0x1ad, "atomic", "al:l", "threads", 3],
  ["i32.atomic.rmw8.and_u", 0x1ae, "atomic", "ai:i", "threads", 0],
  ["i32.atomic.rmw16.and_u", 0x1af, "atomic", "ai:i", "threads", 1],
  ["i64.atomic.rmw8.and_u", 0x1b0, "atomic", "al:l", "threads", 0],
  ["i64.atomic.rmw16.and_u", 0x1b1, "atomic", "al:l", "threads", 1],
  ["i64.atomic.rmw32.and_u", 0x1b2, "atomic", "al:l", "threads", 2],
  ["i32.atomic.rmw.or", 0x1b3, "atomic", "ai:i", "threads", 2],
  ["i64.atomic.rmw.or", 0x1b4, "atomic", "al:l", "threads", 3],
  ["i32.atomic.rmw8.or_u", 0x1b5, "atomic", "ai:i", "threads", 0],
  ["i32.atomic.rmw16.or_u", 0x1b6, "atomic", "ai:i", "threads", 1],
  ["i64.atomic.rmw8.or_u", 0x1b7, "atomic", "al:l", "threads", 0],
  ["i64.atomic.rmw16.or_u", 0x1b8, "atomic", "al:l", "threads", 1],
  ["i64.atomic.rmw32.or_u", 0x1b9, "atomic", "al:l", "threads", 2],
  ["i32.atomic.rmw.xor", 0x1ba, "atomic", "ai:i", "threads", 2],
  ["i64.atomic.rmw.xor", 0x1bb, "atomic", "al:l", "threads", 3],
  ["i32.atomic.rmw8.xor_u", 0x1bc, "atomic", "ai:i", "threads", 0],
  ["i32.atomic.rmw16.xor_u", 0x1bd, "atomic", "ai:i", "threads", 1],
  ["i64.atomic.rmw8.xor_u", 0x1be, "atomic", "al:l", "threads", 0],
  ["i64.atomic.rmw16.xor_u", 0x1bf, "atomic", "al:l", "threads", 1],
  ["i64.atomic.rmw32.xor_u", 0x1c0, "atomic", "al:l", "threads", 2],
  ["i32.atomic.rmw.xchg", 0x1c1, "atomic", "ai:i", "threads", 2],
  ["i64.atomic.rmw.xchg", 0x1c2, "atomic", "al:l", "threads", 3],
  ["i32.atomic.rmw8.xchg_u", 0x1c3, "atomic", "ai:i", "threads", 0],
  ["i32.atomic.rmw16.xchg_u", 0x1c4, "atomic", "ai:i", "threads", 1],
  ["i64.atomic.rmw8.xchg_u", 0x1c5, "atomic", "al:l", "threads", 0],
  ["i64.atomic.rmw16.xchg_u", 0x1c6, "atomic", "al:l", "threads", 1],
  ["i64.atomic.rmw32.xchg_u", 0x1c7, "atomic", "al:l", "threads", 2],
  ["i32.atomic.rmw.cmpxchg", 0x1c8, "atomic", "aii:i", "threads", 2],
  ["i64.atomic.rmw.cmpxchg", 0x1c9, "atomic", "all:l", "threads", 3],
  ["i32.atomic.rmw8.cmpxchg_u", 0x1ca, "atomic", "aii:i", "threads", 0],
  ["i32.atomic.rmw16.cmpxchg_u", 0x1cb, "atomic", "aii:i", "threads", 1],
  ["i64.atomic.rmw8.cmpxchg_u", 0x1cc, "atomic", "all:l", "threads", 0],
  ["i64.atomic.rmw16.cmpxchg_u", 0x1cd, "atomic", "all:l", "threads", 1],
  ["i64.atomic.rmw32.cmpxchg_u", 0x1ce, "atomic", "all:l", "threads", 2],
  // Prefix 0xfd: fixed-width SIMD. The last column of lane operators is the number of lanes.
  ["v128.load", 0x200, "memarg", "a:v", "simd", 4],
  ["v128.load8x8_s", 0x201, "memarg", "a:v", "simd", 3],
  ["v128.load8x8_u", 0x202, "memarg", "a:v", "simd", 3],
  ["v128.load16x4_s", 0x203, "memarg", "a:v", "simd", 3],
  ["v128.load16x4_u", 0x204, "memarg", "a:v", "simd", 3],
  ["v128.load32x2_s", 0x205, "memarg", "a:v", "simd", 3],
  ["v128.load32x2_u", 0x206, "memarg", "a:v", "simd", 3],
  ["v128.load8_splat", 0x207, "memarg", "a:v", "simd", 0],
  ["v128.load16_splat", 0x208, "memarg", "a:v", "simd", 1],
  ["v128.load32_splat", 0x209, "memarg", "a:v", "simd", 2],
  ["v128.load64_splat", 0x20a, "memarg", "a:v", "simd", 3],
  ["v128.store", 0x20b, "memarg", "av:", "simd", 4],
  ["v128.const", 0x20c, "v128", ":v", "simd"],
  ["i8x16.shuffle", 0x20d, "shuffle", "vv:v", "simd", 32],
  ["i8x16.swizzle", 0x20e, "none", "vv:v", "simd"],
  ["i8x16.splat", 0x20f, "none", "i:v", "simd"],
  ["i16x8.splat", 0x210, "none", "i:v", "simd"],
  ["i32x4.splat", 0x211, "none", "i:v", "simd"],
  ["i64x2.splat", 0x212, "none", "l:v", "simd"],
  ["f32x4.splat", 0x213, "none", "f:v", "simd"],
  ["f64x2.splat", 0x214, "none", "d:v", "simd"],
  ["i8x16.extract_lane_s", 0x215, "lane", "v:i", "simd", 16],
  ["i8x16.extract_lane_u", 0x216, "lane", "v:i", "simd", 16],
  ["i8x16.replace_lane", 0x217, "lane", "vi:v", "simd", 16],
  ["i16x8.extract_lane_s", 0x218, "lane", "v:i", "simd", 8],
  ["i16x8.extract_lane_u", 0x219, "lane", "v:i", "simd", 8],
  ["i16x8.replace_lane", 0x21a, "lane", "vi:v", "simd", 8],
  ["i32x4.extract_lane", 0x21b, "lane", "v:i", "simd", 4],
  ["i32x4.replace_lane", 0x21c, "lane", "vi:v", "simd", 4],
  ["i64x2.extract_lane", 0x21d, "lane", "v:l", "simd", 2],
  ["i64x2.replace_lane", 0x21e, "lane", "vl:v", "simd", 2],
  ["f32x4.extract_lane", 0x21f, "lane", "v:f", "simd", 4],
  ["f32x4.replace_lane", 0x220, "lane", "vf:v", "simd", 4],
  ["f64x2.extract_lane", 0x221, "lane", "v:d", "simd", 2],
  ["f64x2.replace_lane", 0x222, "lane", "vd:v", "simd", 2],
  ["i8x16.eq", 0x223, "none", "vv:v", "simd"],
  ["i8x16.ne", 0x224, "none", "vv:v", "simd"],
  ["i8x16.lt_s", 0x225, "none", "vv:v", "simd"],
  ["i8x16.lt_u", 0x226, "none", "vv:v", "simd"],
  ["i8x16.gt_s", 0x227, "none", "vv:v", "simd"],
  ["i8x16.gt_u", 0x228, "none", "vv:v", "simd"],
  ["i8x16.le_s", 0x229, "none", "vv:v", "simd"],
  ["i8x16.le_u", 0x22a, "none", "vv:v", "simd"],
  ["i8x16.ge_s", 0x22b, "none", "vv:v", "simd"],
  ["i8x16.ge_u", 0x22c, "none", "vv:v", "simd"],
  ["i16x8.eq", 0x22d, "none", "vv:v", "simd"],
  ["i16x8.ne", 0x22e, "none", "vv:v", "simd"],
  ["i16x8.lt_s", 0x22f, "none", "vv:v", "simd"],
  ["i16x8.lt_u", 0x230, "none", "vv:v", "simd"],
  ["i16x8.gt_s", 0x231, "none", "vv:v", "simd"],
  ["i16x8.gt_u", 0x232, "none", "vv:v", "simd"],
  ["i16x8.le_s", 0x233, "none", "vv:v", "simd"],
  ["i16x8.le_u", 0x234, "none", "vv:v", "simd"],
  ["i16x8.ge_s", 0x235, "none", "vv:v", "simd"],
  ["i16x8.ge_u", 0x236, "none", "vv:v", "simd"],
  ["i32x4.eq", 0x237, "none", "vv:v", "simd"],
  ["i32x4.ne", 0x238, "none", "vv:v", "simd"],
  ["i32x4.lt_s", 0x239, "none", "vv:v", "simd"],
  ["i32x4.lt_u", 0x23a, "none", "vv:v", "simd"],
  ["i32x4.gt_s", 0x23b, "none", "vv:v", "simd"],
  ["i32x4.gt_u", 0x23c, "none", "vv:v", "simd"],
  ["i32x4.le_s", 0x23d, "none", "vv:v", "simd"],
  ["i32x4.le_u", 0x23e, "none", "vv:v", "simd"],
  ["i32x4.ge_s", 0x23f, "none", "vv:v", "simd"],
  ["i32x4.ge_u", 0x240, "none", "vv:v", "simd"],
  ["f32x4.eq", 0x241, "none", "vv:v", "simd"],
  ["f32x4.ne", 0x242, "none", "vv:v", "simd"],
  ["f32x4.lt", 0x243, "none", "vv:v", "simd"],
  ["f32x4.gt", 0x244, "none", "vv:v", "simd"],
  ["f32x4.le", 0x245, "none", "vv:v", "simd"],
  ["f32x4.ge", 0x246, "none", "vv:v", "simd"],
  ["f64x2.eq", 0x247, "none", "vv:v", "simd"],
  ["f64x2.ne", 0x248, "none", "vv:v", "simd"],
  ["f64x2.lt", 0x249, "none", "vv:v", "simd"],
  ["f64x2.gt", 0x24a, "none", "vv:v", "simd"],
  ["f64x2.le", 0x24b, "none", "vv:v", "simd"],
  ["f64x2.ge", 0x24c, "none", "vv:v", "simd"],
  ["v128.not", 0x24d, "none", "v:v", "simd"],
  ["v128.and", 0x24e, "none", "vv:v", "simd"],
  ["v128.andnot", 0x24f, "none", "vv:v", "simd"],
  ["v128.or", 0x250, "none", "vv:v", "simd"],
  ["v128.xor", 0x251, "none", "vv:v", "simd"],
  ["v128.bitselect", 0x252, "none", "vvv:v", "simd"],
  ["v128.any_true", 0x253, "none", "v:i", "simd"],
  ["v128.load8_lane", 0x254, "memargLane", "av:v", "simd", 0],
  ["v128.load16_lane", 0x255, "memargLane", "av:v", "simd", 1],
  ["v128.load32_lane", 0x256, "memargLane", "av:v", "simd", 2],
  ["v128.load64_lane", 0x257, "memargLane", "av:v", "simd", 3],
  ["v128.store8_lane", 0x258, "memargLane", "av:", "simd", 0],
  ["v128.store16_lane", 0x259, "memargLane", "av:", "simd", 1],
  ["v128.store32_lane", 0x25a, "memargLane", "av:", "simd", 2],
  ["v128.store64_lane", 0x25b, "memargLane", "av:", "simd", 3],
  ["v128.load32_zero", 0x25c, "memarg", "a:v", "simd", 2],
  ["v128.load64_zero", 0x25d, "memarg", "a:v", "simd", 3],
  ["f32x4.demote_f64x2_zero", 0x25e, "none", "v:v", "simd"],
  ["f64x2.promote_low_f32x4", 0x25f, "none", "v:v", "simd"],
  ["i8x16.abs", 0x260, "none", "v:v", "simd"],
  ["i8x16.neg", 0x261, "none", "v:v", "simd"],
  ["i8x16.popcnt", 0x262, "none", "v:v", "simd"],
  ["i8x16.all_true", 0x263, "none", "v:i", "simd"],
  ["i8x16.bitmask", 0x264, "none", "v:i", "simd"],
  ["i8x16.narrow_i16x8_s", 0x265, "none", "vv:v", "simd"],
  ["i8x16.narrow_i16x8_u", 0x266, "none", "vv:v", "simd"],
  ["f32x4.ceil", 0x267, "none", "v:v", "simd"],
  ["f32x4.floor", 0x268, "none", "v:v", "simd"],
  ["f32x4.trunc", 0x269, "none", "v:v", "simd"],
  ["f32x4.nearest", 0x26a, "none", "v:v", "simd"],
  ["i8x16.shl", 0x26b, "none", "vi:v", "simd"],
  ["i8x16.shr_s", 0x26c, "none", "vi:v", "simd"],
  ["i8x16.shr_u", 0x26d, "none", "vi:v", "simd"],
  ["i8x16.add", 0x26e, "none", "vv:v", "simd"],
  ["i8x16.add_sat_s", 0x26f, "none", "vv:v", "simd"],
  ["i8x16.add_sat_u", 0x270, "none", "vv:v", "simd"],
  ["i8x16.sub", 0x271, "none", "vv:v", "simd"],
  ["i8x16.sub_sat_s", 0x272, "none", "vv:v", "simd"],
  ["i8x16.sub_sat_u", 0x273, "none", "vv:v", "simd"],
  ["f64x2.ceil", 0x274, "none", "v:v", "simd"],
  ["f64x2.floor", 0x275, "none", "v:v", "simd"],
  ["i8x16.min_s", 0x276, "none", "vv:v", "simd"],
  ["i8x16.min_u", 0x277, "none", "vv:v", "simd"],
  ["i8x16.max_s", 0x278, "none", "vv:v", "simd"],
  ["i8x16.max_u", 0x279, "none", "vv:v", "simd"],
  ["f64x2.trunc", 0x27a, "none", "v:v", "simd"],
  ["i8x16.avgr_u", 0x27b, "none", "vv:v", "simd"],
  ["i16x8.extadd_pairwise_i8x16_s", 0x27c, "none", "v:v", "simd"],
  ["i16x8.extadd_pairwise_i8x16_u", 0x27d, "none", "v:v", "simd"],
  ["i32x4.extadd_pairwise_i16x8_s", 0x27e, "none", "v:v", "simd"],
  ["i32x4.extadd_pairwise_i16x8_u", 0x27f, "none", "v:v", "simd"],
  ["i16x8.abs", 0x280, "none", "v:v", "simd"],
  ["i16x8.neg", 0x281, "none", "v:v", "simd"],
  ["i16x8.q15mulr_sat_s", 0x282, "none", "vv:v", "simd"],
  ["i16x8.all_true", 0x283, "none", "v:i", "simd"],
  ["i16x8.bitmask", 0x284, "none", "v:i", "simd"],
  ["i16x8.narrow_i32x4_s", 0x285, "none", "vv:v", "simd"],
  ["i16x8.narrow_i32x4_u", 0x286, "none", "vv:v", "simd"],
  ["i16x8.extend_low_i8x16_s", 0x287, "none", "v:v", "simd"],
  ["i16x8.extend_high_i8x16_s", 0x288, "none", "v:v", "simd"],
  ["i16x8.extend_low_i8x16_u", 0x289, "none", "v:v", "simd"],
  ["i16x8.extend_high_i8x16_u", 0x28a, "none", "v:v", "simd"],
  ["i16x8.shl", 0x28b, "none", "vi:v", "simd"],
  ["i16x8.shr_s", 0x28c, "none", "vi:v", "simd"],
  ["i16x8.shr_u", 0x28d, "none", "vi:v", "simd"],
  ["i16x8.add", 0x28e, "none", "vv:v", "simd"],
  ["i16x8.add_sat_s", 0x28f, "none", "vv:v", "simd"],
  ["i16x8.add_sat_u", 0x290, "none", "vv:v", "simd"],
  ["i16x8.sub", 0x291, "none", "vv:v", "simd"],
  ["i16x8.sub_sat_s", 0x292, "none", "vv:v", "simd"],
  ["i16x8.sub_sat_u", 0x293, "none", "vv:v", "simd"],
  ["f64x2.nearest", 0x294, "none", "v:v", "simd"],
  ["i16x8.mul", 0x295, "none", "vv:v", "simd"],
  ["i16x8.min_s", 0x296, "none", "vv:v", "simd"],
  ["i16x8.min_u", 0x297, "none", "vv:v", "simd"],
  ["i16x8.max_s", 0x298, "none", "vv:v", "simd"],
  ["i16x8.max_u", 0x299, "none", "vv:v", "simd"],
  ["i16x8.avgr_u", 0x29b, "none", "vv:v", "simd"],
  ["i16x8.extmul_low_i8x16_s", 0x29c, "none", "vv:v", "simd"],
  ["i16x8.extmul_high_i8x16_s", 0x29d, "none", "vv:v", "simd"],
  ["i16x8.extmul_low_i8x16_u", 0x29e, "none", "vv:v", "simd"],
  ["i16x8.extmul_high_i8x16_u", 0x29f, "none", "vv:v", "simd"],
  ["i32x4.abs", 0x2a0, "none", "v:v", "simd"],
  ["i32x4.neg", 0x2a1, "none", "v:v", "simd"],
  ["i32x4.all_true", 0x2a3, "none", "v:i", "simd"],
  ["i32x4.bitmask", 0x2a4, "none", "v:i", "simd"],
  ["i32x4.extend_low_i16x8_s", 0x2a7, "none", "v:v", "simd"],
  ["i32x4.extend_high_i16x8_s", 0x2a8, "none", "v:v", "simd"],
  ["i32x4.extend_low_i16x8_u", 0x2a9, "none", "v:v", "simd"],
  ["i32x4.extend_high_i16x8_u", 0x2aa, "none", "v:v", "simd"],
  ["i32x4.shl", 0x2ab, "none", "vi:v", "simd"],
  ["i32x4.shr_s", 0x2ac, "none", "vi:v", "simd"],
  ["i32x4.shr_u", 0x2ad, "none", "vi:v", "simd"],
  ["i32x4.add", 0x2ae, "none", "vv:v", "simd"],
  ["i32x4.sub", 0x2b1, "none", "vv:v", "simd"],
  ["i32x4.mul", 0x2b5, "none", "vv:v", "simd"],
  ["i32x4.min_s", 0x2b6, "none", "vv:v", "simd"],
  ["i32x4.min_u", 0x2b7, "none", "vv:v", "simd"],
  ["i32x4.max_s", 0x2b8, "none", "vv:v", "simd"],
  ["i32x4.max_u", 0x2b9, "none", "vv:v", "simd"],
  ["i32x4.dot_i16x8_s", 0x2ba, "none", "vv:v", "simd"],
  ["i32x4.extmul_low_i16x8_s", 0x2bc, "none", "vv:v", "simd"],
  ["i32x4.extmul_high_i16x8_s", 0x2bd, "none", "vv:v", "simd"],
  ["i32x4.extmul_low_i16x8_u", 0x2be, "none", "vv:v", "simd"],
  ["i32x4.extmul_high_i16x8_u", 0x2bf, "none", "vv:v", "simd"],
  ["i64x2.abs", 0x2c0, "none", "v:v", "simd"],
  ["i64x2.neg", 0x2c1, "none", "v:v", "simd"],
  ["i64x2.all_true", 0x2c3, "none", "v:i", "simd"],
  ["i64x2.bitmask", 0x2c4, "none", "v:i", "simd"],
  ["i64x2.extend_low_i32x4_s", 0x2c7, "none", "v:v", "simd"],
  ["i64x2.extend_high_i32x4_s", 0x2c8, "none", "v:v", "simd"],
  ["i64x2.extend_low_i32x4_u", 0x2c9, "none", "v:v", "simd"],
  ["i64x2.extend_high_i32x4_u", 0x2ca, "none", "v:v", "simd"],
  ["i64x2.shl", 0x2cb, "none", "vi:v", "simd"],
  ["i64x2.shr_s", 0x2cc, "none", "vi:v", "simd"],
  ["i64x2.shr_u", 0x2cd, "none", "vi:v", "simd"],
  ["i64x2.add", 0x2ce, "none", "vv:v", "simd"],
  ["i64x2.sub", 0x2d1, "none", "vv:v", "simd"],
  ["i64x2.mul", 0x2d5, "none", "vv:v", "simd"],
  ["i64x2.eq", 0x2d6, "none", "vv:v", "simd"],
  ["i64x2.ne", 0x2d7, "none", "vv:v", "simd"],
  ["i64x2.lt_s", 0x2d8, "none", "vv:v", "simd"],
  ["i64x2.gt_s", 0x2d9, "none", "vv:v", "simd"],
  ["i64x2.le_s", 0x2da, "none", "vv:v", "simd"],
  ["i64x2.ge_s", 0x2db, "none", "vv:v", "simd"],
  ["i64x2.extmul_low_i32x4_s", 0x2dc, "none", "vv:v", "simd"],
  ["i64x2.extmul_high_i32x4_s", 0x2dd, "none", "vv:v", "simd"],
  ["i64x2.extmul_low_i32x4_u", 0x2de, "none", "vv:v", "simd"],
  ["i64x2.extmul_high_i32x4_u", 0x2df, "none", "vv:v", "simd"],
  ["f32x4.abs", 0x2e0, "none", "v:v", "simd"],
  ["f32x4.neg", 0x2e1, "none", "v:v", "simd"],
  ["f32x4.sqrt", 0x2e3, "none", "v:v", "simd"],
  ["f32x4.add", 0x2e4, "none", "vv:v", "simd"],
  ["f32x4.sub", 0x2e5, "none", "vv:v", "simd"],
  ["f32x4.mul", 0x2e6, "none", "vv:v", "simd"],
  ["f32x4.div", 0x2e7, "none", "vv:v", "simd"],
  ["f32x4.min", 0x2e8, "none", "vv:v", "simd"],
  ["f32x4.max", 0x2e9, "none", "vv:v", "simd"],
  ["f32x4.pmin", 0x2ea, "none", "vv:v", "simd"],
  ["f32x4.pmax", 0x2eb, "none", "vv:v", "simd"],
  ["f64x2.abs", 0x2ec, "none", "v:v", "simd"],
  ["f64x2.neg", 0x2ed, "none", "v:v", "simd"],
  ["f64x2.sqrt", 0x2ef, "none", "v:v", "simd"],
  ["f64x2.add", 0x2f0, "none", "vv:v", "simd"],
  ["f64x2.sub", 0x2f1, "none", "vv:v", "simd"],
  ["f64x2.mul", 0x2f2, "none", "vv:v", "simd"],
  ["f64x2.div", 0x2f3, "none", "vv:v", "simd"],
  ["f64x2.min", 0x2f4, "none", "vv:v", "simd"],
  ["f64x2.max", 0x2f5, "none", "vv:v", "simd"],
  ["f64x2.pmin", 0x2f6, "none", "vv:v", "simd"],
  ["f64x2.pmax", 0x2f7, "none", "vv:v", "simd"],
  ["i32x4.trunc_sat_f32x4_s", 0x2f8, "none", "v:v", "simd"],
  ["i32x4.trunc_sat_f32x4_u", 0x2f9, "none", "v:v", "simd"],
  ["f32x4.convert_i32x4_s", 0x2fa, "none", "v:v", "simd"],
  ["f32x4.convert_i32x4_u", 0x2fb, "none", "v:v", "simd"],
  ["i32x4.trunc_sat_f64x2_s_zero", 0x2fc, "none", "v:v", "simd"],
  ["i32x4.trunc_sat_f64x2_u_zero", 0x2fd, "none", "v:v", "simd"],
  ["f64x2.convert_low_i32x4_s", 0x2fe, "none", "v:v", "simd"],
  ["f64x2.convert_low_i32x4_u", 0x2ff, "none", "v:v", "simd"],
  ["i8x16.relaxed_swizzle", 0x300, "none", "vv:v", "relaxed-simd"],
  ["i32x4.relaxed_trunc_f32x4_s", 0x301, "none", "v:v", "relaxed-simd"],
  ["i32x4.relaxed_trunc_f32x4_u", 0x302, "none", "v:v", "relaxed-simd"],
  ["i32x4.relaxed_trunc_f64x2_s_zero", 0x303, "none", "v:v", "relaxed-simd"],
  ["i32x4.relaxed_trunc_f64x2_u_zero", 0x304, "none", "v:v", "relaxed-simd"],
  ["f32x4.relaxed_madd", 0x305, "none", "vvv:v", "relaxed-simd"],
  ["f32x4.relaxed_nmadd", 0x306, "none", "vvv:v", "relaxed-simd"],
  ["f64x2.relaxed_madd", 0x307, "none", "vvv:v", "relaxed-simd"],
  ["f64x2.relaxed_nmadd", 0x308, "none", "vvv:v", "relaxed-simd"],
  ["i8x16.relaxed_laneselect", 0x309, "none", "vvv:v", "relaxed-simd"],
  ["i16x8.relaxed_laneselect", 0x30a, "none", "vvv:v", "relaxed-simd"],
  ["i32x4.relaxed_laneselect", 0x30b, "none", "vvv:v", "relaxed-simd"],
  ["i64x2.relaxed_laneselect", 0x30c, "none", "vvv:v", "relaxed-simd"],
  ["f32x4.relaxed_min", 0x30d, "none", "vv:v", "relaxed-simd"],
  ["f32x4.relaxed_max", 0x30e, "none", "vv:v", "relaxed-simd"],
  ["f64x2.relaxed_min", 0x30f, "none", "vv:v", "relaxed-simd"],
  ["f64x2.relaxed_max", 0x310, "none", "vv:v", "relaxed-simd"],
  ["i16x8.relaxed_q15mulr_s", 0x311, "none", "vv:v", "relaxed-simd"],
  ["i16x8.relaxed_dot_i8x16_i7x16_s", 0x312, "none", "vv:v", "relaxed-simd"],
  ["i32x4.relaxed_dot_i8x16_i7x16_add_s", 0x313, "none", "vvv:v", "relaxed-simd"],
] as const satisfies readonly OpcodeRow[];

/** Opcodes are below this: the length of every column that is indexed by one. */
export const OPCODE_SPACE = 0x400;

export const PREFIX_FB = 0x100;
export const PREFIX_FC = 0x140;
export const PREFIX_FE = 0x180;
export const PREFIX_FD = 0x200;

type Row = (typeof OPCODES)[number];
type Mangle<S extends string> = S extends `${infer Head}.${infer Tail}` ? `${Head}_${Mangle<Tail>}` : S;
/** Opcode by mnemonic, dots as underscores: `Opcode.i32_add`. */
export type OpcodeByName = { readonly [R in Row as Mangle<R[0]>]: R[1] };
/** Every mnemonic of the table. */
export type OpcodeName = Row[0];

function byName(rows: typeof OPCODES): OpcodeByName;
function byName(rows: readonly OpcodeRow[]): Record<string, number> {
  return Object.fromEntries(rows.map((row) => [row[0].replaceAll(".", "_"), row[1]]));
}
export const Opcode = byName(OPCODES);

/** A signature in columns: types are those of `types.ts`, and `ADDRESS`. */
export interface OperatorSignature {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

/** Stands for the address type of the memory immediate in an `OperatorSignature`. */
export const ADDRESS = 0xff;

const LETTERS: Readonly<Record<string, number>> = { i: 1, l: 2, f: 3, d: 4, v: 5, a: ADDRESS };

interface Columns {
  readonly names: readonly (string | undefined)[];
  readonly immediates: Uint8Array;
  readonly signature: Uint8Array;
  readonly signatures: readonly OperatorSignature[];
  readonly feature: Uint8Array;
  readonly extra: Uint8Array;
}

function derive(rows: readonly OpcodeRow[]): Columns {
  const names: (string | undefined)[] = new Array<string | undefined>(OPCODE_SPACE).fill(undefined);
  const immediates = new Uint8Array(OPCODE_SPACE);
  const signature = new Uint8Array(OPCODE_SPACE);
  const feature = new Uint8Array(OPCODE_SPACE);
  const extra = new Uint8Array(OPCODE_SPACE);
  const signatures: OperatorSignature[] = [{ params: [], results: [] }];
  const ids = new Map<string, number>([["*", 0]]);
  const types = (letters: string): number[] => Array.from(letters, (letter) => LETTERS[letter] ?? 0);
  for (const row of rows) {
    const code = row[1];
    const text = row[3];
    let id = ids.get(text);
    if (id === undefined) {
      const colon = text.indexOf(":");
      id = signatures.push({ params: types(text.slice(0, colon)), results: types(text.slice(colon + 1)) }) - 1;
      ids.set(text, id);
    }
    names[code] = row[0];
    immediates[code] = IMMEDIATES.indexOf(row[2]);
    signature[code] = id;
    feature[code] = FEATURES.indexOf(row[4]);
    extra[code] = row[5] ?? 0;
  }
  return { names, immediates, signature, signatures, feature, extra };
}

const COLUMNS = derive(OPCODES);

/** Opcode → position in `IMMEDIATES`; 0 for what is no opcode. */
export const OPCODE_IMMEDIATES = COLUMNS.immediates;
/** Opcode → position in `SIGNATURES`; 0 for operators with rules of their own. */
export const OPCODE_SIGNATURE = COLUMNS.signature;
export const SIGNATURES = COLUMNS.signatures;
/** Opcode → position in `FEATURES`. */
export const OPCODE_FEATURE = COLUMNS.feature;
/** Opcode → log2 of the natural alignment, which is log2 of the width of the access in bytes too. 0 without memarg. */
export const OPCODE_ALIGN = COLUMNS.extra;
/** Opcode → number of lanes that the lane immediate may name (lane and shuffle operators). */
export const OPCODE_LANES = COLUMNS.extra;

/** Features that are decoded and then refused by name. */
export const REFUSED_FEATURES: readonly Feature[] = ["gc", "legacy-exceptions"];

/** Opcode → the number that a row gives it, or 0: what a loop over operators dispatches on that wants few of them. */
export function opcodeKinds(rows: readonly (readonly [kind: number, ...opcodes: number[]])[]): Uint8Array {
  const kinds = new Uint8Array(OPCODE_SPACE);
  for (const [kind, ...opcodes] of rows) for (const opcode of opcodes) kinds[opcode] = kind;
  return kinds;
}

/** The mnemonic, for messages and printers. */
export function opcodeName(code: number): string {
  return COLUMNS.names[code] ?? `opcode 0x${code.toString(16)}`;
}

export function opcodeFeature(code: number): Feature {
  return FEATURES[OPCODE_FEATURE[code] ?? 0] ?? "mvp";
}
