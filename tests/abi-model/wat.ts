/**
 * Components around random functions, in text format. The callee `C` keeps what it is given, and returns what is in its memory; the caller `D`
 * calls with what is in its memory, and keeps what it gets. All of their state is in their memories, so that a test can set and read it. There
 * are two resource types: `r`, which the callee implements, and `q` of a third component. The callee lends parameters that are borrowed `q` to that
 * one, and drops them.
 *
 * | address | what |
 * |---|---|
 * | `BUMP` | where `realloc` allocates next |
 * | `CALLS` | calls of `realloc`; `LOG` has the arguments of each |
 * | `MODE` | what a guest does wrong, or in an unusual way (`Mode`) |
 * | `WHEN` | the call of `realloc`, as `CALLS` counts them, that does so |
 * | `POST` | calls of `post-return` |
 * | `RESULT` | the callee's flat result; what the caller got |
 * | `ARGS` | flat arguments, 8 bytes each |
 * | `TASK` | what the callee does wrong: no `task.return` (1), two (2), one of another type (3); or that it calls what may block (4) |
 * | `SEEN` | the representation of the last `q` that the callee dropped, as who implements it says |
 * | `RETURNS` | arguments of the callee's `task.return`, 8 bytes each |
 *
 * An `async`-lifted callee overwrites the beginning of its heap when it has called `task.return`.
 */

import {
  type Async,
  type CoreType,
  type Encoding,
  flattenType,
  flattenTypes,
  MAX_FLAT_PARAMS,
  MAX_FLAT_RESULTS,
  maxFlat,
  type PtrType,
  type Type,
} from "./model.ts";

export const BUMP = 0x10;
export const CALLS = 0x14;
export const MODE = 0x18;
export const POST = 0x1c;
export const RESULT = 0x20;
export const TASK = 0x28;
export const WHEN = 0x2c;
export const SEEN = 0x30;
export const ARGS = 0x40;
export const LOG = 0x100;
export const LOG_SIZE = 64;
export const RETURNS = 0x600;
export const HEAP = 0x800;
/** What an `async`-lifted callee leaves at `HEAP`, and how many bytes of it. */
export const RUIN = 0xee;
export const RUINED = 64;

export const MEMORY_SIZE = 65536;

/** All but the last are of `realloc`. */
export const Mode = {
  /** It gives an odd address. */
  misaligned: 1,
  /** An address that wraps around to the beginning. */
  wrapping: 2,
  /** It leaves its instance. */
  leaves: 3,
  /** The last address at which what is asked for fits. */
  atEnd: 4,
  /** The first one at which it does not. */
  beyondEnd: 5,
  /** The address behind the memory, at which nothing fits. */
  end: 6,
  /** An address that is right but for its upper half; as ever in a 32-bit memory. */
  upperHalf: 7,
  /** `post-return` leaves its instance. */
  postReturnLeaves: 8,
} as const;

export interface Signature extends Async {
  /** Of an `async` lift. */
  readonly callback: boolean;
  /** The caller's task may not block: a synchronous call of an `async` function traps. */
  readonly syncTask: boolean;
  readonly params: readonly Type[];
  readonly result: Type | undefined;
  readonly lower: Encoding;
  readonly lift: Encoding;
  /** Address types of the caller's and the callee's memory: of all signatures of one component the same. */
  readonly lowerPtr: PtrType;
  readonly liftPtr: PtrType;
  readonly postReturn: boolean;
}

export interface CoreSignature {
  readonly params: readonly CoreType[];
  readonly results: readonly CoreType[];
}

/** Whether the function's type is `async`. */
export function isAsyncFunction({ asyncLower, asyncLift }: Signature): boolean {
  return asyncLower || asyncLift;
}

