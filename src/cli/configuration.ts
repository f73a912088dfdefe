/** Capabilities of an executable as its configuration text: what `--dir`, `--env` and `--inherit-env` mean to the built-in WASI. */

import { usageError } from "./errors.ts";

export interface Capabilities {
  readonly dir?: readonly string[];
  readonly env?: readonly string[];
  readonly inheritEnv?: boolean;
}

/** `HOST::GUEST`, or `PATH` for the same path on both sides. Throws a usage error. */
function checkDir(text: string): string {
  const parts = text.split("::");
  const [host = "", guest = host] = parts;
  if (parts.length > 2 || host === "" || guest === "") throw usageError(`--dir ${text}: expected HOST::GUEST`);
  if (/[\0\n]/.test(text)) throw usageError(`--dir ${JSON.stringify(text)}: has a character that can't be passed on`);
  return `${host}::${guest}`;
}

function checkEnv(text: string): string {
  if (!/^[^=\0\n]+=/.test(text) || text.includes("\0")) throw usageError(`--env ${text}: expected KEY=VALUE`);
  if (text.includes("\n")) throw usageError(`--env ${JSON.stringify(text)}: a value can't hold a line break`);
  return text;
}

/** One setting a line: `dir HOST::GUEST`, `env KEY=VALUE`, `inherit-env`. */
export function configurationText(capabilities: Capabilities): string {
  return [
    ...(capabilities.dir ?? []).map((d) => `dir ${checkDir(d)}\n`),
    ...(capabilities.env ?? []).map((e) => `env ${checkEnv(e)}\n`),
    ...(capabilities.inheritEnv === true ? ["inherit-env\n"] : []),
  ].join("");
}

/** The same as variables of a process that runs the executable. */
export function configurationVariables(capabilities: Capabilities): Record<string, string> {
  const out: Record<string, string> = {};
  const dirs = (capabilities.dir ?? []).map(checkDir);
  const env = (capabilities.env ?? []).map(checkEnv);
  if (dirs.length > 0) out["WINDLASS_DIR"] = dirs.join("\n");
  if (env.length > 0) out["WINDLASS_ENV"] = env.join("\n");
  if (capabilities.inheritEnv === true) out["WINDLASS_INHERIT_ENV"] = "1";
  return out;
}
