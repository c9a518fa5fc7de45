// The exports of this user, followed while there is something to follow.

import { signal } from '@preact/signals';
import { api, type Result } from '../api.ts';
import type { ExportJob, ExportSpan } from '../api-types.ts';

const BUSY_EVERY_MS = 700;
const IDLE_EVERY_MS = 15_000;

/** See the head of this file. `stop` it. */
export class Exports {
  /** Newest first; `null` before the first answer. */
  readonly jobs = signal<readonly ExportJob[] | null>(null);
  readonly error = signal<string | null>(null);
  #timer: number | undefined;
  #stopped = false;

  constructor() {
    void this.#poll();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async add(span: ExportSpan): Promise<Result<ExportJob>> {
    const result = await api.addExport(span);
    if (result.ok) this.jobs.value = [result.value, ...(this.jobs.peek() ?? [])];
    this.#soon(0);
    return result;
  }

  async remove(id: string): Promise<Result<unknown>> {
    const result = await api.deleteExport(id);
    if (result.ok || result.error.status === 404) {
      this.jobs.value = this.jobs.peek()?.filter((job) => job.id !== id) ?? null;
    }
    this.#soon(0);
    return result;
  }

  #soon(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = window.setTimeout(() => void this.#poll(), ms);
  }

  async #poll(): Promise<void> {
    const result = document.visibilityState === 'visible' || this.jobs.peek() === null ? await api.exports() : null;
    if (this.#stopped) return;
    if (result?.ok) this.jobs.value = [...result.value].reverse();
    if (result) this.error.value = result.ok ? null : result.error.message;
    const busy = this.jobs.peek()?.some(({ state }) => state === 'queued' || state === 'running');
    this.#soon(busy ? BUSY_EVERY_MS : IDLE_EVERY_MS);
  }
}
