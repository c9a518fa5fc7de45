// The way to a device as its user sees it, told to every camera that waits for the same tunnel.

import type { DialStep } from '../../core/dial-step.ts';
import { LOGIN_STEP } from '../rtsp/steps.ts';
import type { DahuaStep } from './failures.ts';

/** From the cloud's first answer to the login. */
export const dahuaSteps: readonly DialStep[] = [
  {
    id: 'service',
    title: 'Service found',
    doing: 'Asking the vendor’s service for the device',
    late: 'The vendor’s service does not answer; outgoing UDP may be blocked in this network',
  },
  {
    id: 'device',
    title: 'Device online',
    doing: 'Looking for the device',
    late: 'The service answers, but the device does not; it seems to be offline',
  },
  {
    id: 'path',
    title: 'Way to the device',
    doing: 'Opening a way to the device',
    late: 'The device is online, but no way to it could be opened; this network or the device’s may block UDP',
  },
  { ...LOGIN_STEP, late: 'The device was reached, but its video service does not answer' },
];

/** What the steps of an attempt mean to a user; the path counts only once it is proved. */
const ids: Partial<Record<DahuaStep, string>> = { service: 'service', channel: 'device' };

type Reached = readonly [id: string, detail?: string];
type Listener = (...step: Reached) => void;

/** How far the tunnel of one device is. Who comes later hears what was reached before. */
export class Way {
  #reached: Reached[] = [];
  readonly #listeners = new Set<Listener>();

  /** A new attempt. */
  begin(): void {
    this.#reached = [];
  }

  /** An attempt got there. */
  attempted(step: DahuaStep, facts: { readonly server?: string }): void {
    const id = ids[step];
    if (id === undefined) return;
    if (facts.server === undefined) this.#reach(id);
    else this.#reach(id, facts.server);
  }

  /** The tunnel is open. */
  opened(path: 'direct' | 'relay'): void {
    this.#reach('path', path === 'direct' ? 'direct' : 'through the vendor’s relay');
  }

  /** Hears what was and will be reached; returns the way to stop. */
  follow(listener: Listener = () => {}): () => void {
    for (const step of this.#reached) listener(...step);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #reach(...step: Reached): void {
    this.#reached.push(step);
    for (const listener of this.#listeners) listener(...step);
  }
}
