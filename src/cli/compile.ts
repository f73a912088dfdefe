/** `windlass compile`: a component becomes one relocatable ELF object and, on request, its C header. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { cPrefix } from "../driver/compile.ts";
import type { HostAbi } from "../plan/component.ts";
import { addCommonOptions, type CommonOptions, collect, compileFile, guarded, nameOfInput } from "./common.ts";
import { configurationSettings } from "./configuration.ts";
import { usageError } from "./errors.ts";
import { addEmitOption, type EmitKind, emittedText, writeEmitted } from "./emit.ts";
import { writeOutput } from "./files.ts";

interface CompileCommandOptions extends CommonOptions {
  readonly output?: string;
  readonly header?: string;
  readonly prefix?: string;
  readonly hostAbi: HostAbiOption;
  readonly wasi: "host" | "builtin";
  readonly dir?: readonly string[];
  readonly env?: readonly string[];
  readonly interruptible?: boolean;
  readonly describe?: boolean;
  readonly soname?: string;
  readonly traps: "guard" | "explicit";
  readonly emit?: EmitKind;
}

interface HostAbiOption {
  readonly all: HostAbi;
  readonly imports: readonly (readonly [name: string, abi: HostAbi])[];
}

const HOST_ABIS: readonly HostAbi[] = ["typed", "dynamic", "flat"];
const DEFAULT_HOST_ABI: HostAbiOption = { all: "typed", imports: [] };

/** `flat`, or `acme:log/types=flat` for one import: the last of each counts. */
function parseHostAbi(text: string, previous: HostAbiOption): HostAbiOption {
  const at = text.lastIndexOf("=");
  const abi = HOST_ABIS.find((a) => a === text.slice(at + 1));
  if (abi === undefined || at === 0)
    throw new InvalidArgumentError("it is typed, dynamic or flat, or IMPORT= one of them.");
  return at < 0 ? { ...previous, all: abi } : { ...previous, imports: [...previous.imports, [text.slice(0, at), abi]] };
}

export function registerCompile(program: Command): void {
  const command = program
    .command("compile")
    .description("compile a component or a core module to a relocatable ELF object that a C program links")
    .argument("<input>", "component or core module (.wasm)")
    .option("-o, --output <file>", "where to write the object; default: the input's name with .o or .so")
    .option("--header <file>", "also write the C header")
    .option("--prefix <name>", "prefix of every global symbol; default: the input's name")
    .addOption(
      new Option(
        "--host-abi <abi>",
        "how exports and host functions are called: typed, dynamic or flat; IMPORT=<abi> for the functions of one import, repeatable",
      )
        .default(DEFAULT_HOST_ABI, "typed")
        .argParser(parseHostAbi),
    )
    .addOption(
      new Option("--wasi <who>", "who implements wasi:* imports: the host, or the built-in WASI")
        .choices(["host", "builtin"])
        .default("host"),
    )
    .option("--dir <host::guest>", "grant a directory to the built-in WASI, fixed in the object (repeatable)", collect)
    .option("--env <key=value>", "set an environment variable of the guest, as --dir (repeatable)", collect);
  command.addOption(
    new Option("--traps <how>", "guard: a signal handler may be needed; explicit: none, which takes --bounds explicit")
      .choices(["guard", "explicit"])
      .default("guard"),
  );
  command.option("--interruptible", "the host may stop a guest that runs, from another thread or a signal handler");
  command.option(
    "--describe",
    "the object tells its functions and types at run time and takes calls with any values, for bindings of other languages; takes --host-abi typed",
  );
  addEmitOption(command, "obj", "shared", "header");
  command.option("--soname <name>", "what a shared object is known as; default: the output file's name");
  addCommonOptions(command);
  command.action((input: string, options: CompileCommandOptions) =>
    guarded(input, async () => {
      const output = options.output ?? `${nameOfInput(input)}${options.emit === "shared" ? ".so" : ".o"}`;
      if (options.traps === "explicit" && options.bounds !== "explicit") {
        throw usageError("--traps explicit takes --bounds explicit: guard pages need a signal handler");
      }
      const configuration = configurationSettings(options);
      if (configuration.length > 0 && options.wasi !== "builtin") {
        throw usageError("--dir and --env take --wasi builtin: a host that implements WASI grants what it likes");
      }
      const { prefix } = options;
      if (prefix !== undefined && cPrefix(prefix) !== prefix) {
        throw usageError(
          `--prefix ${prefix}: no C name can begin with it, or C keeps it for itself`,
          `${cPrefix(prefix)} would do`,
        );
      }
      const result = await compileFile({
        input,
        output: "object",
        common: options,
        hostAbi: options.hostAbi.all,
        importAbis: options.hostAbi.imports,
        builtinWasi: options.wasi === "builtin",
        configuration,
        prefix,
        interruptible: options.interruptible === true,
        describes: options.describe === true,
        soname: options.emit === "shared" ? (options.soname ?? output.split("/").pop()) : undefined,
        emit: emittedText(options.emit),
      });
      if (writeEmitted(options.emit, result, options.output)) return 0;
      writeOutput(output, result.bytes);
      if (options.header !== undefined) writeOutput(options.header, result.header);
      return 0;
    }),
  );
}
