/** `windlass verify`: proves of an object or executable that its code stays inside the sandbox. */

import type { Command } from "commander";
import { rejection, type VerifyReport, verify } from "../verify/verify.ts";
import { guarded } from "./common.ts";
import { EXIT_USER_ERROR } from "./errors.ts";
import { readInput } from "./files.ts";

interface VerifyOptions {
  readonly json?: boolean;
  readonly trusted?: boolean;
}

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .description("prove that the machine code of an object or executable can't leave its sandbox")
    .argument("<file>", "object (.o) or executable that windlass made")
    .option("--json", "as JSON")
    .option("--trusted", "also name every function that is trusted and not proved")
    .action((file: string, options: VerifyOptions) =>
      guarded(file, async () => {
        const report = await verify(readInput(file));
        if (options.json === true) {
          process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
          return report.problems.length === 0 ? 0 : EXIT_USER_ERROR;
        }
        if (report.problems.length > 0) throw rejection(report);
        process.stdout.write(asText(report, options.trusted === true));
        return 0;
      }),
    );
}

function asText(report: VerifyReport, names: boolean): string {
  const lines = [`verified: ${report.functions} functions, ${report.bytes} bytes of code`];
  const kinds = Object.entries(report.trusted);
  if (kinds.length > 0) lines.push(`trusted: ${kinds.map(([kind, list]) => `${list.length} ${kind}`).join(", ")}`);
  if (names) for (const [kind, list] of kinds) for (const name of list) lines.push(`  ${kind}: ${name}`);
  return `${lines.join("\n")}\n`;
}
