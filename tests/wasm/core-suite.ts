/** Runs the modules of the standard's core test suite through decoder and validator. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { atomOf, isList, moduleSource, parseWast, type SExpr, type SList, stringBytes } from "../support/wast.ts";
import { assemble } from "../support/wat.ts";

export const CORE_SUITE = new URL("../../../shared/testsuite/core", import.meta.url).pathname;

export interface SuiteReport {
  passed: number;
  /** Text that the assembler itself refuses where the script expects that. */
  refusedByAssembler: number;
  /** Text that the assembler can't read although it is a module. */
  unread: string[];
  /** Valid modules, refused as `unsupported`. */
  unsupported: string[];
  /** Rejected with another message than the script's. */
  otherMessage: string[];
  failed: string[];
}

/** All scripts below `root`, garbage-collection proposals of the future excluded. */
export function suiteFiles(root = CORE_SUITE): string[] {
  if (!existsSync(root)) return [];
  const files: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== "custom-descriptors") walk(path);
      } else if (entry.name.endsWith(".wast")) files.push(path);
    }
  };
  walk(root);
  return files.sort();
}

function diagnosticOf(bytes: Uint8Array): { kind: string; message: string } | undefined {
  try {
    validateModule(decodeModule(bytes));
    return undefined;
  } catch (error) {
    const first = error instanceof WindlassError ? error.diagnostics[0] : undefined;
    return first ?? { kind: "crash", message: error instanceof Error ? (error.stack ?? "") : String(error) };
  }
}

export async function runSuite(files: readonly string[]): Promise<SuiteReport> {
  const report: SuiteReport = {
    passed: 0,
    refusedByAssembler: 0,
    unread: [],
    unsupported: [],
    otherMessage: [],
    failed: [],
  };
  for (const file of files) await runFile(file, report);
  return report;
}

async function runFile(file: string, report: SuiteReport): Promise<void> {
  const script = readFileSync(file, "utf8");
  for (const { head, list, line } of parseWast(script)) {
    const where = `${relative(CORE_SUITE, file)}:${line}`;
    const rejects = head === "assert_invalid" || head === "assert_malformed";
    const module = head === "module" ? list : list.items.find(isModule);
    if (module === undefined || (!rejects && head !== "module" && !/^assert_(unlinkable|trap|uninst)/.test(head)))
      continue;
    const source = moduleSource(module, script);
    if (source.kind === "instance") continue;
    let bytes: Uint8Array;
    try {
      bytes = source.kind === "binary" ? source.bytes : await assemble(source.text);
    } catch {
      if (rejects) report.refusedByAssembler++;
      else report.unread.push(where);
      continue;
    }
    const diagnostic = diagnosticOf(bytes);
    if (!rejects) {
      if (diagnostic === undefined) report.passed++;
      else if (diagnostic.kind === "unsupported") report.unsupported.push(`${where} ${diagnostic.message}`);
      else report.failed.push(`${where} valid module rejected: ${diagnostic.kind}: ${diagnostic.message}`);
      continue;
    }
    const expected = new TextDecoder().decode(stringBytes(atomOf(list.items.at(-1)) ?? '""'));
    if (diagnostic === undefined) report.failed.push(`${where} accepted, expected: ${expected}`);
    else if (diagnostic.kind === "crash") report.failed.push(`${where} ${diagnostic.message}`);
    else {
      report.passed++;
      if (diagnostic.kind !== "unsupported" && !diagnostic.message.includes(expected)) {
        report.otherMessage.push(`${where} expected ${expected}, found ${diagnostic.kind}: ${diagnostic.message}`);
      }
    }
  }
}

function isModule(item: SExpr): item is SList {
  return isList(item) && atomOf(item.items[0]) === "module";
}
