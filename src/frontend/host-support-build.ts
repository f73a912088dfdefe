/** The functions of `host-support.ts` as IR. */

import type { Func } from "../ir/function.ts";
import { emitHandleFind, emitHandleGive } from "./host-handles.ts";
import {
  emitArenaGrow,
  emitBlockGrow,
  emitBlockNew,
  emitBlockRelease,
  emitBlocksDelete,
  emitCallAlloc,
} from "./host-memory.ts";
import { HOST_SUPPORT, type HostSupportName } from "./host-support.ts";
import type { Program } from "./program.ts";
import { emitInnermostEntry } from "./raise.ts";
import { Emitter } from "./structured.ts";

function emitRefuse(e: Emitter, program: Program): void {
  const { entry, returns } = emitInnermostEntry(e, program, e.load64(e.framePointer(), 0));
  e.unwindTo(entry, returns, e.param(1));
}

const BUILDERS: Readonly<Record<HostSupportName, (e: Emitter, program: Program) => void>> = {
  refuse: emitRefuse,
  arena_grow: emitArenaGrow,
  block_grow: emitBlockGrow,
  block_new: emitBlockNew,
  block_release: emitBlockRelease,
  blocks_delete: emitBlocksDelete,
  call_alloc: emitCallAlloc,
  handle_give: emitHandleGive,
  handle_find: emitHandleFind,
};

export function buildHostSupport(program: Program, which: HostSupportName, name: string): Func {
  const stackCheck = which === "block_grow" || which === "handle_give";
  const e = Emitter.start(name, HOST_SUPPORT[which], { stackCheck, entry: false });
  BUILDERS[which](e, program);
  return e.finish();
}
