// Writes down, at every change, what holds for each camera that should be recording, and every two seconds that Perch is
// alive: after a kill -9 the journal ends where Perch did. The decisions are in gaps.ts.

import type { Camera } from '../cameras/camera.ts';
import type { Fleet } from '../cameras/fleet.ts';
import type { Bus } from '../core/bus.ts';
import { type Clock, type Timer, wallOffset } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { toNvrError } from '../core/nvr-error.ts';
import { type GapTable, MAX_WATCH_MS, type Span, type WatchCondition } from '../store/gaps.ts';
import { CLOCK_STEP_MS } from './cut.ts';
import { chooseCondition, type WatchFacts } from './gaps.ts';

/** How exact the end of a killed Perch is known. */
export const HEARTBEAT_MS = 2000;
/** Journal and deletions older than this go; recordings that old have no reasons for their gaps any more. */
const KEPT_MS = 400 * 86_400_000;

/** What the journal watches. */
export type GapJournalOptions = {
  readonly fleet: Pick<Fleet, 'all' | 'find'>;
  readonly gaps: GapTable;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether mode, schedule or hand want a recording now; asked as if the camera was enabled. */
  readonly wanted: (camera: Pick<Camera, 'id' | 'config'>) => boolean;
  /** Whether the recordings can be written. */
  readonly storage?: () => WatchFacts['storage'];
  /** When a recording was wanted while nobody was there to ask; without it: as it was when Perch ended. */
  readonly wantedSpans?: (camera: Pick<Camera, 'id' | 'config'>, from: number, to: number) => readonly Span[];
};

type Watch = { condition: WatchCondition | null; sinceAt: number };

/** See the head of this file. `start` once, `stop` once. */
export class GapJournal {
  readonly #options: GapJournalOptions;
  readonly #watches = new Map<string, Watch>();
  readonly #failures = new Map<string, 'exhausted' | 'other'>();
  readonly #offs: (() => void)[] = [];
  #timer: Timer | null = null;
  /** Why the journal is not written, said once; `null`: it is. */
  #problem: string | null = null;
  /** Wall clock minus monotonic clock: a jump of it is a step of the wall clock. */
  #offsetMs = 0;

  constructor(options: GapJournalOptions) {
    this.#options = options;
  }

  /** Closes what an earlier life left open, and follows the cameras from now on. */
  start(): void {
    const { bus, clock } = this.#options;
    const now = Math.floor(clock.wallMs());
    this.#offsetMs = wallOffset(clock);
    this.#closeFormerLife(now);
    this.#options.gaps.prune(now - KEPT_MS);
    for (const name of ['camera.status', 'camera.added', 'camera.changed'] as const) {
      this.#offs.push(bus.on(name, ({ camera }) => this.check(camera)));
    }
    this.#offs.push(
      bus.on('segment.opened', ({ camera }) => {
        if (this.#failures.delete(camera)) this.check(camera);
      }),
      bus.on('recording.failed', ({ camera, code }) => {
        this.#failures.set(camera, code === 'exhausted' ? 'exhausted' : 'other');
        this.check(camera);
      }),
      bus.on('camera.removed', ({ camera }) => this.#forget(camera)),
    );
    this.#beat();
  }

  /** Leaves the journal as a crash would, but up to this moment. */
  stop(): void {
    for (const off of this.#offs.splice(0)) off();
    this.#timer?.cancel();
    this.#guard(() => this.#options.gaps.beat(Math.floor(this.#options.clock.wallMs())));
  }

  /** Looks at one camera; call it when something that `wanted` depends on has changed. */
  check(camera: string): void {
    const found = this.#options.fleet.find(camera);
    if (!found || this.#timer === null) return;
    this.#guard(() => {
      this.#followClock();
      this.#look(found);
    });
  }

  #beat(): void {
    const { clock, fleet, gaps } = this.#options;
    this.#timer = clock.after(HEARTBEAT_MS, () => this.#beat());
    this.#guard(() => {
      this.#followClock();
      for (const camera of fleet.all()) this.#look(camera);
      gaps.beat(Math.floor(clock.wallMs()));
      this.#isWell();
    });
  }

  #look(camera: Camera): void {
    const { clock, gaps, wanted, storage = () => 'ok' as const } = this.#options;
    const { config, id } = camera;
    const status = camera.status();
    const condition = chooseCondition({
      wanted: wanted({ id, config: { ...config, enabled: true } }),
      enabled: config.enabled,
      state: status.state,
      released: status.state === 'coolingDown' && status.coolDownReason === 'released',
      storage: storage(),
      failure: this.#failures.get(id) ?? 'none',
    });
    const now = Math.floor(clock.wallMs());
    const watch = this.#watches.get(id) ?? { condition: null, sinceAt: now };
    if (watch.condition === condition && now - watch.sinceAt < MAX_WATCH_MS / 2) return;
    if (watch.condition === null && condition === null) return;
    gaps.turn(id, now, condition);
    this.#watches.set(id, { condition, sinceAt: now });
  }

  /** A step of the wall clock: time that was jumped over never was, and what holds goes on at the new time. */
  #followClock(): void {
    const { clock, gaps } = this.#options;
    const offsetMs = wallOffset(clock);
    const stepMs = offsetMs - this.#offsetMs;
    this.#offsetMs = offsetMs;
    if (Math.abs(stepMs) <= CLOCK_STEP_MS) return;
    const now = Math.floor(clock.wallMs());
    const before = Math.floor(now - stepMs);
    for (const [id, { condition }] of this.#watches) {
      if (!condition) continue;
      gaps.turn(id, before, null);
      if (stepMs > 0) gaps.add(id, { startAt: before, endAt: now }, 'clockStep');
      gaps.turn(id, now, condition);
      this.#watches.set(id, { condition, sinceAt: now });
    }
  }

  #closeFormerLife(now: number): void {
    const { gaps, fleet, wantedSpans } = this.#options;
    const open = gaps.open();
    const alive = gaps.aliveAt() ?? now;
    const held = new Set(open.map(({ camera }) => camera));
    for (const { camera, startAt } of open) gaps.turn(camera, Math.min(now, Math.max(startAt, alive)), null);
    if (alive >= now) return;
    for (const camera of fleet.all()) {
      const whole = held.has(camera.id) ? [{ startAt: alive, endAt: now }] : [];
      for (const span of wantedSpans?.(camera, alive, now) ?? whole) gaps.add(camera.id, span, 'perchDown');
    }
  }

  #forget(camera: string): void {
    this.#watches.delete(camera);
    this.#failures.delete(camera);
    this.#guard(() => this.#options.gaps.forget(camera));
  }

  /** A database that is full or damaged must not take the recorder down; it is said when that begins, changes and ends. */
  #guard(work: () => void): void {
    const { log } = this.#options;
    try {
      work();
    } catch (error) {
      const { message } = toNvrError(error);
      if (message !== this.#problem) log.error({ error: message }, 'The journal of gaps could not be written');
      this.#problem = message;
    }
  }

  /** A beat has got through: the database takes what it is given. */
  #isWell(): void {
    if (this.#problem !== null) this.#options.log.info({}, 'The journal of gaps is written again');
    this.#problem = null;
  }
}