/** `flatten_functype`. */
export function coreSignature(signature: Signature, side: "lift" | "lower"): CoreSignature {
  const { params, result, asyncLower, asyncLift, callback } = signature;
  const isLift = side === "lift";
  const ptr = isLift ? signature.liftPtr : signature.lowerPtr;
  const max = isLift ? { params: MAX_FLAT_PARAMS, results: MAX_FLAT_RESULTS } : maxFlat(signature);
  const flat = flattenTypes(params, ptr);
  const results = result === undefined ? [] : flattenType(result, ptr);
  const core: CoreType[] = flat.length > max.params ? [ptr] : flat;
  if (isLift && asyncLift) return { params: core, results: callback ? ["i32"] : [] };
  const isSpilled = results.length > max.results;
  if (isLift) return { params: core, results: isSpilled ? [ptr] : results };
  return {
    params: isSpilled ? [...core, ptr] : core,
    results: asyncLower ? ["i32"] : isSpilled ? [] : results,
  };
}

/** Parameters of `task.return`. */
export function returnParams({ result, liftPtr }: Signature): readonly CoreType[] {
  const flat = result === undefined ? [] : flattenType(result, liftPtr);
  return flat.length > MAX_FLAT_PARAMS ? [liftPtr] : flat;
}

/** Flat parameters of the callee that are borrowed `q`: it drops them. */
export function droppedParams({ params, liftPtr }: Signature): number[] {
  if (flattenTypes(params, liftPtr).length > MAX_FLAT_PARAMS) return [];
  let at = 0;
  return params.flatMap((t) => {
    const index = at;
    at += flattenType(t, liftPtr).length;
    return t.k === "borrow" && t.resource.name === "q" ? [index] : [];
  });
}

/** Definitions of all composite types, inner ones first, and how types are referred to. */
export class TypeTexts {
  readonly definitions: { readonly name: string; readonly text: string }[] = [];
  readonly #known = new Map<string, string>();

  ref(t: Type): string {
    const text = this.#text(t);
    if (!text.startsWith("(")) return text;
    let name = this.#known.get(text);
    if (name === undefined) {
      name = `t${this.definitions.length}`;
      this.definitions.push({ name, text });
      this.#known.set(text, name);
    }
    return `$${name}`;
  }

  #text(t: Type): string {
    return typeText(t, {
      ref: (of) => this.ref(of),
      label: (i) => `n${i}`,
      handle: ({ k, resource }) => `(${k} $${resource.name})`,
    });
  }
}

/** How a definition names what it is made of. */
export interface TypeWords {
  readonly ref: (t: Type) => string;
  /** Of a field, case or flag. */
  readonly label: (index: number) => string;
  readonly handle: (t: Extract<Type, { readonly k: "own" | "borrow" }>) => string;
}

/** A type in text format: the definition of a composite one, the name of another. */
export function typeText(t: Type, { ref, label, handle }: TypeWords): string {
  const optional = (of: Type | undefined): string => (of === undefined ? "" : ` ${ref(of)}`);
  switch (t.k) {
    case "list":
      return `(list ${ref(t.of)}${t.length === undefined ? "" : ` ${t.length}`})`;
    case "map":
      return `(map ${ref(t.key)} ${ref(t.value)})`;
    case "record":
      return `(record ${t.fields.map((f, i) => `(field "${label(i)}" ${ref(f)})`).join(" ")})`;
    case "tuple":
      return `(tuple ${t.fields.map(ref).join(" ")})`;
    case "variant":
      return `(variant ${t.cases.map((c, i) => `(case "${label(i)}"${optional(c)})`).join(" ")})`;
    case "option":
      return `(option ${ref(t.of)})`;
    case "result":
      return `(result${optional(t.ok)}${t.err === undefined ? "" : ` (error ${ref(t.err)})`})`;
    case "enum":
    case "flags":
      return `(${t.k} ${Array.from({ length: t.count }, (_, i) => `"${label(i)}"`).join(" ")})`;
    case "own":
    case "borrow":
      return handle(t);
    default:
      return t.k;
  }
}

