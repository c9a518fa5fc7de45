// The cameras of this user, kept in step by the event stream.

import { signal } from '@preact/signals';
import { api } from './api.ts';
import type { CameraInfo, CameraStatus } from './api-types.ts';
import { onFact, onReconnect } from './events.ts';

/** `null` until the first answer. */
export const cameras = signal<readonly CameraInfo[] | null>(null);
/** Why the list could not be read; `null` when it could. */
export const camerasError = signal<string | null>(null);

let loading: Promise<void> | null = null;
let again = false;

/** Reads the list; calls during a read lead to one more read. */
export function loadCameras(): Promise<void> {
  if (loading) {
    again = true;
    return loading;
  }
  loading = (async () => {
    do {
      again = false;
      const result = await api.cameras();
      if (result.ok) {
        cameras.value = result.value;
        camerasError.value = null;
      } else {
        camerasError.value = result.error.message;
      }
    } while (again);
    loading = null;
  })();
  return loading;
}

export function forgetCameras(): void {
  cameras.value = null;
  camerasError.value = null;
}

/** Puts an answer of the server in place at once. */
export function keepCamera(camera: CameraInfo): void {
  const list = cameras.peek() ?? [];
  const known = list.some((other) => other.id === camera.id);
  cameras.value = known ? list.map((other) => (other.id === camera.id ? camera : other)) : [...list, camera];
}

export function dropCamera(id: string): void {
  cameras.value = (cameras.peek() ?? []).filter((camera) => camera.id !== id);
}

/** The camera with this slug or id. */
export function cameraOf(ref: string | undefined): CameraInfo | undefined {
  return cameras.value?.find((camera) => camera.slug === ref || camera.id === ref);
}

onReconnect(() => void loadCameras());

onFact(({ name, data }) => {
  if (name === 'camera.added' || name === 'camera.changed') {
    void loadCameras();
  } else if (name === 'camera.removed') {
    if (typeof data.camera === 'string') dropCamera(data.camera);
  } else if (name === 'camera.status') {
    const status = data.status as CameraStatus | undefined;
    if (!status) return;
    cameras.value =
      cameras.peek()?.map((camera) => (camera.id === data.camera ? { ...camera, status } : camera)) ?? null;
  }
});
