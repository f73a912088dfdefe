/**
 * Scripts of the standard's suites with components that are refused because they need what is not supported: how many forms, and every error
 * that is given. The runner fails a script that has more or fewer refused, or for another reason, so that no other error passes for a refusal.
 */

export interface RefusedScript {
  /** Below the folder of the suites. */
  readonly file: string;
  readonly forms: number;
  readonly reasons: readonly string[];
}

const STREAM = "unsupported: `canon lift` of a function with `stream` in its type";
const FUTURE = "unsupported: `canon lift` of a function with `future` in its type";
const TRAP = "trap: streams, futures and threads are not supported";
const WAIT = "trap: an async task that waits or yields is not supported";

export const REFUSALS: readonly RefusedScript[] = [
  { file: "component/async/async-calls-sync.wast", forms: 2, reasons: [WAIT] },
  { file: "component/async/big-interleaving-test.wast", forms: 54, reasons: [STREAM] },
  { file: "component/async/builtin-trap-poisons-instance.wast", forms: 2, reasons: [TRAP] },
  { file: "component/async/cancel-stream.wast", forms: 2, reasons: [STREAM] },
  { file: "component/async/cancel-subtask.wast", forms: 2, reasons: [FUTURE] },
  { file: "component/async/cancellable.wast", forms: 2, reasons: [FUTURE] },
  { file: "component/async/closed-stream.wast", forms: 2, reasons: [STREAM] },
  {
    file: "component/async/cross-task-future.wast",
    forms: 2,
    reasons: ["unsupported: `task.return` with `future` in its type"],
  },
  { file: "component/async/deadlock.wast", forms: 1, reasons: [WAIT] },
  { file: "component/async/drop-cross-task-borrow.wast", forms: 3, reasons: [WAIT] },
  { file: "component/async/drop-stream.wast", forms: 4, reasons: [STREAM] },
  { file: "component/async/drop-subtask.wast", forms: 2, reasons: [WAIT] },
  { file: "component/async/drop-waitable-set.wast", forms: 1, reasons: [WAIT] },
  { file: "component/async/during-sync-call-may-block-if-other-ready-threads.wast", forms: 3, reasons: [TRAP] },
  { file: "component/async/during-sync-call-no-exclusive-resume.wast", forms: 7, reasons: [WAIT, TRAP] },
  { file: "component/async/during-sync-call-no-sibling-resume.wast", forms: 4, reasons: [TRAP] },
  { file: "component/async/empty-wait.wast", forms: 1, reasons: [WAIT] },
  { file: "component/async/futures-must-write.wast", forms: 3, reasons: [FUTURE] },
  {
    file: "component/async/partial-stream-copies.wast",
    forms: 2,
    reasons: ["unsupported: `task.return` with `stream` in its type"],
  },
  { file: "component/async/passing-resources.wast", forms: 3, reasons: [STREAM] },
  { file: "component/async/same-component-stream-future.wast", forms: 4, reasons: [TRAP] },
  { file: "component/async/sync-barges-in.wast", forms: 1, reasons: [WAIT] },
  {
    file: "component/async/sync-streams.wast",
    forms: 2,
    reasons: ["unsupported: `task.return` with `stream` in its type"],
  },
  { file: "component/async/trap-if-block-and-sync.wast", forms: 4, reasons: [WAIT, TRAP] },
  { file: "component/async/trap-if-done.wast", forms: 26, reasons: [FUTURE] },
  { file: "component/async/trap-if-sync-and-waitable-set.wast", forms: 13, reasons: [WAIT, TRAP] },
  {
    file: "component/async/trap-if-transfer-in-waitable-set.wast",
    forms: 4,
    reasons: ["unsupported: export `return-future-in-set`: `canon lift` of a function with `future` in its type"],
  },
  { file: "component/async/trap-on-reenter.wast", forms: 1, reasons: [WAIT] },
  { file: "component/async/wait-during-callback.wast", forms: 1, reasons: [TRAP] },
  {
    file: "component/async/zero-length.wast",
    forms: 2,
    reasons: ["unsupported: `task.return` with `stream` in its type"],
  },
];
