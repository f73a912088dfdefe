/**
 * Texts that support code writes, as one read-only data object: first the u32 offset of each trap's message, then C strings. Fixed, so that
 * every worker sees the same offsets.
 */

import { ByteWriter } from "../base/bytes.ts";
import { TRAP_NAMES, trapMessage } from "../layout/traps.ts";

const TEXTS = {
  trap: "wasm trap: ",
  backtrace: "\nwasm backtrace:\n",
  indent: "    ",
  colon: ": ",
  offset: " (offset 0x",
  status: " (status ",
  minus: "-",
  endOfOffset: ")",
  newline: "\n",
  unknown: "unknown function",
  space: " ",
  handleIndex: "handle index ",
  wrongType: " used with the wrong type",
  otherResource: ", expected guest-defined resource but found a different guest-defined resource",
  failedToStart: "windlass: out of memory or address space\n",
} as const satisfies Record<string, string>;

export type TextName = keyof typeof TEXTS;

function build(): { readonly bytes: Uint8Array; readonly offsets: ReadonlyMap<string, number> } {
  const out = new ByteWriter();
  out.zeros(4 * TRAP_NAMES.length);
  TRAP_NAMES.forEach((_, code) => {
    out.putU32(4 * code, out.cstring(trapMessage(code)));
  });
  const offsets = new Map<string, number>();
  for (const [name, text] of Object.entries(TEXTS)) offsets.set(name, out.cstring(text));
  return { bytes: out.toBytes(), offsets };
}

const BUILT = build();

/** The data object's bytes. */
export const MESSAGES: Uint8Array = BUILT.bytes;

/** Byte offset of a C string in `MESSAGES`. */
export function textOffset(name: TextName): number {
  return BUILT.offsets.get(name) ?? 0;
}

/** Length without the terminating NUL. */
export function textLength(name: TextName): number {
  return new TextEncoder().encode(TEXTS[name]).length;
}
