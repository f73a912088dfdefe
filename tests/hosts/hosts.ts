/**
 * C hosts for tests: components become objects and headers in a folder, programs of `programs/` are linked with them and run.
 *
 * Everything of one test file goes into one folder, and each object is made once.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { sniff } from "../../src/component/decode.ts";
import type { CompileOptions, CompileResult } from "../../src/driver/compile.ts";
import type { HostAbi } from "../../src/plan/component.ts";
import { compile } from "../support/sandbox.ts";
import { findTool, runTool } from "../support/tools.ts";
import { ROOT, runProcess, type ProcessOptions, type ProcessResult, sharedComponent } from "../support/windlass.ts";
import { assemble } from "../support/wat.ts";

const HERE = join(ROOT, "tests/hosts");
export const PROGRAMS = join(HERE, "programs");
export const WARNINGS: readonly string[] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/** Why no host can be built and run here, or `false`: for the `skip` of a test. */
export const noHost: string | false =
  process.platform !== "linux" || process.arch !== "x64"
    ? "runs x86-64 Linux programs"
    : findTool("cc") === undefined
      ? "oracle not found: cc"
      : false;

/** Why one of these programs, or a C compiler, can't be used; or `false`. */
export function without(...tools: readonly string[]): string | false {
  const missing = tools.filter((name) => findTool(name) === undefined);
  if (noHost !== false) return noHost;
  return missing.length === 0 ? false : `oracle not found: ${missing.join(", ")}`;
}

/** The component of `components/<name>.wat`, or of `examples/<name>/<name>.wasm`. */
export async function ownComponent(name: string): Promise<Uint8Array> {
  if (name === "greeter") return readFileSync(join(ROOT, "examples/greeter/greeter.wasm"));
  return assemble(readFileSync(join(HERE, `components/${name}.wat`), "utf8"));
}

/** A component that is kept beside the checkout, or `undefined`. */
export function otherComponent(name: string): Uint8Array | undefined {
  const path = sharedComponent(name);
  return path === undefined ? undefined : readFileSync(path);
}

export interface ProgramOptions {
  /** File names in `programs/`, or paths. The language is that of the first. */
  readonly sources: readonly string[];
  /** Keys given to `object`; each header can be included by its name. */
  readonly objects: readonly string[];
  readonly flags?: readonly string[];
  readonly compiler?: string;
  /** C sources are compiled as C++. */
  readonly asCpp?: boolean;
}

/** The host ABI that most tests want; core modules have one of their own. */
export function abiOf(bytes: Uint8Array): HostAbi {
  return sniff(bytes) === "module" ? "flat" : "dynamic";
}

export class Hosts {
  readonly folder: string;
  readonly #objects = new Map<string, Promise<CompileResult>>();
  readonly #paths = new Map<string, string>();
  #programs = 0;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "windlass-hosts-"));
    after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** Compiles to `<key>/<name>.o` and `<key>/<name>.h`, whose prefix is `name`; once per key. */
  object(key: string, bytes: Uint8Array, options: Partial<CompileOptions> = {}): Promise<CompileResult> {
    let known = this.#objects.get(key);
    if (known === undefined) {
      known = this.#compile(key, bytes, options);
      this.#objects.set(key, known);
    }
    return known;
  }

  async #compile(key: string, bytes: Uint8Array, options: Partial<CompileOptions>): Promise<CompileResult> {
    const name = options.name ?? key;
    const result = await compile(bytes, { output: "object", hostAbi: abiOf(bytes), verify: true, ...options, name });
    mkdirSync(join(this.folder, key));
    writeFileSync(join(this.folder, key, `${name}.o`), result.bytes);
    writeFileSync(join(this.folder, key, `${name}.h`), result.header);
    this.#paths.set(key, join(this.folder, key, `${name}.o`));
    return result;
  }

  /** The path of an object that was made. */
  path(key: string): string {
    const path = this.#paths.get(key);
    if (path === undefined) throw new Error(`no object ${key}`);
    return path;
  }

  /** Compiles and links without a warning; gives the program's path. */
  program({ sources, objects, flags = [], compiler, asCpp = false }: ProgramOptions): string {
    const isCpp = asCpp || sources[0]?.endsWith(".cpp") === true;
    const out = join(this.folder, `program${this.#programs++}`);
    const args = [isCpp ? "-std=c++17" : "-std=c11", "-g1", "-O1", ...WARNINGS, "-pthread", `-I${PROGRAMS}`];
    args.push(...objects.map((key) => `-I${dirname(this.path(key))}`), ...flags);
    args.push(
      ...(asCpp ? ["-x", "c++"] : []),
      ...sources.map((s) => (s.includes("/") ? s : join(PROGRAMS, s))),
      ...(asCpp ? ["-x", "none"] : []),
      ...objects.map((key) => this.path(key)),
    );
    const said = runTool(
      findTool(compiler ?? (isCpp ? "c++" : "cc")) ?? "",
      [...args, "-Wl,--fatal-warnings", "-o", out],
      this.folder,
    );
    if (said !== "") throw new Error(`the compiler is not silent:\n${said}`);
    return out;
  }

  run(program: string, args: readonly string[] = [], options: ProcessOptions = {}): ProcessResult {
    return runProcess(program, args, { cwd: this.folder, ...options });
  }
}

/** Also what takes longer: `npm run hosts`. */
export const ALL_HOSTS: boolean = process.env["WINDLASS_ALL_HOSTS"] !== undefined;

/** The environment of a program with AddressSanitizer: faults are the object's first. */
export const WATCHED_ENV = { ASAN_OPTIONS: "handle_segv=0:allow_user_segv_handler=1" } as const;

/** Runs a program under valgrind, which says nothing unless something is wrong; then the status is 9. */
export function valgrind(
  hosts: Hosts,
  program: string,
  args: readonly string[] = [],
  options: ProcessOptions = {},
): ProcessResult {
  const own = ["--error-exitcode=9", "--leak-check=full", "-q", program];
  return hosts.run(findTool("valgrind") ?? "", [...own, ...args], options);
}
