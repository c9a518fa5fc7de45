// The set of cameras: add, change, remove, find. Writes the registry first, then makes the world follow.

import type { Bus } from '../core/bus.ts';
import { type CameraConfig, type DriverSettings, defaultRecording } from '../core/camera-config.ts';
import type { Clock } from '../core/clock.ts';
import { freeSlug, isSlug, MAX_SLUG_LENGTH, newId, slugFromName } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from '../drivers/driver.ts';
import { missingDriver } from '../drivers/missing-driver.ts';
import type { DriverRegistry } from '../drivers/registry.ts';
import type { Net } from '../net/net.ts';
import type { CameraTable } from '../store/cameras.ts';
import { Camera } from './camera.ts';
import { CameraCaptures } from './captures.ts';
import { mergePatch } from './merge-patch.ts';
import { type CameraView, checkDriverSettings, checkName, maskSettings, patchRecording } from './settings-check.ts';

export type { CameraView } from './settings-check.ts';

/** More cameras than one machine can hold; a bound against a script gone wild. */
export const MAX_CAMERAS = 500;
/** Longest `release`. */
export const MAX_RELEASE_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;

/** What a caller gives to add a camera; everything else has a default. */
export type NewCamera = {
  name: string;
  driver: string;
  settings: Record<string, unknown>;
  slug?: string;
  enabled?: boolean;
  recording?: Record<string, unknown>;
  subSource?: { driver: string; settings: Record<string, unknown> } | null;
};

/** What the Fleet stands on. */
export type FleetOptions = {
  readonly table: CameraTable;
  readonly drivers: DriverRegistry;
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
  readonly bus: Bus;
  readonly discoveryTargets: readonly string[];
  /** Whether recordings of that folder name exist on disk: such a slug is not given again. */
  readonly folderExists: (folder: string) => boolean;
  readonly random?: () => number;
};

/** Add, change, remove, find. All methods that take `ref` accept the id or the slug. */
export class Fleet {
  /** Records the traffic of cameras. */
  readonly captures: CameraCaptures;
  readonly #options: FleetOptions;
  readonly #byId = new Map<string, Camera>();
  readonly #bySlug = new Map<string, Camera>();
  /** Changes run one after another: two requests must not interleave between check and write. */
  #changes: Promise<unknown> = Promise.resolve();
  #running = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { drivers, clock, net } = options;
    this.captures = new CameraCaptures({ drivers, clock, net, find: (id) => this.#byId.get(id) });
    for (const config of options.table.all()) this.#adopt(this.#make(config));
  }

  all(): Camera[] {
    return [...this.#byId.values()];
  }

  find(ref: string): Camera | undefined {
    return this.#bySlug.get(ref) ?? this.#byId.get(ref);
  }

  /** @throws NvrError `not_found` */
  get(ref: string): Camera {
    const camera = this.find(ref);
    if (!camera) throw new NvrError('not_found', 'There is no such camera');
    return camera;
  }

  drivers(): CameraDriver[] {
    return this.#options.drivers.all();
  }

  /** The public view of a camera, secrets masked. */
  view(camera: Camera): CameraView {
    const { folder: _folder, createdAt: _createdAt, ...config } = camera.config;
    const sub = config.subSource;
    return {
      ...config,
      settings: this.#masked(config.driver, config.settings),
      subSource: sub && { ...sub, settings: this.#masked(sub.driver, sub.settings) },
    };
  }

  /** Without the driver nobody knows which settings are secret: none is shown. */
  #masked(driver: string, settings: DriverSettings): DriverSettings {
    const known = this.#options.drivers.find(driver);
    return known ? maskSettings(known, settings) : {};
  }

  /** @throws NvrError `bad_input` naming the field, `conflict` when the slug is taken */
  add(input: NewCamera): Promise<Camera> {
    return this.#inTurn(() => {
      const { drivers, table, clock, bus } = this.#options;
      if (this.#byId.size >= MAX_CAMERAS) throw new NvrError('conflict', `There are already ${MAX_CAMERAS} cameras`);
      const name = checkName(input.name);
      const driver = drivers.get(input.driver);
      const settings = checkDriverSettings(driver, input.settings, null);
      const recording = patchRecording(defaultRecording, input.recording ?? {});
      const subSource = this.#subSource(input.subSource ?? null, null);
      const slug =
        input.slug === undefined
          ? freeSlug(slugFromName(name), (candidate) => this.#slugTaken(candidate))
          : this.#checkSlug(input.slug, null);
      const config: CameraConfig = {
        id: newId('cam'),
        slug,
        folder: slug,
        name,
        driver: driver.id,
        settings,
        enabled: input.enabled ?? true,
        recording,
        subSource,
        createdAt: Math.round(clock.wallMs()),
      };
      table.add(config);
      const camera = this.#make(config);
      this.#adopt(camera);
      bus.publish('camera.added', this.#fact(camera));
      if (this.#running) camera.start();
      return camera;
    });
  }

  /** JSON merge patch over name, slug, driver, settings, enabled, recording, subSource. @throws like add, and `not_found` */
  change(ref: string, patch: Record<string, unknown>): Promise<Camera> {
    return this.#inTurn(async () => {
      const camera = this.get(ref);
      const before = camera.config;
      const config = this.#patched(before, patch);
      this.#options.table.update(config);
      if (config.driver === before.driver) {
        if (config.slug !== before.slug) {
          this.#bySlug.delete(before.slug);
          this.#bySlug.set(config.slug, camera);
        }
        await camera.apply(config);
        this.#options.bus.publish('camera.changed', this.#fact(camera));
        return camera;
      }
      return this.#replace(camera, config);
    });
  }

  /** Says goodbye to the camera and forgets it. Recordings are not touched here. */
  remove(ref: string): Promise<void> {
    return this.#inTurn(async () => {
      const camera = this.get(ref);
      this.#options.table.remove(camera.id);
      this.#byId.delete(camera.id);
      this.#bySlug.delete(camera.slug);
      this.#options.bus.publish('camera.removed', this.#fact(camera));
      await camera.stop();
    });
  }

