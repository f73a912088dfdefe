/** What every row of the bench is, and how rows are printed. */

export interface Peer {
  readonly name: string;
  readonly value: number;
}

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Peers of the same run. The ratio to each is value / peer: below 1 is faster. */
  readonly peers: readonly Peer[];
}

/** The geometric mean of the ratios of a group's rows to one peer. */
export interface Mean {
  readonly group: string;
  readonly peer: string;
  readonly ratios: number;
  readonly mean: number;
  readonly worst: number;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function number(n: number): string {
  return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

export function ratiosOf(row: Row): Readonly<Record<string, number>> {
  return Object.fromEntries(row.peers.map(({ name, value }) => [name, row.value / value]));
}

/** One for each group and peer: ratios of different kinds have no common mean. */
export function meansOf(rows: readonly Row[]): Mean[] {
  const ratios = new Map<string, { group: string; peer: string; values: number[] }>();
  for (const row of rows) {
    for (const [peer, ratio] of Object.entries(ratiosOf(row))) {
      const key = `${row.group}\0${peer}`;
      const entry = ratios.get(key) ?? { group: row.group, peer, values: [] };
      entry.values.push(ratio);
      ratios.set(key, entry);
    }
  }
  return [...ratios.values()].map(({ group, peer, values }) => ({
    group,
    peer,
    ratios: values.length,
    mean: Math.exp(values.reduce((sum, r) => sum + Math.log(r), 0) / values.length),
    worst: Math.max(...values),
  }));
}

export function formatRows(rows: readonly Row[]): string {
  const lines: string[] = [];
  const means = meansOf(rows);
  for (const group of new Set(rows.map((r) => r.group))) {
    lines.push("", group);
    for (const row of rows) {
      if (row.group !== group) continue;
      const peers = row.peers.map(
        ({ name, value }) => `  ${number(row.value / value).padStart(5)} × ${name} (${number(value)})`,
      );
      lines.push(`  ${row.name.padEnd(34)} ${number(row.value).padStart(8)} ${row.unit}${peers.join("")}`);
    }
    for (const { peer, ratios, mean, worst } of means.filter((m) => m.group === group && m.ratios > 1)) {
      const title = `geometric mean of ${ratios} ratios`;
      lines.push(`  ${title.padEnd(34)} ${number(mean).padStart(8)} × ${peer}, at worst ${number(worst)}`);
    }
  }
  return `${lines.join("\n").trimStart()}\n`;
}
