/** What every row of the bench is, and how rows are printed. */

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The peer of the same run: its name and value; the ratio is value / peer. */
  readonly peer?: { readonly name: string; readonly value: number };
}

function number(n: number): string {
  return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

export function ratioOf(row: Row): number | undefined {
  return row.peer === undefined || row.peer.value === 0 ? undefined : row.value / row.peer.value;
}

export function formatRows(rows: readonly Row[]): string {
  const lines: string[] = [];
  let group = "";
  for (const row of rows) {
    if (row.group !== group) {
      group = row.group;
      lines.push("", group);
    }
    const ratio = ratioOf(row);
    const peer =
      row.peer === undefined
        ? ""
        : `  ${number(row.peer.value).padStart(8)} ${row.unit} ${row.peer.name}, ratio ${number(ratio ?? 0)}`;
    lines.push(`  ${row.name.padEnd(44)} ${number(row.value).padStart(8)} ${row.unit}${peer}`);
  }
  const ratios = rows.map(ratioOf).filter((r) => r !== undefined);
  if (ratios.length > 0) {
    const mean = Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);
    lines.push("", `geometric mean of ${ratios.length} ratios: ${number(mean)}`);
  }
  return `${lines.join("\n").trimStart()}\n`;
}
