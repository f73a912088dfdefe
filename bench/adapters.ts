/**
 * Calls from one guest to another, each against the least work possible in the same process: a direct call, `memcpy` of the same bytes, and a
 * plain C loop that checks and converts one character or record after the other. Needs a C compiler.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../src/driver/compile.ts";
import { findTool, outputOf, runTool } from "../tests/support/tools.ts";
import { assemble } from "../tests/support/wat.ts";
import { ROOT } from "../tests/support/windlass.ts";
import type { Row } from "./table.ts";

const ENCODINGS = ["utf8", "utf16", "latin1"] as const;
type Encoding = (typeof ENCODINGS)[number];

/** Where the caller keeps ASCII text as bytes, and as units; where the callee puts everything. */
const BYTES = 0x1_0000;
const UNITS = 0x4_0000;
const PLACE = 0x1_0000;
const MEBIBYTE = 1 << 20;
const KIBIBYTES_16 = 16384;

interface Case {
  readonly name: string;
  /** As a C name. */
  readonly id: string;
  /** The import that is called, and what it is given. */
  readonly callee: string;
  readonly args: string;
  /** Bytes that go from one memory to the other. */
  readonly bytes: number;
  readonly calls: number;
  /** Peers: `call` N, `copy`, `text` FROM TO, `records`. */
  readonly peers: string;
}

const constants = (...values: readonly number[]): string => values.map((v) => `(i32.const ${v})`).join(" ");

function stringCases(): Case[] {
  return ENCODINGS.flatMap((from) =>
    ENCODINGS.flatMap((to) =>
      [16, KIBIBYTES_16].map((bytes): Case => {
        const [at, length] = from === "utf16" ? [UNITS, bytes / 2] : [BYTES, bytes];
        return {
          name: `string, ${bytes === 16 ? "16 bytes" : "16 KiB"}, ${from} → ${to}`,
          id: `text_${from}_${to}_${bytes}`,
          callee: `text-${from}-${to}`,
          args: constants(at, length),
          bytes,
          calls: bytes === 16 ? 2_000_000 : 20_000,
          peers: `text ${ENCODINGS.indexOf(from)} ${ENCODINGS.indexOf(to)}`,
        };
      }),
    ),
  );
}

const CASES: readonly Case[] = [
  { name: "(u32, u32) → u32", id: "add", callee: "add", args: "", bytes: 0, calls: 20_000_000, peers: "call 1" },
  ...stringCases(),
  ...([1024, MEBIBYTE] as const).map(
    (bytes): Case => ({
      name: `list<u8>, ${bytes === 1024 ? "1 KiB" : "1 MiB"}`,
      id: `bytes_${bytes}`,
      callee: "bytes",
      args: constants(BYTES, bytes),
      bytes,
      calls: bytes === 1024 ? 2_000_000 : 2_000,
      peers: "copy",
    }),
  ),
  {
    name: "list of 100 records (u32, bool, f64, u8)",
    id: "records",
    callee: "records",
    args: constants(BYTES, 100),
    bytes: 100 * 24,
    calls: 200_000,
    peers: "records",
  },
  {
    name: "record of 20 fields",
    id: "record",
    callee: "record",
    args: constants(BYTES),
    bytes: 80,
    calls: 5_000_000,
    peers: "copy",
  },
  { name: "borrow of a resource", id: "borrow", callee: "use", args: "", bytes: 0, calls: 5_000_000, peers: "call 1" },
  {
    name: "own of a resource, made and taken",
    id: "own",
    callee: "take",
    args: "",
    bytes: 0,
    calls: 5_000_000,
    peers: "call 2",
  },
];

const OPTION: Readonly<Record<Encoding, string>> = { utf8: "utf8", utf16: "utf16", latin1: "latin1+utf16" };
const RECORD = `(tuple ${"u32 ".repeat(20)})`;
const RECORDS = "(list (tuple u32 bool f64 u8))";

/** The callee: takes everything at one place, and does nothing with it. */
function callee(): string {
  const memory = '(memory $i "memory") (realloc (func $i "realloc"))';
  const lift = (name: string, core: string, type: string, options = memory): string =>
    `(func (export "${name}") ${type} (canon lift (core func $i "${core}") ${options}))`;
  return `(component $C
  (type $r' (resource (rep i32)))
  (export $r "r" (type $r'))
  (core func $new (canon resource.new $r'))
  (core func $drop (canon resource.drop $r'))
  (core module $M
    (import "r" "new" (func $new (param i32) (result i32)))
    (import "r" "drop" (func $drop (param i32)))
    (memory (export "memory") 64)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const ${PLACE}))
    (func (export "two") (param i32 i32))
    (func (export "one") (param i32))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "make") (result i32) (call $new (i32.const 7)))
    (func (export "take") (param i32) (call $drop (local.get 0))))
  (core instance $i (instantiate $M
    (with "r" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
  ${lift("add", "add", '(param "a" u32) (param "b" u32) (result u32)', "")}
  ${ENCODINGS.map((to) => lift(`text-${to}`, "two", '(param "a" string)', `${memory} string-encoding=${OPTION[to]}`)).join("\n  ")}
  ${lift("bytes", "two", '(param "a" (list u8))')}
  ${lift("records", "two", `(param "a" ${RECORDS})`)}
  ${lift("record", "one", `(param "a" ${RECORD})`)}
  ${lift("make", "make", "(result (own $r))", "")}
  ${lift("take", "take", '(param "a" (own $r))', "")}
  ${lift("use", "one", '(param "a" (borrow $r))', "")})`;
}

