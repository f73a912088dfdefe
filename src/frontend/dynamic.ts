/**
 * Calls with values that the host only knows by the description of the interface (`--describe`): any export with the addresses of its arguments, and any
 * import as a call of one function of the host. Both lead to the typed entries and come from typed trampolines, which know the types; here is nothing
 * but the way from addresses to C arguments and back.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { InterfaceType } from "../component/types.ts";
import type { Func, Value } from "../ir/function.ts";
import { Access } from "../ir/ops.ts";
import { I32, I64, type Signature } from "../ir/types.ts";
import { DynamicHostField } from "../layout/description.ts";
import { HostStatus } from "../layout/host.ts";
import { cSignatureOf, isByValue, placeArguments, wordsOf } from "./c-signature.ts";
import { describedResources } from "./description.ts";
import type { Program } from "./program.ts";
import { cSignature } from "./signatures.ts";
import { Emitter } from "./structured.ts";
import { API_SIGNATURES, HOST_DESTRUCTOR } from "./support.ts";

/** (data, call, import, addresses of the arguments, address of the result) → status. */
const HOST_CALL: Signature = cSignature([I64, I64, I32, I64, I64], I32);
/** (data, resource, representation). */
const HOST_DROP: Signature = cSignature([I64, I32, I64]);
/** (context, value) → status: `drop` of results and of resources. */
const DROP: Signature = cSignature([I64, I64], I32);

/** How the only word of a value is loaded that is less than a word in C. */
function narrowAccess(program: Program, t: InterfaceType): number | undefined {
  switch (program.adapters.hostSizes.elemSize(t)) {
    case 1:
      return t.kind === "s8" ? Access.s8 : Access.u8;
    case 2:
      return t.kind === "s16" ? Access.s16 : Access.u16;
    default:
      return undefined;
  }
}

/** The words of an argument whose value is at `place`. */
function argumentAt(e: Emitter, program: Program, t: InterfaceType, place: Value): readonly Value[] {
  if (!isByValue(t)) return [place];
  const access = narrowAccess(program, t);
  if (access !== undefined) return [e.loadNarrow(access, place, 0)];
  return wordsOf(t).map((type, i) => e.load(type, place, 8 * i));
}

/** Runs the arm of a position (i32), all of which return; one that has none is refused. */
function emitChoose(e: Emitter, position: Value, arms: readonly (() => void)[]): void {
  const refuse = (): void => e.return(e.i32(HostStatus.invalid_argument));
  if (arms.length === 0) {
    refuse();
    return;
  }
  e.if(e.uge(position, e.i32(arms.length)), refuse);
  e.switch(
    position,
    arms.map((_, i) => i),
    arms,
  );
}

/** `dynamic_describe`: () → address of the description. */
export function buildDynamicDescribe(e: Emitter, program: Program): void {
  e.return(e.dataAddress(program.description));
}

/** `dynamic_call`: (context, export, addresses of the arguments, address of the result) → status. */
export function buildDynamicCall(e: Emitter, program: Program): void {
  const [context, position, args, result] = [e.param(0), e.param(1), e.param(2), e.param(3)];
  const refuseNull = (pointer: Value): void => e.if(e.eqz(pointer), () => e.return(e.i32(HostStatus.null_pointer)));
  const arms = program.api.exports.map(({ lifted }, i) => (): void => {
    const func = program.component.types.func(lifted.type);
    const c = cSignatureOf(func, 1);
    const entry = program.exportEntry(i);
    if (func.params.length > 0) refuseNull(args);
    const words = func.params.map(({ type }, k) => {
      const place = e.load64(args, 8 * k);
      refuseNull(place);
      return argumentAt(e, program, type, place);
    });
    const out = func.result === undefined ? undefined : result;
    e.return(e.call1(entry, c.signature, placeArguments<Value>(c, [context], words, out, e.i64(0))));
  });
  emitChoose(e, position, arms);
}

/** `dynamic_drop_result`: (context, export, address of its result) → status; one without memory has nothing to be dropped. */
export function buildDynamicDropResult(e: Emitter, program: Program): void {
  const [context, position, value] = [e.param(0), e.param(1), e.param(2)];
  const { api, component } = program;
  const arms = api.exports.map(({ lifted }) => (): void => {
    const { result } = component.types.func(lifted.type);
    const at =
      result === undefined ? -1 : api.drops.findIndex((d) => api.types.write(d.type) === api.types.write(result));
    const drop = program.functions.find({ kind: "typed-drop", drop: at });
    e.return(drop === undefined ? e.i32(0) : e.call1(drop, DROP, [context, value]));
  });
  emitChoose(e, position, arms);
}

