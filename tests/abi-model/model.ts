/**
 * The Canonical ABI as the specification has it (CanonicalABI.md, synchronous part), for clarity and not for speed: whole values
 * are lifted, then lowered. Shares nothing with the compiler.
 *
 * Names follow the specification. Floats are their bits, NaN included: a NaN may become any other, and what the compiler does, keeping it, is
 * allowed. A string remembers the encoding and length that it was lifted with.
 */

export type Encoding = "utf8" | "utf16" | "latin1+utf16";

export type Prim =
  | "bool"
  | "u8"
  | "s8"
  | "u16"
  | "s16"
  | "u32"
  | "s32"
  | "u64"
  | "s64"
  | "f32"
  | "f64"
  | "char"
  | "string";

export type Type =
  | { readonly k: Prim }
  | { readonly k: "list"; readonly of: Type; readonly length: number | undefined }
  | { readonly k: "map"; readonly key: Type; readonly value: Type }
  | { readonly k: "record" | "tuple"; readonly fields: readonly Type[] }
  | { readonly k: "variant"; readonly cases: readonly (Type | undefined)[] }
  | { readonly k: "option"; readonly of: Type }
  | { readonly k: "result"; readonly ok: Type | undefined; readonly err: Type | undefined }
  | { readonly k: "enum"; readonly count: number }
  | { readonly k: "flags"; readonly count: number }
  | { readonly k: "own" | "borrow"; readonly resource: Resource };

export interface Str {
  readonly text: string;
  readonly encoding: Encoding;
  /** Without the tag. */
  readonly units: number;
  /** Whether a string of `latin1+utf16` is UTF-16. */
  readonly tagged: boolean;
}
export type Value =
  | boolean
  | number
  | bigint
  | Str
  | readonly Value[]
  | { readonly index: number; readonly payload: Value | undefined };

export type CoreType = "i32" | "i64" | "f32" | "f64";
/** The type of a memory's addresses. */
export type PtrType = "i32" | "i64";

export function ptrSize(ptr: PtrType): 4 | 8 {
  return ptr === "i32" ? 4 : 8;
}

/** A trap of the specification. */
export class ModelTrap extends Error {}

function trap(reason: string): never {
  throw new ModelTrap(reason);
}
function trapIf(condition: boolean, reason: string): void {
  if (condition) trap(reason);
}

// Runtime state

/** A resource type. */
export interface Resource {
  readonly name: string;
  readonly impl: Instance | undefined;
}

export interface Handle {
  readonly resource: Resource;
  readonly rep: number;
  readonly own: boolean;
  /** The call that a borrowed handle belongs to. */
  readonly scope: Context | undefined;
  lends: number;
}

export class Instance {
  readonly handles: (Handle | undefined)[] = [undefined];
  readonly free: number[] = [];
  mayLeave = true;

  add(handle: Handle): number {
    const reused = this.free.pop();
    if (reused !== undefined) {
      this.handles[reused] = handle;
      return reused;
    }
    return this.handles.push(handle) - 1;
  }
  get(index: number): Handle {
    return this.handles[index] ?? trap("unknown handle");
  }
  remove(index: number): Handle {
    const handle = this.get(index);
    this.handles[index] = undefined;
    this.free.push(index);
    return handle;
  }
}

export interface Options {
  readonly memory: Uint8Array;
  readonly ptr: PtrType;
  readonly encoding: Encoding;
  readonly realloc: (old: number, oldSize: number, alignment: number, newSize: number) => number;
  /** Not of the specification: with `latin1+utf16`, strings are stored as UTF-16 even where Latin-1 would do. Guests may do that. */
  readonly wide?: boolean;
  /** Not of the specification either: strings lack their last unit, which may be a part of a character. */
  readonly cut?: boolean;
}

/** `LiftLowerContext`. */
export interface Context {
  readonly options: Options;
  readonly instance: Instance;
  /** `Subtask.lenders`, where arguments are lifted. */
  readonly lenders: Handle[];
  /** `Task.num_borrows`, where arguments are lowered. */
  borrows: number;
}