/** What the caller imports, and how it lowers it. */
function caller(): string {
  const texts = ENCODINGS.flatMap((from) => ENCODINGS.map((to) => ({ from, to, name: `text-${from}-${to}` })));
  const lower = (name: string, of: string, options: string): string =>
    `(core func $${name} (canon lower (func $c "${of}") ${options}))`;
  const plain = ["add", "make", "take", "use"];
  const moved = ["bytes", "records", "record"];
  const names = [...plain, ...moved, ...texts.map((t) => t.name)];
  const one = (name: string): string =>
    name === "record" || name === "take" || name === "use" ? "(param i32)" : "(param i32 i32)";
  const types: Readonly<Record<string, string>> = { add: "(param i32 i32) (result i32)", make: "(result i32)" };
  return `(component $D
  (import "c" (instance $c
    (export "r" (type $r (sub resource)))
    (export "add" (func (param "a" u32) (param "b" u32) (result u32)))
    ${ENCODINGS.map((to) => `(export "text-${to}" (func (param "a" string)))`).join("\n    ")}
    (export "bytes" (func (param "a" (list u8))))
    (export "records" (func (param "a" ${RECORDS})))
    (export "record" (func (param "a" ${RECORD})))
    (export "make" (func (result (own $r))))
    (export "take" (func (param "a" (own $r))))
    (export "use" (func (param "a" (borrow $r))))))
  (core module $Memory (memory (export "memory") 64))
  (core instance $m (instantiate $Memory))
  (alias core export $m "memory" (core memory $memory))
  ${plain.map((name) => lower(name, name, "")).join("\n  ")}
  ${moved.map((name) => lower(name, name, "(memory $memory)")).join("\n  ")}
  ${texts.map(({ from, to, name }) => lower(name, `text-${to}`, `(memory $memory) string-encoding=${OPTION[from]}`)).join("\n  ")}
  (core module $M
    (import "m" "memory" (memory 64))
    ${names.map((name) => `(import "c" "${name}" (func $${name} ${types[name] ?? one(name)}))`).join("\n    ")}
    (global $handle (mut i32) (i32.const 0))
    (func $start (local $i i32)
      (global.set $handle (call $make))
      (loop $again
        (i32.store8 (i32.add (i32.const ${BYTES}) (local.get $i)) (i32.add (i32.const 32) (i32.and (local.get $i) (i32.const 63))))
        (i32.store16 (i32.add (i32.const ${UNITS}) (i32.shl (local.get $i) (i32.const 1))) (i32.add (i32.const 32) (i32.and (local.get $i) (i32.const 63))))
        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${KIBIBYTES_16})))))
    (start $start)
    ${CASES.map(
      ({ id, callee: name, args }) => `(func (export "${id}") (param $n i32) (result i32) (local $sum i32)
      (loop $again
        ${body(name, args)}
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum))`,
    ).join("\n    ")})
  (core instance $i (instantiate $M
    (with "m" (instance $m))
    (with "c" (instance ${names.map((name) => `(export "${name}" (func $${name}))`).join(" ")}))))
  ${CASES.map(({ id }) => `(func (export "${id.replaceAll("_", "-x")}") (param "n" u32) (result u32) (canon lift (core func $i "${id}")))`).join("\n  ")})`;
}

function body(name: string, args: string): string {
  if (name === "add") return "(local.set $sum (call $add (local.get $sum) (local.get $n)))";
  if (name === "use") return "(call $use (global.get $handle))";
  if (name === "take") return "(call $take (call $make))";
  return `(call $${name} ${args})`;
}

function component(): string {
  return `(component
  ${callee()}
  ${caller()}
  (instance $c (instantiate $C))
  (instance $d (instantiate $D (with "c" (instance $c))))
  ${CASES.map(({ id }) => `(export "${id.replaceAll("_", "-x")}" (func $d "${id.replaceAll("_", "-x")}"))`).join("\n  ")})`;
}

export async function adapterRows(): Promise<Row[]> {
  const cc = findTool("cc");
  if (cc === undefined) {
    process.stderr.write("not found: cc: no rows for calls between guests\n");
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), "windlass-bench-"));
  try {
    const { bytes, header } = await compile(await assemble(component()), {
      name: "guests",
      output: "object",
      hostAbi: "flat",
    });
    const [object, headerPath, casesPath, program] = ["o", "h", "cases.h", "out"].map((e) =>
      join(folder, `guests.${e}`),
    );
    if (object === undefined || headerPath === undefined || casesPath === undefined || program === undefined) return [];
    writeFileSync(object, bytes);
    writeFileSync(headerPath, header);
    const lines = CASES.map(
      ({ id, bytes: size, calls, peers }) =>
        `CASE(guests_${id.replaceAll("_", "_x")}, ${size}, ${calls}, ${peers.toUpperCase().replaceAll(" ", ", ")})`,
    );
    writeFileSync(casesPath, `${lines.join("\n")}\n`);
    // A scalar loop is one that the C compiler leaves scalar.
    const flags = ["-O2", "-fno-tree-vectorize", `-DHEADER="${headerPath}"`, `-DCASES="${casesPath}"`];
    runTool(cc, [...flags, join(ROOT, "bench/components/adapters.c"), object, "-o", program]);
    const found = outputOf(program).toString().trim().split("\n");
    return CASES.map(({ name }, i): Row => {
      const [value = 0, call = 0, copy = 0, loop = 0] = (found[i] ?? "").split(" ").map(Number);
      const peers = [
        { name: "direct call", value: call },
        { name: "memcpy", value: copy },
        { name: "scalar C", value: loop },
      ].filter((p) => p.value > 0);
      return { group: "calls between guests", name, value, unit: "ns", peers };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
