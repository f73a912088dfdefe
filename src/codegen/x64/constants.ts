// hot loop: indices are in range by construction
/**
 * The constants of one function: values of 4, 8 or 16 bytes that instructions read relative to rip. Equal ones share a label.
 *
 * Why a table of our own: a function may have thousands, and a `Map` of strings per function costs more than the code around it.
 */

import { I32Column, U8Column } from "../../base/columns.ts";

/** Deduplicated constants with the label of each; open addressing over columns. */
export class ConstantPool {
  /** Four words each; those behind `size` are zero. */
  readonly words = new I32Column();
  readonly size = new U8Column();
  readonly label = new I32Column();
  #buckets = new Int32Array(16).fill(-1);

  get count(): number {
    return this.label.length;
  }

  clear(): void {
    this.words.length = 0;
    this.size.length = 0;
    this.label.length = 0;
    this.#buckets.fill(-1);
  }

  /** The label of this constant, or -1 when it is new: then the caller follows with `add`. */
  find(size: number, w0: number, w1: number, w2: number, w3: number): number {
    const at = this.#slot(size, w0, w1, w2, w3);
    const entry = this.#buckets[at]!;
    return entry < 0 ? -1 : this.label.get(entry);
  }

  /** Adds a constant that `find` did not have. */
  add(size: number, w0: number, w1: number, w2: number, w3: number, label: number): void {
    if (this.count * 2 >= this.#buckets.length) this.#grow();
    const entry = this.label.push(label);
    this.size.push(size);
    this.words.push(w0);
    this.words.push(w1);
    this.words.push(w2);
    this.words.push(w3);
    this.#buckets[this.#slot(size, w0, w1, w2, w3)] = entry;
  }

  /** The bucket that holds this constant, or the free one where it belongs. */
  #slot(size: number, w0: number, w1: number, w2: number, w3: number): number {
    const mask = this.#buckets.length - 1;
    let hash = Math.imul(size ^ Math.imul(w0, 0x9e3779b1) ^ Math.imul(w1, 0x85ebca6b), 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 15) ^ Math.imul(w2, 0x27d4eb2f) ^ Math.imul(w3, 0x165667b1), 0x9e3779b1);
    const words = this.words.data;
    for (let at = (hash ^ (hash >>> 13)) & mask; ; at = (at + 1) & mask) {
      const entry = this.#buckets[at]!;
      if (entry < 0) return at;
      const p = entry * 4;
      if (
        this.size.get(entry) === size &&
        words[p] === w0 &&
        words[p + 1] === w1 &&
        words[p + 2] === w2 &&
        words[p + 3] === w3
      ) {
        return at;
      }
    }
  }

  #grow(): void {
    this.#buckets = new Int32Array(this.#buckets.length * 2).fill(-1);
    const words = this.words.data;
    for (let entry = 0; entry < this.count; entry++) {
      const p = entry * 4;
      const at = this.#slot(this.size.get(entry), words[p]!, words[p + 1]!, words[p + 2]!, words[p + 3]!);
      this.#buckets[at] = entry;
    }
  }
}
