// Wakes whoever follows schedules: a timer for the next change, a look every few seconds whatever happens (clocks step,
// machines sleep), and node-cron. None of them decides: each only says "look again", and Schedule answers.

import nodeCron, { type ScheduledTask } from 'node-cron';
import type { ScheduleRule } from '../core/camera-config.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { toNvrError } from '../core/nvr-error.ts';
import { localTimeZone } from '../core/time-zone.ts';
import { Schedule } from './schedule.ts';

/** Longest time until a change is seen that no timer foresaw: a stepped clock. */
export const LOOK_AGAIN_MS = 5000;

type Followed = { readonly key: string; readonly schedule: Schedule; readonly tasks: readonly ScheduledTask[] };

/** See the head of this file. */
export class ScheduleWaker {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onWake: (camera: string) => void;
  readonly #followed = new Map<string, Followed>();
  #timer: Timer | null = null;

  /** @param onWake told that this camera's answer may have changed */
  constructor(clock: Clock, log: Logger, onWake: (camera: string) => void) {
    this.#clock = clock;
    this.#log = log;
    this.#onWake = onWake;
  }

  /** Follows a camera's rules; an empty list follows nothing. */
  follow(camera: string, rules: readonly ScheduleRule[]): void {
    const key = JSON.stringify(rules);
    if (this.#followed.get(camera)?.key === key) return;
    this.#forget(camera);
    if (rules.length > 0) {
      const wake = () => this.#onWake(camera);
      const tasks = rules.flatMap((rule) => this.#task(rule, wake));
      this.#followed.set(camera, { key, schedule: this.#parse(camera, rules), tasks });
    }
    this.#plan();
  }

  /** Whether a followed camera's schedule is on now; false when none is followed. */
  isOn(camera: string): boolean {
    return this.#followed.get(camera)?.schedule.isOn(this.#clock.wallMs()) ?? false;
  }

  /** When the answer changes next, epoch milliseconds, or `null`. */
  nextChange(camera: string): number | null {
    return this.#followed.get(camera)?.schedule.nextChange(this.#clock.wallMs()) ?? null;
  }

  stop(): void {
    this.#timer?.cancel();
    for (const camera of [...this.#followed.keys()]) this.#forget(camera);
  }

  #forget(camera: string): void {
    for (const task of this.#followed.get(camera)?.tasks ?? []) void task.destroy();
    this.#followed.delete(camera);
  }

  /** Rules were checked when they were saved; what another version stored and this one refuses is never on, and said. */
  #parse(camera: string, rules: readonly ScheduleRule[]): Schedule {
    try {
      return new Schedule(rules);
    } catch (error) {
      this.#log.error({ camera, error: toNvrError(error).message }, 'A schedule cannot be read; it never records');
      return new Schedule([]);
    }
  }

  /** node-cron's own wake-up; our timers are enough without it. */
  #task({ cron, timezone }: ScheduleRule, wake: () => void): ScheduledTask[] {
    try {
      return [
        nodeCron.schedule(cron.trim(), wake, { timezone: timezone ?? localTimeZone(), suppressMissedWarning: true }),
      ];
    } catch {
      return [];
    }
  }

  #plan(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#followed.size === 0) return;
    const now = this.#clock.wallMs();
    let delayMs = LOOK_AGAIN_MS;
    for (const { schedule } of this.#followed.values()) {
      const next = schedule.nextChange(now);
      if (next !== null) delayMs = Math.min(delayMs, Math.max(1, next - now));
    }
    this.#timer = this.#clock.after(delayMs, () => {
      for (const camera of [...this.#followed.keys()]) this.#onWake(camera);
      this.#plan();
    });
  }
}
