/**
 * One process of `npm run fuzz`, under the engine that is compared with: takes blocks of seeds from its parent, and tells what came of them.
 */

import { unproved } from "../../tests/support/sandbox.ts";
import { engineFeatures } from "./features.ts";
import { Fuzzer, noTotals, type Totals } from "./fuzzer.ts";

export interface WorkerOptions {
  readonly allConfigurations: boolean;
  readonly sandbox: boolean;
  readonly reduction: number;
  readonly folder: string;
}

export interface BlockOrder {
  readonly first: number;
  readonly count: number;
}

export type WorkerMessage =
  | { readonly kind: "line"; readonly text: string }
  /** What a block added; `executed`: opcodes that were not executed before. */
  | { readonly kind: "done"; readonly first: number; readonly totals: Totals; readonly executed: readonly number[] };

function main(options: WorkerOptions): void {
  const send = (message: WorkerMessage): void => void process.send?.(message);
  const fuzzer = new Fuzzer({
    features: engineFeatures(),
    allConfigurations: options.allConfigurations,
    reduction: options.reduction,
    folder: options.folder,
    ...(options.sandbox ? { inspect: unproved } : {}),
    report: (text) => send({ kind: "line", text }),
  });
  let before: Totals = noTotals();
  let known = 0;
  process.on("message", (order: BlockOrder) => {
    void fuzzer.block(order.first, order.count).then(() => {
      const executed = [...fuzzer.executed.keys()].slice(known);
      known = fuzzer.executed.size;
      send({ kind: "done", first: order.first, totals: subtract(fuzzer.totals, before), executed });
      before = { ...fuzzer.totals };
    });
  });
  // An interruption is the parent's affair.
  process.on("SIGINT", () => undefined);
  process.on("disconnect", () => process.exit(0));
}

function subtract(a: Totals, b: Totals): Totals {
  const out = { ...a };
  out.modules -= b.modules;
  out.functions -= b.functions;
  out.instructions -= b.instructions;
  out.bytes -= b.bytes;
  out.runs -= b.runs;
  out.calls -= b.calls;
  out.traps -= b.traps;
  out.mutants -= b.mutants;
  out.accepted -= b.accepted;
  out.failures -= b.failures;
  return out;
}

const [, , text = "{}"] = process.argv;
main(JSON.parse(text));
