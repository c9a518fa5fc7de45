// The set of cameras. (Outline: the body is being written.)

import type { CameraConfig, RecordingSettings } from '../core/camera-config.ts';
import type { CameraDriver } from '../drivers/driver.ts';
import type { Camera } from './camera.ts';

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

/** The public shape of a camera without status: secrets masked as `********`. */
export type CameraView = Omit<CameraConfig, 'createdAt' | 'folder'> & { recording: RecordingSettings };

/** Add, change, remove, find. All methods that take `ref` accept the id or the slug. */
export declare class Fleet {
  all(): Camera[];
  /** @throws NvrError `not_found` */
  get(ref: string): Camera;
  find(ref: string): Camera | undefined;
  drivers(): CameraDriver[];
  /** The public view of a camera, secrets masked. */
  view(camera: Camera): CameraView;
  /** @throws NvrError `bad_input` naming the field, `conflict` when the slug is taken */
  add(input: NewCamera): Promise<Camera>;
  /** JSON merge patch over name, slug, settings, enabled, recording, subSource. @throws like add, and `not_found` */
  change(ref: string, patch: Record<string, unknown>): Promise<Camera>;
  /** Says goodbye to the camera and forgets it. Recordings are not touched here. */
  remove(ref: string): Promise<void>;
  restart(ref: string): void;
  /** Says goodbye and stays away for some minutes. */
  release(ref: string, minutes: number): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}
