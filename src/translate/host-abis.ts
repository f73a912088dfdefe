/** Which host ABI an import has: one for all, and exceptions by names that a user writes, with or without a version. */

import { WindlassError } from "../base/diagnostics.ts";
import type { Component, HostAbi } from "../plan/component.ts";

/** Names of an import, from the most exact: `acme:log/types@1.0.0 write`, `acme:log/types write`, `acme:log/types@1.0.0`, `acme:log/types`. */
function namesOf(path: readonly string[]): readonly string[] {
  const [name = "", ...rest] = path;
  const [unversioned = name] = name.split("@");
  return [path.join(" "), [unversioned, ...rest].join(" "), name, unversioned];
}

export function hostAbiOf(
  all: HostAbi,
  exceptions: ReadonlyMap<string, HostAbi> = new Map(),
): (path: readonly string[]) => HostAbi {
  return (path) => {
    const name = namesOf(path).find((n) => exceptions.has(n));
    return (name === undefined ? undefined : exceptions.get(name)) ?? all;
  };
}

/** Throws a `usage` error for an exception that is none: no function that the component calls has the name. */
export function checkHostAbis(
  component: Component,
  exceptions: readonly (readonly [name: string, abi: HostAbi])[],
): void {
  const called = component.lowerings.values().flatMap(({ callee, import: from }) => {
    return callee.kind === "host" ? [component.imports.get(from).path] : [];
  });
  const known = new Set(called.flatMap(namesOf));
  for (const [name] of exceptions) {
    if (known.has(name)) continue;
    const names = [...new Set(called.map(([first = ""]) => first))].sort();
    const notes = [
      names.length === 0 ? "it calls no function of the host" : `it calls functions of ${names.join(", ")}`,
    ];
    throw new WindlassError({
      kind: "usage",
      message: `a host ABI for ${JSON.stringify(name)}: the component calls no such import`,
      notes,
    });
  }
}

/** The same for a core module, whose functions are C functions of core types whatever the ABI: there is nothing to choose, nor values to describe. */
export function checkCoreHostAbis(all: HostAbi, exceptions: readonly (readonly [name: string, abi: HostAbi])[]): void {
  const [exception] = exceptions;
  if (exception === undefined && all !== "dynamic") return;
  const what = exception === undefined ? all : exception.join("=");
  throw new WindlassError({
    kind: "usage",
    message: `--host-abi ${what}: the functions of a core module are C functions of core types`,
    notes: ["a host ABI is chosen for components"],
  });
}
