/** Makes a failing module smaller, as long as it stays valid and goes on failing. */

import { engineAccepts } from "./engine.ts";
import { constant } from "./constants.ts";
import { DanglingReference, encodeForEngine } from "./encode.ts";
import type { Call, Generated } from "./generate.ts";
import { Random } from "./random.ts";
import { type Expr, type FuncTree, type ModuleTree, ON_STACK } from "./tree.ts";

/** Whether a candidate still fails. */
export type Fails = (candidate: Generated) => Promise<boolean>;

const zero = new Random(0);

/** Lists of expressions in the tree: bodies, and operands. */
function* lists(tree: ModuleTree): Generator<Expr[]> {
  const inside = function* (list: Expr[]): Generator<Expr[]> {
    yield list;
    for (const expr of list) {
      if (expr.kids.length > 0) yield* inside(expr.kids);
      for (const body of expr.bodies ?? []) yield* inside(body);
    }
  };
  for (const func of tree.functions) yield* inside(func.body);
}

class Reducer {
  readonly #fails: Fails;
  readonly #tree: ModuleTree;
  readonly #deadline: number;
  #calls: readonly Call[];
  tried = 0;

  constructor({ tree, calls }: Generated, fails: Fails, deadline: number) {
    this.#tree = tree;
    this.#calls = calls;
    this.#fails = fails;
    this.#deadline = deadline;
  }

  get result(): Generated {
    return { tree: this.#tree, calls: this.#calls };
  }

  get #late(): boolean {
    return performance.now() > this.#deadline;
  }

  /** Keeps a change when the module still fails; else undoes it. */
  async #attempt(change: () => () => void): Promise<boolean> {
    if (this.#late) return false;
    const undo = change();
    let keep = false;
    try {
      if (engineAccepts(encodeForEngine(this.#tree, { watched: [] }))) {
        this.tried++;
        keep = await this.#fails(this.result);
      }
    } catch (error) {
      if (!(error instanceof DanglingReference)) throw error;
    }
    if (!keep) undo();
    return keep;
  }

  async run(): Promise<void> {
    for (let round = 0; round < 6 && !this.#late; round++) {
      let changed = await this.#reduceCalls();
      changed = (await this.#emptyFunctions()) || changed;
      changed = (await this.#expressions()) || changed;
      changed = (await this.#removeParts()) || changed;
      if (!changed) return;
    }
  }

  async #reduceCalls(): Promise<boolean> {
    let changed = false;
    for (let i = this.#calls.length - 1; i >= 0; i--) {
      const before = this.#calls;
      const shorter = before.filter((_, k) => k !== i);
      changed =
        (await this.#attempt(() => {
          this.#calls = shorter;
          return () => {
            this.#calls = before;
          };
        })) || changed;
    }
    return changed;
  }

  #replaceBody(func: FuncTree, body: Expr[]): Promise<boolean> {
    const before = func.body;
    return this.#attempt(() => {
      func.body = body;
      return () => {
        func.body = before;
      };
    });
  }

  async #emptyFunctions(): Promise<boolean> {
    let changed = false;
    for (const func of this.#tree.functions) {
      if (func.body.length <= func.results.length && func.body.every((e) => e.kids.length === 0)) continue;
      const empty = Array.from(func.results, (t) => constant(zero, t, 0n));
      changed = (await this.#replaceBody(func, empty)) || changed;
    }
    return changed;
  }

  async #expressions(): Promise<boolean> {
    let changed = false;
    // From large to small: what is gone is not looked at again.
    const all = [...lists(this.#tree)];
    for (const list of all) {
      for (let i = list.length - 1; i >= 0 && !this.#late; i--) {
        const expr = list[i];
        if (expr === undefined || expr.code === ON_STACK) continue;
        for (const candidate of candidates(expr)) {
          const kept = await this.#attempt(() => {
            list.splice(i, 1, ...candidate);
            return () => list.splice(i, candidate.length, expr);
          });
          if (!kept) continue;
          changed = true;
          break;
        }
      }
    }
    return changed;
  }

  async #removeParts(): Promise<boolean> {
    const tree = this.#tree;
    let changed = false;
    if (tree.start !== undefined) {
      const before = tree.start;
      changed = await this.#attempt(() => {
        tree.start = undefined;
        return () => {
          tree.start = before;
        };
      });
    }
    changed = (await this.#shorten(tree.exports)) || changed;
    changed = (await this.#shorten(tree.globals)) || changed;
    changed = (await this.#shorten(tree.tables)) || changed;
    changed = (await this.#shorten(tree.memories)) || changed;
    changed = (await this.#shorten(tree.data)) || changed;
    changed = (await this.#shorten(tree.elements)) || changed;
    for (const element of tree.elements) changed = (await this.#shorten(element.items)) || changed;
    changed = (await this.#shorten(tree.functions)) || changed;
    for (const func of tree.functions) {
      while (func.locals !== "" && !this.#late) {
        const before = func.locals;
        const kept = await this.#attempt(() => {
          func.locals = before.slice(0, -1);
          return () => {
            func.locals = before;
          };
        });
        if (!kept) break;
        changed = true;
      }
    }
    return changed;
  }

  /** Takes items out, from the end. */
  async #shorten<T>(list: T[]): Promise<boolean> {
    let changed = false;
    for (let i = list.length - 1; i >= 0; i--) {
      const item = list[i];
      if (item === undefined) continue;
      const kept = await this.#attempt(() => {
        list.splice(i, 1);
        return () => list.splice(i, 0, item);
      });
      changed = kept || changed;
    }
    return changed;
  }
}

/** What an expression may become, the smallest first. */
function* candidates(expr: Expr): Generator<readonly Expr[]> {
  const { results, kids, bodies } = expr;
  if (results === "") yield [];
  else if (kids.length > 0 || bodies !== undefined) yield Array.from(results, (t) => constant(zero, t, 0n));
  for (const kid of kids) if (kid.results === results) yield [kid];
  for (const body of bodies ?? []) yield body;
  if (results === "")
    for (const kid of kids)
      if (kid.results.length === 1) yield [{ code: 0x1a, results: "", kids: [kid], immediates: [] }];
}

/** The smallest module that was found in the time, and how many were tried. Changes the tree. */
export async function reduce(
  generated: Generated,
  fails: Fails,
  milliseconds: number,
): Promise<{ readonly reduced: Generated; readonly tried: number }> {
  const reducer = new Reducer(generated, fails, performance.now() + milliseconds);
  await reducer.run();
  return { reduced: reducer.result, tried: reducer.tried };
}
