// The clap test: a white picture and a beep at the same instant, again and again, from a camera whose sound is sampled by a
// crystal that is 0.125 % slow (8000 Hz that are 7990). How far apart are they in the recorded files?

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { SoundTrack } from '../recording/sound.ts';
import { codedClip, framesIn, PacedRecording } from './paced-recording.ts';
import { pictures } from './recording-fixture.ts';

const run = promisify(execFile);
const START = Date.UTC(2026, 4, 3, 10, 0, 3);
const PICTURE_MS = 50;
/** A clap in the middle of each ten seconds or so of the sound's own time: whole units of AAC. */
const UNITS = 156;
const UNIT_MS = 64;
const CLAP_EVERY_MS = UNITS * UNIT_MS;
const CLAP_AT_MS = 5000;
const BEEP_MS = 150;
/** True time of one millisecond of the camera's sound. */
const SLOW = 8000 / 7990;
const READ_RATE = 16_000;
const LOUD = 3000;

/** A kind of sound: its blocks and how long each is by the camera's reckoning. */
type Sound = { readonly blockMs: number; block(number: number): Record<string, unknown> };

const isBeep = (ms: number) => ms % CLAP_EVERY_MS >= CLAP_AT_MS && ms % CLAP_EVERY_MS < CLAP_AT_MS + BEEP_MS;

function pcm(): Sound {
  const blockMs = 128;
  const track: SoundTrack = { codec: 'pcm-s16le', sampleRate: 8000, channels: 1 };
  const samples = blockMs * 8;
  return {
    blockMs,
    block(number) {
      const data = Buffer.alloc(samples * 2);
      for (let n = 0; n < samples; n++) {
        const at = number * samples + n;
        data.writeInt16LE(isBeep(at / 8) ? Math.round(12_000 * Math.sin((2 * Math.PI * 700 * at) / 8000)) : 0, n * 2);
      }
      return { ...track, samples, data };
    },
  };
}

/**
 * Units as a camera's encoder hands them out: unit n when the samples up to its end are there, although a decoder makes the
 * samples one unit before it of it. That is no fault of the source: the transform overlaps, and the recorder must know it.
 */
async function aac(): Promise<Sound> {
  const beep = `between(mod(t\\,10)\\,${CLAP_AT_MS / 1000}\\,${(CLAP_AT_MS + BEEP_MS) / 1000})`;
  const clip = await codedClip({ tone: `aevalsrc=0.4*sin(2*PI*700*t)*${beep}:s=16000` });
  return {
    blockMs: UNIT_MS,
    block: (number) => ({
      ...{ codec: 'aac', sampleRate: 16_000, channels: 1, samples: 1024, codecConfig: clip.aacConfig },
      data: clip.units[number % UNITS]!,
    }),
  };
}

/** Records for so long. @returns the largest distance of a clap's picture and sound, milliseconds, and the claps seen */
export async function clap(t: TestContext, kind: 'pcm' | 'aac', seconds: number, segmentSeconds: number) {
  const sound = kind === 'pcm' ? pcm() : await aac();
  const paced = new PacedRecording(t, START, { format: 'mjpeg', segmentSeconds, audio: true });
  paced.recorder.start();
  const black = pictures.picture(0).data;
  const white = pictures.picture(1).data;
  const picture = { kind: 'video', codec: 'mjpeg', key: true, width: 160, height: 120, mediaMs: null } as const;
  let blocks = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += PICTURE_MS) {
    // Blocks are there when their last sample is; they come with the next picture at the latest.
    for (; (blocks + 1) * sound.blockMs * SLOW <= nowMs; blocks++) {
      await paced.advanceTo((blocks + 1) * sound.blockMs * SLOW);
      paced.publish({ kind: 'audio', mediaMs: null, ...sound.block(blocks) });
    }
    const nextClap = (Math.floor(nowMs / SLOW / CLAP_EVERY_MS) * CLAP_EVERY_MS + CLAP_AT_MS) * SLOW;
    if (nextClap > nowMs - PICTURE_MS && nextClap < nowMs) {
      // Exactly at the clap: the picture's own raster is no part of what is measured.
      await paced.advanceTo(nextClap);
      paced.publish({ ...picture, data: white });
    }
    await paced.advanceTo(nowMs);
    const data = isBeep(nowMs / SLOW) ? white : black;
    paced.publish({ ...picture, data });
  }
  await paced.advanceTo(seconds * 1000);
  const segments = await paced.end();
  assert.deepEqual(paced.failures, []);
  const flashes: number[] = [];
  const beeps: number[] = [];
  for (const segment of segments) {
    const file = paced.file(segment);
    const [frames = []] = await framesIn(file);
    for (const { timeMs, data } of frames) if (data.length === white.length) flashes.push(segment.startAt + timeMs);
    const samples = await decoded(file);
    for (let n = 0; n < samples.length; n++) {
      if (Math.abs(samples[n]!) > LOUD) beeps.push(segment.startAt + (n * 1000) / READ_RATE);
    }
  }
  return worst(onsets(flashes), onsets(beeps));
}

/** All sound of a file, from its zero on. */
async function decoded(file: string): Promise<Int16Array> {
  const { stdout } = await run(
    'ffmpeg',
    [
      '-v',
      'error',
      '-i',
      file,
      '-vn',
      '-af',
      // Each unit where its time puts it, as players do: without the bound ffmpeg lets sound run off by 100 ms first.
      'aresample=async=1:min_hard_comp=0.005:first_pts=0',
      '-ar',
      String(READ_RATE),
      '-ac',
      '1',
      '-f',
      's16le',
      '-',
    ],
    { encoding: 'buffer', maxBuffer: 1e9 },
  );
  return new Int16Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + (stdout.byteLength & ~1)));
}

/** Where something begins: moments more than half a clap after the one before. */
function onsets(moments: readonly number[]): number[] {
  return moments.filter((at, n) => n === 0 || at - moments[n - 1]! > CLAP_EVERY_MS / 2);
}

function worst(flashes: readonly number[], beeps: readonly number[]) {
  let worstMs = 0;
  for (const at of flashes) {
    const nearest = Math.min(...beeps.map((beep) => Math.abs(beep - at)));
    worstMs = Math.max(worstMs, nearest);
  }
  return { worstMs, claps: flashes.length, beeps: beeps.length };
}
