/** One function that the sandbox verifier proves, for tests that change its bytes. */

import assert from "node:assert/strict";
import * as iced from "iced-x86";
import { type CompileOptions, compile } from "../../src/driver/compile.ts";
import { RightsOf } from "../../src/verify/context.ts";
import { CodeReader } from "../../src/verify/decode.ts";
import { verifyFunction } from "../../src/verify/function.ts";
import { type CodeFunction, type CodeImage, readImage } from "../../src/verify/image.ts";
import type { World } from "../../src/verify/machine.ts";
import { worldOf } from "../../src/verify/verify.ts";
import { assemble } from "./wat.ts";

const reader = new CodeReader(iced);

export interface FirstFunction {
  readonly image: CodeImage;
  readonly world: World;
  readonly f: CodeFunction;
  /** Its bytes, which may be written over. */
  readonly text: Uint8Array;
  /** Why the verifier rejects it, as it is now. */
  reasons(): readonly string[];
}

/** The first function of a module in text, which is compiled at `-O2` unless `options` say otherwise. */
export async function firstFunction(
  wat: string,
  options: Pick<CompileOptions, "optLevel" | "bounds"> = {},
): Promise<FirstFunction> {
  const { bytes } = await compile(await assemble(wat), { output: "object", soname: "s.so", ...options });
  const image = readImage(bytes);
  const f = image.functions.find((g) => g.kind === "wasm") ?? assert.fail();
  const world = worldOf(reader, image);
  const rights = new RightsOf(image.policy);
  const text = image.text.subarray(f.start - image.textStart, f.end - image.textStart);
  return { image, world, f, text, reasons: () => verifyFunction(world, f, rights).map(({ reason }) => reason) };
}

/** The instructions of `text`, at offsets from its start. */
export function instructionsOf(text: Uint8Array): iced.Instruction[] {
  const decoder = new iced.Decoder(64, text, iced.DecoderOptions.None);
  const code: iced.Instruction[] = [];
  while (decoder.canDecode) code.push(decoder.decode());
  decoder.free();
  return code;
}
