/** A program with output `script` (`src/frontend/script.ts`) as a process: commands go in, answers come out, one at a time. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANSWER_HEADER, CommandField, ScriptCommand } from "../../src/frontend/script.ts";
import { VALUE_SIZE } from "./values.ts";

/** The process is gone, or did not answer in time; it says nothing more. */
export class ChildFailure extends Error {}

export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

type CallKind = "call" | "enter" | "realloc" | "realloc64";

/** The command that calls an entry with values; the answer holds `results` values. */
export function callCommand(kind: CallKind, entry: number, values: Uint8Array, results: number): Uint8Array {
  const bytes = new Uint8Array(CommandField.size + values.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(CommandField.command, ScriptCommand[kind], true);
  view.setUint32(CommandField.entry, entry, true);
  view.setUint32(CommandField.count, values.length / VALUE_SIZE, true);
  view.setUint32(CommandField.results, results, true);
  bytes.set(values, CommandField.size);
  return bytes;
}

/** The command that reads bytes, or the header of one that writes them, at a displacement from the context. */
export function placeCommand(kind: "read" | "write", displacement: number, length: number): Uint8Array {
  const bytes = new Uint8Array(CommandField.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(CommandField.command, ScriptCommand[kind], true);
  view.setBigUint64(CommandField.displacement, BigInt(displacement), true);
  view.setBigUint64(CommandField.length, BigInt(length), true);
  return bytes;
}

/** What is sent, and how many bytes of an answer come behind its header. */
export interface Command {
  readonly parts: readonly Uint8Array[];
  readonly answer: number;
}

export function readCommand(displacement: number, length: number): Command {
  return { parts: [placeCommand("read", displacement, length)], answer: length };
}

export function writeCommand(displacement: number, bytes: Uint8Array): Command {
  return { parts: [placeCommand("write", displacement, bytes.length), bytes], answer: 0 };
}

interface Waiting {
  readonly size: number;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

export class ScriptProcess {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #timeout: number;
  #received: Buffer[] = [];
  #size = 0;
  #waiting: Waiting | undefined;
  #ended: ChildFailure | undefined;

  /** `timeout`: milliseconds for one answer. */
  constructor(executable: Uint8Array, timeout: number) {
    this.#timeout = timeout;
    this.#folder = mkdtempSync(join(tmpdir(), "windlass-wast-"));
    const path = join(this.#folder, "script");
    writeFileSync(path, executable, { mode: 0o755 });
    this.#process = spawn(path, [], { stdio: ["pipe", "pipe", "inherit"], env: {} });
    this.#process.stdout?.on("data", (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#size += chunk.length;
      this.#deliver();
    });
    // Once it runs its file may go, so that nothing stays should this process be killed.
    this.#process.on("spawn", () => this.#removeFile());
    // Broken pipes are what `exit` and `error` tell about.
    this.#process.stdin?.on("error", () => undefined);
    this.#process.on("error", (error) => this.#fail(`can't be started: ${error.message}`));
    this.#process.on("close", (code, signal) =>
      this.#fail(signal === null ? `ended with exit code ${code}` : `${signal}`),
    );
  }

  #removeFile(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #fail(reason: string): void {
    this.#ended ??= new ChildFailure(`the program failed: ${reason}`);
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#size < waiting.size) return;
    const all = Buffer.concat(this.#received);
    this.#received = [all.subarray(waiting.size)];
    this.#size -= waiting.size;
    this.#waiting = undefined;
    waiting.resolve(new Uint8Array(all.subarray(0, waiting.size)));
  }

  /** Sends commands whose answers hold so many bytes each, and waits for all of them. */
  async askAll(commands: readonly Command[]): Promise<readonly Answer[]> {
    if (this.#ended !== undefined) throw this.#ended;
    const timer = setTimeout(() => {
      this.#fail(`no answer after ${this.#timeout / 1000} s`);
      this.#process.kill("SIGKILL");
    }, this.#timeout);
    try {
      const size = commands.reduce((sum, c) => sum + ANSWER_HEADER + c.answer, 0);
      const bytes = await new Promise<Uint8Array>((resolve, reject) => {
        this.#waiting = { size, resolve, reject };
        this.#process.stdin?.write(Buffer.concat(commands.flatMap((c) => c.parts)));
      });
      const view = new DataView(bytes.buffer);
      let at = 0;
      return commands.map(({ answer }) => {
        const status = view.getUint32(at, true);
        const start = at + ANSWER_HEADER;
        at = start + answer;
        return { status, bytes: bytes.subarray(start, at) };
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask(command: Command): Promise<Answer> {
    const [answer] = await this.askAll([command]);
    if (answer === undefined) throw new ChildFailure("no answer");
    return answer;
  }

  /** Calls an entry with values; the answer holds `results` values. */
  call(kind: CallKind, entry: number, values: Uint8Array, results: number): Promise<Answer> {
    return this.#ask({ parts: [callCommand(kind, entry, values, results)], answer: VALUE_SIZE * results });
  }

  /** Bytes at a displacement from the context. */
  async read(displacement: number, length: number): Promise<Uint8Array> {
    return (await this.#ask(readCommand(displacement, length))).bytes;
  }

  async write(displacement: number, bytes: Uint8Array): Promise<void> {
    await this.#ask(writeCommand(displacement, bytes));
  }

  /** Ends the process and removes its file. */
  close(): void {
    this.#ended ??= new ChildFailure("the program was closed");
    this.#process.kill("SIGKILL");
    this.#removeFile();
  }
}
