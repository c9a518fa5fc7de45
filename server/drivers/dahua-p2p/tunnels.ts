// The tunnels of one process, shared by server, serial and user: one login per device, however many cameras use it. Attempts
// coalesce here, and here is the limit on how often the cloud is asked about one device (section 11.5).

import { createHash } from 'node:crypto';
import { isNvrError, type NvrError, toNvrError } from '../../core/nvr-error.ts';
import { orAborted } from '../../net/or-aborted.ts';
import type { DriverContext } from '../driver.ts';
import type { Learned } from './attempt.ts';
import { cloudLimits, signalTiming } from './dialect.ts';
import { type Established, establish } from './establish.ts';
import { ExposedPort, type ExposeOptions } from './expose.ts';
import type { DahuaSettings } from './settings.ts';
import { Tunnel } from './tunnel.ts';
import { Way } from './way.ts';

const MAX_BACK_OFF_MS = 60_000;
const HEALTHY_MS = 60_000;
const MINUTE_MS = 60_000;
const MAX_REMEMBERED = 256;

/** A share of a tunnel. */
export type TunnelLease = {
  readonly tunnel: Tunnel;
  /** Gives it back; the last one closes it. Idempotent. Resolves when the goodbye is said, if there is one. */
  readonly release: () => Promise<void>;
};

type Entry = {
  readonly way: Way;
  users: number;
  opening: Promise<Tunnel> | null;
  tunnel: Tunnel | null;
  abort: AbortController;
  closing: Promise<void> | null;
  attemptAtMs: number;
  openedAtMs: number;
  failures: number;
  lastError: NvrError | null;
  learned: Learned | null;
  exposed: ExposedPort | null;
};

type TunnelContext = Pick<DriverContext, 'net' | 'clock' | 'log' | 'signal' | 'step'>;

/** See the head of this file. */
export class Tunnels {
  readonly counts = { attempts: 0, requests: 0 };
  readonly #entries = new Map<string, Entry>();
  readonly #expose: ExposeOptions | null;
  #attemptsAtMs: number[] = [];

  /** @param expose where other RTSP tools may use the tunnels; not at all unless given */
  constructor(expose: ExposeOptions | null = null) {
    this.#expose = expose;
  }

