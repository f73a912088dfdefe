/**
 * What a deleted instance still owns of the host's resources: their destructors are called, the youngest handle's first, for whatever reason the guest
 * did not drop them (it trapped, or it was not asked to). They find an instance that is not one any more.
 */

import { HANDLE_OWN, HandleEntry, HostResource } from "../layout/offsets.ts";
import { entryAddress, handleTag } from "./handles.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";
import { HOST_DESTRUCTOR } from "./support.ts";

export function emitDropHostResources(e: Emitter, program: Program): void {
  const { component, offsets } = program;
  const hostOwned = [...component.resources.entries()].flatMap(([index, resource]) =>
    resource.kind === "host"
      ? [{ tag: handleTag(HANDLE_OWN, index), at: offsets.hostResource(resource.hostIndex) }]
      : [],
  );
  const { size } = component.componentInstances;
  if (hostOwned.length === 0 || size === 0) return;
  const context = e.param(0);
  const first = offsets.handleTable(0);
  const table = e.variable(e.offset(context, first + size * HandleEntry.size));
  e.loop((tables) => {
    e.breakIf(tables, e.eq(e.get(table), e.offset(context, first)));
    e.set(table, e.offset(e.get(table), -HandleEntry.size));
    const index = e.variable(e.load32(e.get(table), HandleEntry.tag));
    e.loop((handles) => {
      e.breakIf(handles, e.eqz(e.get(index)));
      const entry = entryAddress(e, program, e.get(table), e.get(index));
      const tag = e.load32(entry, HandleEntry.tag);
      for (const { tag: own, at } of hostOwned) {
        e.if(e.eqImm(tag, own), () => {
          const destructor = e.load64(context, at + HostResource.destructor);
          e.if(e.nez(destructor), () => {
            const data = e.load64(context, at + HostResource.data);
            e.callIndirect(destructor, HOST_DESTRUCTOR, [data, e.load64(entry, HandleEntry.rep)]);
          });
        });
      }
      e.set(index, e.offset(e.get(index), -1));
    });
  });
}
