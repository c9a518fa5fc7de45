// A camera's addresses for other programs, ready to paste, with a token made in place and a check from the server.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, MediaOutputs, UrlCheck } from '../api-types.ts';
import { urlOf } from '../base.ts';
import { type Guide, guidesOf } from '../clients/guides.ts';
import { isAdmin } from '../session.ts';
import { Button } from './button.tsx';
import { CopyLine } from './copy.tsx';
import { SelectField } from './field.tsx';
import { Icon } from './icons.tsx';
import { Notice } from './notice.tsx';
import { notify } from './toasts.tsx';

const PLACE_HOLDER = 'TOKEN';

export function CameraUrls({ camera }: { camera: CameraInfo }) {
  const [program, setProgram] = useState<Guide['id']>('ha-generic');
  const [token, setToken] = useState<string | null>(null);
  const [rtsp, setRtsp] = useState<MediaOutputs['rtsp']>({ port: null, warning: null });
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    void api.outputs().then((result) => result.ok && setRtsp(result.value.rtsp));
  }, []);
  const guides = guidesOf({
    slug: camera.slug,
    root: urlOf(''),
    rtspPort: rtsp.port,
    token: token ?? PLACE_HOLDER,
    hasSound: camera.status.audio === true,
  });
  const guide = guides.find(({ id }) => id === program) ?? guides[0];

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
      {rtsp.warning && <Notice kind="warn">{rtsp.warning}</Notice>}
      <SelectField
        label="Program"
        value={guide?.id ?? 'ha-generic'}
        options={guides.map(({ id, title }) => ({ value: id, label: title }))}
        onValue={setProgram}
      />
      <p class="hint">{guide?.hint}</p>
      {guide?.lines.map((line) => (
        <CopyLine key={`${guide.id} ${line.label}`} label={line.label} text={line.text} />
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
      {token && <Checks camera={camera} token={token} />}
    </section>
  );
}

/** Asks Perch to try every address itself, with this token. */
function Checks({ camera, token }: { camera: CameraInfo; token: string }) {
  const [busy, setBusy] = useState(false);
  const [checks, setChecks] = useState<readonly UrlCheck[] | null>(null);

  async function check() {
    setBusy(true);
    const result = await api.checkUrls(camera.slug, token);
    setBusy(false);
    if (result.ok) setChecks(result.value);
    else notify(result.error.message, 'bad');
  }

  return (
    <>
      <div class="actions">
        <Button icon="check" busy={busy} onClick={() => void check()}>
          Check the addresses
        </Button>
        <p class="hint">Perch opens each of them from the machine it runs on. Takes some seconds.</p>
      </div>
      {checks && (
        <ul class="rows" aria-label="Result of the check">
          {checks.map((one) => (
            <li class="row" key={one.path}>
              <Icon name={one.ok ? 'check' : 'warn'} />
              <span class="grow">
                <span class="name">{one.path}</span>
                <br />
                <span class="soft small">{one.ok ? `${one.detail}, after ${one.firstByteMs} ms` : one.detail}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
