/**
 * Names that are numbers: `Op.iadd`, `Pseudo.jump`.
 *
 * Why one function for it: hot passes read these properties all the time. An object that is built by assigning one property after the other is a
 * hash table to V8 from the thirteenth on, and each read of it a call; `Object.fromEntries` gives one whose properties have fixed places.
 */

/** `names[i]` is `first + i`. */
export function numbered<N extends string>(names: readonly N[], first = 0): Readonly<Record<N, number>> {
  return Object.fromEntries(names.map((name, i) => [name, first + i])) as Readonly<Record<N, number>>;
}
