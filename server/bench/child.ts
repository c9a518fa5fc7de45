// A helper process of the benchmark with questions and answers over IPC.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

type Reply = { readonly id: number; readonly value?: unknown; readonly error?: string };

/** Starts `bench/FILE` and asks it things; ends it when disposed. */
export class Child implements Disposable {
  readonly process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;

  constructor(file: string) {
    this.process = fork(fileURLToPath(new URL(file, import.meta.url)), [], { serialization: 'advanced' });
    this.process.on('message', (reply: Reply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error === undefined) waiting?.resolve(reply.value);
      else waiting?.reject(new Error(`${file}: ${reply.error}`));
    });
    this.process.on('exit', (code) => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`${file} ended with ${code}`));
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  ask<T>(question: string, argument?: unknown): Promise<T> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.process.send({ id, question, argument });
    return answer.promise as Promise<T>;
  }

  [Symbol.dispose](): void {
    this.process.kill('SIGKILL');
  }
}

/** What a helper's answers are made by. */
export type Answers = Readonly<Record<string, (argument: never) => unknown>>;

/** The helper's side. */
export function answer(answers: Answers): void {
  process.on('message', async ({ id, question, argument }: { id: number; question: string; argument: unknown }) => {
    try {
      const value = await answers[question]?.(argument as never);
      process.send?.({ id, value });
    } catch (error) {
      process.send?.({ id, error: String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}
