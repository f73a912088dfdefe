/** Worlds through the compiler, a C compiler and their hosts, several in one program; what fails is run again by itself. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CompileResult } from "../../src/driver/compile.ts";
import { compile } from "../../tests/support/sandbox.ts";
import type { OptLevel } from "../../src/opt/pipeline.ts";
import { assemble } from "../../tests/support/wat.ts";
import { cppCheck, hostProgram, worldHost } from "./host.ts";
import { worldText } from "./text.ts";
import type { World } from "./world.ts";

const C_FLAGS = ["-std=c11", "-O0", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
const CPP_WARNINGS = ["-Wshadow", "-Wconversion", "-Wold-style-cast", "-Wno-invalid-offsetof"];
const CPP_FLAGS = ["-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", ...CPP_WARNINGS];
const RUN_LIMIT = 60_000;

export interface Tools {
  readonly cc: string;
  /** Looks at the headers as well, if it is there. */
  readonly cxx: string | undefined;
}

interface Built {
  readonly world: World;
  readonly prefix: string;
  readonly host: string;
  readonly result: CompileResult;
}

/** What a world failed with; undefined: nothing. */
export type Outcome = string | undefined;

function said(program: string, args: readonly string[], folder: string): string | undefined {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  return status === 0 ? undefined : `${program}: ${stderr}${stdout}`.slice(0, 4000);
}

function optLevelOf(world: World): OptLevel {
  return world.seed % 3 === 0 ? 0 : 2;
}

export class WorldRunner {
  readonly #tools: Tools;
  readonly #verify: boolean;
  readonly #change: (component: string) => string;

  /** `verify`: the compiler verifies what it makes on the way. `change` puts faults into components, to see that they are noticed. */
  constructor(tools: Tools, verify: boolean, change: (component: string) => string = (text) => text) {
    this.#tools = tools;
    this.#verify = verify;
    this.#change = change;
  }

  async #build(world: World): Promise<Built> {
    const prefix = `w${world.seed}`;
    const bytes = await assemble(this.#change(worldText(world)));
    const result = await compile(bytes, {
      name: prefix,
      output: "object",
      hostAbi: "typed",
      optLevel: optLevelOf(world),
      bounds: world.seed % 4 === 0 ? "explicit" : "guard",
      interruptible: world.seed % 5 === 0,
      verify: this.#verify,
      describes: true,
    });
    return { world, prefix, result, host: worldHost(world, result.component, prefix) };
  }

  /** Gives for each world what it failed with. */
  async run(worlds: readonly World[]): Promise<readonly Outcome[]> {
    const outcomes = new Map<World, Outcome>();
    const built: Built[] = [];
    for (const world of worlds) {
      try {
        built.push(await this.#build(world));
      } catch (error) {
        outcomes.set(world, `compiling: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
    this.#together(built, outcomes);
    return worlds.map((world) => outcomes.get(world));
  }

  #together(built: readonly Built[], outcomes: Map<World, Outcome>): void {
    if (built.length === 0) return;
    const folder = mkdtempSync(join(tmpdir(), "windlass-worlds-"));
    try {
      const program = join(folder, "host");
      for (const { prefix, result } of built) {
        writeFileSync(join(folder, `${prefix}.o`), result.bytes);
        writeFileSync(join(folder, `${prefix}.h`), result.header);
      }
      writeFileSync(join(folder, "host.c"), hostProgram(built));
      const objects = built.map(({ prefix }) => `${prefix}.o`);
      let problem = said(this.#tools.cc, [...C_FLAGS, "host.c", ...objects, "-o", program], folder);
      if (problem === undefined && this.#tools.cxx !== undefined) {
        const checks = built.map(({ prefix, result: { component } }) => ({ prefix, component }));
        writeFileSync(join(folder, "check.cpp"), cppCheck(checks));
        problem = said(this.#tools.cxx, [...CPP_FLAGS, "check.cpp"], folder);
      }
      if (problem === undefined) this.#execute(program, built, outcomes);
      else if (built.length === 1) outcomes.set(at(built, 0).world, problem);
      else for (const one of built) this.#together([one], outcomes);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #execute(program: string, built: readonly Built[], outcomes: Map<World, Outcome>): void {
    for (let first = 0; first < built.length; ) {
      const { stdout, stderr, status, signal } = spawnSync(program, [String(first)], {
        encoding: "utf8",
        timeout: RUN_LIMIT,
      });
      let current = first;
      for (const line of stdout.split("\n")) {
        const begun = /^begin (\d+)$/.exec(line);
        if (begun !== null) current = Number(begun[1]);
        else if (line.startsWith("failed ")) outcomes.set(at(built, current).world, line);
      }
      if (status === 0) return;
      const how = signal ?? `status ${status}`;
      outcomes.set(
        at(built, current).world,
        `the host ends with ${how}: ${stdout.split("\n").slice(-3).join(" ")}${stderr}`,
      );
      first = current + 1;
    }
  }
}

function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) throw new Error(`nothing at ${i}`);
  return item;
}