  /**
   * A share of the device's tunnel, which is opened if need be.
   * @throws NvrError with the reasons of failures.ts; `cancelled`
   */
  async acquire(settings: DahuaSettings, context: TunnelContext, learned: Learned | null): Promise<TunnelLease> {
    const entry = this.#entry(settings);
    entry.learned ??= learned;
    entry.users++;
    const unfollow = entry.way.follow(context.step);
    let isReleased = false;
    const release = async () => {
      if (isReleased) return;
      isReleased = true;
      await this.#release(entry);
    };
    try {
      const tunnel = await orAborted(this.#tunnel(entry, settings, context), context.signal);
      return { tunnel, release };
    } catch (error) {
      await release();
      throw error;
    } finally {
      unfollow();
    }
  }

  /** What was learned about a device, to keep it over restarts. */
  learned(settings: DahuaSettings): Learned | null {
    return this.#entry(settings).learned;
  }

  #entry(settings: DahuaSettings): Entry {
    const key = keyOf(settings);
    const found = this.#entries.get(key);
    if (found) return found;
    for (const [old, { users, tunnel }] of this.#entries) {
      if (this.#entries.size < MAX_REMEMBERED) break;
      if (users === 0 && !tunnel) this.#entries.delete(old);
    }
    const entry: Entry = {
      ...{ way: new Way(), users: 0, opening: null, tunnel: null, abort: new AbortController(), closing: null },
      ...{
        attemptAtMs: Number.NEGATIVE_INFINITY,
        openedAtMs: 0,
        failures: 0,
        lastError: null,
        learned: null,
        exposed: null,
      },
    };
    this.#entries.set(key, entry);
    return entry;
  }

  async #tunnel(entry: Entry, settings: DahuaSettings, context: TunnelContext): Promise<Tunnel> {
    if (entry.tunnel?.isOpen) return entry.tunnel;
    // Everybody left while it was opening; it is on its way out.
    while (entry.opening && entry.abort.signal.aborted) await entry.opening.catch(() => {});
    if (entry.tunnel?.isOpen) return entry.tunnel;
    if (!entry.opening) {
      entry.abort = new AbortController();
      entry.opening = this.#open(entry, settings, { ...context, signal: entry.abort.signal }).finally(() => {
        entry.opening = null;
      });
      // Whoever still waits hears of it; when nobody does, nobody minds.
      entry.opening.catch(() => {});
    }
    return entry.opening;
  }

  async #open(entry: Entry, settings: DahuaSettings, context: TunnelContext): Promise<Tunnel> {
    const { clock, net, log, signal } = context;
    await entry.closing;
    await this.#waitForTurn(entry, context);
    const beganMs = clock.monoMs();
    entry.attemptAtMs = beganMs;
    this.counts.attempts++;
    this.#attemptsAtMs = [...this.#attemptsAtMs.filter((atMs) => beganMs - atMs < MINUTE_MS), beganMs];
    let established: Established | null = null;
    entry.way.begin();
    try {
      established = await establish({
        ...{ net, clock, signal, settings, learned: entry.learned },
        onStep: (step, facts) => {
          log.debug({ step, ...facts }, 'On the way to the device');
          entry.way.attempted(step, facts);
        },
        onRequest: () => {
          this.counts.requests++;
        },
      });
      const tunnel = await Tunnel.open(net, established);
      signal.throwIfAborted();
      entry.way.opened(established.path);
      const { profile, type, dialect } = established;
      const exposedPort = await this.#publish(entry, tunnel, context);
      entry.learned = { profile, type, dialect, ...(exposedPort !== null && { exposedPort }) };
      Object.assign(entry, { tunnel, openedAtMs: clock.monoMs(), lastError: null });
      return tunnel;
    } catch (error) {
      await established?.link.close(0);
      await established?.close();
      const known = toNvrError(error);
      if (known.code !== 'cancelled') {
        entry.failures++;
        entry.lastError = known;
      }
      throw known;
    }
  }

  /** @returns the port to keep, if there is one */
  async #publish(entry: Entry, tunnel: Tunnel, { net, clock, log }: TunnelContext): Promise<number | null> {
    if (!this.#expose) return null;
    entry.exposed ??= new ExposedPort(this.#expose, entry.learned?.exposedPort ?? null);
    try {
      await tunnel.expose(net, clock, entry.exposed);
      const { address, port } = entry.exposed;
      log.info({ address, port }, 'Other RTSP tools can use the tunnel');
    } catch (err) {
      log.warn({ err }, 'The tunnel cannot be published for other RTSP tools');
    }
    return entry.exposed.kept;
  }

  /** Not more than one attempt per three seconds, doubling while they fail; whoever comes much too early hears the last error. */
  async #waitForTurn(entry: Entry, { clock, signal }: TunnelContext): Promise<void> {
    if (entry.openedAtMs > 0 && clock.monoMs() - entry.openedAtMs >= HEALTHY_MS) entry.failures = 0;
    const gapMs = Math.min(MAX_BACK_OFF_MS, signalTiming.attemptGapMs * 2 ** Math.max(0, entry.failures - 1));
    const isLocked = isNvrError(entry.lastError) && entry.lastError.context.reason === 'wrongPassword';
    const waitMs = entry.attemptAtMs + (isLocked ? cloudLimits.wrongPasswordCoolDownMs : gapMs) - clock.monoMs();
    if (entry.lastError && waitMs > signalTiming.attemptGapMs) throw entry.lastError;
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    for (;;) {
      const nowMs = clock.monoMs();
      this.#attemptsAtMs = this.#attemptsAtMs.filter((atMs) => nowMs - atMs < MINUTE_MS);
      if (this.#attemptsAtMs.length < cloudLimits.attemptsPerMinute) return;
      await clock.sleep(this.#attemptsAtMs[0]! + MINUTE_MS - nowMs, signal);
    }
  }

  async #release(entry: Entry): Promise<void> {
    entry.users--;
    if (entry.users > 0) return;
    entry.abort.abort();
    const { tunnel } = entry;
    entry.tunnel = null;
    if (!tunnel) return;
    const closing = tunnel.close().finally(() => {
      if (entry.closing === closing) entry.closing = null;
    });
    entry.closing = closing;
    await closing;
  }
}

/** Cameras share a tunnel when all of this is the same. The password counts, so that a corrected one is tried at once. */
function keyOf(settings: DahuaSettings): string {
  const { serial, profiles, credentials, relay, deviceAuth, randSalt, version, dialect } = settings;
  const facts = JSON.stringify([serial, profiles, credentials, relay, deviceAuth, randSalt, version, dialect]);
  return createHash('sha256').update(facts).digest('hex');
}
