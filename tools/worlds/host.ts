/**
 * The C host of a world: calls every export, answers every import, and compares what arrives with what was sent. Everything twice: with the functions
 * of the header, and as calls of any values by the description.
 */

import type { Type, Value } from "../../tests/abi-model/model.ts";
import { Random, randomValue } from "../../tests/abi-model/random.ts";
import { layoutAssertions } from "../../tests/hosts/typed-layout.ts";
import type { InterfaceType, TypeFunc } from "../../src/component/types.ts";
import { type Api, describeApi } from "../../src/frontend/api.ts";
import { isByValue } from "../../src/frontend/c-signature.ts";
import type { Component } from "../../src/plan/component.ts";
import { CValues, OBJECTS, PRELUDE, type Side } from "./c-values.ts";
import { REP_METHOD, type Scope, type World, type WorldFunction } from "./world.ts";

/** Calls of each function, with other values. */
const ROUNDS = 3;

function found<T>(item: T | undefined, what: string): T {
  if (item === undefined) throw new Error(`not found: ${what}`);
  return item;
}

const pathOf = ({ name }: Scope, last: string): readonly string[] => (name === undefined ? [last] : [name, last]);
const isPath = (a: readonly string[], b: readonly string[]): boolean => a.join("\0") === b.join("\0");

/** What a function adds: where its host function goes, the call of its test, and how any call gets to its host function. */
interface WorldParts {
  readonly slot: string;
  readonly test: string;
  readonly any: string;
}

class WorldHost {
  readonly lines: string[] = [];
  readonly #world: World;
  readonly #component: Component;
  readonly #api: Api;
  readonly #prefix: string;
  readonly #values: CValues;
  /** Numbers of resources of the guest: no two are the same. */
  #reps = 1000;

  constructor(world: World, component: Component, prefix: string) {
    this.#world = world;
    this.#component = component;
    this.#prefix = prefix;
    this.#api = describeApi(component, prefix, () => true, "typed");
    this.#values = new CValues(world, component, this.#api.types, prefix);
  }

  #exportName(scope: number, name: string): string {
    const path = pathOf(found(this.#world.exports[scope], "a scope"), name);
    const item = found(
      this.#api.exports.find((e) => isPath(e.path, path)),
      path.join(" "),
    );
    return `${this.#prefix}_${item.name}`;
  }

  #exportType(f: WorldFunction): TypeFunc {
    const path = pathOf(found(this.#world.exports[f.exportScope], "a scope"), f.exportName);
    const item = found(
      this.#api.exports.find((e) => isPath(e.path, path)),
      path.join(" "),
    );
    return this.#component.types.func(item.lifted.type);
  }

  /** Functions around handles of the guest's resources. */
  #resources(): void {
    const p = this.#prefix;
    this.#world.guestResources.forEach(({ name, scope }, i) => {
      const type = found(
        this.#component.types.func(
          found(
            this.#api.exports.find((e) =>
              isPath(e.path, pathOf(found(this.#world.exports[scope], "a scope"), `[constructor]${name}`)),
            ),
            name,
          ).lifted.type,
        ).result,
        "a constructor's result",
      );
      const c = this.#api.types.write(type);
      this.lines.push(
        `static ${c} ${p}_make${i}(${p}_t *w, uint32_t rep) {
  ${c} made = {0};
  if (${this.#exportName(scope, `[constructor]${name}`)}(w, rep, &made) != WINDLASS_OK) abort();
  sent(made.handle, rep);
  return made;
}
static int ${p}_is${i}(${c} before, ${c} now) {
  uint32_t rep = 0;
  if (${this.#exportName(scope, `[method]${name}.${REP_METHOD}`)}(${p}_now, now, &rep) != WINDLASS_OK) return 0;
  return rep == sent_as(before.handle);
}`,
      );
    });
  }