/** Of a memory with these addresses. Its state and its log are 32-bit numbers, whatever the addresses are. */
function realloc(ptr: PtrType): string {
  const at = (address: number): string => `(${ptr}.const ${address})`;
  const narrow = (name: string): string =>
    ptr === "i32" ? `(local.get $${name})` : `(i32.wrap_i64 (local.get $${name}))`;
  const load = (address: number): string => `(i32.load ${at(address)})`;
  const wide = (value: string): string => (ptr === "i32" ? value : `(i64.extend_i32_u ${value})`);
  const log = (name: string, offset: number): string => `(i32.store offset=${offset} (local.get $log) ${narrow(name)})`;
  const isMode = (mode: number, then: string): string =>
    `(if (i32.eq (local.get $mode) (i32.const ${mode})) (then ${then}))`;
  const size = at(MEMORY_SIZE);
  const fits = `(${ptr}.le_u (local.get $size) ${size})`;
  const last = `(${ptr}.and (${ptr}.sub ${size} (local.get $size)) (${ptr}.sub ${at(0)} (local.get $align)))`;
  return `
  (func (export "realloc") (param $old ${ptr}) (param $oldsize ${ptr}) (param $align ${ptr}) (param $size ${ptr}) (result ${ptr})
    (local $ptr ${ptr}) (local $log ${ptr}) (local $mode i32)
    (local.set $log (${ptr}.add (${ptr}.const ${LOG})
      (${ptr}.shl ${wide(`(i32.rem_u ${load(CALLS)} (i32.const ${LOG_SIZE}))`)} (${ptr}.const 4))))
    ${log("old", 0)} ${log("oldsize", 4)} ${log("align", 8)} ${log("size", 12)}
    (local.set $mode (select ${load(MODE)} (i32.const 0) (i32.eq ${load(CALLS)} ${load(WHEN)})))
    (i32.store ${at(CALLS)} (i32.add ${load(CALLS)} (i32.const 1)))
    (local.set $ptr (${ptr}.and
      (${ptr}.add ${wide(load(BUMP))} (${ptr}.sub (local.get $align) (${ptr}.const 1)))
      (${ptr}.sub (${ptr}.const 0) (local.get $align))))
    (i32.store ${at(BUMP)} (i32.add ${narrow("ptr")} ${narrow("size")}))
    ${isMode(Mode.atEnd, `(if ${fits} (then (local.set $ptr ${last})))`)}
    (if (${ptr}.ne (local.get $old) (${ptr}.const 0)) (then (memory.copy (local.get $ptr) (local.get $old)
      (select (local.get $oldsize) (local.get $size) (${ptr}.lt_u (local.get $oldsize) (local.get $size))))))
    ${isMode(Mode.misaligned, `(return (${ptr}.or (local.get $ptr) (${ptr}.const 1)))`)}
    ${isMode(Mode.wrapping, `(return (${ptr}.const -16))`)}
    ${isMode(Mode.beyondEnd, `(if ${fits} (then (return (${ptr}.add ${last} (local.get $align)))))`)}
    ${isMode(Mode.end, `(return ${size})`)}
    ${ptr === "i64" ? isMode(Mode.upperHalf, "(return (i64.or (local.get $ptr) (i64.const 0x100000000)))") : ""}
    ${isMode(Mode.leaves, "(drop (call $leave))")}
    (local.get $ptr))`;
}

const list = (keyword: string, types: readonly string[]): string =>
  types.length === 0 ? "" : `(${keyword} ${types.join(" ")})`;

function callee(signatures: readonly Signature[], ptr: PtrType): string {
  return signatures
    .map((s, i) => {
      const { params, results } = coreSignature(s, "lift");
      const drop = droppedParams(s)
        .map((k) => `(i32.store (${ptr}.const ${SEEN}) (call $see (local.get ${k}))) (call $drop (local.get ${k}))`)
        .join(" ");
      const keep = params.map((t, k) => `(${t}.store (${ptr}.const ${ARGS + 8 * k}) (local.get ${k}))`).join(" ");
      const task = (mode: number): string => `(i32.eq (i32.load (${ptr}.const ${TASK})) (i32.const ${mode}))`;
      const wrong = `(if ${task(3)} (then (call $wrong (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
    (if ${task(4)} (then (call $block)))`;
      const give = results.map((t) => `(${t}.load (${ptr}.const ${RESULT}))`).join(" ");
      if (s.asyncLift) {
        const given = returnParams(s)
          .map((t, k) => `(${t}.load (${ptr}.const ${RETURNS + 8 * k}))`)
          .join(" ");
        const ruin = `(memory.fill (${ptr}.const ${HEAP}) (i32.const ${RUIN}) (${ptr}.const ${RUINED}))`;
        // `EXIT`, and no waitable set.
        const exit = s.callback ? "(i32.const 0)" : "";
        return `(func (export "f${i}") ${list("param", params)} ${list("result", results)} ${keep} ${drop} ${wrong}
    (if (i32.eqz ${task(1)}) (then (call $r${i} ${given})))
    (if ${task(2)} (then (call $r${i} ${given})))
    ${ruin} ${exit})`;
      }
      const leave = `(if (i32.eq (i32.load (${ptr}.const ${MODE})) (i32.const ${Mode.postReturnLeaves})) (then (drop (call $leave))))`;
      const post = `${leave} (i32.store (${ptr}.const ${POST}) (i32.add (i32.load (${ptr}.const ${POST})) (i32.const 1)))`;
      return `(func (export "f${i}") ${list("param", params)} ${list("result", results)} ${keep} ${drop} ${wrong} ${give})
  (func (export "p${i}") ${list("param", results)} ${post})`;
    })
    .join("\n  ");
}