export function context(options: Options, instance: Instance): Context {
  return { options, instance, lenders: [], borrows: 0 };
}

// Despecialization

type Fundamental =
  | { readonly k: Prim }
  | { readonly k: "list"; readonly of: Type; readonly length: number | undefined }
  | { readonly k: "record"; readonly fields: readonly Type[] }
  | { readonly k: "variant"; readonly cases: readonly (Type | undefined)[] }
  | { readonly k: "flags"; readonly count: number }
  | { readonly k: "own" | "borrow"; readonly resource: Resource };

function despecialize(t: Type): Fundamental {
  switch (t.k) {
    case "tuple":
      return { k: "record", fields: t.fields };
    case "record":
      return { k: "record", fields: t.fields };
    case "enum":
      return { k: "variant", cases: new Array<undefined>(t.count).fill(undefined) };
    case "option":
      return { k: "variant", cases: [undefined, t.of] };
    case "result":
      return { k: "variant", cases: [t.ok, t.err] };
    case "map":
      return { k: "list", of: { k: "tuple", fields: [t.key, t.value] }, length: undefined };
    default:
      return t;
  }
}

// Alignment and size

export function alignTo(n: number, alignment: number): number {
  return Math.ceil(n / alignment) * alignment;
}

function discriminantSize(cases: number): number {
  return cases <= 256 ? 1 : cases <= 65536 ? 2 : 4;
}

function maxCaseAlignment(cases: readonly (Type | undefined)[], ptr: PtrType): number {
  return Math.max(1, ...cases.map((c) => (c === undefined ? 1 : alignment(c, ptr))));
}

function flagsSize(count: number): number {
  return count <= 8 ? 1 : count <= 16 ? 2 : 4;
}

export function alignment(t: Type, ptr: PtrType): number {
  const d = despecialize(t);
  switch (d.k) {
    case "list":
      return d.length === undefined ? ptrSize(ptr) : alignment(d.of, ptr);
    case "record":
      return Math.max(1, ...d.fields.map((f) => alignment(f, ptr)));
    case "variant":
      return Math.max(discriminantSize(d.cases.length), maxCaseAlignment(d.cases, ptr));
    case "string":
      return ptrSize(ptr);
    default:
      return elemSize(d, ptr);
  }
}

export function elemSize(t: Type, ptr: PtrType): number {
  const d = despecialize(t);
  switch (d.k) {
    case "bool":
    case "u8":
    case "s8":
      return 1;
    case "u16":
    case "s16":
      return 2;
    case "u32":
    case "s32":
    case "f32":
    case "char":
    case "own":
    case "borrow":
      return 4;
    case "u64":
    case "s64":
    case "f64":
      return 8;
    case "string":
      return 2 * ptrSize(ptr);
    case "list":
      return d.length === undefined ? 2 * ptrSize(ptr) : d.length * elemSize(d.of, ptr);
    case "record": {
      let size = 0;
      for (const f of d.fields) size = alignTo(size, alignment(f, ptr)) + elemSize(f, ptr);
      return alignTo(size, alignment(t, ptr));
    }
    case "variant": {
      const start = alignTo(discriminantSize(d.cases.length), maxCaseAlignment(d.cases, ptr));
      const payload = Math.max(0, ...d.cases.map((c) => (c === undefined ? 0 : elemSize(c, ptr))));
      return alignTo(start + payload, alignment(t, ptr));
    }
    case "flags":
      return flagsSize(d.count);
  }
}

// Loading

function loadInt(cx: Context, ptr: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(cx.options.memory[ptr + i] ?? 0);
  return value;
}
const loadNumber = (cx: Context, ptr: number, size: number): number => Number(loadInt(cx, ptr, size));

/** Pointer and length. */
function loadPair(cx: Context, ptr: number): readonly [number, bigint] {
  const size = ptrSize(cx.options.ptr);
  return [loadNumber(cx, ptr, size), loadInt(cx, ptr + size, size)];
}

