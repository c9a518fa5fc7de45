// One camera: its picture as large as fits, what it is doing, and its URLs for other programs.

import { useRef, useState } from 'preact/hooks';
import { api, type Result } from '../api.ts';
import type { CameraInfo } from '../api-types.ts';
import { urlOf } from '../base.ts';
import { cameraOf, cameras } from '../cameras.ts';
import { LivePicture } from '../players/live-picture.tsx';
import { SoundButton } from '../players/sound-button.tsx';
import { href } from '../router.ts';
import { isAdmin } from '../session.ts';
import { placeHash } from '../timeline/place.ts';
import { Button, ButtonLink } from '../ui/button.tsx';
import { CameraUrls } from '../ui/camera-urls.tsx';
import { CaptureDialog } from '../ui/capture-dialog.tsx';
import { Icon } from '../ui/icons.tsx';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { Statistics } from '../ui/statistics.tsx';
import { RecordingBadge, StatusBadge, stateSentence } from '../ui/status.tsx';
import { useTitle } from '../ui/title.ts';
import { notify } from '../ui/toasts.tsx';

export function CameraPage({ camera: ref }: { camera: string }) {
  const camera = cameraOf(ref);
  useTitle(camera?.name ?? '');
  if (cameras.value === null) return <Waiting what="Reading the camera" />;
  if (!camera) {
    return (
      <Empty icon="search" title="No such camera">
        <p>It was removed, or your account may not see it.</p>
        <ButtonLink href={href()}>To the live pictures</ButtonLink>
      </Empty>
    );
  }
  return <Shown camera={camera} />;
}

function Shown({ camera }: { camera: CameraInfo }) {
  const { status } = camera;
  const sentence = stateSentence(camera);
  const ratio = status.width && status.height ? status.width / status.height : 4 / 3;
  const stage = useRef<HTMLDivElement>(null);
  return (
    <>
      <div class="page-head camera-head">
        <a class="crumb" href={href()}>
          <Icon name="back" />
          Live
        </a>
        <h1>{camera.name}</h1>
        <StatusBadge status={status} />
        <RecordingBadge status={status} />
        {isAdmin.value && (
          <div class="actions">
            <ButtonLink href={href('camera', camera.slug, 'edit')} icon="settings" label="Settings">
              Settings
            </ButtonLink>
          </div>
        )}
      </div>
      <div class="camera-layout">
        <div class="stack">
          {sentence && <Notice kind={status.state === 'refused' ? 'bad' : 'warn'}>{sentence}</Notice>}
          {status.encoderNote && <Notice kind="warn">{status.encoderNote}</Notice>}
          <div>
            <div class="camera-stage" style={{ '--ratio': String(ratio) }} ref={stage}>
              <LivePicture camera={camera} large />
            </div>
            <div class="camera-bar">
              <SoundButton camera={camera} />
              <ButtonLink
                href={urlOf(`cameras/${encodeURIComponent(camera.slug)}/snapshot.jpg`)}
                icon="picture"
                download
              >
                Picture
              </ButtonLink>
              <RecordButton camera={camera} />
              <ButtonLink href={placeHash({ camera: camera.slug, at: null, spanMs: null })} icon="film">
                Recordings
              </ButtonLink>
              <FullScreenButton target={() => stage.current?.querySelector<HTMLElement>('.stage') ?? null} />
            </div>
          </div>
          <CameraUrls camera={camera} />
          <CaptureButton camera={camera} />
        </div>
        <Statistics camera={camera} />
      </div>
    </>
  );
}

/** Starts or stops a recording by hand; administrators only. */
function RecordButton({ camera }: { camera: CameraInfo }) {
  const [busy, setBusy] = useState(false);
  if (!isAdmin.value) return null;
  const recording = camera.status.recording;
  async function press() {
    setBusy(true);
    const continuous = camera.recording.mode === 'continuous';
    // Going back to what the settings say is better than a hand that stays on the switch.
    const action = recording ? (continuous ? 'stop' : 'auto') : continuous ? 'auto' : 'start';
    const result: Result<unknown> = await api.record(camera.slug, action);
    setBusy(false);
    if (result.ok) notify(recording ? 'Recording stops.' : 'Recording starts.');
    else notify(result.error.message, 'bad');
  }
  return (
    <Button icon={recording ? 'stop' : 'record'} busy={busy} pressed={recording} onClick={() => void press()}>
      {recording ? 'Stop' : 'Record'}
    </Button>
  );
}

/** For bug reports; administrators only. */
function CaptureButton({ camera }: { camera: CameraInfo }) {
  const [isOpen, setOpen] = useState(false);
  if (!isAdmin.value) return null;
  return (
    <div>
      <Button kind="quiet" icon="download" onClick={() => setOpen(true)}>
        Record traffic for a bug report
      </Button>
      {isOpen && <CaptureDialog camera={camera} onClose={() => setOpen(false)} />}
    </div>
  );
}

function FullScreenButton({ target }: { target: () => HTMLElement | null }) {
  if (!document.fullscreenEnabled) return null;
  return (
    <Button
      icon="full"
      onClick={() =>
        void (document.fullscreenElement
          ? document.exitFullscreen()
          : target()
              ?.requestFullscreen()
              .catch(() => {}))
      }
    >
      Enlarge
    </Button>
  );
}
