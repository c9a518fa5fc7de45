// Settings of the whole system that users edit, as opposed to the environment.

import type { Db } from './database.ts';

/** All settings, with defaults filled in. */
export type SystemSettings = {
  /** Shown in titles: which house is this. */
  readonly siteName: string;
  /** How long events and the audit trail are kept. */
  readonly eventDays: number;
  /** Most that recordings may take, all cameras together; `null`: what the disk has. */
  readonly maxRecordingBytes: number | null;
  /** Free space that recordings leave on the disk; `null`: 5 %, at most 2 GB. */
  readonly minFreeBytes: number | null;
};

/** What a new installation has. */
export const defaultSettings: SystemSettings = {
  siteName: 'Perch',
  eventDays: 90,
  maxRecordingBytes: null,
  minFreeBytes: null,
};

/** Rows of `settings`. Reads come from memory. */
export class SettingsTable {
  readonly #write;
  #current: SystemSettings;

  constructor(db: Db) {
    const rows = db.prepare<[], { name: string; value: string }>('select name, value from settings').all();
    const stored = Object.fromEntries(rows.map((row) => [row.name, JSON.parse(row.value) as unknown]));
    const known = Object.keys(defaultSettings).filter((name) => name in stored);
    this.#current = { ...defaultSettings, ...Object.fromEntries(known.map((name) => [name, stored[name]])) };
    const upsert = db.prepare(
      'insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value',
    );
    this.#write = db.transaction((settings: SystemSettings) => {
      for (const [name, value] of Object.entries(settings)) upsert.run(name, JSON.stringify(value));
    });
  }

  get current(): SystemSettings {
    return this.#current;
  }

  /** Replaces all settings; the caller has checked them. */
  set(settings: SystemSettings): void {
    this.#write(settings);
    this.#current = settings;
  }
}
