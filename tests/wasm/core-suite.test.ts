import assert from "node:assert/strict";
import { test } from "node:test";
import { runSuite, suiteFiles } from "./core-suite.ts";

/**
 * Scripts that contradict Wasm 3.0: the threads proposal's were written before several tables and memories were
 * allowed.
 */
const OUTDATED = /^proposals\/threads\/.* accepted, expected: multiple (tables|memories)$/;

const files = suiteFiles();

test("the standard's core scripts: modules decode and validate, or are rejected", {
  skip: files.length === 0,
}, async (t) => {
  const report = await runSuite(files);
  t.diagnostic(
    `${report.passed} passed, ${report.refusedByAssembler} refused by the assembler, ` +
      `${report.unread.length} unread, ${report.unsupported.length} unsupported, ` +
      `${report.otherMessage.length} with another message, ${report.failed.length} failed`,
  );
  assert.deepEqual(
    report.failed.filter((line) => !OUTDATED.test(line)),
    [],
  );
  assert.ok(
    report.unsupported.every((line) => line.endsWith("the gc feature")),
    report.unsupported.join("\n"),
  );
  assert.ok(report.unread.length <= 2, report.unread.join("\n"));
  assert.ok(report.passed > 6000, `only ${report.passed}`);
});
