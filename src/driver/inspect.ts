/** What `windlass inspect` knows of a file: of a component its plan, of an object or executable its trampolines and sizes. */

import { WindlassError } from "../base/diagnostics.ts";
import { decodeInfo, decodeTrampolines, type ObjectInfo } from "../compiler/info.ts";
import * as front from "../compiler/front.ts";
import { sniff } from "../component/decode.ts";
import { type ElfFile, isElf, type ReadSymbol, readElf } from "../object/reader.ts";
import { Sections } from "../object/writer.ts";
import { printPlan } from "../plan/print.ts";
import { type PlanSummary, summarizePlan } from "../plan/summary.ts";
import { loadDisassembler, type NameOf } from "./disassembly.ts";

export interface TrampolineReport {
  readonly index: number;
  /** `hello:city/logger@0.1.0 log`. */
  readonly import: string;
  readonly type: string;
  readonly core: string;
  readonly callee: string;
  /** Byte offset in the `.text` that Windlass wrote, and bytes. */
  readonly start: number;
  readonly length: number;
  /** Its symbol in this file and the address that it has here; undefined if the file was stripped. */
  readonly symbol: string | undefined;
  readonly address: number | undefined;
  readonly disassembly?: readonly string[];
}

export interface ObjectReport {
  readonly kind: "object" | "executable";
  readonly info: ObjectInfo;
  /** Bytes by section. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly symbols: { readonly global: readonly string[]; readonly functions: number };
  readonly trampolines: readonly TrampolineReport[];
}

export type Report = { readonly kind: "component"; readonly plan: PlanSummary; readonly text: string } | ObjectReport;

/** Throws `WindlassError` for a file that is neither. */
export async function inspect(bytes: Uint8Array, name: string, disassemble: boolean): Promise<Report> {
  if (isElf(bytes)) return inspectObject(readElf(bytes), disassemble);
  if (sniff(bytes) === undefined) {
    const message = "neither a component nor an object or executable that windlass made";
    throw new WindlassError({ kind: "usage", message });
  }
  const parsed = front.parse(bytes);
  front.validate(parsed);
  const component = front.plan(parsed, {
    name,
    prefix: "component",
    output: "object",
    hostAbi: "dynamic",
    importAbis: [],
    bounds: "guard",
    interruptible: false,
    describes: false,
    builtinWasi: undefined,
    configuration: [],
  });
  return { kind: "component", plan: summarizePlan(component), text: printPlan(component) };
}

async function inspectObject(file: ElfFile, disassemble: boolean): Promise<ObjectReport> {
  const infoBytes = file.sectionBytes(Sections.info.name);
  const trampolineBytes = file.sectionBytes(Sections.trampolines.name);
  if (infoBytes === undefined || trampolineBytes === undefined) {
    throw new WindlassError({ kind: "malformed", subject: "object", message: "it was not made by windlass" });
  }
  const info = decodeInfo(infoBytes);
  const trampolines = decodeTrampolines(trampolineBytes);
  const text = file.section(Sections.text.name);
  const code = file.sectionBytes(Sections.text.name);
  if (text === undefined || code === undefined) {
    throw new WindlassError({ kind: "malformed", subject: "object", message: "it has no .text" });
  }
  const symbols = [...file.symbols()];
  const functions = symbols.filter((s) => s.type === STT_FUNC);
  const byAddress = new Map<number, ReadSymbol>(functions.map((s) => [s.value, s]));
  const nameOf: NameOf = (address) => byAddress.get(address)?.name;
  const decode = disassemble ? await loadDisassembler() : undefined;
  const reports = trampolines.values().map(({ start, length }, index): TrampolineReport => {
    const lowering = info.lowerings[index];
    const address = text.address + start;
    const symbol = byAddress.get(address);
    const known = symbol !== undefined && symbol.size === length;
    return {
      index,
      import: lowering?.path.join(" ") ?? "",
      type: lowering?.type ?? "",
      core: lowering?.core ?? "",
      callee: lowering?.callee ?? "",
      start,
      length,
      symbol: known ? symbol.name : undefined,
      address: known ? address : undefined,
      ...(decode === undefined ? {} : { disassembly: decode(code.subarray(start, start + length), address, nameOf) }),
    };
  });
  return {
    kind: info.output,
    info,
    sizes: Object.fromEntries(file.sections.filter((s) => s.size > 0).map((s) => [s.name, s.size])),
    symbols: {
      global: symbols.filter((s) => s.binding !== 0 && s.name !== "").map((s) => s.name),
      functions: functions.length,
    },
    trampolines: reports,
  };
}

/** `SymbolType.STT_FUNC`. */
const STT_FUNC = 2;
