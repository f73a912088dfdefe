/** Functions that a program with typed calls has: names and signatures. What they do is in the files that `host-support-build.ts` names. */

import { I32, I64, type Signature } from "../ir/types.ts";
import { cSignature } from "./signatures.ts";

const wasm = (params: Signature["params"], results: Signature["results"]): Signature => ({
  params,
  results,
  convention: "wasm",
});

/** Functions that a program with typed calls has. */
export const HOST_SUPPORT = {
  /** (context, status): leaves the innermost entry with this status; the instance is not trapped. Does not return. */
  refuse: wasm([I64, I32], []),
  /** (context, end): maps the arena up to there, where the cursor is then. Traps if that is beyond the arena, or there is no memory. */
  arena_grow: wasm([I64, I64], []),
  /** (context, alignment, bytes, least bytes of a new block) → address; the cursor is behind it. Traps if there is no memory. */
  block_grow: wasm([I64, I64, I64, I64], [I64]),
  /** (context, bytes with the header) → a block, or 0. */
  block_new: wasm([I64, I64], [I64]),
  /** (context, address of the contents of a result's first block, or 0) → status. */
  block_release: wasm([I64, I64], [I32]),
  /** (context): frees what is not in the region. */
  blocks_delete: wasm([I64], []),
  /** (call, size) → address, or 0. */
  call_alloc: cSignature([I64, I64], I64),
  /** (context, tag, representation) → a handle of the host's. */
  handle_give: wasm([I64, I32, I64], [I64]),
  /** (context, resource, handle) → the entry of a handle of the host's, or 0. */
  handle_find: wasm([I64, I32, I64], [I64]),
} as const satisfies Record<string, Signature>;

export type HostSupportName = keyof typeof HOST_SUPPORT;
export const HOST_SUPPORT_NAMES = Object.keys(HOST_SUPPORT).filter((n): n is HostSupportName => n in HOST_SUPPORT);
