/**
 * The sandbox verifier: an independent pass over the machine code of an object or executable. It shares no code with the compiler but the
 * layout tables, decodes with a library, and proves of every function made from untrusted wasm that
 *
 * - each memory access is inside its frame, a field of the context that it may touch, a linear memory or table of its instance by an index
 *   that was checked or that the guard covers, or read-only data;
 * - each indirect call or jump goes to a function whose signature was compared, or through a bounded jump table;
 * - calls find the context in rdi and a sound frame, and the caller's registers and stack are restored at the end;
 * - references to functions are made from functions of their type only.
 *
 * What is not proved is named: run-time support, entries, and the built-in WASI's functions that use native intrinsics.
 */

import { WindlassError } from "../base/diagnostics.ts";
import { ContextMap, RightsOf } from "./context.ts";
import { CodeReader, type Disassembler } from "./decode.ts";
import { verifyFunction } from "./function.ts";
import { type CodeFunction, type CodeImage, malformed, readImage } from "./image.ts";
import type { Problem, World } from "./machine.ts";
import { FunctionTypes } from "./types.ts";

export interface VerifiedProblem {
  /** The function's symbol. */
  readonly function: string;
  /** Byte offset of the instruction in `.text`. */
  readonly offset: number;
  readonly instruction: string;
  readonly reason: string;
}

export interface VerifyReport {
  /** How many functions were proved, and how many bytes of code. */
  readonly functions: number;
  readonly bytes: number;
  /** What was not proved, by kind. */
  readonly trusted: Readonly<Record<string, readonly string[]>>;
  readonly problems: readonly VerifiedProblem[];
}

/** Problems of one function that are told. */
const PROBLEMS_PER_FUNCTION = 3;
/** Kinds of functions that are proved. */
const PROVED: ReadonlySet<string> = new Set(["wasm"]);

/** Throws `WindlassError` on a file that can't be verified at all. */
export async function verify(bytes: Uint8Array): Promise<VerifyReport> {
  const iced = await import("iced-x86");
  return verifyWith(new CodeReader(iced), bytes);
}

/** What functions of an image are verified with. */
export function worldOf(reader: CodeReader, image: CodeImage): World {
  return {
    image,
    map: new ContextMap(image.policy),
    types: new FunctionTypes(image.policy),
    reader,
  };
}

/** `reader` may be the same for many files. */
export function verifyWith(reader: CodeReader, bytes: Uint8Array): VerifyReport {
  const image = readImage(bytes);
  const world = worldOf(reader, image);
  checkImages(image, world.types);
  const rights = new RightsOf(image.policy);
  const trusted: Record<string, string[]> = {};
  const problems: VerifiedProblem[] = [];
  let functions = 0;
  let size = 0;
  for (const f of image.functions) {
    if (!PROVED.has(f.kind)) {
      const kind = f.kind.startsWith("support ") ? "support" : f.kind;
      const names = trusted[kind] ?? [];
      names.push(f.name);
      trusted[kind] = names;
      continue;
    }
    functions++;
    size += f.end - f.start;
    const found = verifyFunction(world, f, rights);
    for (const p of found.slice(0, PROBLEMS_PER_FUNCTION)) problems.push(describe(reader.iced, image, p));
  }
  return { functions, bytes: size, trusted, problems };
}

/** Tables are filled from these: each reference must be null, or a function with its own type. */
function checkImages(image: CodeImage, types: FunctionTypes): void {
  const view = new DataView(image.rodata.buffer, image.rodata.byteOffset, image.rodata.length);
  for (const { offset, count } of image.policy.images) {
    if (offset % 8 !== 0 || offset + 8 * count > image.rodata.length) {
      throw malformed(".windlass.info: an image of references is outside of .rodata");
    }
    for (let k = 0; k < count; k++) {
      const code = view.getUint32(offset + 8 * k, true);
      const half = view.getUint32(offset + 8 * k + 4, true);
      if (code === 0 && half === 0) continue;
      const target: CodeFunction | undefined = image.byStart.get(image.textStart + code);
      const type = types.list[types.ofHalf(half)];
      if (target === undefined || type === undefined || target.type !== type.text) {
        throw malformed(
          `a reference at offset 0x${(offset + 8 * k).toString(16)} of .rodata is no function of its type`,
        );
      }
    }
  }
}

function describe(iced: Disassembler, image: CodeImage, p: Problem): VerifiedProblem {
  const offset = p.at - image.textStart;
  const decoder = new iced.Decoder(64, image.text.subarray(offset, offset + 15), iced.DecoderOptions.None);
  const formatter = new iced.Formatter(iced.FormatterSyntax.Intel);
  const instruction = new iced.Instruction();
  try {
    decoder.ip = BigInt(p.at);
    decoder.decodeOut(instruction);
    return { function: p.function.name, offset, instruction: formatter.format(instruction), reason: p.reason };
  } finally {
    instruction.free();
    formatter.free();
    decoder.free();
  }
}

/** The problems as diagnostics. */
export function rejection(report: VerifyReport): WindlassError {
  return new WindlassError(
    ...report.problems.map(({ function: name, offset, instruction, reason }) => ({
      kind: "invalid" as const,
      subject: "machine code",
      offset,
      path: [name],
      message: `${instruction}: ${reason}`,
    })),
  );
}