function load(cx: Context, ptr: number, t: Type): Value {
  const d = despecialize(t);
  const { ptr: ptrType } = cx.options;
  switch (d.k) {
    case "bool":
      return loadNumber(cx, ptr, 1) !== 0;
    case "u8":
    case "u16":
    case "u32":
    case "f32":
      return loadNumber(cx, ptr, elemSize(d, ptrType));
    case "s8":
    case "s16":
    case "s32":
      return Number(BigInt.asIntN(8 * elemSize(d, ptrType), loadInt(cx, ptr, elemSize(d, ptrType))));
    case "u64":
    case "f64":
      return loadInt(cx, ptr, 8);
    case "s64":
      return BigInt.asIntN(64, loadInt(cx, ptr, 8));
    case "char":
      return convertToChar(loadNumber(cx, ptr, 4));
    case "string":
      return loadStringFromRange(cx, ...loadPair(cx, ptr));
    case "list":
      if (d.length !== undefined) return loadList(cx, ptr, d.length, d.of);
      return loadListFromRange(cx, ...loadPair(cx, ptr), d.of);
    case "record": {
      let at = ptr;
      return d.fields.map((f) => {
        at = alignTo(at, alignment(f, ptrType));
        const value = load(cx, at, f);
        at += elemSize(f, ptrType);
        return value;
      });
    }
    case "variant": {
      const size = discriminantSize(d.cases.length);
      const index = loadNumber(cx, ptr, size);
      trapIf(index >= d.cases.length, "discriminant");
      const c = d.cases[index];
      const at = alignTo(ptr + size, maxCaseAlignment(d.cases, ptrType));
      return { index, payload: c === undefined ? undefined : load(cx, at, c) };
    }
    case "flags":
      return unpackFlags(loadNumber(cx, ptr, flagsSize(d.count)), d.count);
    case "own":
      return liftOwn(cx, loadNumber(cx, ptr, 4), d.resource);
    case "borrow":
      return liftBorrow(cx, loadNumber(cx, ptr, 4), d.resource);
  }
}

function convertToChar(i: number): number {
  trapIf(i >= 0x11_0000 || (i >= 0xd800 && i <= 0xdfff), "char");
  return i;
}

function unpackFlags(i: number, count: number): number {
  return count === 32 ? i : i % 2 ** count;
}

/** `utf16_tag`. */
function utf16Tag(ptr: PtrType): bigint {
  return ptr === "i32" ? 1n << 31n : 1n << 63n;
}
const MAX_BYTE_LENGTH = 2 ** 28 - 1;

function loadStringFromRange(cx: Context, ptr: number, taggedUnits: bigint): Str {
  const { memory, encoding } = cx.options;
  const tag = utf16Tag(cx.options.ptr);
  const tagged = encoding === "latin1+utf16" && taggedUnits >= tag;
  const isUtf16 = encoding === "utf16" || tagged;
  const units = Number(tagged ? taggedUnits - tag : taggedUnits);
  const bytes = isUtf16 ? 2 * units : units;
  trapIf(bytes > MAX_BYTE_LENGTH, "string length");
  trapIf(encoding !== "utf8" && ptr % 2 !== 0, "string alignment");
  trapIf(ptr + bytes > memory.length, "string bounds");
  const range = memory.subarray(ptr, ptr + bytes);
  let text: string;
  if (isUtf16) {
    text = "";
    for (let i = 0; i < bytes; i += 2) text += String.fromCharCode((range[i] ?? 0) | ((range[i + 1] ?? 0) << 8));
    trapIf(/[\ud800-\udfff]/u.test(text), "utf-16");
  } else if (encoding === "utf8") {
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(range);
    } catch {
      return trap("utf-8");
    }
  } else text = [...range].map((b) => String.fromCharCode(b)).join("");
  return { text, encoding, units, tagged };
}

function loadListFromRange(cx: Context, ptr: number, count: bigint, of: Type): readonly Value[] {
  const length = Number(count);
  const bytes = length * elemSize(of, cx.options.ptr);
  trapIf(bytes > MAX_BYTE_LENGTH, "list length");
  trapIf(ptr % alignment(of, cx.options.ptr) !== 0, "list alignment");
  trapIf(ptr + bytes > cx.options.memory.length, "list bounds");
  return loadList(cx, ptr, length, of);
}

