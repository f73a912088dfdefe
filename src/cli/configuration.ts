/** Capabilities of an executable as settings of the built-in WASI: what `--dir`, `--env` and `--inherit-env` mean to the built-in WASI. */

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
  return text;
}

/** As variables of a process that runs the executable; `runtime/config.ts` reads them. */
export function configurationVariables(capabilities: Capabilities): Record<string, string> {
  const out: Record<string, string> = {};
  const dirs = (capabilities.dir ?? []).map(checkDir);
  const env = (capabilities.env ?? []).map(checkEnv);
  if (dirs.length > 0) out["WINDLASS_DIR"] = dirs.join("\n");
  for (const text of env) {
    const at = text.indexOf("=");
    out[`WINDLASS_ENV_${text.slice(0, at)}`] = text.slice(at + 1);
  }
  if (capabilities.inheritEnv === true) out["WINDLASS_INHERIT_ENV"] = "1";
  return out;
}

/** As settings that are fixed in an executable, each `NAME=value`. */
export function configurationSettings(capabilities: Capabilities): readonly string[] {
  return Object.entries(configurationVariables(capabilities)).map(([name, value]) => `${name}=${value}`);
}
