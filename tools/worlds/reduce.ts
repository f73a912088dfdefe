/** Smaller worlds that fail in the same way: with fewer functions, fewer parameters, simpler types. */

import type { Type } from "../../tests/abi-model/model.ts";
import type { World, WorldFunction } from "./world.ts";

/** Types to try in the place of one, simplest first. */
function simpler(t: Type): readonly Type[] {
  const some = (list: readonly (Type | undefined)[]): Type[] => list.flatMap((x) => (x === undefined ? [] : [x]));
  switch (t.k) {
    case "list":
      return [t.of, ...simpler(t.of).map((of): Type => ({ ...t, of }))];
    case "option":
      return [t.of, ...simpler(t.of).map((of): Type => ({ ...t, of }))];
    case "map":
      return [t.key, t.value, ...simpler(t.value).map((value): Type => ({ ...t, value }))];
    case "tuple":
      return [
        ...t.fields,
        ...(t.fields.length > 1
          ? t.fields.map((_, i): Type => ({ ...t, fields: t.fields.filter((_f, k) => k !== i) }))
          : []),
        ...t.fields.flatMap((f, i) => simpler(f).map((s): Type => ({ ...t, fields: t.fields.with(i, s) }))),
      ];
    case "record":
      // Its labels are those of the type as it was.
      return [...t.fields, { k: "tuple", fields: t.fields }];
    case "variant":
      return [...some(t.cases)];
    case "result":
      return [
        ...some([t.ok, t.err]),
        ...some([t.ok])
          .flatMap(simpler)
          .map((ok): Type => ({ ...t, ok })),
      ];
    case "own":
    case "borrow":
    case "bool":
      return [];
    default:
      return [{ k: "bool" }];
  }
}

function* smallerFunctions(f: WorldFunction): Iterable<WorldFunction> {
  const isMethod = /^\[(method|static)\]/.test(`${f.importName}${f.exportName}`);
  if (f.echo === undefined && f.result !== undefined) yield { ...f, result: undefined };
  for (let i = f.params.length - 1; i >= (isMethod ? 1 : 0); i--) {
    if (i === f.echo) continue;
    const echo = f.echo !== undefined && f.echo > i ? f.echo - 1 : f.echo;
    yield { ...f, params: f.params.filter((_, k) => k !== i), echo };
  }
  for (const [i, p] of f.params.entries()) {
    if (isMethod && i === 0) continue;
    for (const type of simpler(p.type)) {
      const params = f.params.with(i, { ...p, type });
      yield i === f.echo ? { ...f, params, result: type } : { ...f, params };
    }
  }
  if (f.echo === undefined && f.result !== undefined) {
    for (const result of simpler(f.result)) yield { ...f, result };
  }
  if (f.encoding !== "utf8") yield { ...f, encoding: "utf8" };
  if (f.postReturn) yield { ...f, postReturn: false };
}

function* smaller(world: World): Iterable<World> {
  const { functions } = world;
  if (functions.length > 1) {
    for (let i = functions.length - 1; i >= 0; i--) yield { ...world, functions: functions.filter((_, k) => k !== i) };
  }
  for (const [i, f] of functions.entries()) {
    for (const less of smallerFunctions(f)) yield { ...world, functions: functions.with(i, less) };
  }
  if (world.ptr === "i64") yield { ...world, ptr: "i32" };
}

/** The smallest world that was found in `milliseconds` and for which `fails` holds, as it does for `world`. */
export async function reduceWorld(
  world: World,
  fails: (candidate: World) => Promise<boolean>,
  milliseconds: number,
): Promise<{ readonly reduced: World; readonly tried: number }> {
  const end = performance.now() + milliseconds;
  let reduced = world;
  let tried = 0;
  for (let progress = true; progress; ) {
    progress = false;
    for (const candidate of smaller(reduced)) {
      if (performance.now() > end) return { reduced, tried };
      tried++;
      if (!(await fails(candidate))) continue;
      reduced = candidate;
      progress = true;
      break;
    }
  }
  return { reduced, tried };
}
