/** The other engine: this process's own WebAssembly. */

import { classOfMessage, type Case, normalize, type Observed, type Result } from "./outcome.ts";

interface Instance {
  readonly exports: Readonly<Record<string, unknown>>;
}

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => Instance;
};

export function engineAccepts(bytes: Uint8Array): boolean {
  return WebAssembly.validate(bytes);
}

/** Why the engine rejects a module; undefined when it does not. */
export function engineRejection(bytes: Uint8Array): string | undefined {
  // Much cheaper than what gives a message.
  if (engineAccepts(bytes)) return undefined;
  try {
    new WebAssembly.Module(bytes);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const scratch = new DataView(new ArrayBuffer(8));

function toEngine(type: string, bits: bigint): number | bigint {
  switch (type) {
    case "i":
      return Number(BigInt.asIntN(32, bits));
    case "l":
      return BigInt.asIntN(64, bits);
    case "f":
      scratch.setUint32(0, Number(bits));
      return scratch.getFloat32(0);
    default:
      scratch.setBigUint64(0, bits);
      return scratch.getFloat64(0);
  }
}

function fromEngine(type: string, value: unknown): bigint {
  switch (type) {
    case "i":
      return BigInt.asUintN(32, BigInt(Number(value)));
    case "l":
      return typeof value === "bigint" ? BigInt.asUintN(64, value) : -1n;
    case "f":
      scratch.setFloat32(0, Number(value));
      return normalize("f", BigInt(scratch.getUint32(0)));
    default:
      scratch.setFloat64(0, Number(value));
      return normalize("d", scratch.getBigUint64(0));
  }
}

function trapOf(error: unknown): Result {
  const message = error instanceof Error ? error.message : String(error);
  const trap = classOfMessage(message);
  // Something that is no trap: the module, or the list of classes, is wrong.
  if (trap === undefined) throw new Error(`the engine says ${message}`);
  return { trap };
}

const STACK = "Maximum call stack size exceeded";

/** What was executed of the opcodes that a module's form for the engine counts. */
function executedOf({ exports }: Instance, executed: Set<number> | undefined): void {
  if (executed === undefined) return;
  for (const [name, value] of Object.entries(exports)) {
    if (!name.startsWith("@") || typeof value !== "object" || value === null || !("value" in value)) continue;
    if (value.value === 1) executed.add(Number(name.slice(1)));
  }
}

/** Runs a module. Throws when it is not valid, or when what goes wrong is no trap. */
export function runInEngine({ engineBytes, interface: shape, calls }: Case, executed?: Set<number>): Observed {
  const module = new WebAssembly.Module(engineBytes);
  const nothing = { calls: [], globals: new Map<string, bigint>(), memories: [] };
  let instance: Instance;
  try {
    instance = new WebAssembly.Instance(module);
  } catch (error) {
    return { instantiation: trapOf(error), ...nothing };
  }
  const results: Result[] = [];
  for (const call of calls) {
    const func = instance.exports[call.export];
    const type = shape.functions.get(call.export);
    if (typeof func !== "function" || type === undefined) throw new Error(`no function ${call.export}`);
    try {
      const value: unknown = func(...call.args.map((bits, i) => toEngine(type.params[i] ?? "i", bits)));
      const several: readonly unknown[] = type.results.length > 1 && Array.isArray(value) ? value : [value];
      results.push({ values: Array.from(type.results, (t, i) => fromEngine(t, several[i])) });
    } catch (error) {
      results.push(error instanceof RangeError && error.message === STACK ? { trap: "stack" } : trapOf(error));
    }
  }
  executedOf(instance, executed);
  const globals = new Map<string, bigint>();
  for (const [name, type] of shape.globals) {
    const global = instance.exports[name];
    if (typeof global === "object" && global !== null && "value" in global)
      globals.set(name, fromEngine(type, global.value));
  }
  const memories = Array.from({ length: shape.memories }, (_, i) => {
    const memory = instance.exports[`m${i}`];
    const buffer = typeof memory === "object" && memory !== null && "buffer" in memory ? memory.buffer : undefined;
    return buffer instanceof ArrayBuffer ? new Uint8Array(buffer.slice(0)) : new Uint8Array();
  });
  return { instantiation: { values: [] }, calls: results, globals, memories };
}
