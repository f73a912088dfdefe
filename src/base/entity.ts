/**
 * Entity indices: dense, typed positions in a table.
 *
 * Why: object graphs cost memory traffic and let two tables be mixed up. A branded number costs nothing and cannot be
 * used with the wrong table. `PrimaryMap.push` is the only place that mints an index; a number read back from a
 * column is turned into its entity by `entity`, which exists for that and for deserialization alone.
 */

/** A dense index into the table of `Name`s. */
export type Entity<Name extends string> = number & { readonly __entity: Name };

/** The one minting cast: gives a number that is known to be an index of `E` its type. */
export function entity<E extends Entity<string>>(index: number): E {
  return index as E;
}

/** The table that owns entities of one kind: keys are dense, values are in the order of creation. */
export class PrimaryMap<K extends Entity<string>, V> implements Iterable<V> {
  readonly #values: V[];

  constructor(values: readonly V[] = []) {
    this.#values = values.slice();
  }

  get size(): number {
    return this.#values.length;
  }

  /** Appends `value` and mints its key. */
  push(value: V): K {
    return entity<K>(this.#values.push(value) - 1);
  }

  /** The key that the next `push` returns. */
  nextKey(): K {
    return entity<K>(this.#values.length);
  }

  /** Throws `RangeError` when `key` is not in the table. */
  get(key: K): V {
    if (key < 0 || key >= this.#values.length) {
      throw new RangeError(`entity ${key} is not in a table of ${this.#values.length}`);
    }
    return this.#values[key] as V;
  }

  has(key: number): boolean {
    return key >= 0 && key < this.#values.length;
  }

  set(key: K, value: V): void {
    if (key < 0 || key >= this.#values.length) {
      throw new RangeError(`entity ${key} is not in a table of ${this.#values.length}`);
    }
    this.#values[key] = value;
  }

  *keys(): IterableIterator<K> {
    for (let i = 0; i < this.#values.length; i++) yield entity<K>(i);
  }

  *entries(): IterableIterator<[K, V]> {
    for (let i = 0; i < this.#values.length; i++) yield [entity<K>(i), this.#values[i] as V];
  }

  values(): readonly V[] {
    return this.#values;
  }

  map<U>(f: (value: V, key: K) => U): PrimaryMap<K, U> {
    return new PrimaryMap<K, U>(this.#values.map((v, i) => f(v, entity<K>(i))));
  }

  [Symbol.iterator](): IterableIterator<V> {
    return this.#values[Symbol.iterator]();
  }
}