  #random(r: Random, t: Type): Value {
    return randomValue(r, t, (h) => {
      const isHost = "resource" in h && this.#world.hostResources.some((x) => x.resource === h.resource);
      return isHost ? r.below(OBJECTS) : this.#reps++;
    });
  }

  /** Declares a value of one side. */
  #declare(name: string, t: Type, c: InterfaceType, v: Value, side: Side): void {
    const initializer = this.#values.initializer(t, c, v, side, name);
    this.#values.lines.push(`static ${this.#api.types.write(c)} ${name} = ${initializer};`);
  }

  #function(f: WorldFunction, index: number): WorldParts {
    const p = this.#prefix;
    const values = this.#values;
    const { types } = this.#api;
    const exported = this.#exportType(f);
    const path = pathOf(found(this.#world.imports[f.importScope], "a scope"), f.importName);
    const position = this.#api.exports.findIndex((e) =>
      isPath(e.path, pathOf(found(this.#world.exports[f.exportScope], "a scope"), f.exportName)),
    );
    const slot = found(
      this.#api.imports.find((i) => isPath(i.path, path)),
      path.join(" "),
    );
    const imported = this.#component.types.func(this.#component.imports.get(slot.import).type);
    const typeOf = (func: TypeFunc, k: number): InterfaceType => found(func.params[k], "a parameter").type;
    const r = new Random(f.seed);
    const rounds: string[] = [];
    const answers: string[] = [];
    const place = (c: InterfaceType, k: number): string => (isByValue(c) ? `a${k}` : `(*a${k})`);
    for (let round = 0; round < ROUNDS; round++) {
      const at = (side: Side, k: number | "out"): string => `${p}_${side.charAt(0)}${index}_${round}_${k}`;
      values.patches = [];
      const seen = f.params.map(({ type }, k) => {
        const v = this.#random(r, type);
        this.#declare(at("export", k), type, typeOf(exported, k), v, "export");
        const side: Side = values.differs(type) ? "import" : "export";
        if (side === "import") this.#declare(at("import", k), type, typeOf(imported, k), v, "import");
        return values.same(type, typeOf(imported, k), "import", at(side, k), place(typeOf(imported, k), k));
      });
      let give = "";
      let expected = "";
      if (f.result !== undefined && exported.result !== undefined && imported.result !== undefined) {
        if (f.echo === undefined) {
          this.#declare(at("export", "out"), f.result, exported.result, this.#random(r, f.result), "export");
          expected = at("export", "out");
          give = `*out = ${expected};`;
        } else {
          expected = at("export", f.echo);
          give = `*out = ${place(typeOf(imported, f.echo), f.echo)};`;
        }
      }
      answers.push(`if (round_now == ${round}) { seen = ${seen.join("\n      && ") || "1"}; ${give} }`);
      const args = f.params.map((_, k) => `${isByValue(typeOf(exported, k)) ? "" : "&"}${at("export", k)}`);
      const drop = this.#api.drops.find(
        ({ type }) => exported.result !== undefined && types.write(type) === types.write(exported.result),
      );
      const check =
        f.result === undefined || exported.result === undefined
          ? ""
          : `if (!(${values.same(f.result, exported.result, "export", expected, "out")})) return failed(name, ${round}, "another result", NULL);`;
      const places = f.params.map((_, k) => `&${at("export", k)}`);
      const list = places.length === 0 ? "NULL" : `(const void *const[]){${places.join(", ")}}`;
      rounds.push(`  calls = 0, seen = 0, round_now = ${round};
  ${values.patches.join("\n  ")}
  if (any) status = ${p}_dynamic_call(w, ${position}, ${list}, ${f.result === undefined ? "NULL" : "&out"});
  else status = ${this.#exportName(f.exportScope, f.exportName)}(${["w", ...args, ...(f.result === undefined ? [] : ["&out"])].join(", ")});
  if (status != WINDLASS_OK) return failed(name, ${round}, windlass_status_text(status), ${p}_last_trap(w));
  if (calls != 1 || !seen) return failed(name, ${round}, "the host function sees something else", NULL);
  ${check}
  ${f.result === undefined ? "" : `if (any && ${p}_dynamic_drop_result(w, ${position}, &out) != WINDLASS_OK) return failed(name, ${round}, "drop", NULL);`}
  ${drop === undefined ? "" : `if (!any && ${p}_${drop.name}(w, &out) != WINDLASS_OK) return failed(name, ${round}, "drop", NULL);`}`);
    }
    const written = imported.params.map(({ type }, k) => {
      return isByValue(type) ? `${types.write(type)} a${k}` : `const ${types.write(type)} *a${k}`;
    });
    if (imported.result !== undefined) written.push(`${types.write(imported.result)} *out`);
    const unused = imported.params.map((_, k) => `(void)a${k};`).join(" ");
    this.lines.push(...values.lines.splice(0));
    this.lines.push(
      `static windlass_status_t ${p}_h${index}(${["void *data", "windlass_call_t *call", ...written].join(", ")}) {
  (void)data, (void)call; ${unused}
  calls++;
  ${answers.join("\n  ")}
  return WINDLASS_OK;
}
static int ${p}_test${index}(${p}_t *w, int any) {
  static const char name[] = ${JSON.stringify(`${f.exportName} (function ${index})`)};
  windlass_status_t status;
  ${exported.result === undefined ? "" : `static ${types.write(exported.result)} out;`}
${rounds.join("\n")}
  return 0;
}`,
    );
    const member = slot.group === undefined ? slot.name : `${slot.group}.${slot.name}`;
    const given = imported.params.map(({ type }, k) => {
      const pointer = `(const ${types.write(type)} *)arguments[${k}]`;
      return isByValue(type) ? `*${pointer}` : pointer;
    });
    if (imported.result !== undefined) given.push(`(${types.write(imported.result)} *)result`);
    const call = `${p}_h${index}(${["data", "call", ...given].join(", ")})`;
    return {
      slot: `  imports.${member} = ${p}_h${index};`,
      test: `  if (${p}_test${index}(w, any)) return 1;`,
      any: `    case ${this.#api.imports.indexOf(slot)}: return ${call};`,
    };
  }

  text(): string {
    const p = this.#prefix;
    this.lines.push(...layoutAssertions(this.#component, p), `static ${p}_t *${p}_now;`);
    this.#resources();
    const functions = this.#world.functions.map((f, i) => this.#function(f, i));
    const helpers = this.#world.guestResources.map((_, i) => `  (void)${p}_make${i}, (void)${p}_is${i};`);
    const drops = this.#api.hostResources.map(({ group, name }) => {
      return `  imports.${group === undefined ? name : `${group}.${name}`} = destroyed;`;
    });
    this.lines.push(
      `static windlass_status_t ${p}_any(void *data, windlass_call_t *call, uint32_t function, const void *const *arguments, void *result) {
  (void)arguments, (void)result;
  switch (function) {
${functions.map((f) => f.any).join("\n")}
    default: return 1;
  }
}
static int ${p}_run(int any) {
  ${p}_imports_t imports;
  windlass_dynamic_host_t host = {${p}_any, destroyed_any, NULL};
  ${p}_t *w = NULL;
  memset(&imports, 0, sizeof imports);
${[...functions.map((f) => f.slot), ...drops, ...helpers].join("\n")}
  sent_count = 0;
  if ((any ? ${p}_dynamic_new(&host, NULL, &w) : ${p}_new(&imports, NULL, &w)) != WINDLASS_OK) return failed("new", 0, "status", NULL);
  ${p}_now = w;
${functions.map((f) => f.test).join("\n")}
  ${p}_delete(w);
  return 0;
}`,
    );
    return this.lines.join("\n");
  }
}

/** What one world adds to a program. */
export function worldHost(world: World, component: Component, prefix: string): string {
  return new WorldHost(world, component, prefix).text();
}

/** A program of several worlds, which says `begin`, then `ok` or `failed` of each; its argument is where it begins. */
export function hostProgram(worlds: readonly { readonly prefix: string; readonly host: string }[]): string {
  const runs = worlds.map(
    ({ prefix }, i) => `  if (first <= ${i}) { begin(${i}); if (!${prefix}_run(0) && !${prefix}_run(1)) ok(${i}); }`,
  );
  return `${worlds.map(({ prefix }) => `#include "${prefix}.h"`).join("\n")}
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define STATIC_ASSERT _Static_assert
#define ALIGNOF _Alignof
${PRELUDE}
static int calls, seen, round_now;
static char objects[${OBJECTS}];
static struct { uint64_t handle; uint32_t rep; } sents[4096];
static size_t sent_count;
static void sent(uint64_t handle, uint32_t rep) {
  if (sent_count == sizeof sents / sizeof *sents) abort();
  sents[sent_count].handle = handle, sents[sent_count].rep = rep, sent_count++;
}
static uint32_t sent_as(uint64_t handle) {
  size_t i;
  for (i = 0; i < sent_count; i++) if (sents[i].handle == handle) return sents[i].rep;
  return 0;
}
static void destroyed(void *data, void *rep) { (void)data, (void)rep; }
static void destroyed_any(void *data, uint32_t resource, void *rep) { (void)data, (void)resource, (void)rep; }
static int failed(const char *name, int round, const char *why, const char *trap) {
  printf("failed %s, call %d: %s%s%s\\n", name, round, why, trap == NULL ? "" : ": ", trap == NULL ? "" : trap);
  return 1;
}
static void begin(int i) { printf("begin %d\\n", i); fflush(stdout); }
static void ok(int i) { printf("ok %d\\n", i); }
${worlds.map(({ host }) => host).join("\n")}
int main(int argc, char **argv) {
  int first = argc > 1 ? atoi(argv[1]) : 0;
  (void)sent, (void)sent_as, (void)destroyed, (void)same_bytes, (void)same_f32, (void)same_f64, (void)objects;
${runs.join("\n")}
  return 0;
}
`;
}

/** The headers alone as C++, with the same assertions about their structures. */
export function cppCheck(worlds: readonly { readonly prefix: string; readonly component: Component }[]): string {
  return `#include <cstddef>
#define STATIC_ASSERT static_assert
#define ALIGNOF alignof
${worlds.map(({ prefix, component }) => `#include "${prefix}.h"\n${layoutAssertions(component, prefix).join("\n")}`).join("\n")}
`;
}