function loadList(cx: Context, ptr: number, length: number, of: Type): readonly Value[] {
  return Array.from({ length }, (_, i) => load(cx, ptr + i * elemSize(of, cx.options.ptr), of));
}

function liftOwn(cx: Context, index: number, resource: Resource): number {
  const handle = cx.instance.remove(index);
  trapIf(handle.resource !== resource, "another resource");
  trapIf(handle.lends !== 0, "lent");
  trapIf(!handle.own, "not owned");
  return handle.rep;
}

function liftBorrow(cx: Context, index: number, resource: Resource): number {
  const handle = cx.instance.get(index);
  trapIf(handle.resource !== resource, "another resource");
  handle.lends++;
  cx.lenders.push(handle);
  return handle.rep;
}

// Storing

function storeInt(cx: Context, value: bigint | number, ptr: number, size: number): void {
  const bits = BigInt.asUintN(8 * size, BigInt(value));
  for (let i = 0; i < size; i++) cx.options.memory[ptr + i] = Number((bits >> BigInt(8 * i)) & 0xffn);
}

export function asNumber(v: Value): number {
  if (typeof v !== "number") throw new Error(`not a number: ${String(v)}`);
  return v;
}
function asInt(v: Value): bigint {
  if (typeof v === "boolean") return v ? 1n : 0n;
  if (typeof v !== "number" && typeof v !== "bigint") throw new Error("not an integer");
  return BigInt(v);
}
function asStr(v: Value): Str {
  if (typeof v === "object" && "text" in v) return v;
  throw new Error("not a string");
}
function asList(v: Value): readonly Value[] {
  if (Array.isArray(v)) return v;
  throw new Error("not a list");
}
function asVariant(v: Value): { readonly index: number; readonly payload: Value | undefined } {
  if (typeof v === "object" && "index" in v) return v;
  throw new Error("not a variant");
}
function present<T>(v: T | undefined): T {
  if (v === undefined) throw new Error("nothing where something was expected");
  return v;
}

function storePair(cx: Context, [begin, length]: readonly [number, bigint], ptr: number): void {
  const size = ptrSize(cx.options.ptr);
  storeInt(cx, begin, ptr, size);
  storeInt(cx, length, ptr + size, size);
}

function store(cx: Context, v: Value, t: Type, ptr: number): void {
  const d = despecialize(t);
  const { ptr: ptrType } = cx.options;
  switch (d.k) {
    case "string": {
      const [begin, units] = storeStringIntoRange(cx, asStr(v));
      storePair(cx, [begin, units], ptr);
      return;
    }
    case "list": {
      if (d.length !== undefined) {
        storeList(cx, asList(v), ptr, d.of);
        return;
      }
      const [begin, length] = storeListIntoRange(cx, asList(v), d.of);
      storePair(cx, [begin, length], ptr);
      return;
    }
    case "record": {
      let at = ptr;
      d.fields.forEach((f, i) => {
        at = alignTo(at, alignment(f, ptrType));
        store(cx, present(asList(v)[i]), f, at);
        at += elemSize(f, ptrType);
      });
      return;
    }
    case "variant": {
      const { index, payload } = asVariant(v);
      const size = discriminantSize(d.cases.length);
      storeInt(cx, index, ptr, size);
      const c = d.cases[index];
      if (c !== undefined) store(cx, present(payload), c, alignTo(ptr + size, maxCaseAlignment(d.cases, ptrType)));
      return;
    }
    case "own":
      storeInt(cx, lowerOwn(cx, asNumber(v), d.resource), ptr, 4);
      return;
    case "borrow":
      storeInt(cx, lowerBorrow(cx, asNumber(v), d.resource), ptr, 4);
      return;
    default:
      storeInt(cx, asInt(v), ptr, elemSize(d, ptrType));
  }
}

