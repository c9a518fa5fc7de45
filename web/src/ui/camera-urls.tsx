// A camera's URLs for other programs, ready to copy, with a token made in place.

import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo } from '../api-types.ts';
import { urlOf } from '../base.ts';
import { isAdmin } from '../session.ts';
import { Button } from './button.tsx';
import { CopyLine } from './copy.tsx';
import { ChoiceField } from './field.tsx';
import { Notice } from './notice.tsx';
import { notify } from './toasts.tsx';

type Program = 'ha' | 'vlc' | 'ffmpeg' | 'motion' | 'web' | 'sound';
type Line = { readonly label: string; readonly text: string };

const programs = [
  { value: 'ha', label: 'Home Assistant', hint: 'Add the integration "MJPEG IP Camera" and fill in:' },
  { value: 'vlc', label: 'VLC', hint: 'Media, Open Network Stream:' },
  { value: 'ffmpeg', label: 'ffmpeg', hint: 'On the command line:' },
  { value: 'motion', label: 'motion', hint: 'In the configuration file of the camera:' },
  { value: 'web', label: 'Web page', hint: 'In any page, also of another origin:' },
] as const satisfies readonly { value: Program; label: string; hint: string }[];

const soundProgram = { value: 'sound', label: 'Sound', hint: 'The microphone of the camera:' } as const;

function linesOf(program: Program, camera: CameraInfo, token: string): readonly Line[] {
  const media = (path: string, more = '') =>
    urlOf(`cameras/${encodeURIComponent(camera.slug)}/${path}?${more}token=${token}`);
  const mjpeg = media('mjpeg');
  switch (program) {
    case 'ha':
      return [
        { label: 'MJPEG URL', text: mjpeg },
        { label: 'Still Image URL', text: media('snapshot.jpg') },
      ];
    case 'vlc':
      return [{ label: 'Network URL', text: mjpeg }];
    case 'ffmpeg':
      return [
        { label: 'Watch, with little delay', text: `ffplay -probesize 32 -f mjpeg "${media('frames')}"` },
        {
          label: 'Record a minute, untouched',
          text: `ffmpeg -f mpjpeg -use_wallclock_as_timestamps 1 -i "${mjpeg}" -t 60 -c copy camera.mkv`,
        },
        { label: 'One picture', text: `curl -o picture.jpg "${media('snapshot.jpg')}"` },
      ];
    case 'motion':
      return [{ label: 'motion.conf', text: `netcam_url ${mjpeg}` }];
    case 'web':
      return [
        { label: 'Picture', text: `<img src="${mjpeg}" alt="">` },
        {
          label: 'Player',
          text: `<iframe src="${urlOf(`embed/${encodeURIComponent(camera.slug)}?token=${token}`)}"></iframe>`,
        },
      ];
    case 'sound':
      return [
        { label: 'For any player', text: media('audio.wav') },
        { label: 'As it comes from the camera', text: `curl "${media('audio')}" | sox -t ima -r 8000 - out.wav` },
      ];
  }
}

const PLACE_HOLDER = 'TOKEN';

export function CameraUrls({ camera }: { camera: CameraInfo }) {
  const [program, setProgram] = useState<Program>('ha');
  const [token, setToken] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const options = camera.status.audio ? [...programs, soundProgram] : programs;
  const hint = options.find((option) => option.value === program)?.hint;

  async function makeToken() {
    setBusy(true);
    const result = await api.addToken({
      name: `${camera.name}: other programs`,
      scope: 'stream',
      cameras: [camera.slug],
    });
    setBusy(false);
    if (result.ok) setToken(result.value.token);
    else notify(result.error.message, 'bad');
  }

  return (
    <section class="card stack" aria-label="Use this camera elsewhere">
      <div>
        <h2>Use it elsewhere</h2>
        <p class="soft">These addresses stay the same and stay open, also while the camera is away.</p>
      </div>
      <ChoiceField
        label="Program"
        value={program}
        options={options.map(({ value, label }) => ({ value, label }))}
        onValue={setProgram}
      />
      <p class="hint">{hint}</p>
      {linesOf(program, camera, token ?? PLACE_HOLDER).map((line) => (
        <CopyLine key={line.label} label={line.label} text={line.text} />
      ))}
      {token ? (
        <Notice kind="info">
          The addresses now carry a new token that may only watch this camera. It is shown only this once; you can take
          it back on the page Tokens.
        </Notice>
      ) : isAdmin.value ? (
        <div class="actions">
          <Button icon="key" kind="primary" busy={busy} onClick={() => void makeToken()}>
            Make a token
          </Button>
          <p class="hint">Puts a token for this camera in place of {PLACE_HOLDER}.</p>
        </div>
      ) : (
        <p class="hint">
          Put a token in place of {PLACE_HOLDER}; an administrator can make one. Programs that ask for a name and a
          password can use yours, without the token part.
        </p>
      )}
    </section>
  );
}
