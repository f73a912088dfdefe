/** Progress on a terminal: one line on standard error that is rewritten and removed at the end. Silent elsewhere. */

export interface Progress {
  /** `done` of `total` units of `stage`. */
  update(stage: string, done: number, total: number): void;
  /** Removes the line. */
  finish(): void;
}

const INTERVAL_MS = 80;

export function terminalProgress(quiet: boolean): Progress {
  const stream = process.stderr;
  if (quiet || stream.isTTY !== true) return { update() {}, finish() {} };
  let last = 0;
  let shown = false;
  return {
    update(stage, done, total) {
      const now = Date.now();
      if (now - last < INTERVAL_MS) return;
      last = now;
      shown = true;
      const percent = total === 0 ? "" : ` ${Math.floor((100 * done) / total)}%`;
      const bar = total === 0 ? "" : ` [${"#".repeat(Math.floor((20 * done) / total)).padEnd(20)}]`;
      stream.write(`\r\x1b[K${stage}${bar}${percent}`);
    },
    finish() {
      if (shown) stream.write("\r\x1b[K");
    },
  };
}
