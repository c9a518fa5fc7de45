// What the dashboard tells people to paste into other programs, run or read as those programs do; and the check of the
// addresses. VLC and motion are in clients-players.test.ts, the web page in clients-chromium.test.ts.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { pictureNumber } from '../sim/counted-pictures.ts';
import { type ClientStage, missing, run, scratch, startStage, type ToolOptions } from './live/tools.ts';

/** Home Assistant waits this long for a still image. */
const STILL_TIMEOUT_MS = 10_000;
const PARTS = 5;
// Input arguments of Frigate's presets (its file ffmpeg_presets.py), user agent left out.
const frigatePresets: Readonly<Record<string, readonly string[]>> = {
  'preset-rtsp-restream': ['-rtsp_transport', 'tcp', '-timeout', '10000000'],
  'preset-http-mjpeg-generic': [
    ...['-avoid_negative_ts', 'make_zero', '-fflags', 'nobuffer', '-flags', 'low_delay', '-strict', 'experimental'],
    ...['-fflags', '+genpts+discardcorrupt', '-use_wallclock_as_timestamps', '1'],
  ],
};

const shell = (line: string, options?: ToolOptions) => run('sh', ['-c', line], options);
const basic = (guide: Readonly<Record<string, string>>) => ({
  authorization: `Basic ${Buffer.from(`${guide.Username}:${guide.Password}`).toString('base64')}`,
});

/** Decodes some pictures without a complaint. */
async function assertPlays(input: readonly string[]): Promise<void> {
  // At the camera's own times: its pictures are not evenly spaced.
  const times = ['-fps_mode', 'passthrough', '-enc_time_base:v', '1:16000'];
  const options = ['-v', 'error', '-nostdin', ...input, ...times, '-frames:v', '10', '-f', 'null', '-'];
  const { code, err } = await run('ffmpeg', options);
  assert.deepEqual([code, err], [0, ''], input.join(' '));
}

