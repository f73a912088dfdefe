/** Signatures of functions between two components: random ones, and a few that have every check between them. */

import type { Instance, Resource, Type } from "./model.ts";
import { flattenType } from "./model.ts";
import { ENCODINGS, footprint, type Random, randomType } from "./random.ts";
import type { Signature } from "./wat.ts";

/** Resource types, in the order of their numbers in the plan. Who implements `r` differs from case to case. */
export class ResourceType implements Resource {
  readonly name: string;
  impl: Instance | undefined;
  constructor(name: string) {
    this.name = name;
  }
}
export const Q = new ResourceType("q");
export const R = new ResourceType("r");
export const RESOURCES: readonly ResourceType[] = [Q, R];

export type Pointers = Pick<Signature, "lowerPtr" | "liftPtr">;

/** `handles`: percent of leaves that are handles. */
export function randomSignature(r: Random, handles: number, pointers: Pointers): Signature {
  const type = (isParam: boolean): Type => {
    for (;;) {
      const leaf = (): Type | undefined => {
        if (!r.chance(handles)) return undefined;
        return { k: isParam && r.chance(50) ? "borrow" : "own", resource: r.pick(RESOURCES) };
      };
      const t = randomType(r, r.below(6), leaf);
      if (footprint(t) < 600 && flattenType(t, "i32").length < 400) return t;
    }
  };
  const asyncLift = r.chance(20);
  return {
    params: r.list(r.chance(10) ? 8 : r.below(4), () => type(true)),
    result: r.chance(25) ? undefined : type(false),
    lower: r.pick(ENCODINGS),
    lift: r.pick(ENCODINGS),
    ...pointers,
    asyncLower: r.chance(20),
    asyncLift,
    callback: asyncLift && r.chance(50),
    syncTask: r.chance(20),
    postReturn: !asyncLift && r.chance(30),
  };
}

/** Functions that between them have every check: few and small, so that calls of them often come upon what is rare in random ones. */
export function denseSignatures(pointers: Pointers): readonly Signature[] {
  const sync = { asyncLower: false, asyncLift: false, callback: false, syncTask: false, postReturn: true } as const;
  const utf8 = { ...sync, ...pointers, lower: "utf8", lift: "utf8" } as const;
  const string: Type = { k: "string" };
  const list = (of: Type, length?: number): Type => ({ k: "list", of, length });
  const many = (count: number, k: "u16" | "u64"): Type => ({ k: "tuple", fields: new Array<Type>(count).fill({ k }) });
  const own = (resource: ResourceType): Type => ({ k: "own", resource });
  const borrow = (resource: ResourceType): Type => ({ k: "borrow", resource });
  const texts = ENCODINGS.flatMap((lower) =>
    ENCODINGS.map(
      (lift): Signature => ({ ...utf8, params: [string, list({ k: "char" })], result: string, lower, lift }),
    ),
  );
  const others: readonly (readonly [readonly Type[], Type | undefined])[] = [
    [[{ k: "char" }, { k: "bool" }, { k: "s8" }, { k: "s16" }, { k: "flags", count: 5 }], { k: "char" }],
    [[list({ k: "u64" }), { k: "option", of: list({ k: "u16" }) }], list({ k: "bool" })],
    [[many(17, "u64")], many(17, "u16")],
    [[borrow(R), own(R)], own(Q)],
    [[borrow(Q), own(R), { k: "enum", count: 3 }], list(own(R), 2)],
    // A callee that gets its parameters in memory keeps what it borrows.
    [[borrow(Q), many(17, "u64")], undefined],
    [[borrow(Q), string], { k: "result", ok: own(R), err: { k: "u8" } }],
  ];
  const rest = others.map(([params, result]): Signature => ({ ...utf8, params, result }));
  const isAsync = [
    { asyncLower: false, asyncLift: true, callback: true, syncTask: false },
    { asyncLower: true, asyncLift: true, callback: false, syncTask: false },
    { asyncLower: false, asyncLift: true, callback: false, syncTask: true },
  ].flatMap((how) => rest.slice(-2).map((s): Signature => ({ ...s, ...how, postReturn: false })));
  return [...texts, ...rest, ...isAsync];
}

export const BOTH_32: Pointers = { lowerPtr: "i32", liftPtr: "i32" };
/** 32-bit memories most of the time. */
export const POINTERS: readonly Pointers[] = [
  BOTH_32,
  { lowerPtr: "i64", liftPtr: "i32" },
  BOTH_32,
  { lowerPtr: "i32", liftPtr: "i64" },
  { lowerPtr: "i64", liftPtr: "i64" },
];
