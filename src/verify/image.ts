/**
 * The file as the verifier sees it: one address space with text, read-only data and the rest, relocations applied, the functions in
 * order with what the policy says of each.
 *
 * Receives the bytes of an object or executable. Rejects with `WindlassError` (malformed) what Windlass doesn't write: sections that are
 * writable and executable, relocations of other kinds, functions that overlap or don't match the policy.
 */

import { WindlassError } from "../base/diagnostics.ts";
import { isSandboxPolicy, type SandboxPolicy } from "../layout/sandbox.ts";
import { FileType, RelocationType, SectionFlag, SectionType, SegmentFlag, SymbolType } from "../object/elf.ts";
import { type ElfFile, type ReadSection, readElf } from "../object/reader.ts";

/** One function of the text. Addresses are of the verifier's address space. */
export interface CodeFunction {
  readonly index: number;
  readonly name: string;
  readonly start: number;
  /** Behind its last instruction. */
  readonly end: number;
  /** Behind its constants and jump tables, which follow its instructions. */
  readonly constantsEnd: number;
  /** `SandboxFunctions.kind` and `of`. */
  readonly kind: string;
  readonly of: number;
  readonly inlined: readonly number[];
  /** `params>results`, or undefined when wasm code can't call it. */
  readonly type: string | undefined;
}

export interface CodeImage {
  readonly policy: SandboxPolicy;
  readonly text: Uint8Array;
  readonly textStart: number;
  readonly rodata: Uint8Array;
  readonly rodataStart: number;
  readonly functions: readonly CodeFunction[];
  /** Return addresses behind which an exception may continue. */
  readonly catches: ReadonlySet<number>;
  /** Those in (start, end], in order. */
  catchesIn(start: number, end: number): readonly number[];
  /** Address → function. */
  readonly byStart: ReadonlyMap<number, CodeFunction>;
}

export function malformed(message: string, offset?: number): WindlassError {
  return new WindlassError({
    kind: "malformed",
    subject: "object",
    message,
    ...(offset === undefined ? {} : { offset }),
  });
}

/** Where an object's sections are put: below 2^31, so that every distance fits. */
const FIRST_ADDRESS = 0x1_0000;
const SECTION_GAP = 0x1_0000;
const PADDING = 0xcc;
/** Where the keys of the table of catches begin. */
const CATCHES_HEADER = 16;

function readPolicy(file: ElfFile): SandboxPolicy {
  const bytes = file.sectionBytes(".windlass.info");
  if (bytes === undefined) throw malformed("it was not made by windlass: it has no .windlass.info");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw malformed(".windlass.info: is not JSON");
  }
  const policy: unknown = typeof value === "object" && value !== null && "sandbox" in value ? value.sandbox : undefined;
  if (!isSandboxPolicy(policy)) throw malformed(".windlass.info: says nothing of the sandbox");
  return policy;
}

function checkProtection(file: ElfFile): void {
  for (const s of file.sections) {
    if ((s.flags & SectionFlag.SHF_EXECINSTR) === 0) continue;
    if ((s.flags & SectionFlag.SHF_WRITE) !== 0) throw malformed(`section ${s.name} is writable and executable`);
    if (s.name !== ".text") throw malformed(`section ${s.name} is executable`);
  }
  for (const s of file.segments) {
    const both = SegmentFlag.PF_W | SegmentFlag.PF_X;
    if ((s.flags & both) === both) throw malformed("a segment is writable and executable", s.offset);
  }
}

/** The address of each section: as in the file, or for an object one after the other. */
function placeSections(file: ElfFile): number[] {
  if (file.type !== FileType.ET_REL) return file.sections.map((s) => s.address);
  let at = FIRST_ADDRESS;
  return file.sections.map((s) => {
    if ((s.flags & SectionFlag.SHF_ALLOC) === 0) return 0;
    const align = Math.max(s.align, 1);
    const start = Math.ceil(at / align) * align;
    at = start + s.size + SECTION_GAP;
    return start;
  });
}

/** A copy of a section's bytes with its relocations applied. */
function relocate(file: ElfFile, section: ReadSection, addresses: readonly number[]): Uint8Array {
  const bytes = file.contents(section).slice();
  const view = new DataView(bytes.buffer);
  const address = addresses[file.sections.indexOf(section)] ?? 0;
  const relocations = file.relocations(section);
  if (relocations.length === 0) return bytes;
  if (file.type !== FileType.ET_REL) throw malformed(`section ${section.name} of an executable has relocations`);
  const symbols = file.symbols();
  let last = -4;
  for (const r of [...relocations].sort((a, b) => a.offset - b.offset)) {
    if (r.type !== RelocationType.R_X86_64_PC32 && r.type !== RelocationType.R_X86_64_PLT32) {
      throw malformed(`a relocation of type ${r.type} in ${section.name}`, r.offset);
    }
    if (r.offset + 4 > bytes.length || r.offset < last + 4)
      throw malformed(`a relocation in ${section.name}`, r.offset);
    last = r.offset;
    const symbol = symbols[r.symbol];
    const target = symbol === undefined ? undefined : file.sections[symbol.section];
    if (symbol === undefined || target === undefined || symbol.section === 0) {
      throw malformed(`a relocation in ${section.name} against a symbol that is not defined`, r.offset);
    }
    const distance = (addresses[symbol.section] ?? 0) + symbol.value + r.addend - (address + r.offset);
    if (distance !== (distance | 0)) throw malformed(`a relocation in ${section.name} is out of range`, r.offset);
    view.setInt32(r.offset, distance, true);
  }
  return bytes;
}