function caller(signatures: readonly Signature[], ptr: PtrType): { readonly imports: string; readonly funcs: string } {
  const cores = signatures.map((s) => coreSignature(s, "lower"));
  const imports = cores.map(
    ({ params, results }, i) => `(import "" "f${i}" (func $f${i} ${list("param", params)} ${list("result", results)}))`,
  );
  const funcs = cores.map(({ params, results }, i) => {
    const args = params.map((t, k) => `(${t}.load (${ptr}.const ${ARGS + 8 * k}))`).join(" ");
    const [result] = results;
    const call = `(call $f${i} ${args})`;
    const body = result === undefined ? call : `(${result}.store (${ptr}.const ${RESULT}) ${call})`;
    return `(func (export "run${i}") ${body})`;
  });
  return { imports: imports.join("\n    "), funcs: funcs.join("\n    ") };
}

/**
 * The root component: exports `run0`, `run1`, …, one per signature. The first memory is the callee's, the second the caller's; component
 * instance 1 implements `q`, 2 is the callee, 3 the caller.
 */
export function pairText(signatures: readonly Signature[]): string {
  const { lowerPtr = "i32", liftPtr = "i32" } = signatures[0] ?? {};
  const texts = new TypeTexts();
  const memory = (ptr: PtrType): string => (ptr === "i32" ? "1" : "i64 1");
  const isAsync = (signature: Signature): string => (isAsyncFunction(signature) ? "async" : "");
  // What traps in an instance that may not leave, and does no harm in one that may.
  const leaving = `(core func $leave (canon waitable-set.new))`;
  const libc = (ptr: PtrType): string => `(core module $Libc
    (import "" "leave" (func $leave (result i32))) (memory (export "mem") ${memory(ptr)}) ${realloc(ptr)})
  (core instance $libc (instantiate $Libc (with "" (instance (export "leave" (func $leave))))))`;
  const types = signatures.map((signature) => {
    const { params, result } = signature;
    const shown = params.map((t, i) => `(param "p${i}" ${texts.ref(t)})`);
    return `${isAsync(signature)} ${shown.join(" ")}${result === undefined ? "" : ` (result ${texts.ref(result)})`}`;
  });
  const exported = texts.definitions
    .map(({ name, text }) => `(type $${name}' ${text}) (export $${name} "${name}" (type $${name}'))`)
    .join("\n  ");
  const imported = texts.definitions
    .map(({ name, text }) => `(type $${name}' ${text}) (export "${name}" (type $${name} (eq $${name}')))`)
    .join("\n    ");
  const lifts = signatures.map(({ lift, postReturn, asyncLift, callback }, i) => {
    const post = postReturn ? ` (post-return (core func $m "p${i}"))` : "";
    const how = asyncLift ? ` async${callback ? ` (callback (core func $m "unreachable"))` : ""}` : "";
    return `(func (export "f${i}") ${types[i]} (canon lift (core func $m "f${i}") string-encoding=${lift}
    (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))${post}${how}))`;
  });
  const returns = signatures.flatMap((s, i) => {
    if (!s.asyncLift) return [];
    const result = s.result === undefined ? "" : `(result ${texts.ref(s.result)})`;
    const options = `string-encoding=${s.lift} (memory (core memory $libc "mem"))`;
    return [
      {
        definition: `(core func $r${i} (canon task.return ${result} ${options}))`,
        import: `(import "" "r${i}" (func $r${i} ${list("param", returnParams(s))}))`,
        argument: `(export "r${i}" (func $r${i}))`,
      },
    ];
  });
  const lowers = signatures.map(
    (
      { lower, asyncLower },
      i,
    ) => `(core func $f${i} (canon lower (func $c "f${i}") string-encoding=${lower}${asyncLower ? " async" : ""}
    (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))))`,
  );
  const { imports, funcs } = caller(signatures, lowerPtr);
  const each = (text: (i: number) => string): string => signatures.map((_, i) => text(i)).join("\n  ");
  return `(component
(component $P
  (type $q' (resource (rep i32)))
  (export $q "q" (type $q'))
  (core module $M (func (export "see") (param i32) (result i32) (local.get 0)) (func (export "block")))
  (core instance $m (instantiate $M))
  (func (export "see") (param "q" (borrow $q)) (result u32) (canon lift (core func $m "see")))
  (func (export "block") async (canon lift (core func $m "block"))))
(component $C
  (import "p" (instance $p
    (export "q" (type $q (sub resource)))
    (export "see" (func (param "q" (borrow $q)) (result u32)))
    (export "block" (func async))))
  (alias export $p "q" (type $q))
  (type $r' (resource (rep i32)))
  (export $r "r" (type $r'))
  (core func $drop (canon resource.drop $q))
  (core func $see (canon lower (func $p "see")))
  (core func $block (canon lower (func $p "block")))
  ${exported}
  ${leaving}
  ${libc(liftPtr)}
  (core func $wrong (canon task.return (result (tuple u8 u8 u8 s8)) (memory (core memory $libc "mem"))))
  ${returns.map((r) => r.definition).join("\n  ")}
  (core module $M
    (import "" "mem" (memory ${memory(liftPtr)}))
    (import "" "drop" (func $drop (param i32)))
    (import "" "see" (func $see (param i32) (result i32)))
    (import "" "block" (func $block))
    (import "" "leave" (func $leave (result i32)))
    (import "" "wrong" (func $wrong (param i32 i32 i32 i32)))
    ${returns.map((r) => r.import).join("\n    ")}
    (func (export "unreachable") (param i32 i32 i32) (result i32) unreachable)
  ${callee(signatures, liftPtr)})
  (core instance $m (instantiate $M (with "" (instance
    (export "mem" (memory $libc "mem"))
    (export "drop" (func $drop))
    (export "see" (func $see))
    (export "block" (func $block))
    (export "leave" (func $leave))
    (export "wrong" (func $wrong))
    ${returns.map((r) => r.argument).join("\n    ")}))))
  ${lifts.join("\n  ")})
(component $D
  (import "p" (instance $p (export "q" (type $q (sub resource)))))
  (alias export $p "q" (type $q))
  (import "c" (instance $c
    (alias outer $D $q (type $q))
    (export "r" (type $r (sub resource)))
    ${imported}
    ${each((i) => `(export "f${i}" (func ${types[i]}))`)}))
  ${leaving}
  ${libc(lowerPtr)}
  ${lowers.join("\n  ")}
  (core module $Main
    (import "" "mem" (memory ${memory(lowerPtr)}))
    ${imports}
    ${funcs})
  (core instance $main (instantiate $Main (with "" (instance
    (export "mem" (memory $libc "mem"))
    ${each((i) => `(export "f${i}" (func $f${i}))`)}))))
  ${signatures.map((s, i) => `(func (export "run${i}") ${s.syncTask ? "" : isAsync(s)} (canon lift (core func $main "run${i}")))`).join("\n  ")})
(instance $p (instantiate $P))
(instance $c (instantiate $C (with "p" (instance $p))))
(instance $d (instantiate $D (with "p" (instance $p)) (with "c" (instance $c))))
${each((i) => `(func (export "run${i}") (alias export $d "run${i}"))`)})`;
}
