/**
 * The part of a typed header for C++17: classes over the C functions above it, and nothing that C does not have. `instance` and the component's
 * resources are move-only and clean up; results are a value or a status (`cpp-support.ts`); what the host provides is a class with virtual
 * functions. Names are C's without the prefix, in a namespace of the component's own.
 */

import type { InterfaceType, ResourceIndex, TypeFunc } from "../component/types.ts";
import type { Api, ApiExport, ApiImport } from "../frontend/api.ts";
import { isByValue } from "../frontend/c-signature.ts";
import { memberNames } from "../frontend/c-types.ts";
import type { Component } from "../plan/component.ts";
import { comment } from "./comment.ts";
import { CPP_SHARED_NAMES, cppSharedPart } from "./cpp-support.ts";
import type { InstanceTraits } from "./traits.ts";

/** Names that parameters can't have: what functions around them use. */
const PARAMETERS_TAKEN = ["m_instance", "m_handle", "in", "out", "status", "call", "data", "answer", "filled"];
/** Names that classes can't have: what functions use besides, and namespaces that are named without `::`. */
const CLASSES_TAKEN = ["imports", "std", "windlass", "made", "provided", "options", "other", "owner", "handle", "rep"];
const INSTANCE_TAKEN = [
  "instance",
  "create",
  "get",
  "release",
  "last_trap",
  "interrupt",
  "interrupt_clear",
  "m_instance",
];
const RESOURCE_TAKEN = ["get", "release", "m_instance", "m_handle"];
const IMPORTS_TAKEN = ["table"];

/** A declaration in a class, and what stands behind all classes. */
interface Method {
  readonly declaration: readonly string[];
  readonly definition: readonly string[];
}

interface ResourceClass {
  readonly name: string;
  readonly c: string;
  readonly drop: string;
  /** Whole C names and types of its functions, with what they are called in WIT. */
  readonly functions: {
    readonly item: ApiExport;
    readonly kind: "constructor" | "method" | "static";
    readonly name: string;
  }[];
}

class CppWriter {
  readonly component: Component;
  readonly api: Api;
  readonly label: (path: readonly string[], type: ApiExport["lifted"]["type"]) => string;
  readonly self: string;
  readonly #resources = new Map<ResourceIndex, ResourceClass>();
  /** By the C type of a result: the alias of its `owned`. */
  readonly #owned = new Map<string, string>();
  readonly #ownFunctions = new Set<ApiExport>();
  /** By interface and name in WIT. */
  readonly #scopes = new Map<string, ResourceClass>();
  /** Of all classes and aliases: no function and no parameter has one of them, or it would hide the type. */
  readonly #types: readonly string[];

  constructor(component: Component, api: Api, label: CppWriter["label"]) {
    this.component = component;
    this.api = api;
    this.label = label;
    this.self = `${api.prefix}_t`;
    const dropped = api.types.resources.flatMap(({ resource, name }) => {
      const drop = api.resourceDrops.find((d) => d.resource === resource);
      return drop === undefined ? [] : [{ resource, name, drop: drop.name }];
    });
    const wanted = [...dropped.map((d) => d.name), ...api.drops.map((d) => `owned_${api.types.nameOf(d.type)}`)];
    const names = memberNames(wanted, [
      ...CLASSES_TAKEN,
      ...PARAMETERS_TAKEN,
      ...INSTANCE_TAKEN,
      ...RESOURCE_TAKEN,
      ...IMPORTS_TAKEN,
    ]);
    this.#types = ["instance", "imports", ...names];
    dropped.forEach(({ resource, name, drop }, i) => {
      const c = `${api.prefix}_${name}_t`;
      const made = { name: names[i] ?? name, c, drop: `::${api.prefix}_${drop}`, functions: [] };
      this.#resources.set(resource, made);
    });
    api.drops.forEach((d, i) => {
      this.#owned.set(api.types.write(d.type), names[dropped.length + i] ?? "");
    });
    if (api.typedExports) for (const item of api.exports) this.#assign(item);
  }

