/** An ELF string table under construction: NUL-terminated UTF-8, each string once, the empty one at 0. */

import { ByteWriter } from "../base/bytes.ts";

export class StringTable {
  readonly #bytes = new ByteWriter();
  readonly #offsets = new Map<string, number>([["", 0]]);

  constructor() {
    this.#bytes.u8(0);
  }

  /** The offset of `text`. */
  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const at = this.#bytes.cstring(text);
    this.#offsets.set(text, at);
    return at;
  }

  /** A view; valid until the next `add`. */
  view(): Uint8Array {
    return this.#bytes.view();
  }
}
