// The table of cameras. Settings go in and out in clear; on disk the secret ones are sealed.

import {
  type CameraConfig,
  type DriverId,
  type DriverSettings,
  defaultRecording,
  type RecordingSettings,
} from '../core/camera-config.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { Db } from './database.ts';
import type { Secrets } from './secrets.ts';

type CameraRow = {
  id: string;
  slug: string;
  folder: string;
  name: string;
  driver: string;
  settings: string;
  enabled: number;
  recording: string;
  sub_source: string | null;
  created_at: number;
};

/** Which settings of a driver are secret. */
export type SecretNames = (driver: string) => readonly string[];

/** A setting whose stored form could not be opened (another key file): it stays sealed, for the key may come back. */
export type LostSecret = { readonly camera: string; readonly setting: string };

/** A folder that once was given to a camera. */
export type CameraFolder = { readonly folder: string; readonly cameraId: string; readonly name: string };

/** Rows of `cameras`, `camera_memory` and `camera_folders`. */
export class CameraTable {
  readonly #db: Db;
  readonly #secrets: Secrets;
  readonly #secretNames: SecretNames;
  readonly #statements;
  /** Filled by {@link all}: what could not be decrypted. */
  readonly lostSecrets: LostSecret[] = [];

  constructor(db: Db, secrets: Secrets, secretNames: SecretNames) {
    this.#db = db;
    this.#secrets = secrets;
    this.#secretNames = secretNames;
    this.#statements = {
      all: db.prepare<[], CameraRow>('select * from cameras order by position, created_at, id'),
      insert: db.prepare(
        `insert into cameras (id, slug, folder, name, driver, settings, enabled, recording, sub_source, position, created_at)
         values (@id, @slug, @folder, @name, @driver, @settings, @enabled, @recording, @sub_source,
                 (select coalesce(max(position), 0) + 1 from cameras), @created_at)`,
      ),
      update: db.prepare(
        `update cameras set slug = @slug, name = @name, driver = @driver, settings = @settings, enabled = @enabled,
         recording = @recording, sub_source = @sub_source where id = @id`,
      ),
      reseal: db.prepare('update cameras set settings = ?, sub_source = ? where id = ?'),
      remove: db.prepare('delete from cameras where id = ?'),
      slugTaken: db.prepare(
        'select 1 from cameras where slug = ? union all select 1 from camera_folders where folder = ?',
      ),
      addFolder: db.prepare('insert into camera_folders (folder, camera_id, name) values (?, ?, ?)'),
      renameFolder: db.prepare('update camera_folders set name = ? where folder = ?'),
      removeFolder: db.prepare('delete from camera_folders where folder = ?'),
      folders: db.prepare<[], { folder: string; camera_id: string; name: string }>('select * from camera_folders'),
      loadMemory: db.prepare<[string], { value: string }>('select value from camera_memory where camera_id = ?'),
      saveMemory: db.prepare(
        `insert into camera_memory (camera_id, value, updated_at) values (?, ?, ?)
         on conflict (camera_id) do update set value = excluded.value, updated_at = excluded.updated_at`,
      ),
    };
  }

  /** All cameras in order. A secret that cannot be opened stays sealed and is listed in {@link lostSecrets}. */
  all(): CameraConfig[] {
    return this.#statements.all.all().map((row) => this.#fromRow(row));
  }

  /** Whether a slug belongs to a camera or to a folder of recordings that outlived its camera. */
  slugTaken(slug: string): boolean {
    return this.#statements.slugTaken.get(slug, slug) !== undefined;
  }

  /** @throws NvrError `conflict` when the slug or folder is taken */
  add(camera: CameraConfig): void {
    this.#guard(() =>
      this.#db.transaction(() => {
        this.#statements.insert.run(this.#toRow(camera));
        this.#statements.addFolder.run(camera.folder, camera.id, camera.name);
      })(),
    );
  }

  /** Writes everything but id, folder and creation time. @throws NvrError `conflict` when the slug is taken */
  update(camera: CameraConfig): void {
    const { folder: _folder, created_at: _createdAt, ...row } = this.#toRow(camera);
    this.#guard(() =>
      this.#db.transaction(() => {
        this.#statements.update.run(row);
        this.#statements.renameFolder.run(camera.name, camera.folder);
      })(),
    );
  }

  /** Forgets a camera and its memory; the folder name stays reserved. */
  remove(id: string): void {
    this.#statements.remove.run(id);
  }

  /** Every folder name ever given. */
  folders(): CameraFolder[] {
    return this.#statements.folders
      .all()
      .map((row) => ({ folder: row.folder, cameraId: row.camera_id, name: row.name }));
  }

  /** Frees a folder name: its recordings are gone. */
  forgetFolder(folder: string): void {
    this.#statements.removeFolder.run(folder);
  }

  /**
   * Seals every secret anew, in one transaction. What cannot be read stays as it is, and is listed in {@link lostSecrets}.
   * @returns how many secrets were sealed
   */
  reseal(to: Secrets): number {
    let sealed = 0;
    const again = (id: string, settings: DriverSettings): DriverSettings => {
      const known = this.#open(id, settings);
      const entries = Object.entries(settings).map(([name, value]) => {
        if (!isSealed(value) || typeof known[name] !== 'string') return [name, value];
        sealed++;
        return [name, { $secret: to.encrypt(known[name], `${id}/${name}`) }];
      });
      return Object.fromEntries(entries) as DriverSettings;
    };
    this.#db.transaction(() => {
      for (const row of this.#statements.all.all()) {
        const settings = again(row.id, JSON.parse(row.settings) as DriverSettings);
        const sub = row.sub_source && (JSON.parse(row.sub_source) as { driver: string; settings: DriverSettings });
        const subSource = sub && JSON.stringify({ ...sub, settings: again(row.id, sub.settings) });
        this.#statements.reseal.run(JSON.stringify(settings), subSource, row.id);
      }
    })();
    return sealed;
  }

  /** What the driver saved for this camera, or `null`. */
  loadMemory(id: string): unknown {
    const row = this.#statements.loadMemory.get(id);
    return row ? JSON.parse(row.value) : null;
  }

  /** Saves the driver's memory; ignored when the camera is gone. */
  saveMemory(id: string, value: unknown, nowMs: number): void {
    try {
      this.#statements.saveMemory.run(id, JSON.stringify(value ?? null), Math.round(nowMs));
    } catch (error) {
      if (!isConstraint(error)) throw error;
    }
  }

  #guard(write: () => void): void {
    try {
      write();
    } catch (cause) {
      if (!isConstraint(cause)) throw cause;
      throw new NvrError('conflict', 'slug: another camera, or recordings of a deleted one, already use it', { cause });
    }
  }

  #toRow(camera: CameraConfig): CameraRow {
    const sub = camera.subSource;
    return {
      id: camera.id,
      slug: camera.slug,
      folder: camera.folder,
      name: camera.name,
      driver: camera.driver,
      settings: JSON.stringify(this.#seal(camera.id, camera.driver, camera.settings)),
      enabled: camera.enabled ? 1 : 0,
      recording: JSON.stringify(camera.recording),
      sub_source:
        sub && JSON.stringify({ driver: sub.driver, settings: this.#seal(camera.id, sub.driver, sub.settings) }),
      created_at: Math.round(camera.createdAt),
    };
  }

  #fromRow(row: CameraRow): CameraConfig {
    const sub =
      row.sub_source === null ? null : (JSON.parse(row.sub_source) as { driver: DriverId; settings: DriverSettings });
    return {
      id: row.id,
      slug: row.slug,
      folder: row.folder,
      name: row.name,
      driver: row.driver as DriverId,
      settings: this.#open(row.id, JSON.parse(row.settings) as DriverSettings),
      enabled: row.enabled === 1,
      recording: readRecording(row.recording),
      subSource: sub && { driver: sub.driver, settings: this.#open(row.id, sub.settings) },
      createdAt: row.created_at,
    };
  }

  #seal(id: string, driver: string, settings: DriverSettings): DriverSettings {
    const sealed: Record<string, unknown> = { ...settings };
    for (const name of this.#secretNames(driver)) {
      const value = sealed[name];
      if (typeof value === 'string') sealed[name] = { $secret: this.#secrets.encrypt(value, `${id}/${name}`) };
    }
    return sealed;
  }

  #open(id: string, settings: DriverSettings): DriverSettings {
    const opened: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(settings)) {
      if (!isSealed(value)) {
        opened[name] = value;
        continue;
      }
      try {
        opened[name] = this.#secrets.decrypt(value.$secret, `${id}/${name}`);
      } catch {
        opened[name] = value;
        this.lostSecrets.push({ camera: id, setting: name });
      }
    }
    return opened;
  }
}

/** As stored, perhaps by an older version that knew less. */
function readRecording(text: string): RecordingSettings {
  const stored = JSON.parse(text) as Partial<RecordingSettings>;
  return { ...defaultRecording, ...stored, encoder: { ...defaultRecording.encoder, ...stored.encoder } };
}

/** Whether a setting is still encrypted: see {@link LostSecret}. */
export function isSealed(value: unknown): value is { $secret: string } {
  return typeof value === 'object' && value !== null && typeof (value as { $secret?: unknown }).$secret === 'string';
}

function isConstraint(error: unknown): boolean {
  return String((error as { code?: unknown }).code ?? '').startsWith('SQLITE_CONSTRAINT');
}
