/** Structures of tables (`layout/`) as C. */

import type { CStruct } from "../layout/host.ts";
import { comment } from "./comment.ts";

export function declareStruct(s: CStruct): string[] {
  const lines = [comment(s.comment), `typedef ${s.union ? "union" : "struct"} ${s.name.replace(/_t$/, "")} {`];
  for (const f of s.fields) {
    lines.push(`  ${f.declaration.replace("%", f.name)};${f.comment === "" ? "" : ` ${comment(f.comment)}`}`);
  }
  lines.push(`} ${s.name};`);
  return lines;
}
