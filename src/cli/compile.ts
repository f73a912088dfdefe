/** `windlass compile`: a component becomes one relocatable ELF object and, on request, its C header. */

import { type Command, Option } from "commander";
import type { HostAbi } from "../plan/component.ts";
import { addCommonOptions, type CommonOptions, compileFile, guarded, nameOfInput } from "./common.ts";
import { addEmitOption, type EmitKind, writeEmitted } from "./emit.ts";
import { writeOutput } from "./files.ts";

interface CompileCommandOptions extends CommonOptions {
  readonly output?: string;
  readonly header?: string;
  readonly prefix?: string;
  readonly hostAbi: HostAbi;
  readonly wasi: "host" | "builtin";
  readonly emit?: EmitKind;
}

export function registerCompile(program: Command): void {
  const command = program
    .command("compile")
    .description("compile a component or a core module to a relocatable ELF object that a C program links")
    .argument("<input>", "component or core module (.wasm)")
    .option("-o, --output <file>", "where to write the object; default: the input's name with .o")
    .option("--header <file>", "also write the C header")
    .option("--prefix <name>", "prefix of every global symbol; default: the input's name")
    .addOption(
      new Option("--host-abi <abi>", "how host functions are called").choices(["dynamic", "flat"]).default("dynamic"),
    )
    .addOption(
      new Option("--wasi <who>", "who implements wasi:* imports: the host, or the built-in WASI")
        .choices(["host", "builtin"])
        .default("host"),
    );
  addEmitOption(command, "obj");
  addCommonOptions(command);
  command.action((input: string, options: CompileCommandOptions) =>
    guarded(input, async () => {
      const result = await compileFile({
        input,
        output: "object",
        common: options,
        hostAbi: options.hostAbi,
        builtinWasi: options.wasi === "builtin",
        prefix: options.prefix,
        emit: options.emit === "plan" || options.emit === "ir" || options.emit === "asm" ? options.emit : undefined,
      });
      if (writeEmitted(options.emit, result, options.output)) return 0;
      writeOutput(options.output ?? `${nameOfInput(input)}.o`, result.bytes);
      if (options.header !== undefined) writeOutput(options.header, result.header);
      return 0;
    }),
  );
}
