// Fragmented MP4 judged by ffprobe: every frame of an H.264 or H.265 file with AAC, written again by us, decodes the same.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { aacName, h264Name, h265Name } from './codec-names.ts';
import { encodeFragmentHead, encodeInit, type Fmp4Audio, type Fmp4Video, TRACK, VIDEO_TIMESCALE } from './fmp4.ts';
import { FragmentClock } from './fmp4-clock.ts';
import { MatroskaReader } from './matroska-reader.ts';

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';

for (const codec of ['h264', 'h265'] as const) {
  test(`${codec} with AAC: each frame decodes as before`, { skip }, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'perch-fmp4-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const from = join(folder, 'a.mkv');
    const encoder = codec === 'h264' ? 'libx264' : 'libx265';
    execFileSync('ffmpeg', [
      ...[
        '-v',
        'error',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x240:rate=25:duration=2',
        '-f',
        'lavfi',
        '-i',
        'sine=duration=2',
      ],
      ...[
        '-c:v',
        encoder,
        '-preset',
        'ultrafast',
        '-tune',
        'zerolatency',
        '-bf',
        '0',
        '-pix_fmt',
        'yuv420p',
        '-g',
        '25',
      ],
      ...(codec === 'h265' ? ['-x265-params', 'log-level=error:bframes=0'] : []),
      ...['-c:a', 'aac', '-ac', '1', from],
    ]);
    const bytes = execFileSync('cat', [from], { maxBuffer: 1e8 });
    const reader = new MatroskaReader();
    const pieces: Uint8Array[] = [];
    let sequence = 0;
    const clocks = { video: new FragmentClock(VIDEO_TIMESCALE), audio: new FragmentClock(44_100) };
    let tracks: readonly { kind: string }[] = [];
    let counts = { video: 0, audio: 0 };
    for (const event of reader.push(bytes)) {
      if (event.kind === 'tracks') {
        tracks = event.tracks;
        const video = event.tracks.find(({ kind }) => kind === 'video') as unknown as Fmp4Video;
        const audio = event.tracks.find(({ kind }) => kind === 'audio') as unknown as Fmp4Audio;
        pieces.push(encodeInit(video, audio));
        const name = codec === 'h264' ? h264Name(video.codecConfig) : h265Name(video.codecConfig);
        assert.match(name!, codec === 'h264' ? /^avc1\.[0-9a-f]{6}$/ : /^hvc1\.1\.6\.L\d+(\.[0-9a-f]+)*$/);
        assert.equal(aacName(audio.codecConfig), 'mp4a.40.2');
      } else if (event.kind === 'frame') {
        const kind = tracks[event.track]!.kind as 'video' | 'audio';
        counts = { ...counts, [kind]: counts[kind] + 1 };
        const time =
          kind === 'video' ? clocks.video.picture(event.timeMs, event.key) : clocks.audio.sound(event.timeMs, 1024);
        const { data } = event;
        const sample = {
          track: TRACK[kind],
          sequence: ++sequence,
          key: event.key || kind === 'audio',
          bytes: data.length,
        };
        pieces.push(encodeFragmentHead({ ...sample, ...time }), data);
      }
    }
    const to = join(folder, 'b.mp4');
    writeFileSync(to, Buffer.concat(pieces));
    const hashes = (file: string) =>
      execFileSync('ffmpeg', [
        '-v',
        'error',
        '-i',
        file,
        '-map',
        '0:v',
        '-fps_mode',
        'passthrough',
        '-f',
        'framemd5',
        '-',
      ])
        .toString()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.split(',').at(-1)!.trim());
    assert.deepEqual(hashes(to), hashes(from));
    assert.equal(hashes(to).length, 50);
    const probe = spawnSync('ffprobe', [
      ...[
        '-v',
        'warning',
        '-count_packets',
        '-show_entries',
        'stream=codec_name,codec_tag_string,nb_read_packets',
        '-of',
        'csv=p=0',
        to,
      ],
    ]);
    assert.equal(probe.stderr.toString(), '');
    const tag = codec === 'h264' ? 'h264,avc1' : 'hevc,hvc1';
    assert.equal(probe.stdout.toString().trim(), `${tag},50\naac,mp4a,${counts.audio}`);
  });
}

test('times are gapless whatever the jitter, follow the true clock, and jump only at a key picture after a pause', () => {
  const clock = new FragmentClock(90_000);
  let end = 0;
  for (let n = 0; n < 500; n++) {
    const trueMs = n * 40 + [0, 25, -15, 60][n % 4]!;
    const { time, duration } = clock.picture(Math.max(0, trueMs), n % 50 === 0);
    if (n > 0) assert.equal(time, end);
    assert.ok(duration > 0);
    end = time + duration;
    if (n > 100) assert.ok(Math.abs(time / 90 - trueMs) < 200, `picture ${n} is off by ${time / 90 - trueMs} ms`);
  }
  const late = clock.picture(60_000, false);
  assert.deepEqual([late.jumped, late.time], [false, end]);
  const key = clock.picture(120_000, true);
  assert.deepEqual([key.jumped, key.time], [true, 120_000 * 90]);
  assert.equal(clock.picture(120_040, false).time, key.time + key.duration);
});

test('sound of a slow or fast crystal stays with the pictures, without seams; bursts and holes are told apart', () => {
  for (const trueRate of [7990, 8010]) {
    const clock = new FragmentClock(8000);
    let before = clock.sound(0, 1024);
    for (let n = 1; n < 5000; n++) {
      const trueMs = (n * 1024 * 1000) / trueRate;
      const next = clock.sound(trueMs + [0, 90, 30, 60][n % 4]!, 1024);
      assert.ok(Math.abs(next.time - before.time - 1024) <= 8, `unit ${n} stands ${next.time - before.time} behind`);
      if (n > 100) assert.ok(Math.abs(next.time / 8 - trueMs) < 60, `unit ${n} is off by ${next.time / 8 - trueMs} ms`);
      before = next;
    }
    const hole = clock.sound(700_000, 1024);
    assert.deepEqual([hole.time, hole.jumped], [5_600_000, true]);
  }
});
