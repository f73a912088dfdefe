/**
 * Reads the textual form of `print.ts` back: for filetests and reduced cases. Entities keep their numbers where the text
 * gives blocks, slots, signatures and callees in ascending order; values are renumbered. Errors are diagnostics with a line number.
 */

import { entity } from "../base/entity.ts";
import { WindlassError } from "../base/diagnostics.ts";
import { i64FromBigInt } from "../base/int64.ts";
import type { Block, BlockCall, FuncRef, FuncSymbol, SigRef, Value } from "./function.ts";
import { Func, NONE } from "./function.ts";
import {
  ACCESS_NAMES,
  accessFlags,
  FLOAT_CC_NAMES,
  INT_CC_NAMES,
  OP_NAMES,
  Op,
  type OpName,
  type OpRow,
  opRow,
  REGION_NAMES,
} from "./ops.ts";
import { I32, I64, type Signature, type Type, typeFromName, V128 } from "./types.ts";
import { laneType, SHAPE_NAMES } from "./vector.ts";

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(0x[0-9a-fA-F]+|-?\d+)|(->)|([A-Za-z_][\w.]*)|([@$]\d+)|(.))/y;

class Line {
  readonly #tokens: string[] = [];
  readonly #number: number;
  #at = 0;

  constructor(text: string, number: number) {
    this.#number = number;
    TOKEN.lastIndex = 0;
    for (;;) {
      const match = TOKEN.exec(text);
      if (match === null) break;
      const token = match[0].trim();
      if (token === ";") break;
      if (token !== "") this.#tokens.push(token);
    }
  }

  fail(message: string): never {
    throw new WindlassError({ kind: "malformed", subject: "IR", message: `line ${this.#number}: ${message}` });
  }
  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }
  peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead] ?? "";
  }
  next(): string {
    const token = this.#tokens[this.#at++];
    return token ?? this.fail("unexpected end of line");
  }
  take(token: string): boolean {
    if (this.peek() !== token) return false;
    this.#at++;
    return true;
  }
  expect(token: string): void {
    const got = this.next();
    if (got !== token) this.fail(`expected ${token}, found ${got}`);
  }
  /** `v7` with prefix `v` gives 7. */
  numbered(prefix: string): number {
    const token = this.next();
    const n = Number(token.slice(prefix.length));
    if (!token.startsWith(prefix) || !Number.isInteger(n)) this.fail(`expected ${prefix}N, found ${token}`);
    return n;
  }
  integer(): number {
    const n = Number(this.next());
    return Number.isInteger(n) ? n : this.fail("expected an integer");
  }
  bigint(): bigint {
    const token = this.next();
    try {
      return BigInt(token);
    } catch {
      return this.fail(`expected an integer, found ${token}`);
    }
  }
  type(): Type {
    const token = this.next();
    return typeFromName(token) ?? this.fail(`no type is called ${token}`);
  }
  signature(): Signature {
    const params: Type[] = [];
    this.expect("(");
    while (!this.take(")")) {
      params.push(this.type());
      this.take(",");
    }
    const results: Type[] = [];
    if (this.take("->")) {
      do results.push(this.type());
      while (this.take(","));
    }
    const convention = this.next();
    if (convention !== "wasm" && convention !== "c") return this.fail(`no convention is called ${convention}`);
    return { params, results, convention };
  }
  offset(): number {
    if (this.take("+")) return this.integer();
    if (this.take("-")) return -this.integer();
    const n = this.peek();
    if (/^-\d+$/.test(n)) return this.integer();
    return 0;
  }
}

function opByName(name: string): OpName | undefined {
  return OP_NAMES.find((n) => n === name);
}

function shapeNumber(line: Line, name: string | undefined): number {
  const shape = SHAPE_NAMES.findIndex((n) => n === name);
  return shape < 0 ? line.fail(`no lane shape is called ${name}`) : shape;
}

class Parser {
  readonly func: Func;
  readonly #values = new Map<number, Value>();
  /** Value uses that come before their definition in the text: pool or column positions to patch. */
  readonly #pending: { readonly line: Line; readonly name: number; readonly patch: (value: Value) => void }[] = [];
  #block: Block | undefined;

  constructor(head: Line) {
    head.expect("function");
    const name: unknown = JSON.parse(head.next());
    const signature = head.signature();
    const flags = new Set<string>();
    if (head.take("[")) {
      while (!head.take("]")) {
        flags.add(head.next());
        head.take(",");
      }
    }
    head.expect("{");
    this.func = new Func(String(name), signature, {
      stackCheck: flags.has("stack_check"),
      entry: flags.has("entry"),
      ...(flags.has("entered") ? { entered: true } : {}),
    });
  }