  /** Gives functions of a resource to its class. One that is static goes where another of the same name in WIT has led. */
  #assign(item: ApiExport): void {
    const match = /^\[(constructor|method|static)\]([^.]*)(?:\.(.*))?$/.exec(item.path.at(-1) ?? "");
    if (match === null) return;
    const [, kind = "", resourceName = "", name = ""] = match;
    const { params, result } = this.component.types.func(item.lifted.type);
    const scope = JSON.stringify([...item.path.slice(0, -1), resourceName]);
    const type = kind === "method" ? params[0]?.type : kind === "constructor" ? result : undefined;
    let found: ResourceClass | undefined;
    if (type !== undefined && "resource" in type) found = this.#resources.get(type.resource);
    else if (kind === "static") found = this.#scopes.get(scope);
    if (found === undefined) return;
    this.#scopes.set(scope, found);
    const own = kind === "constructor" || kind === "method" || kind === "static" ? kind : "static";
    found.functions.push({ item, kind: own, name: own === "constructor" ? "create" : name });
    this.#ownFunctions.add(item);
  }
  #class(t: InterfaceType): ResourceClass | undefined {
    return "resource" in t ? this.#resources.get(t.resource) : undefined;
  }

  /** The elements of a list or map. */
  #element(t: InterfaceType): string | undefined {
    const { types } = this.component;
    if (t.kind === "list") return this.api.types.write(types.lists.table.get(t.type).element);
    return t.kind === "map" ? this.api.types.writeEntry(t) : undefined;
  }

  /** What a value is that C++ reads and that belongs to somebody else. */
  #viewType(t: InterfaceType): string | undefined {
    if (t.kind === "string") return "std::string_view";
    const element = this.#element(t);
    return element === undefined ? undefined : `::windlass::span<${element}>`;
  }

  /** A parameter of a call into the component: its declaration, the C arguments. */
  #argument(t: InterfaceType, name: string): { readonly declared: string; readonly passed: string } {
    const c = this.api.types.write(t);
    const view = this.#viewType(t);
    if (view !== undefined) return { declared: `${view} ${name}`, passed: `${c}{${name}.data(), ${name}.size()}` };
    const resource = this.#class(t);
    if (resource !== undefined) {
      const declared = t.kind === "own" ? `${resource.name} &&${name}` : `const ${resource.name} &${name}`;
      return { declared, passed: `${name}.get()` };
    }
    return isByValue(t)
      ? { declared: `${c} ${name}`, passed: name }
      : { declared: `const ${c} &${name}`, passed: `&${name}` };
  }

  /** The result of a call into the component: its type, and the value from `out`. */
  #result(t: InterfaceType, instance: string): { readonly type: string; readonly value: string } {
    const c = this.api.types.write(t);
    const resource = t.kind === "own" ? this.#class(t) : undefined;
    if (resource !== undefined) return { type: resource.name, value: `${resource.name}(${instance}, out)` };
    const owned = this.#owned.get(c);
    return owned === undefined ? { type: c, value: "out" } : { type: owned, value: `${owned}(${instance}, out)` };
  }

  /**
   * A function over an exported one. `owner` is the class that it is in; the instance is `instance` in C++; `first` are arguments of C behind it,
   * which `skip` parameters stand for.
   */
  #call(
    item: ApiExport,
    owner: string,
    name: string,
    how: {
      readonly before: string;
      readonly behind: string;
      readonly parameter: readonly string[];
      readonly instance: string;
    },
    first: readonly string[],
  ): Method {
    const func = this.component.types.func(item.lifted.type);
    const params = func.params.slice(first.length);
    const names = memberNames(
      params.map((p) => p.name),
      [...PARAMETERS_TAKEN, ...this.#types],
    );
    const args = params.map((p, i) => this.#argument(p.type, names[i] ?? ""));
    const taken = params.flatMap((p, i) =>
      p.type.kind === "own" && this.#class(p.type) !== undefined ? [names[i] ?? ""] : [],
    );
    const list = [...how.parameter, ...args.map((a) => a.declared)].join(", ");
    const result = func.result === undefined ? undefined : this.#result(func.result, how.instance);
    const type = `::windlass::result<${result?.type ?? "void"}>`;
    const passed = [how.instance, ...first, ...args.map((a) => a.passed), ...(result === undefined ? [] : ["&out"])];
    const body = [
      ...(func.result === undefined ? [] : [`${this.api.types.write(func.result)} out{};`]),
      `const windlass_status_t status = ::${this.api.prefix}_${item.name}(${passed.join(", ")});`,
      ...taken.map((t) => `if (status < WINDLASS_FIRST_REFUSAL) ${t}.release();`),
      "if (status != WINDLASS_OK) return ::windlass::failure{status};",
      `return ${result?.value ?? "{}"};`,
    ];
    return {
      declaration: [
        comment(this.label(item.path, item.lifted.type)),
        `${how.before}${type} ${name}(${list})${how.behind};`,
      ],
      definition: [`inline ${type} ${owner}::${name}(${list})${how.behind} {`, ...body.map((l) => `  ${l}`), "}"],
    };
  }

  #resourceClass(r: ResourceClass): { readonly lines: readonly string[]; readonly definitions: readonly string[] } {
    const names = memberNames(
      r.functions.map((f) => f.name),
      [...RESOURCE_TAKEN, ...this.#types],
    );
    const methods = r.functions.map(({ item, kind }, i) =>
      kind === "method"
        ? this.#call(
            item,
            r.name,
            names[i] ?? "",
            { before: "", behind: " const", parameter: [], instance: "m_instance" },
            ["m_handle"],
          )
        : this.#call(
            item,
            r.name,
            names[i] ?? "",
            { before: "static ", behind: "", parameter: ["const instance &in"], instance: "in.get()" },
            [],
          ),
    );
    const lines = [
      `class ${r.name} {`,
      " public:",
      `  ${r.name}() noexcept : m_instance(nullptr), m_handle() {}`,
      `  ${comment("Takes over a handle that is the host's.")}`,
      `  ${r.name}(::${this.self} *owner, ${r.c} handle) noexcept : m_instance(owner), m_handle(handle) {}`,
      `  ${r.name}(${r.name} &&other) noexcept : m_instance(other.m_instance), m_handle(other.release()) {}`,
      `  ${r.name} &operator=(${r.name} &&other) noexcept {`,
      "    std::swap(m_instance, other.m_instance);",
      "    std::swap(m_handle, other.m_handle);",
      "    return *this;",
      "  }",
      `  ${r.name}(const ${r.name} &) = delete;`,
      `  ${r.name} &operator=(const ${r.name} &) = delete;`,
      `  ~${r.name}() {`,
      `    if (m_handle.handle != 0) ${r.drop}(m_instance, m_handle);`,
      "  }",
      "  explicit operator bool() const noexcept { return m_handle.handle != 0; }",
      `  ${r.c} get() const noexcept { return m_handle; }`,
      `  ${comment("The handle is no longer this one's to drop.")}`,
      `  ${r.c} release() noexcept { return std::exchange(m_handle, ${r.c}{}); }`,
      ...methods.flatMap((m) => m.declaration.map((l) => `  ${l}`)),
      "",
      " private:",
      `  ::${this.self} *m_instance;`,
      `  ${r.c} m_handle;`,
      "};",
      "",
    ];
    return { lines, definitions: methods.flatMap((m) => m.definition) };
  }

  #importName(item: { readonly group: string | undefined; readonly name: string }): string {
    return item.group === undefined ? item.name : `${item.group}_${item.name}`;
  }

  #importFunction(item: ApiImport, name: string): { readonly declaration: string; readonly thunk: readonly string[] } {
    const func: TypeFunc = this.component.types.func(this.component.imports.get(item.import).type);
    const names = memberNames(
      func.params.map((p) => p.name),
      [...PARAMETERS_TAKEN, ...this.#types],
    );
    const declared: string[] = ["windlass_call_t &call"];
    const received: string[] = ["void *data", "windlass_call_t *call"];
    const passed: string[] = ["*call"];
    func.params.forEach(({ type }, i) => {
      const [n, c] = [names[i] ?? "", this.api.types.write(type)];
      const view = this.#viewType(type);
      const resource = type.kind === "own" ? this.#class(type) : undefined;
      received.push(isByValue(type) ? `${c} ${n}` : `const ${c} *${n}`);
      if (view !== undefined) {
        declared.push(`${view} ${n}`);
        passed.push(`::windlass::view(${n})`);
      } else if (resource !== undefined) {
        declared.push(`${resource.name} ${n}`);
        passed.push(`${resource.name}(static_cast<::${this.self} *>(call->instance), ${n})`);
      } else {
        declared.push(isByValue(type) ? `${c} ${n}` : `const ${c} &${n}`);
        passed.push(isByValue(type) ? n : `*${n}`);
      }
    });
    const call = `static_cast<imports *>(data)->${name}(${passed.join(", ")})`;
    const { result } = func;
    if (result === undefined) {
      return {
        declaration: `virtual ::windlass::result<void> ${name}(${declared.join(", ")}) = 0;`,
        thunk: [`[](${received.join(", ")}) -> windlass_status_t {`, `  return ${call}.status();`, "}"],
      };
    }
    const c = this.api.types.write(result);
    received.push(`${c} *out`);
    const view = this.#viewType(result);
    const resource = result.kind === "own" ? this.#class(result) : undefined;
    const value =
      view !== undefined
        ? `${c}{answer->data(), answer->size()}`
        : resource !== undefined
          ? "answer->release()"
          : "*answer";
    return {
      declaration: `virtual ::windlass::result<${view ?? resource?.name ?? c}> ${name}(${declared.join(", ")}) = 0;`,
      thunk: [
        `[](${received.join(", ")}) -> windlass_status_t {`,
        `  auto answer = ${call};`,
        `  if (answer) *out = ${value};`,
        "  return answer.status();",
        "}",
      ],
    };
  }

  /** Undefined where a host function has another ABI: then only the C structure can say what the host provides. */
  #importsClass(): readonly string[] | undefined {
    const { api } = this;
    const slots = [...api.imports, ...api.hostResources];
    if (slots.length === 0 || api.imports.some((i) => i.abi !== "typed")) return undefined;
    const names = memberNames(
      slots.map((s) => this.#importName(s)),
      [...IMPORTS_TAKEN, ...this.#types],
    );
    const declarations: string[] = [];
    const entries: string[] = [];
    const member = (s: { readonly group: string | undefined; readonly name: string }): string =>
      s.group === undefined ? s.name : `${s.group}.${s.name}`;
    api.imports.forEach((item, i) => {
      const { declaration, thunk } = this.#importFunction(item, names[i] ?? "");
      declarations.push(comment(this.label(item.path, this.component.imports.get(item.import).type)), declaration);
      entries.push(...assigned(`filled.${member(item)}`, thunk));
    });
    api.hostResources.forEach((r, i) => {
      const name = names[api.imports.length + i] ?? "";
      declarations.push(
        comment(`${r.path.join(" ")}: the guest has dropped it`),
        `virtual void ${name}(void *rep) { static_cast<void>(rep); }`,
      );
      const thunk = ["[](void *data, void *rep) {", `  static_cast<imports *>(data)->${name}(rep);`, "}"];
      entries.push(...assigned(`filled.${member(r)}`, thunk));
    });
    return [
      comment(
        "What the host provides. It has to live as long as the instances that are made with it. What a function returns has to stay until the guest has its copy.",
      ),
      "class imports {",
      " public:",
      "  imports() = default;",
      "  virtual ~imports() = default;",
      "  imports(const imports &) = delete;",
      "  imports &operator=(const imports &) = delete;",
      ...declarations.map((l) => `  ${l}`),
      `  ${comment("The same for C.")}`,
      `  ::${api.prefix}_imports_t table() {`,
      `    ::${api.prefix}_imports_t filled{};`,
      "    filled.data = this;",
      ...entries.map((l) => `    ${l}`),
      "    return filled;",
      "  }",
      "};",
      "",
    ];
  }

  #instanceClass(
    hasImportsClass: boolean,
    traits: InstanceTraits,
  ): { readonly lines: readonly string[]; readonly definitions: readonly string[] } {
    const { api, self } = this;
    const { prefix } = api;
    const items = api.typedExports ? api.exports.filter((e) => !this.#ownFunctions.has(e)) : [];
    const names = memberNames(
      items.map((e) => e.name),
      [...INSTANCE_TAKEN, ...this.#types],
    );
    const how = { before: "", behind: " const", parameter: [], instance: "m_instance" };
    const methods = items.map((item, i) => this.#call(item, "instance", names[i] ?? "", how, []));
    const makes = (parameter: string, given: string): readonly string[] => [
      `  static ::windlass::result<instance> create(${parameter}const windlass_options_t *options = nullptr) {`,
      `    ::${self} *made = nullptr;`,
      ...(given === "&table" ? [`    const ::${prefix}_imports_t table = provided.table();`] : []),
      `    const windlass_status_t status = ::${prefix}_new(${given}, options, &made);`,
      "    if (status != WINDLASS_OK) return ::windlass::failure{status};",
      "    return instance(made);",
      "  }",
    ];
    const hasImports = api.imports.length + api.hostResources.length > 0;
    const lines = [
      comment(
        "An instance of the component, deleted with this. Results and resources that are left must go before it.",
      ),
      "class instance {",
      " public:",
      "  instance() noexcept : m_instance(nullptr) {}",
      `  explicit instance(::${self} *made) noexcept : m_instance(made) {}`,
      "  instance(instance &&other) noexcept : m_instance(other.release()) {}",
      "  instance &operator=(instance &&other) noexcept {",
      "    std::swap(m_instance, other.m_instance);",
      "    return *this;",
      "  }",
      "  instance(const instance &) = delete;",
      "  instance &operator=(const instance &) = delete;",
      `  ~instance() { ::${prefix}_delete(m_instance); }`,
      ...(hasImportsClass ? makes("imports &provided, ", "&table") : []),
      ...(hasImports ? makes(`const ::${prefix}_imports_t *provided, `, "provided") : makes("", "nullptr")),
      "  explicit operator bool() const noexcept { return m_instance != nullptr; }",
      `  ::${self} *get() const noexcept { return m_instance; }`,
      `  ::${self} *release() noexcept { return std::exchange(m_instance, nullptr); }`,
      `  ${comment("Message and backtrace; NULL unless it has trapped.")}`,
      `  const char *last_trap() const noexcept { return ::${prefix}_last_trap(m_instance); }`,
      ...(traits.interruptible
        ? [
            `  void interrupt() const noexcept { ::${prefix}_interrupt(m_instance); }`,
            `  void interrupt_clear() const noexcept { ::${prefix}_interrupt_clear(m_instance); }`,
          ]
        : []),
      ...methods.flatMap((m) => m.declaration.map((l) => `  ${l}`)),
      "",
      " private:",
      `  ::${self} *m_instance;`,
      "};",
      "",
    ];
    return { lines, definitions: methods.flatMap((m) => m.definition) };
  }

  write(traits: InstanceTraits): readonly string[] {
    const { prefix } = this.api;
    const space = CPP_SHARED_NAMES.has(prefix) ? `${prefix}_` : prefix;
    const resources = [...this.#resources.values()];
    const classes = resources.map((r) => this.#resourceClass(r));
    const imports = this.#importsClass();
    const instance = this.#instanceClass(imports !== undefined, traits);
    return [
      "#if defined(__cplusplus) && __cplusplus >= 201703L",
      ...["exception", "iterator", "string_view", "type_traits", "utility"].map((h) => `#include <${h}>`),
      "",
      ...cppSharedPart(),
      "",
      `namespace windlass::${space} {`,
      "",
      "class instance;",
      ...resources.map((r) => `class ${r.name};`),
      ...this.api.drops.map((d) => {
        const c = this.api.types.write(d.type);
        return `using ${this.#owned.get(c)} = ::windlass::owned<::${this.self}, ${c}, ::${prefix}_${d.name}>;`;
      }),
      "",
      ...classes.flatMap((c) => c.lines),
      ...(imports ?? []),
      ...instance.lines,
      ...classes.flatMap((c) => c.definitions),
      ...instance.definitions,
      "",
      `}  ${comment(`namespace windlass::${space}`)}`,
      "#endif",
    ];
  }
}

/** `place = lambda;` over the lambda's lines. */
function assigned(place: string, lambda: readonly string[]): readonly string[] {
  return lambda.map((line, i) => `${i === 0 ? `${place} = ` : ""}${line}${i === lambda.length - 1 ? ";" : ""}`);
}

/** What stands behind the C declarations. `label` is what a comment says of a function. */
export function cppPart(
  component: Component,
  api: Api,
  label: CppWriter["label"],
  traits: InstanceTraits,
): readonly string[] {
  return new CppWriter(component, api, label).write(traits);
}