/** `dynamic_drop_handle`: (context, resource, handle) → status. A resource of the host's has no handles. */
export function buildDynamicDropHandle(e: Emitter, program: Program): void {
  const [context, position, handle] = [e.param(0), e.param(1), e.param(2)];
  const { api } = program;
  const arms = describedResources(api).map((resource) => (): void => {
    const drop = program.functions.find({
      kind: "resource-drop",
      drop: api.resourceDrops.findIndex((d) => d.resource === resource),
    });
    e.return(drop === undefined ? e.i32(HostStatus.invalid_argument) : e.call1(drop, DROP, [context, handle]));
  });
  emitChoose(e, position, arms);
}

/** `dynamic_new`: (host, options, address of the instance) → status: `new` with functions that all lead to the host's one. */
export function buildDynamicNew(e: Emitter, program: Program): void {
  const [host, options, out] = [e.param(0), e.param(1), e.param(2)];
  const { api } = program;
  const imports = e.slotAddress(e.slot(Math.max(8, api.importsSize)));
  if (api.importsSize > 0) {
    const refuse = (): void => e.return(e.i32(HostStatus.invalid_argument));
    e.if(e.eqz(host), refuse);
    if (api.imports.length > 0) e.if(e.eqz(e.load64(host, DynamicHostField.call)), refuse);
    e.store(imports, 0, host);
    api.imports.forEach(({ offset }, i) => {
      e.store(imports, offset, e.funcAddress(program.functions.symbolOf({ kind: "dynamic-import", import: i })));
    });
    api.hostResources.forEach(({ offset }, i) => {
      e.store(imports, offset, e.funcAddress(program.functions.symbolOf({ kind: "dynamic-destructor", resource: i })));
    });
  }
  e.return(
    e.call1(program.functions.symbolOf({ kind: "api", name: "new" }), API_SIGNATURES.new, [imports, options, out]),
  );
}

/** The C function of import `index`: (host, call, arguments…, address of the result) → what the host's function gives. */
export function buildDynamicImport(program: Program, index: number, name: string): Func {
  const item = program.api.imports[index];
  if (item === undefined) throw new RangeError(`no import ${index}`);
  const func = program.component.types.func(program.component.imports.get(item.import).type);
  const c = cSignatureOf(func, 2);
  const e = Emitter.start(name, c.signature, { stackCheck: false, entry: false });
  const host = e.param(0);
  const addresses = e.slotAddress(e.slot(Math.max(8, 8 * func.params.length)));
  func.params.forEach(({ type }, i) => {
    const words = (c.params[i] ?? []).map((at) => e.param(at));
    const [word] = words;
    if (word === undefined) throw new InternalError("frontend", "an argument without words");
    if (!isByValue(type)) {
      e.store(addresses, 8 * i, word);
      return;
    }
    const place = e.slotAddress(e.slot(8 * words.length));
    words.forEach((part, k) => {
      e.store(place, 8 * k, part);
    });
    e.store(addresses, 8 * i, place);
  });
  const callee = e.load64(host, DynamicHostField.call);
  const data = e.load64(host, DynamicHostField.data);
  const out = c.out === undefined ? e.i64(0) : e.param(c.out);
  e.return(e.callIndirect1(callee, HOST_CALL, [data, e.param(1), e.i32(index), addresses, out]));
  return e.finish();
}

/** The destructor of a resource of the host's, by its position in `Api.hostResources`: (host, representation). */
export function buildDynamicDestructor(program: Program, index: number, name: string): Func {
  const item = program.api.hostResources[index];
  if (item === undefined) throw new RangeError(`no resource ${index}`);
  const e = Emitter.start(name, HOST_DESTRUCTOR, { stackCheck: false, entry: false });
  const [host, rep] = [e.param(0), e.param(1)];
  const callee = e.load64(host, DynamicHostField.drop);
  const position = describedResources(program.api).indexOf(item.resource);
  e.if(e.nez(callee), () => {
    e.callIndirect(callee, HOST_DROP, [e.load64(host, DynamicHostField.data), e.i32(position), rep]);
  });
  e.return();
  return e.finish();
}