function encode(text: string, encoding: "utf8" | "utf16" | "latin1"): Uint8Array {
  if (encoding === "utf8") return new TextEncoder().encode(text);
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return Uint8Array.from(encoding === "latin1" ? units : units.flatMap((u) => [u & 0xff, u >> 8]));
}

function realloc(cx: Context, old: number, oldSize: number, align: number, size: number): number {
  const ptr = cx.options.realloc(old, oldSize, align, size);
  trapIf(ptr % align !== 0, "realloc alignment");
  trapIf(ptr + size > cx.options.memory.length, "realloc bounds");
  return ptr;
}

function storeStringIntoRange(cx: Context, src: Str): readonly [number, bigint] {
  const [ptr, units] = storeWholeString(cx, src);
  const isEmpty = units % utf16Tag(cx.options.ptr) === 0n;
  return cx.options.cut === true && !isEmpty ? [ptr, units - 1n] : [ptr, units];
}

function storeWholeString(cx: Context, src: Str): readonly [number, bigint] {
  if (cx.options.wide === true) {
    const [ptr, length] = storeStringCopy(cx, src.text, src.text.length, 2, 2, "utf16");
    return [ptr, length + utf16Tag(cx.options.ptr)];
  }
  const { units } = src;
  const simple = src.encoding === "latin1+utf16" ? (src.tagged ? "utf16" : "latin1") : src.encoding;
  switch (cx.options.encoding) {
    case "utf8":
      if (simple === "utf8") return storeStringCopy(cx, src.text, units, 1, 1, "utf8");
      return storeStringToUtf8(cx, src.text, units, simple === "utf16" ? 3 * units : 2 * units);
    case "utf16":
      if (simple === "utf8") return storeUtf8ToUtf16(cx, src.text, units);
      return storeStringCopy(cx, src.text, units, 2, 2, "utf16");
    case "latin1+utf16":
      if (src.encoding !== "latin1+utf16") return storeStringToLatin1OrUtf16(cx, src.text, units);
      if (simple === "latin1") return storeStringCopy(cx, src.text, units, 1, 2, "latin1");
      return storeProbablyUtf16ToLatin1OrUtf16(cx, src.text, units);
  }
}

function storeStringCopy(
  cx: Context,
  text: string,
  units: number,
  unitSize: number,
  align: number,
  encoding: "utf8" | "utf16" | "latin1",
): readonly [number, bigint] {
  const ptr = realloc(cx, 0, 0, align, unitSize * units);
  cx.options.memory.set(encode(text, encoding), ptr);
  return [ptr, BigInt(units)];
}

function storeStringToUtf8(cx: Context, text: string, units: number, worst: number): readonly [number, bigint] {
  const { memory } = cx.options;
  let ptr = realloc(cx, 0, 0, 1, units);
  const encoded = encode(text, "utf8");
  let i = 0;
  for (const c of text) {
    const code = present(c.codePointAt(0));
    if (code < 0x80) {
      memory[ptr + i++] = code;
      continue;
    }
    ptr = realloc(cx, ptr, units, 1, worst);
    memory.set(encoded.subarray(i), ptr + i);
    if (worst > encoded.length) ptr = realloc(cx, ptr, worst, 1, encoded.length);
    return [ptr, BigInt(encoded.length)];
  }
  return [ptr, BigInt(units)];
}

function storeUtf8ToUtf16(cx: Context, text: string, units: number): readonly [number, bigint] {
  const worst = 2 * units;
  let ptr = realloc(cx, 0, 0, 2, worst);
  const encoded = encode(text, "utf16");
  cx.options.memory.set(encoded, ptr);
  if (encoded.length < worst) ptr = realloc(cx, ptr, worst, 2, encoded.length);
  return [ptr, BigInt(encoded.length / 2)];
}

