/**
 * Adapters with one check, mask, extension, note of what happens (a store into tables and states) or call left out. A site is a place in the compiler's source that emits one, with the places that it is
 * called from: a check of alignment is emitted in one place for strings, lists, spilled values and results of `realloc`. Sites are found by
 * compiling components, so that a new check is a new site.
 */

import { IrAbiEmitter } from "../../src/frontend/adapters-emitter.ts";
import { Emitter } from "../../src/frontend/structured.ts";
import type { Func, FuncSymbol, Value } from "../../src/ir/function.ts";
import type { Signature } from "../../src/ir/types.ts";
import { TRAP_NAMES } from "../../src/layout/traps.ts";

/** Files whose checks are the Canonical ABI's. */
const FILES =
  /src\/((?:abi\/(?:checks|strings|transcode|transfer|values)|frontend\/(?:adapters-build|adapters-context|handles|task-builtins|task-return|tasks|trampolines))\.ts:\d+)/;
/** What passes a check on from there to where it is intercepted. */
const PASSES_ON = /(?:adapters-emitter|structured|mutations)\.ts/;
/** Frames that tell sites apart. */
const FRAMES = 3;

const { trap, trapIf, trapUnless, store, call, finish } = Emitter.prototype;
const { andImm, neImm, signExtend } = IrAbiEmitter.prototype;

function placesOfStack(): string {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = (_, frames) =>
    frames.map((f) => `${f.getFileName()?.slice(-24)}:${f.getLineNumber()}:${f.getColumnNumber()}`).join(" ");
  try {
    return new Error("site").stack ?? "";
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}

function framesOfStack(): string {
  const frames: string[] = [];
  for (const line of (new Error("site").stack ?? "").split("\n").slice(1)) {
    const found = FILES.exec(line)?.[1];
    if (found !== undefined) frames.push(found);
    else if (frames.length > 0 || !PASSES_ON.test(line)) break;
    if (frames.length === FRAMES) break;
  }
  // A built-in that stands for itself, `resource.drop` for example, is no part of an adapter, but `task.return` is; nor is the run-time support
  // for handles.
  const last = frames.at(-1);
  if (last === undefined || last.includes("trampolines.ts")) return "";
  if (last.includes("task-builtins.ts") && !frames.some((frame) => frame.includes("task-return.ts"))) return "";
  if (frames.length > 1 && frames.every((frame) => frame.includes("handles.ts"))) return "";
  return frames.join(" in ");
}

function restore(): void {
  Object.assign(Emitter.prototype, { trap, trapIf, trapUnless, store, call, finish });
  Object.assign(IrAbiEmitter.prototype, { andImm, neImm, signExtend });
}

/** Masks of flags of all widths are one site. */
function siteClass(site: string): string {
  return site.replace(/^mask 0x(?!(?:ff|ffff),)[0-9a-f]+/, "mask of flags");
}

/** Knows sites by the places of stacks: a stack with its source map applied costs a hundred times as much. */
export class Mutations {
  readonly #known = new Map<string, string>();

  #siteOf(what: string): string | undefined {
    const key = placesOfStack();
    let frames = this.#known.get(key);
    if (frames === undefined) {
      frames = framesOfStack();
      this.#known.set(key, frames);
    }
    return frames === "" ? undefined : `${what}, ${frames}`;
  }

  /** Runs `body` with what is emitted at a site left out if `leavesOut` says so. */
  #intercepting<T>(leavesOut: (site: string) => boolean, body: () => T): T {
    const siteOf = (what: string): string | undefined => this.#siteOf(what);
    const skips = (what: string): boolean => {
      const site = siteOf(what);
      return site !== undefined && leavesOut(siteClass(site));
    };
    const nameOf = (code: number): string => `check of ${TRAP_NAMES[code]}`;
    Emitter.prototype.trapIf = function (this: Emitter, condition: Value, code: number): void {
      if (!skips(nameOf(code))) trapIf.call(this, condition, code);
    };
    Emitter.prototype.trapUnless = function (this: Emitter, condition: Value, code: number): void {
      if (!skips(nameOf(code))) trapUnless.call(this, condition, code);
    };
    Emitter.prototype.trap = function (this: Emitter, code: number): void {
      if (!skips(nameOf(code))) trap.call(this, code);
    };
    // A `task.return` that nobody waits for is a trap and nothing else.
    Emitter.prototype.finish = function (this: Emitter): Func {
      if (this.open) this.return();
      return finish.call(this);
    };
    // What is remembered of handles, tasks and instances; values are stored through another interface.
    Emitter.prototype.store = function (
      this: Emitter,
      base: Value,
      offset: number,
      value: Value,
      region?: number,
    ): void {
      const remembers = siteOf("note")?.startsWith("note, frontend/") === true;
      if (!remembers || !skips("note")) store.call(this, base, offset, value, region);
    };
    // `post-return` is the one call without a result that an adapter makes itself.
    Emitter.prototype.call = function (
      this: Emitter,
      symbol: FuncSymbol,
      signature: Signature,
      args: readonly Value[],
    ): readonly Value[] {
      const site = signature.results.length === 0 ? siteOf("call") : undefined;
      if (site?.startsWith("call, frontend/adapters-build") === true && skips("call")) return [];
      return call.call(this, symbol, signature, args);
    };
    // What normalizes values; the same methods compute conditions elsewhere.
    const normalizes = (what: string): boolean => /values\.ts/.test(siteOf(what) ?? "") && skips(what);
    IrAbiEmitter.prototype.andImm = function (this: IrAbiEmitter, a: Value, constant: number): Value {
      return normalizes(`mask 0x${(constant >>> 0).toString(16)}`) ? a : andImm.call(this, a, constant);
    };
    IrAbiEmitter.prototype.neImm = function (this: IrAbiEmitter, a: Value, constant: number): Value {
      return normalizes("normalization of bool") ? a : neImm.call(this, a, constant);
    };
    IrAbiEmitter.prototype.signExtend = function (this: IrAbiEmitter, bits: 8 | 16, a: Value): Value {
      return normalizes(`sign of ${bits} bits`) ? a : signExtend.call(this, bits, a);
    };
    try {
      return body();
    } finally {
      restore();
    }
  }

  /** What `body` gives, and the sites that it emits. */
  withSites<T>(body: () => T): { readonly result: T; readonly sites: ReadonlySet<string> } {
    const sites = new Set<string>();
    const result = this.#intercepting((site) => {
      sites.add(site);
      return false;
    }, body);
    return { result, sites };
  }

  /** Runs `body` without what is emitted at `site`. */
  without<T>(site: string, body: () => T): T {
    return this.#intercepting((found) => found === site, body);
  }
}
