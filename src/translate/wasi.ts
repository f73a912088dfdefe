/** Which WASI the built-in one is, and how its functions are found among the exports of the runtime module. */

import { unreachable } from "../base/diagnostics.ts";
import { type ParsedName, parseName, serves, type Version, versionText } from "../component/names.ts";

const V0_2_11: Version = { major: 0, minor: 2, patch: 11, prerelease: "", build: "" };

/** The packages that the built-in WASI offers, and their version: serves every 0.2.y up to it. */
export const WASI_PACKAGES = {
  cli: V0_2_11,
  clocks: V0_2_11,
  filesystem: V0_2_11,
  io: V0_2_11,
  random: V0_2_11,
  sockets: V0_2_11,
} as const satisfies Readonly<Record<string, Version>>;

export type InterfaceName = Extract<ParsedName, { kind: "interface" }>;

/** `wasi:cli@0.2.11, wasi:clocks@0.2.11, …`. */
export function offeredPackages(): string {
  return Object.entries(WASI_PACKAGES)
    .map(([name, version]) => `wasi:${name}@${versionText(version)}`)
    .join(", ");
}

/** The interface that an import's name is, if it is one of WASI's. */
export function wasiInterface(name: string): InterfaceName | undefined {
  if (!name.startsWith("wasi:")) return undefined;
  const parsed = parseName(name);
  return parsed.kind === "interface" ? parsed : undefined;
}

/** Why the built-in WASI does not serve this interface; undefined if it does (unless the interface itself is unknown). */
export function refusal(name: InterfaceName): string | undefined {
  const offered = new Map<string, Version>(Object.entries(WASI_PACKAGES)).get(name.package);
  if (offered === undefined) return `there is no package \`wasi:${name.package}\` in the built-in WASI`;
  if (name.version === undefined) return `it names no version; the built-in WASI offers ${versionText(offered)}`;
  if (!serves(offered, name.version)) {
    return `version ${versionText(name.version)} is not served; the built-in WASI offers ${versionText(offered)}, which serves ${
      offered.major
    }.${offered.minor}.0 to ${versionText(offered)}`;
  }
  return undefined;
}

function mangle(text: string): string {
  return text.replace(/[^0-9A-Za-z]+/g, "_").replace(/^_|_$/g, "");
}

/** `filesystem_types_method_descriptor_stat_at` of `wasi:filesystem/types` and `[method]descriptor.stat-at`. */
export function mangledFunction(name: InterfaceName, func: string): string {
  return mangle(`${name.package}/${name.interface}_${func}`);
}

/** `drop_io_streams_output_stream` of `wasi:io/streams` and `output-stream`. */
export function mangledDestructor(name: InterfaceName, resource: string): string {
  return `drop_${mangledFunction(name, resource)}`;
}

/** `wasi:io/streams/output-stream`: the same in every version. */
export function resourceName(name: InterfaceName, resource: string): string {
  return `${name.namespace}:${name.package}/${name.interface}/${resource}`;
}

/** For messages: `function`, `method` … of a name inside an interface. */
export function describeFunction(name: string): string {
  const parsed = parseName(name);
  switch (parsed.kind) {
    case "fault":
    case "label":
    case "interface":
      return `function \`${name}\``;
    case "constructor":
      return `constructor of \`${parsed.resource}\``;
    case "method":
    case "static":
      return `${parsed.kind === "static" ? "static function" : "method"} \`${parsed.resource}.${parsed.label}\``;
    default:
      return unreachable(parsed);
  }
}