  #blockNumbered(n: number): Block {
    while (this.func.blockCount <= n) this.func.createBlock();
    return entity<Block>(n);
  }

  line(line: Line): void {
    const first = line.peek();
    if (/^block\d+$/.test(first)) return this.#head(line);
    if (line.peek(1) === "=" && /^(slot|sig|fn)\d+$/.test(first)) return this.#declaration(line);
    return this.#instruction(line);
  }

  #head(line: Line): void {
    const block = this.#blockNumbered(line.numbered("block"));
    this.func.layout.push(block);
    this.#block = block;
    if (line.take("(")) {
      while (!line.take(")")) {
        const name = line.numbered("v");
        line.expect(":");
        this.#values.set(name, this.func.appendBlockParam(block, line.type()));
        line.take(",");
      }
    }
    line.expect(":");
  }

  #declaration(line: Line): void {
    const word = line.next();
    line.expect("=");
    if (word.startsWith("slot")) {
      const size = line.integer();
      line.expect("align");
      this.func.slots.push({ size, align: line.integer() });
    } else if (word.startsWith("sig")) this.func.addSignature(line.signature());
    else {
      const symbol = entity<FuncSymbol>(line.numbered("@"));
      this.func.functions.push({ symbol, signature: entity<SigRef>(line.numbered("sig")) });
    }
  }

  /** A value now, or NONE and a patch for later. */
  #use(line: Line, patch: (value: Value) => void): number {
    const name = line.numbered("v");
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    this.#pending.push({ line, name, patch });
    return NONE;
  }

  /** Values up to `end`, which is taken. Gives start and length in the pool. */
  #list(line: Line, end: string | undefined): { start: number; length: number } {
    const { pool } = this.func;
    const found: number[] = [];
    const start = pool.length;
    while (end === undefined ? !line.atEnd : !line.take(end)) {
      const at = start + found.length;
      found.push(this.#use(line, (v) => pool.set(at, v)));
      line.take(",");
    }
    for (const v of found) pool.push(v);
    return { start, length: found.length };
  }

  #blockCall(line: Line): BlockCall {
    const { func } = this;
    const block = this.#blockNumbered(line.numbered("block"));
    const list = line.take("(") ? this.#list(line, ")") : { start: func.pool.length, length: 0 };
    func.callArgsStart.push(list.start);
    func.callArgsLength.push(list.length);
    return entity<BlockCall>(func.callBlock.push(block));
  }

  #access(line: Line): number {
    const access = ACCESS_NAMES.findIndex((n) => n === line.peek());
    if (access < 0) line.fail(`no access is called ${line.peek()}`);
    line.next();
    const region = REGION_NAMES.findIndex((n) => n === line.peek());
    if (region < 0) line.fail(`no region is called ${line.peek()}`);
    line.next();
    return accessFlags(access, region, line.take("traps"));
  }

  #instruction(line: Line): void {
    const { func } = this;
    const names: number[] = [];
    if (/^v\d+$/.test(line.peek())) {
      do names.push(line.numbered("v"));
      while (line.take(","));
      line.expect("=");
    }
    const [word = "", typeWord] = line.next().split(".");
    const opWord = opByName(word) ?? line.fail(`no op is called ${word}`);
    const op = Op[opWord];
    const row = opRow(op);
    let type: Type = row.format === "call" || row.format === "call_indirect" || row.format === "address" ? I64 : I32;
    if (row.format === "nullary" || row.format === "list") type = I64;
    if (row.lanes !== undefined) type = row.result === "controlling" ? laneType(shapeNumber(line, typeWord)) : V128;
    else if (typeWord !== undefined) type = typeFromName(typeWord) ?? line.fail(`no type is called ${typeWord}`);
    else if (row.result !== null && row.result !== "controlling" && row.result !== "call") {
      type = typeFromName(row.result) ?? type;
    }
    if (op === Op.atomic_fence) type = I32;
    const inst = func.createInst(op, type, NONE, NONE, NONE, 0, 0, 0);
    const a = (): void =>
      func.a.set(
        inst,
        this.#use(line, (v) => func.a.set(inst, v)),
      );
    const b = (): void =>
      func.b.set(
        inst,
        this.#use(line, (v) => func.b.set(inst, v)),
      );
    const c = (): void =>
      func.c.set(
        inst,
        this.#use(line, (v) => func.c.set(inst, v)),
      );
    const list = (end: string | undefined): void => {
      const { start, length } = this.#list(line, end);
      func.b.set(inst, start);
      func.c.set(inst, length);
    };
    let results: readonly Type[] = [];
    if (row.result === "controlling") results = [type];
    else if (row.result !== null && row.result !== "call") results = [typeFromName(row.result) ?? I64];
    if (row.lanes !== undefined) func.lo.set(inst, shapeNumber(line, typeWord));
    if (row.detail !== undefined) this.#detail(line, inst, row.detail);
    switch (row.format) {
      case "const":
        this.#constant(line, inst, op);
        break;
      case "nullary":
        break;
      case "unary":
        a();
        break;
      case "compare": {
        const cc = line.next();
        const table: readonly string[] = op !== Op.fcmp ? INT_CC_NAMES : FLOAT_CC_NAMES;
        if (!table.includes(cc)) line.fail(`no condition is called ${cc}`);
        func.lo.set(inst, table.indexOf(cc));
        a();
        line.expect(",");
        b();
        break;
      }
      case "binary":
        a();
        line.expect(",");
        b();
        break;
      case "select":
        a();
        line.expect(",");
        b();
        line.expect(",");
        c();
        break;
      case "load":
      case "store":
      case "rmw":
      case "cas":
        line.expect("[");
        a();
        func.lo.set(inst, line.offset());
        line.expect("]");
        if (row.format !== "load" && line.take(",")) b();
        if (row.format === "cas" && line.take(",")) c();
        func.hi.set(inst, this.#access(line));
        break;
      case "call": {
        const callee = entity<FuncRef>(line.numbered("fn"));
        if (!func.functions.has(callee)) line.fail(`fn${callee} is not declared`);
        func.a.set(inst, callee);
        line.expect("(");
        list(")");
        if (row.result === "call") results = func.signatures.get(func.functions.get(callee).signature).results;
        if (op === Op.call_catch) results = [I32, ...results];
        break;
      }
      case "call_indirect": {
        const sig = entity<SigRef>(line.numbered("sig"));
        if (!func.signatures.has(sig)) line.fail(`sig${sig} is not declared`);
        func.lo.set(inst, sig);
        a();
        line.expect("(");
        list(")");
        if (row.result === "call") results = func.signatures.get(sig).results;
        if (op === Op.call_catch_indirect) results = [I32, ...results];
        break;
      }
      case "address":
        func.lo.set(inst, line.numbered(op === Op.func_addr ? "@" : op === Op.data_addr ? "$" : "slot"));
        if (op !== Op.func_addr) func.hi.set(inst, line.offset());
        break;
      case "jump":
        func.a.set(inst, this.#blockCall(line));
        break;
      case "brif":
        a();
        line.expect(",");
        func.b.set(inst, this.#blockCall(line));
        line.expect(",");
        func.c.set(inst, this.#blockCall(line));
        break;
      case "br_table": {
        a();
        line.expect(",");
        line.expect("[");
        const calls: BlockCall[] = [];
        while (!line.take("]")) {
          calls.push(this.#blockCall(line));
          line.take(",");
        }
        func.b.set(inst, func.pushList(calls));
        func.c.set(inst, calls.length);
        break;
      }
      case "return":
      case "list":
        list(undefined);
        break;
      case "trap":
        if (op !== Op.trap) {
          a();
          line.expect(",");
        }
        func.lo.set(inst, line.numbered("code"));
        break;
    }
    if (!line.atEnd) line.fail(`unexpected ${line.peek()}`);
    if (names.length !== results.length) line.fail(`${opWord} has ${results.length} results`);
    results.forEach((t, i) => {
      this.#values.set(names[i] ?? 0, func.addResult(inst, t));
    });
    if (this.#block === undefined) line.fail("an instruction outside of a block");
    func.appendInst(this.#block, inst);
  }

  /** What an op on vectors has in front of its operands. */
  #detail(line: Line, inst: number, detail: NonNullable<OpRow["detail"]>): void {
    const { func } = this;
    if (detail === "lane") func.hi.set(inst, line.integer());
    else if (detail === "indices") this.#vector(line, inst);
    else {
      const table: readonly string[] = detail === "intcc" ? INT_CC_NAMES : FLOAT_CC_NAMES;
      const cc = line.next();
      if (!table.includes(cc)) line.fail(`no condition is called ${cc}`);
      func.hi.set(inst, table.indexOf(cc));
    }
  }

  /** 16 bytes, the first first. */
  #vector(line: Line, inst: number): void {
    const { func } = this;
    const hex = line.next().slice(2);
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
    func.lo.set(inst, func.vectors.push(bytes) - 1);
  }

  #constant(line: Line, inst: number, op: number): void {
    const { func } = this;
    if (op === Op.v128const) return this.#vector(line, inst);
    const { lo, hi } = i64FromBigInt(line.bigint());
    func.lo.set(inst, lo);
    func.hi.set(inst, func.type.get(inst) === I32 || op === Op.f32const ? 0 : hi);
  }

  finish(): Func {
    for (const { line, name, patch } of this.#pending) {
      patch(this.#values.get(name) ?? line.fail(`v${name} is not defined`));
    }
    return this.func;
  }
}

/** Reads one function. Throws `WindlassError`. The result still has to pass `verifyFunc`. */
export function parseFunc(text: string): Func {
  let parser: Parser | undefined;
  let number = 0;
  for (const raw of text.split("\n")) {
    number++;
    const trimmed = raw.trim();
    if (trimmed === "" || trimmed.startsWith(";")) continue;
    if (trimmed === "}") break;
    const line = new Line(trimmed, number);
    if (parser === undefined) parser = new Parser(line);
    else parser.line(line);
  }
  if (parser === undefined) {
    throw new WindlassError({ kind: "malformed", subject: "IR", message: "line 1: no function" });
  }
  return parser.finish();
}
