/**
 * Limits of what is accepted, on top of the core ones (`wasm/limits.ts`). Where they bound work and not just memory they say so. Every error
 * that comes of one names it (`kind: "limit"`).
 */

/** Components inside components, and component, instance and module types inside each other. Bounds recursion. */
export const MAX_NESTING = 100;
/** Definitions of one component, its nested components not counted: the sum of its index spaces, roughly. */
export const MAX_DEFINITIONS = 1_000_000;
/** Core modules in the whole input. */
export const MAX_CORE_MODULES = 10_000;
/** Nested components in the whole input. */
export const MAX_COMPONENTS = 10_000;
/** Arguments of one instantiation, exports of one synthesized instance. */
export const MAX_INSTANTIATION_ARGUMENTS = 100_000;
/** Declarations in one component, instance or module type. */
export const MAX_TYPE_DECLARATIONS = 100_000;
export const MAX_RECORD_FIELDS = 10_000;
export const MAX_VARIANT_CASES = 10_000;
export const MAX_ENUM_CASES = 10_000;
export const MAX_TUPLE_TYPES = 10_000;
export const MAX_FUNCTION_PARAMS = 1_000;
/** A rule of the standard: flags are at most one i32. */
export const MAX_FLAGS = 32;
/** Bytes of a name of an import, export, field, case or parameter. */
export const MAX_NAME_BYTES = 100_000;

/** How deep value types may be nested. Bounds recursion over types. */
export const MAX_TYPE_DEPTH = 100;
/** Nodes of a type when it is written out without sharing. Bounds work over types. */
export const MAX_TYPE_SIZE = 1_000_000;
/** `elem_size` of every value type is below this (Canonical ABI, "Element Size"). */
export const MAX_ELEM_SIZE = 2 ** 28;

/** Instances of components and of core modules, when all instantiations are written out. */
export const MAX_COMPONENT_INSTANCES = 10_000;
export const MAX_CORE_INSTANCES = 10_000;
/** Definitions that are evaluated while all instantiations are written out: bounds the work of translation. */
export const MAX_EVALUATED_DEFINITIONS = 2_000_000;
/** Core functions, summed over all instances of their modules. */
export const MAX_TOTAL_FUNCTIONS = 1_000_000;
/** Imports, memories, tables, globals and tags, summed the same way. */
export const MAX_TOTAL_CORE_ITEMS = 2_000_000;
/** Bytes of core modules, summed the same way. */
export const MAX_TOTAL_MODULE_BYTES = 2 ** 30;
/**
 * Steps of copying and comparing types while one input is validated. Bounds work and memory that instantiations multiply; what allocates
 * counts more.
 */
export const MAX_TYPE_STEPS = 20_000_000;