interface FunctionRange {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

function functionRanges(file: ElfFile, section: ReadSection, start: number): FunctionRange[] {
  const number = file.sections.indexOf(section);
  const base = file.type === FileType.ET_REL ? start : 0;
  const ranges = file
    .symbols()
    .filter((s) => s.type === SymbolType.STT_FUNC && s.section === number)
    .map((s) => ({ name: s.name, start: base + s.value, end: base + s.value + s.size }))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  if (ranges.length === 0) throw malformed("it has no function symbols");
  return ranges;
}

/** What the policy says of each function, in order; it must say something of exactly `count`. */
function describeFunctions(
  policy: SandboxPolicy,
  count: number,
): Pick<CodeFunction, "kind" | "of" | "inlined" | "type">[] {
  const out: Pick<CodeFunction, "kind" | "of" | "inlined" | "type">[] = [];
  for (const run of policy.functions) {
    if (out.length + run.count > count) break;
    for (let i = 0; i < run.count; i++) {
      const type = policy.functionTypes[out.length] ?? -1;
      const { kind, of, inlined } = run;
      out.push({ kind, of, inlined, type: type < 0 ? undefined : policy.types[type] });
    }
  }
  const described = policy.functions.reduce((n, run) => n + run.count, 0);
  if (described !== count || policy.functionTypes.length !== count) {
    throw malformed(`${count} functions, but .windlass.info describes ${described}`);
  }
  return out;
}

/** Throws `WindlassError` on anything that is not an object or executable with a policy. */
export function readImage(bytes: Uint8Array): CodeImage {
  const file = readElf(bytes);
  const policy = readPolicy(file);
  checkProtection(file);
  const textSection = file.section(".text");
  if (textSection === undefined || textSection.type !== SectionType.SHT_PROGBITS) throw malformed("it has no .text");
  if ((textSection.flags & SectionFlag.SHF_EXECINSTR) === 0) throw malformed("its .text is not executable");
  const addresses = placeSections(file);
  const addressOf = (s: ReadSection): number => addresses[file.sections.indexOf(s)] ?? 0;
  const text = relocate(file, textSection, addresses);
  const textStart = addressOf(textSection);
  const rodataSection = file.section(".rodata");
  if (rodataSection !== undefined && (rodataSection.flags & SectionFlag.SHF_WRITE) !== 0) {
    throw malformed("its .rodata is writable");
  }
  const rodata = rodataSection === undefined ? new Uint8Array() : relocate(file, rodataSection, addresses);

  const ranges = functionRanges(file, textSection, textStart);
  const described = describeFunctions(policy, ranges.length);
  const textEnd = textStart + text.length;
  const functions = ranges.map((range, index): CodeFunction => {
    const next = ranges[index + 1]?.start ?? textEnd;
    if (range.start < textStart || range.end <= range.start || range.end > next || next > textEnd) {
      throw malformed(`function ${range.name} overlaps the next one, or is not in .text`);
    }
    const what = described[index] ?? { kind: "", of: -1, inlined: [], type: undefined };
    return { index, ...range, constantsEnd: next, ...what };
  });
  for (let i = textStart; i < (functions[0]?.start ?? textEnd); i++) {
    if (text[i - textStart] !== PADDING) throw malformed("there is code before the first function");
  }
  const catches = readCatches(policy.catches, rodata, textStart, textEnd);
  const sorted = [...catches].sort((a, b) => a - b);
  const catchesIn = (start: number, end: number): readonly number[] =>
    sorted.slice(countUpTo(sorted, start), countUpTo(sorted, end));
  const byStart = new Map(functions.map((f) => [f.start, f]));
  if (byStart.size !== functions.length) throw malformed("two functions begin at the same address");
  return {
    policy,
    text,
    textStart,
    rodata,
    rodataStart: rodataSection === undefined ? 0 : addressOf(rodataSection),
    functions,
    catches,
    catchesIn,
    byStart,
  };
}

/** How many numbers of an ascending list are at most `limit`. */
function countUpTo(list: readonly number[], limit: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The table that exceptions look return addresses up in. */
function readCatches(at: number, rodata: Uint8Array, textStart: number, textEnd: number): Set<number> {
  const catches = new Set<number>();
  if (at < 0) return catches;
  const view = new DataView(rodata.buffer, rodata.byteOffset, rodata.length);
  const keys = at + CATCHES_HEADER;
  const count = keys <= rodata.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
  if (keys + 4 * count > rodata.length) throw malformed(".windlass.info: the table of catches is outside of .rodata");
  for (let k = 0; k < count; k++) {
    const address = textStart + view.getUint32(keys + 4 * k, true);
    if (address >= textEnd) throw malformed("the table of catches names an address outside of .text");
    catches.add(address);
  }
  return catches;
}
