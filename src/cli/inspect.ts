/** `windlass inspect`: what is in a component, an object or an executable. */

import type { Command } from "commander";
import { inspect, type ObjectReport, type Report } from "../driver/inspect.ts";
import type { CoreItemSummary, ItemSummary, PlanSummary } from "../plan/summary.ts";
import { guarded, nameOfInput } from "./common.ts";
import { readInput } from "./files.ts";

interface InspectOptions {
  readonly json?: boolean;
  readonly disassemble?: boolean;
  readonly plan?: boolean;
}

export function registerInspect(program: Command): void {
  program
    .command("inspect")
    .description("show a component's imports, exports and plan, or an object's trampolines and sizes")
    .argument("<input>", "component or core module (.wasm), object (.o) or executable")
    .option("--json", "as JSON")
    .option("--plan", "of a component: the whole plan")
    .option("--disassemble", "of an object or executable: the machine code of each trampoline")
    .action((input: string, options: InspectOptions) =>
      guarded(input, async () => {
        const report = await inspect(readInput(input), nameOfInput(input), options.disassemble === true);
        process.stdout.write(options.json === true ? asJson(report) : asText(report, options));
        return 0;
      }),
    );
}

function asJson(report: Report): string {
  const value = report.kind === "component" ? { kind: report.kind, ...report.plan } : report;
  return `${JSON.stringify(value, null, 2)}\n`;
}

function asText(report: Report, options: InspectOptions): string {
  if (report.kind !== "component") return objectText(report);
  return options.plan === true ? report.text : planText(report.plan);
}

function itemLines(item: ItemSummary, depth: number): string[] {
  const indent = "  ".repeat(depth);
  switch (item.kind) {
    case "func":
      return [`${indent}${item.name}: ${item.type}`];
    case "type":
    case "core-module":
    case "component":
      return [`${indent}${item.kind} ${item.name}`];
    case "instance":
      return [`${indent}${item.name}`, ...item.items.flatMap((i) => itemLines(i, depth + 1))];
  }
}

/** Sections with their lines indented; empty ones are left out. */
function sections(parts: readonly (readonly [string, readonly string[]])[]): string {
  return `${parts
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${title}\n${lines.map((l) => `  ${l}`).join("\n")}`)
    .join("\n")}\n`;
}

function coreItemLine({ path, kind, type }: CoreItemSummary): string {
  return `${kind} ${path.join(" ")}: ${type}`;
}

function planText(plan: PlanSummary): string {
  const byInstance = new Map<string, string[]>();
  for (const { path, type } of plan.imports) {
    const owner = path.slice(0, -1).join(" ") || "(root)";
    const lines = byInstance.get(owner) ?? [];
    lines.push(`${path.at(-1) ?? ""}: ${type}`);
    byInstance.set(owner, lines);
  }
  return sections([
    ["imports", [...byInstance].flatMap(([owner, lines]) => [owner, ...lines.map((l) => `  ${l}`)])],
    ["imports", (plan.core?.imports ?? []).map(coreItemLine)],
    ["exports", plan.exports.flatMap((e) => itemLines(e, 0))],
    ["exports", (plan.core?.exports ?? []).map(coreItemLine)],
    ["resources", plan.resources.map((r) => `${r.index}: ${r.name} (${r.kind})`)],
    ["core modules", plan.modules.map((m) => `${m.index}: ${m.name}, ${m.size} bytes, ${m.functions} functions`)],
    ["core instances", plan.coreInstances.map((i) => `${i.index}: module ${i.module}`)],
    ["memories", plan.memories.map((m) => `${m.index}: ${m.minBytes} to ${m.maxBytes} bytes, ${m.style}`)],
  ]);
}

function objectText(report: ObjectReport): string {
  const { info } = report;
  const settings = Object.entries(info.options).map(([k, v]) => `${k} ${v}`);
  return sections([
    [`${report.kind} ${info.name}`, [`windlass ${info.compiler}, ${info.target}`, settings.join(", ")]],
    ["imports", (info.imports ?? []).map((e) => `${e.path.join(" ")}: ${e.type} ${e.core}`)],
    [
      "exports",
      info.exports.map((e) => `${e.path.join(" ")}: ${e.type}${info.imports === undefined ? "" : ` ${e.core}`}`),
    ],
    [
      "trampolines",
      report.trampolines.flatMap((t) => [
        `${t.index}: ${t.import}, ${t.core}, ${t.callee}, start 0x${t.start.toString(16)}, ${t.length} bytes`,
        ...(t.disassembly ?? []).map((l) => `  ${l}`),
      ]),
    ],
    ["sections", Object.entries(report.sizes).map(([name, size]) => `${name}: ${size} bytes`)],
    ["global symbols", report.symbols.global],
  ]);
}
