/**
 * Implementation limits: what this compiler accepts at most. Those that the JavaScript API of the standard names have
 * its values, so that what browsers load is accepted here. Every error that comes of one names it (`kind: "limit"`).
 */

export const MAX_TYPES = 1_000_000;
export const MAX_REC_GROUPS = 1_000_000;
/** Length of a chain of declared supertypes. */
export const MAX_SUBTYPING_DEPTH = 63;
export const MAX_FUNCTIONS = 1_000_000;
export const MAX_IMPORTS = 1_000_000;
export const MAX_EXPORTS = 1_000_000;
export const MAX_GLOBALS = 1_000_000;
export const MAX_TAGS = 1_000_000;
export const MAX_TABLES = 100_000;
export const MAX_MEMORIES = 100;
export const MAX_ELEMENT_SEGMENTS = 10_000_000;
export const MAX_ELEMENTS_PER_SEGMENT = 10_000_000;
export const MAX_DATA_SEGMENTS = 100_000;
export const MAX_PARAMS = 1_000;
export const MAX_RESULTS = 1_000;
export const MAX_STRUCT_FIELDS = 10_000;
/** In bytes, of one function. */
export const MAX_BODY_SIZE = 7_654_321;
/** Parameters included. */
export const MAX_LOCALS = 50_000;
export const MAX_BR_TABLE_TARGETS = 65_520;
export const MAX_CATCHES = 10_000;
/** Operands on the validator's stack at once. */
export const MAX_OPERANDS = 1_000_000;
/** Initial and maximum size of a table that can be made; larger declarations are valid. */
export const MAX_TABLE_SIZE = 10_000_000;

/** Most pages of 2^`pageSizeLog2` bytes that the address type allows (a rule of the standard, not of ours). */
export function maxPages(is64: boolean, pageSizeLog2: number): number {
  const bits = is64 ? 64 : 32;
  return pageSizeLog2 === 0 ? 2 ** bits - 1 : 2 ** (bits - pageSizeLog2);
}
