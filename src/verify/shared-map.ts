/** A map whose copies share what they hold until one of them changes. */

export class SharedMap<K, V> {
  #map: Map<K, V>;
  /** Nobody else has `#map`. */
  #own: boolean;

  constructor(of?: SharedMap<K, V>) {
    this.#own = of === undefined;
    this.#map = of === undefined ? new Map() : of.#share();
  }

  #share(): Map<K, V> {
    this.#own = false;
    return this.#map;
  }

  #owned(): Map<K, V> {
    if (!this.#own) {
      this.#map = new Map(this.#map);
      this.#own = true;
    }
    return this.#map;
  }

  get size(): number {
    return this.#map.size;
  }
  get(key: K): V | undefined {
    return this.#map.get(key);
  }
  has(key: K): boolean {
    return this.#map.has(key);
  }
  set(key: K, value: V): void {
    this.#owned().set(key, value);
  }
  delete(key: K): void {
    if (this.#map.has(key)) this.#owned().delete(key);
  }
  /** What is there. Who goes through it may change or delete the entry where it is, and no other. */
  entries(): ReadonlyMap<K, V> {
    return this.#map;
  }
}
