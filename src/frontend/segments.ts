/**
 * Data and element segments of all core instances: their bytes and references as data of the program where these are known when it is compiled,
 * and places in the context for what is not: the current length of a passive segment, references that instantiation evaluates.
 */

import { InternalError } from "../base/diagnostics.ts";
import { entity } from "../base/entity.ts";
import type { DataSymbol, FuncSymbol } from "../ir/function.ts";
import type { Component, CoreFunc, CoreInstanceIndex } from "../plan/component.ts";
import { type ElementSegment, type Module, NULL_FUNCTION } from "../wasm/module.ts";
import type { SegmentImage } from "./environment.ts";
import type { DataContent } from "./items.ts";
import { symbolPart } from "./names.ts";
import { functionSignature, resolveFunction } from "./wasm/constants.ts";

/** Passive segments and images of one core instance, by the module's segment index. */
interface InstanceSegments {
  readonly data: (DataSymbol | undefined)[];
  readonly elements: (SegmentImage | undefined)[];
  readonly dataSlots: (number | undefined)[];
  readonly elementSlots: (number | undefined)[];
}

/** What images need of the program that they are part of. */
export interface SegmentOwner {
  /** Adds data that is only read. */
  data(suffix: string, align: number, content: DataContent): DataSymbol;
  functionSymbol(func: CoreFunc): FuncSymbol;
  instanceName(instance: CoreInstanceIndex): string;
}

export class Segments {
  readonly #component: Component;
  readonly #owner: SegmentOwner;
  readonly #instances: readonly InstanceSegments[];
  /** Elements of each area in the context, by its number. */
  readonly elementAreas: number[] = [];
  /** How many passive segments have their length in the context. */
  passiveSlots = 0;

  /** Adds the data of every instance to `owner`, in the order of the instances. */
  constructor(component: Component, owner: SegmentOwner) {
    this.#component = component;
    this.#owner = owner;
    const moduleData = new Map<Module, (DataSymbol | undefined)[]>();
    this.#instances = component.instances.values().map((instance, i) => {
      const { module, name } = component.modules.get(instance.module);
      let data = moduleData.get(module);
      if (data === undefined) {
        data = this.#dataImages(module, symbolPart(name));
        moduleData.set(module, data);
      }
      const elements = module.elements.map((segment, s) =>
        this.#elementImage(entity<CoreInstanceIndex>(i), segment, s),
      );
      const slot = (segment: { readonly mode: { readonly kind: string } }): number | undefined =>
        segment.mode.kind === "passive" ? this.passiveSlots++ : undefined;
      return { data, elements, dataSlots: module.data.map(slot), elementSlots: module.elements.map(slot) };
    });
  }

  #dataImages(module: Module, moduleName: string): (DataSymbol | undefined)[] {
    return module.data.map((segment, s) =>
      segment.mode.kind === "active" && segment.end === segment.start
        ? undefined
        : this.#owner.data(`${moduleName}.data${s}`, 1, {
            kind: "bytes",
            bytes: module.bytes.subarray(segment.start, segment.end),
          }),
    );
  }

  /** The image of a segment whose items are known now, or a place in the context for a passive one whose items are not. */
  #elementImage(instance: CoreInstanceIndex, segment: ElementSegment, index: number): SegmentImage | undefined {
    const { items } = segment;
    if (segment.mode.kind === "declared") return undefined;
    if (items.kind === "expressions") {
      if (segment.mode.kind === "active") return undefined;
      // The displacement is known once the layout is: `elementArea` of this number.
      return { kind: "area", displacement: this.elementAreas.push(items.expressions.length) - 1 };
    }
    if (items.functions.length === 0 && segment.mode.kind === "active") return undefined;
    const functions = new Int32Array(items.functions.length).fill(-1);
    const signatures = new Uint32Array(items.functions.length);
    items.functions.forEach((func, i) => {
      if (func === NULL_FUNCTION) return;
      functions[i] = this.#owner.functionSymbol(resolveFunction(this.#component, instance, func));
      signatures[i] = functionSignature(this.#component, instance, func) + 1;
    });
    const suffix = `${this.#owner.instanceName(instance)}.elem${index}`;
    const symbol = this.#owner.data(suffix, 8, { kind: "funcrefs", functions, signatures });
    return { kind: "image", symbol };
  }

  #of(instance: CoreInstanceIndex): InstanceSegments {
    const segments = this.#instances[instance];
    if (segments === undefined) throw new InternalError("frontend", `no core instance ${instance}`);
    return segments;
  }

  /** Undefined for an active segment without bytes. */
  dataImage(instance: CoreInstanceIndex, segment: number): DataSymbol | undefined {
    return this.#of(instance).data[segment];
  }

  /** An area's displacement is its number. */
  elementImage(instance: CoreInstanceIndex, segment: number): SegmentImage | undefined {
    return this.#of(instance).elements[segment];
  }

  /** Undefined for a segment that is not passive. */
  passiveSlot(instance: CoreInstanceIndex, kind: "data" | "element", segment: number): number | undefined {
    const { dataSlots, elementSlots } = this.#of(instance);
    return (kind === "data" ? dataSlots : elementSlots)[segment];
  }
}