function storeStringToLatin1OrUtf16(cx: Context, text: string, units: number): readonly [number, bigint] {
  const { memory } = cx.options;
  let ptr = realloc(cx, 0, 0, 2, units);
  let length = 0;
  for (const c of text) {
    const code = present(c.codePointAt(0));
    if (code < 256) {
      memory[ptr + length++] = code;
      continue;
    }
    const worst = 2 * units;
    ptr = realloc(cx, ptr, units, 2, worst);
    for (let j = length - 1; j >= 0; j--) {
      memory[ptr + 2 * j] = present(memory[ptr + j]);
      memory[ptr + 2 * j + 1] = 0;
    }
    const encoded = encode(text, "utf16");
    memory.set(encoded.subarray(2 * length), ptr + 2 * length);
    if (worst > encoded.length) ptr = realloc(cx, ptr, worst, 2, encoded.length);
    return [ptr, BigInt(encoded.length / 2) + utf16Tag(cx.options.ptr)];
  }
  if (length < units) ptr = realloc(cx, ptr, units, 2, length);
  return [ptr, BigInt(length)];
}

function storeProbablyUtf16ToLatin1OrUtf16(cx: Context, text: string, units: number): readonly [number, bigint] {
  const { memory } = cx.options;
  const bytes = 2 * units;
  let ptr = realloc(cx, 0, 0, 2, bytes);
  memory.set(encode(text, "utf16"), ptr);
  if ([...text].some((c) => present(c.codePointAt(0)) >= 256)) {
    return [ptr, BigInt(units) + utf16Tag(cx.options.ptr)];
  }
  for (let i = 0; i < units; i++) memory[ptr + i] = present(memory[ptr + 2 * i]);
  ptr = realloc(cx, ptr, bytes, 1, units);
  return [ptr, BigInt(units)];
}

function storeListIntoRange(cx: Context, v: readonly Value[], of: Type): readonly [number, bigint] {
  const ptr = realloc(cx, 0, 0, alignment(of, cx.options.ptr), v.length * elemSize(of, cx.options.ptr));
  storeList(cx, v, ptr, of);
  return [ptr, BigInt(v.length)];
}

function storeList(cx: Context, v: readonly Value[], ptr: number, of: Type): void {
  v.forEach((e, i) => {
    store(cx, e, of, ptr + i * elemSize(of, cx.options.ptr));
  });
}

function lowerOwn(cx: Context, rep: number, resource: Resource): number {
  return cx.instance.add({ resource, rep, own: true, scope: undefined, lends: 0 });
}

function lowerBorrow(cx: Context, rep: number, resource: Resource): number {
  if (cx.instance === resource.impl) return rep;
  cx.borrows++;
  return cx.instance.add({ resource, rep, own: false, scope: cx, lends: 0 });
}

/** `canon_resource_drop`, of a resource without destructor. */
export function resourceDrop(instance: Instance, index: number, resource: Resource): void {
  const handle = instance.remove(index);
  trapIf(handle.resource !== resource, "another resource");
  trapIf(handle.lends !== 0, "lent");
  if (!handle.own && handle.scope !== undefined) handle.scope.borrows--;
}

// Flattening

export const MAX_FLAT_PARAMS = 16;
export const MAX_FLAT_ASYNC_PARAMS = 4;
export const MAX_FLAT_RESULTS = 1;

function join(a: CoreType, b: CoreType): CoreType {
  if (a === b) return a;
  return (a === "i32" && b === "f32") || (a === "f32" && b === "i32") ? "i32" : "i64";
}

export function flattenType(t: Type, ptr: PtrType): CoreType[] {
  const d = despecialize(t);
  switch (d.k) {
    case "u64":
    case "s64":
      return ["i64"];
    case "f32":
    case "f64":
      return [d.k];
    case "string":
      return [ptr, ptr];
    case "list":
      if (d.length === undefined) return [ptr, ptr];
      return Array.from({ length: d.length }, () => flattenType(d.of, ptr)).flat();
    case "record":
      return flattenTypes(d.fields, ptr);
    case "variant":
      return flattenVariant(d.cases, ptr);
    default:
      return ["i32"];
  }
}

export function flattenTypes(types: readonly Type[], ptr: PtrType): CoreType[] {
  return types.flatMap((t) => flattenType(t, ptr));
}

