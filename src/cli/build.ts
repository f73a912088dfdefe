/** `windlass build`: a component that exports `wasi:cli/run` becomes a static executable. */

import type { Command } from "commander";
import { addCommonOptions, type CommonOptions, collect, compileFile, guarded, nameOfInput } from "./common.ts";
import { configurationSettings } from "./configuration.ts";
import { addEmitOption, type EmitKind, emittedText, writeEmitted } from "./emit.ts";
import { writeOutput } from "./files.ts";

interface BuildOptions extends CommonOptions {
  readonly output?: string;
  readonly dir?: readonly string[];
  readonly env?: readonly string[];
  readonly inheritEnv?: boolean;
  readonly emit?: EmitKind;
}

export function registerBuild(program: Command): void {
  const command = program
    .command("build")
    .description(
      "build a static Linux executable from a component that exports wasi:cli/run, or a core module with _start",
    )
    .argument("<input>", "component (.wasm)")
    .option("-o, --output <file>", "where to write; default: the input's name without .wasm")
    .option("--dir <host::guest>", "grant a directory, fixed in the executable (repeatable)", collect)
    .option("--env <key=value>", "set an environment variable, fixed in the executable (repeatable)", collect)
    .option("--inherit-env", "the guest sees the environment it is run in");
  addEmitOption(command, "exe");
  addCommonOptions(command).addHelpText(
    "after",
    `
The executable grants nothing that was not asked for. At run time WINDLASS_DIR, WINDLASS_ENV and
WINDLASS_INHERIT_ENV add to what was fixed when it was built; see the README.`,
  );
  command.action((input: string, options: BuildOptions) =>
    guarded(input, async () => {
      const result = await compileFile({
        input,
        output: "executable",
        common: options,
        builtinWasi: true,
        configuration: configurationSettings(options),
        emit: emittedText(options.emit),
      });
      if (writeEmitted(options.emit, result, options.output)) return 0;
      writeOutput(options.output ?? nameOfInput(input), result.bytes, 0o755);
      return 0;
    }),
  );
}
