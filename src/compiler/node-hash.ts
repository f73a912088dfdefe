/** The hash of caches, by Node. */

import { createHash } from "node:crypto";

export function nodeHash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