function flattenVariant(cases: readonly (Type | undefined)[], ptr: PtrType): CoreType[] {
  const flat: CoreType[] = [];
  for (const c of cases) {
    if (c === undefined) continue;
    flattenType(c, ptr).forEach((type, i) => {
      const known = flat[i];
      flat[i] = known === undefined ? type : join(known, type);
    });
  }
  return ["i32", ...flat];
}

// Flat lifting and lowering. A core value is its bits, unsigned.

type Next = (type: CoreType) => bigint;

function liftFlat(cx: Context, next: Next, t: Type): Value {
  const d = despecialize(t);
  const i32 = (): number => Number(next("i32"));
  const { ptr: ptrType } = cx.options;
  const pair = (): readonly [number, bigint] => [Number(next(ptrType)), next(ptrType)];
  switch (d.k) {
    case "bool":
      return i32() !== 0;
    case "u8":
    case "u16":
    case "u32":
      return i32() % 2 ** (8 * elemSize(d, ptrType));
    case "s8":
    case "s16":
    case "s32":
      return Number(BigInt.asIntN(8 * elemSize(d, ptrType), next("i32")));
    case "u64":
      return next("i64");
    case "s64":
      return BigInt.asIntN(64, next("i64"));
    case "f32":
      return Number(next("f32"));
    case "f64":
      return next("f64");
    case "char":
      return convertToChar(i32());
    case "string":
      return loadStringFromRange(cx, ...pair());
    case "list":
      if (d.length !== undefined) return Array.from({ length: d.length }, () => liftFlat(cx, next, d.of));
      return loadListFromRange(cx, ...pair(), d.of);
    case "record":
      return d.fields.map((f) => liftFlat(cx, next, f));
    case "variant": {
      const [, ...flat] = flattenVariant(d.cases, cx.options.ptr);
      const index = i32();
      trapIf(index >= d.cases.length, "discriminant");
      const coerced: Next = (want) => {
        const have = present(flat.shift());
        const x = next(have);
        // Bits pass between types of one size; a wider slot loses its upper half.
        return want === "i32" || want === "f32" ? BigInt.asUintN(32, x) : x;
      };
      const c = d.cases[index];
      const payload = c === undefined ? undefined : liftFlat(cx, coerced, c);
      for (const have of flat) next(have);
      return { index, payload };
    }
    case "flags":
      return unpackFlags(i32(), d.count);
    case "own":
      return liftOwn(cx, i32(), d.resource);
    case "borrow":
      return liftBorrow(cx, i32(), d.resource);
  }
}

function lowerFlat(cx: Context, v: Value, t: Type): bigint[] {
  const d = despecialize(t);
  switch (d.k) {
    case "u64":
    case "s64":
      return [BigInt.asUintN(64, asInt(v))];
    case "string":
      return storeStringIntoRange(cx, asStr(v)).map(BigInt);
    case "list":
      if (d.length !== undefined) return asList(v).flatMap((e) => lowerFlat(cx, e, d.of));
      return storeListIntoRange(cx, asList(v), d.of).map(BigInt);
    case "record":
      return d.fields.flatMap((f, i) => lowerFlat(cx, present(asList(v)[i]), f));
    case "variant": {
      const { index, payload } = asVariant(v);
      const width = flattenVariant(d.cases, cx.options.ptr).length;
      const c = d.cases[index];
      const values = c === undefined ? [] : lowerFlat(cx, present(payload), c);
      while (values.length < width - 1) values.push(0n);
      return [BigInt(index), ...values];
    }
    case "own":
      return [BigInt(lowerOwn(cx, asNumber(v), d.resource))];
    case "borrow":
      return [BigInt(lowerBorrow(cx, asNumber(v), d.resource))];
    case "f64":
      return [asInt(v)];
    default:
      return [BigInt.asUintN(32, asInt(v))];
  }
}

// Lifting and lowering values