  /** Dials anew at once. @throws NvrError `conflict` when the camera is disabled */
  restart(ref: string): void {
    const camera = this.#enabled(ref);
    camera.restart();
  }

  /** Says goodbye and stays away for some minutes. @throws NvrError `bad_input`, `conflict` when disabled */
  async release(ref: string, minutes: number): Promise<void> {
    if (!(minutes > 0 && minutes <= MAX_RELEASE_MINUTES)) {
      throw new NvrError('bad_input', `minutes: more than 0 and at most ${MAX_RELEASE_MINUTES} are expected`);
    }
    await this.#enabled(ref).release(minutes * MINUTE_MS);
  }

  /** Lets all enabled cameras dial. */
  start(): void {
    this.#running = true;
    for (const camera of this.all()) camera.start();
  }

  /** Says goodbye to all cameras at once. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.all().map((camera) => camera.stop()));
  }

  #enabled(ref: string): Camera {
    const camera = this.get(ref);
    if (!camera.config.enabled) throw new NvrError('conflict', 'The camera is disabled; enable it first');
    return camera;
  }

  #patched(before: CameraConfig, patch: Record<string, unknown>): CameraConfig {
    const { drivers } = this.#options;
    const driver = 'driver' in patch ? drivers.get(String(patch.driver)) : drivers.get(before.driver);
    const sameDriver = driver.id === before.driver;
    const base = sameDriver ? maskSettings(driver, before.settings) : {};
    const settings =
      'settings' in patch || !sameDriver
        ? checkDriverSettings(
            driver,
            mergePatch(base, asObject(patch.settings ?? {}, 'settings')),
            sameDriver ? before.settings : null,
          )
        : before.settings;
    return {
      ...before,
      driver: driver.id,
      settings,
      name: 'name' in patch ? checkName(patch.name) : before.name,
      slug: 'slug' in patch ? this.#checkSlug(patch.slug, before) : before.slug,
      enabled: 'enabled' in patch ? asBoolean(patch.enabled, 'enabled') : before.enabled,
      recording:
        'recording' in patch
          ? patch.recording === null
            ? defaultRecording
            : patchRecording(before.recording, patch.recording)
          : before.recording,
      subSource: 'subSource' in patch ? this.#subSource(patch.subSource, before) : before.subSource,
    };
  }

  /**
   * A masked secret is the second source's own, else the camera's: both are mostly the same device. As always it is kept for
   * the same host only.
   */
  #subSource(input: unknown, camera: CameraConfig | null): CameraConfig['subSource'] {
    const before = camera?.subSource;
    if (input === null || input === undefined) return null;
    const { driver: id, settings, ...unknown } = asObject(input, 'subSource');
    const [stray] = Object.keys(unknown);
    if (stray !== undefined) throw new NvrError('bad_input', `subSource.${stray}: there is no such setting`);
    const driver = this.#options.drivers.get(String(id ?? before?.driver));
    const own = before?.driver === driver.id ? before.settings : null;
    const stored = own ?? (camera?.driver === driver.id ? camera.settings : null);
    const base = own ? maskSettings(driver, own) : {};
    const field = 'subSource.settings';
    const patched = mergePatch(base, asObject(settings ?? {}, field));
    return { driver: driver.id, settings: checkDriverSettings(driver, patched, stored, field) };
  }

  #checkSlug(slug: unknown, own: CameraConfig | null): string {
    if (typeof slug !== 'string' || !isSlug(slug)) {
      throw new NvrError('bad_input', `slug: 1 to ${MAX_SLUG_LENGTH} of a-z, 0-9 and - are expected`);
    }
    if (slug !== own?.slug && slug !== own?.folder && this.#slugTaken(slug)) {
      throw new NvrError('conflict', 'slug: another camera, or recordings of a deleted one, already use it');
    }
    return slug;
  }

  #slugTaken(slug: string): boolean {
    return this.#bySlug.has(slug) || this.#options.table.slugTaken(slug) || this.#options.folderExists(slug);
  }

  /** Another driver: a new Camera object behind the same id. */
  async #replace(camera: Camera, config: CameraConfig): Promise<Camera> {
    await camera.stop();
    this.#options.table.saveMemory(camera.id, null, this.#options.clock.wallMs());
    const successor = this.#make(config);
    // In one go: who hears of it and looks finds the new camera, and until then the old one.
    this.#options.bus.publish('camera.removed', this.#fact(camera));
    this.#bySlug.delete(camera.slug);
    this.#adopt(successor);
    this.#options.bus.publish('camera.added', this.#fact(successor));
    if (this.#running) successor.start();
    return successor;
  }

  #make(config: CameraConfig): Camera {
    const { table, drivers, clock, log, bus, random } = this.#options;
    return this.captures.tap(
      (tapped) =>
        new Camera({
          config,
          driver: drivers.find(config.driver) ?? missingDriver(config.driver),
          driverOf: (id) => drivers.find(id) ?? missingDriver(id),
          memory: {
            load: () => table.loadMemory(config.id),
            save: (value) => table.saveMemory(config.id, value, clock.wallMs()),
          },
          clock,
          net: tapped,
          log,
          bus,
          random: random ?? Math.random,
          locate: (camera, signal) => this.#locate(camera, signal),
        }),
    );
  }

  #adopt(camera: Camera): void {
    this.#byId.set(camera.id, camera);
    this.#bySlug.set(camera.slug, camera);
  }

  /** The camera did not answer: asks the driver where it is now, and stores the new address. */
  async #locate(camera: Camera, signal: AbortSignal): Promise<boolean> {
    const { drivers, clock, net, log, discoveryTargets, table, bus } = this.#options;
    const driver = drivers.get(camera.config.driver);
    const asked: DriverSettings = camera.config.settings;
    const found = await driver.locate?.(asked, { clock, net, log, signal, targets: discoveryTargets });
    if (!found || signal.aborted || this.#byId.get(camera.id) !== camera || camera.config.settings !== asked)
      return false;
    const config: CameraConfig = { ...camera.config, settings: { ...asked, ...found } };
    table.update(config);
    camera.adopt(config);
    log.info({ camera: camera.slug, ...found }, 'The camera has moved; its new address is stored');
    bus.publish('camera.moved', { camera: camera.id, slug: camera.slug, host: String(found.host ?? '') });
    bus.publish('camera.changed', this.#fact(camera));
    return true;
  }

  #fact(camera: Camera): { camera: string; slug: string; name: string } {
    return { camera: camera.id, slug: camera.slug, name: camera.config.name };
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#changes.then(work);
    this.#changes = result.catch(() => {});
    return result;
  }
}

function asObject(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new NvrError('bad_input', `${field}: an object is expected`);
}

function asBoolean(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new NvrError('bad_input', `${field}: true or false is expected`);
}