suite('guides', { skip: missing('ffmpeg', 'ffprobe', 'curl') }, async () => {
  const stage: ClientStage = await startStage();
  test.after(() => stage[Symbol.asyncDispose]());

  test('HEAD answers on every address and starts nothing', async () => {
    for (const name of ['mjpeg', 'frames', 'snapshot.jpg', 'live.mp4', 'hls/index.m3u8', 'audio', 'audio.wav']) {
      const reply = await fetch(stage.url(name), { method: 'HEAD' });
      assert.equal(reply.status, 200, name);
      assert.equal((await reply.arrayBuffer()).byteLength, 0);
    }
    const { status } = await stage.nvr.ok<{ status: { viewers: number } }>('GET', '/api/cameras/porch');
    assert.equal(status.viewers, 0);
  });

  test('Home Assistant: the generic camera', async () => {
    const guide = stage.guide('ha-generic');
    const still = await fetch(guide['Still Image URL']!, {
      headers: basic(guide),
      signal: AbortSignal.timeout(STILL_TIMEOUT_MS),
    });
    assert.equal(still.status, 200);
    assert.notEqual(pictureNumber(Buffer.from(await still.arrayBuffer())), null);
    // It writes user and password into the address, and reads with the options of PyAV.
    const stream = new URL(guide['Stream Source URL']!);
    assert.equal(stream.protocol, 'rtsp:');
    stream.username = guide.Username!;
    stream.password = guide.Password!;
    await assertPlays(['-rtsp_flags', 'prefer_tcp', '-timeout', '5000000', '-i', stream.href]);
  });

  test('Home Assistant: the MJPEG camera takes what is between the marks of a JPEG', async () => {
    const guide = stage.guide('ha-mjpeg');
    const reply = await fetch(guide['MJPEG URL']!, { headers: basic(guide) });
    let bytes = Buffer.alloc(0);
    for await (const chunk of reply.body!) {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\xff\xd9', 0, 'latin1');
      const start = bytes.indexOf('\xff\xd8', 0, 'latin1');
      if (start < 0 || end < 0) continue;
      assert.notEqual(pictureNumber(bytes.subarray(start, end + 2)), null);
      break;
    }
    assert.equal((await fetch(guide['Still Image URL']!, { headers: basic(guide) })).status, 200);
  });

  test('Frigate: the input with the arguments of its preset', async () => {
    const text = stage.guide('frigate')['config.yml']!;
    const path = /- path: (\S+)/.exec(text)?.[1];
    const preset = frigatePresets[/input_args: (\S+)/.exec(text)?.[1] ?? ''];
    assert.ok(path && preset, text);
    await assertPlays([...preset, '-i', path]);
    await assertPlays([...frigatePresets['preset-http-mjpeg-generic']!, '-i', stage.url('mjpeg')]);
  });

  test('go2rtc: each part is as long as it says', async () => {
    const guide = stage.guide('go2rtc');
    await assertPlays(['-rtsp_transport', 'tcp', '-i', guide['H.264 with sound']!.replace('  porch: ', '')]);
    const reply = await fetch(guide['Single pictures']!.replace('  porch: ', ''));
    let bytes = Buffer.alloc(0);
    let parts = 0;
    for await (const chunk of reply.body!) {
      bytes = Buffer.concat([bytes, chunk]);
      for (;;) {
        const body = bytes.indexOf('\r\n\r\n') + 4;
        const length = Number(/\r\nContent-Length: (\d+)\r\n/.exec(bytes.toString('latin1', 0, body))?.[1]);
        if (body < 4 || bytes.length < body + length) break;
        assert.equal(bytes.toString('latin1', 0, 9), '--frame\r\n');
        assert.notEqual(pictureNumber(bytes.subarray(body, body + length)), null);
        bytes = bytes.subarray(body + length + 2);
        parts += 1;
      }
      if (parts >= PARTS) break;
    }
    assert.ok(parts >= PARTS);
  });

  test('VLC: RTSP first, and MJPEG before HLS, which VLC leaves after an outage', () => {
    const urls = Object.values(stage.guide('vlc')).map((url) => url.replace(/\?.*/, ''));
    const ends = urls.map((url) => (url.startsWith('rtsp://') ? 'rtsp' : url.split('/').at(-1)));
    assert.deepEqual(ends, ['rtsp', 'mjpeg', 'index.m3u8']);
  });

  test('ffmpeg: every line, shortened', async () => {
    using folder = scratch();
    const guide = stage.guide('ffmpeg');
    assert.equal(Object.keys(guide).length, 4);
    const sound = stage.guide('sound');
    const runs = [...Object.values(guide), sound['As a file']!].map((line) => {
      if (line.startsWith('ffplay')) {
        const shown = /^\s*([1-9][0-9]*\.[0-9]+) M-V:/m;
        const enough: ToolOptions['enough'] = ({ err }) => shown.test(err.replaceAll('\r', '\n'));
        const env = { SDL_VIDEODRIVER: 'dummy', SDL_AUDIODRIVER: 'dummy' };
        return shell(`exec ${line}`, { env, enough }).then(({ err }) =>
          assert.match(err.replaceAll('\r', '\n'), shown),
        );
      }
      const short = line.replace('-t 60', '-t 1').replace('ffmpeg ', 'ffmpeg -v error -nostdin ');
      return shell(`cd ${folder.path} && ${short}`).then(({ code, err }) => assert.equal(code, 0, `${line}: ${err}`));
    });
    await Promise.all(runs);
    const codecOf = async (file: string) =>
      (
        await shell(`ffprobe -v error -show_entries stream=codec_name -of csv=p=0 ${folder.path}/${file}`)
      ).out.toString();
    assert.match(await codecOf('camera.mkv'), /^mjpeg/);
    assert.match(await codecOf('camera.mp4'), /^h264/);
    assert.match(await codecOf('picture.jpg'), /^mjpeg/);
    assert.match(await codecOf('sound.wav'), /^pcm_s16le/);
  });

  test('a page: picture and player are for any origin, and the player may be framed', async () => {
    const guide = stage.guide('web');
    const picture = await fetch(/src="([^"]+)"/.exec(guide.Picture!)![1]!);
    assert.equal(picture.headers.get('cross-origin-resource-policy'), 'cross-origin');
    assert.match(picture.headers.get('content-type') ?? '', /^multipart\/x-mixed-replace/);
    await picture.body?.cancel();
    const player = await fetch(/src="([^"]+)"/.exec(guide.Player!)![1]!);
    assert.equal(player.status, 200);
    assert.equal(player.headers.get('x-frame-options'), null);
  });

  type Check = { path: string; ok: boolean; status: number | null; detail: string };
  const check = (token: string, camera = 'porch') =>
    stage.nvr.ok<Check[]>('POST', `/api/cameras/${camera}/url-checks`, { token });

  test('the check opens every address, and says what a wrong token gets', async () => {
    const checks = await check(stage.token);
    assert.deepEqual(
      checks.map(({ path, ok }) => [path.replace('/cameras/porch/', ''), ok]),
      [
        ...['mjpeg', 'frames', 'snapshot.jpg', 'live.mp4', 'hls/index.m3u8', 'audio.wav'].map((name) => [name, true]),
        ['rtsp:/porch', true],
      ],
      JSON.stringify(checks),
    );
    const wrong = await check('a-token-that-nobody-made');
    for (const one of wrong) assert.deepEqual([one.ok, one.status], [false, 401], one.path);
    const [first, second] = await Promise.allSettled([check(stage.token), check(stage.token)]);
    assert.deepEqual([first.status, second.status].sort(), ['fulfilled', 'rejected'], 'one check at a time');
  });

  test('the check says that a camera has no picture', async () => {
    const camera = { name: 'Gone', driver: 'iwfcam', settings: { host: '127.0.0.1' }, enabled: false };
    await stage.nvr.ok('POST', '/api/cameras', camera);
    const checks = await check(stage.token, 'gone');
    const said = (name: string) => {
      const one = checks.find(({ path }) => path.endsWith(name));
      return [one?.ok, one?.status];
    };
    assert.deepEqual(said('snapshot.jpg'), [false, 503], JSON.stringify(checks));
    assert.deepEqual(said('mjpeg'), [true, 200], 'the card');
    assert.deepEqual(await check(stage.token, 'nobody').catch((error: Error) => /404/.test(error.message)), true);
  });
});