export function liftFlatValues(cx: Context, max: number, flat: readonly bigint[], types: readonly Type[]): Value[] {
  const { ptr: ptrType } = cx.options;
  if (flattenTypes(types, ptrType).length > max) {
    const tuple: Type = { k: "tuple", fields: types };
    const ptr = Number(flat[0]);
    trapIf(ptr % alignment(tuple, ptrType) !== 0, "alignment of spilled values");
    trapIf(ptr + elemSize(tuple, ptrType) > cx.options.memory.length, "bounds of spilled values");
    return [...asList(load(cx, ptr, tuple))];
  }
  let i = 0;
  return types.map((t) => liftFlat(cx, () => present(flat[i++]), t));
}

export function lowerFlatValues(
  cx: Context,
  max: number,
  values: readonly Value[],
  types: readonly Type[],
  out?: number,
): bigint[] {
  const { ptr: ptrType } = cx.options;
  if (flattenTypes(types, ptrType).length > max) {
    const tuple: Type = { k: "tuple", fields: types };
    const ptr = out ?? cx.options.realloc(0, 0, alignment(tuple, ptrType), elemSize(tuple, ptrType));
    trapIf(ptr % alignment(tuple, ptrType) !== 0, "alignment of spilled values");
    trapIf(ptr + elemSize(tuple, ptrType) > cx.options.memory.length, "bounds of spilled values");
    store(cx, values, tuple, ptr);
    return out === undefined ? [BigInt(ptr)] : [];
  }
  return values.flatMap((v, i) => lowerFlat(cx, v, present(types[i])));
}

// canon lower of canon lift

export interface Side {
  readonly options: Options;
  readonly instance: Instance;
}

/** Which of the two canonical definitions are `async`. */
export interface Async {
  readonly asyncLower: boolean;
  readonly asyncLift: boolean;
}

/** `Subtask.State.RETURNED`. */
const RETURNED = 2n;

/** Flat parameters and results that a lowered function has at most. */
export function maxFlat({ asyncLower }: Async): { readonly params: number; readonly results: number } {
  return asyncLower
    ? { params: MAX_FLAT_ASYNC_PARAMS, results: 0 }
    : { params: MAX_FLAT_PARAMS, results: MAX_FLAT_RESULTS };
}

/**
 * A call of a lifted function through a lowering: core arguments of the caller in, core results out. `core` is the callee's core function, which
 * gives its results, or calls `task.return` with them if it is `async`-lifted.
 */
export function call(
  isAsync: Async,
  caller: Side,
  callee: Side,
  params: readonly Type[],
  result: Type | undefined,
  flatArgs: readonly bigint[],
  core: (args: readonly bigint[], taskReturn: (flat: readonly bigint[]) => void) => readonly bigint[],
  postReturn: ((results: readonly bigint[]) => void) | undefined,
): bigint[] {
  trapIf(!caller.instance.mayLeave, "may not leave");
  const max = maxFlat(isAsync);
  const results = result === undefined ? [] : [result];
  const callerContext = context(caller.options, caller.instance);
  const calleeContext = context(callee.options, callee.instance);
  const args = liftFlatValues(callerContext, max.params, flatArgs, params);
  const lowered = lowerFlatValues(calleeContext, MAX_FLAT_PARAMS, args, params);
  const isSpilled = flattenTypes(results, caller.options.ptr).length > max.results;
  const out = isSpilled ? Number(present(flatArgs.at(-1))) : undefined;
  let flat: bigint[] = [];
  const resolve = (limit: number, given: readonly bigint[]): void => {
    const values = liftFlatValues(calleeContext, limit, given, results);
    trapIf(calleeContext.borrows > 0, "borrows remain");
    flat = lowerFlatValues(callerContext, max.results, values, results, out);
  };
  const flatResults = core(lowered, (given) => resolve(MAX_FLAT_PARAMS, given));
  if (!isAsync.asyncLift) resolve(MAX_FLAT_RESULTS, flatResults);
  postReturn?.(flatResults);
  for (const handle of callerContext.lenders) handle.lends--;
  return isAsync.asyncLower ? [RETURNED] : flat;
}
