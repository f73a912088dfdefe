/** Bytes that are perhaps no module: what the decoder and validator say of them, against what the engine says. */

import { WindlassError } from "../../src/base/diagnostics.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { engineRejection } from "./engine.ts";
import type { Random } from "./random.ts";

const INTERESTING = [
  0, 1, 2, 3, 4, 5, 6, 7, 0x0b, 0x10, 0x1f, 0x40, 0x41, 0x5f, 0x60, 0x63, 0x64, 0x6f, 0x70, 0x7b, 0x7c, 0x7d, 0x7e,
  0x7f, 0x80, 0xc0, 0xd0, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
];

/** A copy with `removed` bytes at `at` taken out, and others put in. */
function spliced(bytes: Uint8Array, at: number, removed: number, others: Uint8Array): Uint8Array {
  const rest = bytes.subarray(at + removed);
  const out = new Uint8Array(at + others.length + rest.length);
  out.set(bytes.subarray(0, at));
  out.set(others, at);
  out.set(rest, at + others.length);
  return out;
}

/** A copy with a few bytes changed, taken out, put in or doubled. */
export function mutate(r: Random, bytes: Uint8Array): Uint8Array {
  let out: Uint8Array = bytes.slice();
  for (let edits = r.chance(0.6) ? 1 : r.between(2, 5); edits > 0; edits--) {
    const at = r.between(r.chance(0.98) ? 8 : 0, out.length - 1);
    switch (r.below(8)) {
      case 0:
      case 1:
      case 2:
        out[at] = r.pick(INTERESTING);
        break;
      case 3:
        out[at] = (out[at] ?? 0) ^ (1 << r.below(8));
        break;
      case 4:
        out[at] = r.below(256);
        break;
      case 5:
        out = spliced(out, at, r.between(1, 3), new Uint8Array());
        break;
      case 6:
        out = spliced(out, at, 0, Uint8Array.of(r.pick(INTERESTING)));
        break;
      default: {
        if (r.chance(0.3)) {
          out = out.slice(0, at);
          break;
        }
        const to = r.below(out.length);
        out = spliced(out, to, 0, out.subarray(at, at + r.between(1, 8)));
      }
    }
    if (out.length < 9) break;
  }
  return out;
}

/** The engine rejects, and we accept: features that it does not have yet, and limits of its own. By its message. */
const ENGINE_REJECTS: readonly { readonly message: RegExp; readonly reason: string }[] = [
  { message: /enable with --experimental-wasm-/, reason: "a feature that is behind a flag" },
  {
    message: /actual alignment is (6[4-9]|7\d|8\d|9[0-5])\b/,
    reason: "several memories: bit 6 says that an index follows",
  },
  { message: /multiple memories are not allowed|At most one imported or defined memory/, reason: "several memories" },
  { message: /Invalid opcode 0x(a|1f|14|15|d4|d5|d6)\b/, reason: "exceptions, typed references" },
  { message: /invalid numeric opcode:? 0xfc1[3-6]\b/i, reason: "wide arithmetic" },
  { message: /invalid value type 0x(69|74|71|72|73)\b/, reason: "types of exceptions, and bottom types" },
  {
    message: /(table|memory) flags? (out of|must)|invalid (memory|table) limits flags/,
    reason: "64-bit memories and tables",
  },
  {
    message: /exceeds? (the )?(internal |implementation )?limit|exceeding maximum|> maximum|out of memory/i,
    reason: "limits",
  },
];

/** The engine accepts, and we reject. By our message. */
const ENGINE_ACCEPTS: readonly { readonly message: RegExp; readonly reason: string }[] = [
  { message: /needs the legacy-exceptions feature$/, reason: "no part of the standard any more" },
  { message: /needs the gc feature$/, reason: "refused by name" },
  {
    message: /br_on_non_null expects a label that takes a reference/,
    reason: "V8 14 takes any label where the operand is of unknown type, in code that is never reached",
  },
  {
    message: /found \(ref heap 0\)$/,
    reason: "V8 14 takes what ref.as_non_null gives of an unknown type for any type, not for any reference",
  },
  { message: /^malformed: malformed reference type$/, reason: "V8 11 takes numbers as the type of an element segment" },
  { message: /^invalid: atomic alignment must be natural$/, reason: "V8 11 takes less" },
];

/**
 * Behind a `br_if` whose operands are of unknown type, code that is never reached, the standard knows their types, which are those of the
 * label; V8 11 does not.
 */
function behindUnknownBranch(bytes: Uint8Array, message: string, offset: number | undefined): boolean {
  if (offset === undefined || !message.startsWith("invalid: type mismatch")) return false;
  return bytes.subarray(Math.max(0, offset - 24), offset).includes(0x0d);
}

/** Undefined when both say the same, or when the difference is a known one. */
export function verdictDifference(bytes: Uint8Array): {
  readonly accepted: boolean;
  readonly difference: string | undefined;
} {
  const theirs = engineRejection(bytes);
  let ours: string | undefined;
  let offset: number | undefined;
  try {
    validateModule(decodeModule(bytes));
  } catch (error) {
    if (!(error instanceof WindlassError)) {
      return {
        accepted: false,
        difference: `the validator fails: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
    const [first] = error.diagnostics;
    ours = `${first?.kind}: ${first?.message}`;
    offset = first?.offset;
  }
  const accepted = ours === undefined;
  if ((theirs === undefined) === accepted) return { accepted, difference: undefined };
  if (theirs !== undefined) {
    if (ENGINE_REJECTS.some((d) => d.message.test(theirs))) return { accepted, difference: undefined };
    return { accepted, difference: `accepted, but the engine says ${theirs}` };
  }
  const message = ours ?? "";
  if (ENGINE_ACCEPTS.some((d) => d.message.test(message)) || behindUnknownBranch(bytes, message, offset))
    return { accepted, difference: undefined };
  return { accepted, difference: `rejected (${message}), but the engine accepts it` };
}
