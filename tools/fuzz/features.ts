/** What the other engine knows of the standard: modules are made of that alone. */

import { engineAccepts } from "./engine.ts";

export interface Features {
  /** Declared function types with subtypes, references to them, tables of them. */
  readonly typedReferences: boolean;
  readonly severalMemories: boolean;
  readonly memory64: boolean;
  readonly table64: boolean;
  readonly extendedConstants: boolean;
  readonly relaxedSimd: boolean;
  readonly exceptions: boolean;
}

function accepts(...sections: readonly (readonly number[])[]): boolean {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return engineAccepts(
    Uint8Array.from([...header, ...sections.flatMap(([id = 0, ...rest]) => [id, rest.length, ...rest])]),
  );
}

export const EVERYTHING: Features = {
  typedReferences: true,
  severalMemories: true,
  memory64: true,
  table64: true,
  extendedConstants: true,
  relaxedSimd: true,
  exceptions: true,
};

/** What this process's WebAssembly has. */
export function engineFeatures(): Features {
  // A type that says it is final by itself; a parameter that refers to it.
  const types = [1, 2, 0x50, 0, 0x60, 0, 0, 0x60, 1, 0x63, 0, 0];
  return {
    typedReferences: accepts(types),
    severalMemories: accepts([5, 2, 0, 1, 0, 1]),
    memory64: accepts([5, 1, 4, 1]),
    table64: accepts([4, 1, 0x70, 4, 1]),
    extendedConstants: accepts([6, 1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b]),
    // A global of exnref.
    exceptions: accepts([6, 1, 0x69, 0, 0xd0, 0x69, 0x0b]),
    // A function of two vectors.
    relaxedSimd: accepts(
      [1, 1, 0x60, 2, 0x7b, 0x7b, 1, 0x7b],
      [3, 1, 0],
      [10, 1, 9, 0, 0x20, 0, 0x20, 1, 0xfd, 0x80, 2, 0x0b],
    ),
  };
}
