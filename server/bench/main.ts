// `npm run bench`: all benchmarks, a table, and bench-results.json.

import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measureArchive } from './archive.ts';
import { type CapacityStep, measureCapacity } from './capacity.ts';
import { measureFanOut } from './fan-out.ts';
import { measureFirstPicture } from './first-picture.ts';
import { type GlassFigure, measureGlass } from './glass.ts';
import { measureH264 } from './h264.ts';
import { measureHostile } from './hostile.ts';
import { measureLatency } from './latency.ts';
import { measurePlayback } from './playback.ts';
import { measureRecording } from './recording.ts';
import { measureRecordingLadder } from './recording-ladder.ts';
import { measureRtspOut } from './rtsp-out.ts';
import { measureTimeline, type TimelineFigure } from './timeline.ts';
import { type ChannelLoad, measureTunnel, type Throughput, type WayFigures } from './tunnel.ts';

const RESULTS_FILE = 'bench-results.json';
/** In case a part never ends; all together take about nine minutes. */
const TIME_LIMIT_MS = 18 * 60 * 1000;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    'npm run bench -- [--quick] [--only latency|fan-out|capacity|h264|rtsp-out|first-picture|glass|timeline|recording|recording-ladder|playback|hostile|tunnel] [--profile FOLDER]',
  );
  process.exit(0);
}

const options = { quick: values.quick, profileDir: values.profile };
const wants = (name: string) => values.only === undefined || values.only === name;
const fixed = (value: number, digits = 2) => value.toFixed(digits);
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const results: Record<string, unknown> = {
  at: new Date().toISOString(),
  node: process.version,
  machine: { processors: availableParallelism(), model: cpus()[0]?.model ?? 'unknown' },
  quick: values.quick,
};

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ');
  console.log(`\n${title}\n${[head, ...rows].map(line).join('\n')}`);
}

const timer = setTimeout(() => {
  console.error(`The benchmark did not end within ${TIME_LIMIT_MS / 60_000} minutes.`);
  process.exit(1);
}, TIME_LIMIT_MS);

if (wants('latency')) {
  const { perch, baseline, lost } = await measureLatency(options);
  results.latencyMs = { perch, baseline, lost };
  table(
    'Latency: last UDP packet of a picture to its first byte at an HTTP client, milliseconds',
    ['', 'p50', 'p99'],
    [
      ['Perch', fixed(perch.p50, 3), fixed(perch.p99, 3)],
      ['bare UDP-to-TCP forwarder', fixed(baseline.p50, 3), fixed(baseline.p99, 3)],
      ['above it (aim: 1 and 5)', fixed(perch.p50 - baseline.p50, 3), fixed(perch.p99 - baseline.p99, 3)],
    ],
  );
  console.log(`${perch.pictures} pictures, ${lost} lost`);
}

if (wants('fan-out')) {
  const fanOut = await measureFanOut(options);
  results.fanOut = fanOut;
  table(
    'Fan-out: 1 camera, 20 pictures/s of 30 KB; processor seconds per gigabyte delivered',
    [
      'viewers',
      'MB/s',
      'delivered',
      'Perch',
      'of it delivery',
      'bare socket.write',
      'Perch/bare',
      'delivery/bare (aim 1.3)',
    ],
    fanOut.results.map((each) => [
      String(each.viewers),
      fixed(each.megabytesPerSecond, 1),
      percent(each.delivered),
      fixed(each.perch),
      fixed(each.delivery),
      fixed(each.baseline),
      `${fixed(each.perch / each.baseline)}x`,
      `${fixed(each.delivery / each.baseline)}x`,
    ]),
  );
  console.log(`The camera with nobody looking: ${percent(fanOut.idleProcessorShare)} of a processor`);
}

if (wants('capacity')) {
  const capacity = await measureCapacity(options);
  results.capacity = capacity;
  const row = (step: CapacityStep) => [
    String(step.cameras),
    `${step.preRollSeconds} s`,
    percent(step.offered),
    percent(step.lostByPerch),
    percent(step.seenByViewers),
    String(step.reconnects),
    percent(step.processorShare),
    `${fixed(step.residentMegabytes, 0)} MB`,
  ];
  table(
    'Cameras: 640x480, 20 pictures/s of 30 KB, one viewer each, Perch on one processor, no ffmpeg',
    [
      'cameras',
      'pre-roll',
      'offered',
      'lost by Perch',
      'seen by viewers',
      'reconnects',
      'processor',
      'resident (aim < 300 at 100)',
    ],
    [...capacity.withoutPreRoll, ...capacity.withPreRoll].map(row),
  );
  const because = {
    perch: 'then Perch lost pictures',
    simulators: 'then the simulators fell behind',
    'not reached': 'no limit found',
  };
  console.log(`${capacity.cameras} cameras without loss (aim: 100); ${because[capacity.limit]}`);
}

if (wants('h264')) {
  const h264 = await measureH264(options);
  results.h264 = h264;
  const megabytes = (value: number) => `${fixed(value, 1)} MB`;
  table(
    `H.264 cameras: 1080p25, ${fixed(h264.megabitsPerSecond, 1)} Mbit/s, ${h264.cameras} of them; processor and memory per camera`,
    [
      ...['', 'Perch', 'its ffmpegs', 'ffmpeg -c copy', 'all/copy'],
      ...['Perch', 'its ffmpegs', 'ffmpeg -c copy', 'delivered'],
    ],
    h264.steps.map((step) => [
      ...[step.name, percent(step.perch), percent(step.ffmpegs), percent(step.copy)],
      `${fixed((step.perch + step.ffmpegs) / step.copy)}x`,
      ...[megabytes(step.perchMegabytes), megabytes(step.ffmpegsMegabytes), megabytes(step.copyMegabytes)],
      step.delivered === null ? '' : percent(step.delivered),
    ]),
  );
  console.log(`Perch without cameras: ${percent(h264.emptyShare)} of a processor, ${megabytes(h264.emptyMegabytes)}`);
}

if (wants('rtsp-out')) {
  const rtspOut = await measureRtspOut(options);
  results.rtspOut = rtspOut;
  table(
    `RTSP out: one camera, 1080p25, ${fixed(rtspOut.megabitsPerSecond, 1)} Mbit/s H.264, copied; processor for each client`,
    ['clients', 'Perch', 'bare forwarder', 'Perch/bare', 'delivered'],
    rtspOut.steps.map(({ clients, perch, bare, delivered }) => [
      ...[String(clients), `${fixed(perch * 100)} %`, `${fixed(bare * 100)} %`, `${fixed(perch / bare)}x`],
      percent(delivered),
    ]),
  );
  const { perch, bare } = rtspOut.idle;
  console.log(`Without clients: Perch ${percent(perch)} of a processor, the forwarder ${percent(bare)}`);
}

if (wants('first-picture')) {
  const first = await measureFirstPicture(options);
  results.firstPictureMs = first;
  table(
    'First picture of an H.264 camera (1080p25, a key picture every 2 s): from the request until it can be decoded, milliseconds',
    ['', 'nobody looks: p50', 'worst', 'somebody looks: p50', 'worst'],
    [
      ...first.rows.map(({ output, cold, warm }) => [
        output,
        ...[cold.p50, cold.max, warm.p50, warm.max].map((ms) => fixed(ms, 0)),
      ]),
      ['baseline: the camera itself by RTSP', fixed(first.camera.p50, 0), fixed(first.camera.max, 0), '', ''],
      ['baseline: a request that does nothing', fixed(first.roundTrip.p50, 0), fixed(first.roundTrip.max, 0), '', ''],
    ],
  );
  console.log(
    [
      'aim: 300 with somebody looking, and for what needs no transcoder (all but mjpeg) without. The key picture comes from the ring: nobody waits for the',
      'next one, as who asks the camera itself does. HLS is playlist, head and newest segment. live socket: what the page plays (MSE); its own row is from the press on a',
      'camera to the screen, with the page in between.',
    ].join('\n'),
  );
}

if (wants('glass')) {
  const glass = await measureGlass(options);
  results.glassMs = glass;
  const row = (name: string, perch: GlassFigure, camera: GlassFigure) => [
    ...[name, `${perch.pictures} of ${perch.sent}`, fixed(perch.p50, 0), fixed(perch.p99, 0)],
    ...[fixed(camera.p50, 0), fixed(camera.p99, 0), fixed(perch.p50 - camera.p50, 0)],
  ];
  table(
    'Glass to glass: from the camera (640x360, 25 pictures/s) sending a picture to the picture decoded, milliseconds',
    ['', 'pictures', 'p50', 'p99', 'camera itself p50', 'p99', 'above it'],
    glass.map(({ output, perch, camera }) => row(output, perch, camera)),
  );
  console.log(
    [
      'pictures: decoded, of those that the camera sent meanwhile; where many are missing the machine was too busy, and the figures are of the rest.',
      'camera itself: the same ffmpeg on the camera, in the same window. By RTSP and multipart ffmpeg gives a picture when the next one begins (40 ms).',
      'HLS: whole segments of two seconds, the newest one first. The page: until the picture is due on the screen, by its own player (aim: under 500); WebRTC likewise (aim: under 300).',
    ].join('\n'),
  );
}

if (wants('hostile')) {
  const hostile = await measureHostile(options);
  results.hostile = hostile;
  table(
    'Under attack: memory above the moment before, and /healthz meanwhile (aim: under 250 ms)',
    ['', 'seconds', 'peak', 'left', '/healthz p50', 'p99', 'max, ms', "Perch's loop, max", 'failed', ''],
    hostile.map((each) => [
      each.attack,
      fixed(each.seconds, 1),
      `${fixed(each.peakMegabytes, 0)} MB`,
      `${fixed(each.leftMegabytes, 0)} MB`,
      ...[each.healthP50, each.healthP99, each.healthMax, each.loopMax].map((ms) => fixed(ms, 1)),
      String(each.failedProbes),
      each.note,
    ]),
  );
}

if (wants('tunnel')) {
  const tunnel = await measureTunnel(options);
  results.tunnel = tunnel;
  const flood = (name: string, { megabytesPerSecond, processorPerGigabyte }: Throughput) => [
    name,
    fixed(megabytesPerSecond, 1),
    fixed(processorPerGigabyte, 1),
    `${fixed(processorPerGigabyte / tunnel.echo.processorPerGigabyte)}x`,
  ];
  table(
    'Dahua tunnel: one connection, as much as goes through; processor seconds per gigabyte of the process between',
    ['', 'MB/s', 's/GB', 'of UDP echo'],
    [
      flood('tunnel, direct', tunnel.direct.flood),
      flood('tunnel, relayed', tunnel.relay.flood),
      flood('UDP echo, same window', tunnel.echo),
      flood('TCP proxy', tunnel.proxy.flood),
    ],
  );
  const row = (name: string, { channels, worst, all, processorPerChannel, latency }: ChannelLoad) => [
    name,
    String(channels),
    percent(all),
    percent(worst),
    percent(processorPerChannel),
    fixed(latency.p50 - tunnel.straight.latency.p50),
    fixed(latency.p99 - tunnel.straight.latency.p99),
  ];
  const rows = (name: string, { one, sixteen }: WayFigures) => [row(name, one), row(name, sixteen)];
  table(
    'Dahua tunnel: channels of 8 Mbit/s; processor for each; latency added to a plain connection, milliseconds',
    ['', 'channels', 'delivered', 'the worst', 'processor', 'p50', 'p99'],
    [
      ...rows('tunnel, direct', tunnel.direct),
      ...rows('tunnel, relayed', tunnel.relay),
      ...rows('TCP proxy', tunnel.proxy),
    ],
  );
}

if (wants('timeline')) {
  const timeline = measureTimeline({ quick: options.quick });
  results.timeline = timeline;
  const row = (name: string, { p50, max }: TimelineFigure) => [name, fixed(p50), fixed(max)];
  table(
    `Timelines: ${timeline.segments} segments of ${timeline.cameras} cameras, milliseconds`,
    ['', 'p50', 'worst'],
    [
      row("a camera's day (aim: 10)", timeline.day),
      row("a camera's month (aim: 50)", timeline.month),
      row('a month of all cameras (aim: 100)', timeline.monthOfAll),
      row("baseline: a camera's month read row by row", timeline.monthFromRows),
    ],
  );
  console.log(`${timeline.gapsInMonth} gaps in a month; the database was made in ${fixed(timeline.buildSeconds, 1)} s`);
}

if (wants('playback')) {
  const playback = await measurePlayback(options);
  results.playbackMs = playback;
  if (typeof playback === 'string') console.log(`\nPlayback was not measured: ${playback}`);
  else {
    table(
      'Playback: from a click on the timeline to the first picture on the screen of Chromium, milliseconds',
      ['', 'p50', 'worst', 'bare <video> p50', 'worst', 'page/bare'],
      (['mp4', 'mjpeg'] as const).map((format) => {
        const { page, bare } = playback[format];
        const figures = [page.p50, page.max, bare.p50, bare.max].map((ms) => fixed(ms, 0));
        return [`${format}, ${page.rounds} clicks`, ...figures, `${fixed(page.p50 / bare.p50)}x`];
      }),
    );
  }
}

if (wants('archive')) {
  const archive = await measureArchive(options);
  results.archive = archive;
  table(
    `An archive of ${archive.segments} recordings, milliseconds`,
    ['', 'took', 'processor', 'longest wait of the event loop'],
    [
      ['start, all in the index', fixed(archive.startMs, 0), '', ''],
      [
        'start without the database',
        fixed(archive.rebuildMs, 0),
        fixed(archive.rebuildCpuMs, 0),
        fixed(archive.rebuildWaitMs, 1),
      ],
      ['baseline: names and sizes only', fixed(archive.listMs, 0), '', ''],
      [
        'all deleted (aim: no wait over 50)',
        fixed(archive.deleteMs, 0),
        fixed(archive.deleteCpuMs, 0),
        fixed(archive.deleteWaitMs, 1),
      ],
      ['baseline: idle', '', '', fixed(archive.idleWaitMs, 1)],
    ],
  );
  const [share, longest] = [fixed(archive.deleteWait999Ms, 1), fixed(archive.transactionMs, 1)];
  console.log(`Deletion: 99.9 % of waits under ${share} ms; its longest transaction ${longest} ms`);
}

if (wants('recording')) {
  const recording = await measureRecording({ quick: options.quick });
  results.recording = recording;
  table(
    'Recording: bytes written beside the payload (aim: 1.05 for what is copied); shares of a processor per camera',
    ['', 'cameras', 'payload', 'written/payload', 'Perch', 'its ffmpeg', 'plain ffmpeg', 'missed'],
    recording.map((each) => [
      each.kind,
      String(each.cameras),
      `${fixed(each.payloadBytes / 1e6, 1)} MB`,
      fixed(each.writtenBytes / each.payloadBytes, 3),
      percent(each.perchShare),
      percent(each.ffmpegShare),
      each.plainShare === null ? '' : percent(each.plainShare),
      String(each.missed),
    ]),
  );
}

if (wants('recording') || values.only === 'recording-ladder') {
  const ladder = await measureRecordingLadder({ quick: options.quick });
  results.recordingLadder = ladder;
  table(
    'Recording H.264 cameras, 1080p25 of 4 Mbit/s, copied; shares of a processor',
    ['cameras', 'MB/s', 'Perch per camera', 'its ffmpegs per camera', 'all of it', 'lost', 'late at most'],
    ladder.steps.map(({ cameras, payloadBytes, seconds, perchShare, ffmpegShare, missed, lateMs }) => [
      ...[String(cameras), fixed(payloadBytes / 1e6 / seconds, 1), percent(perchShare), percent(ffmpegShare)],
      ...[percent((perchShare + ffmpegShare) * cameras), String(missed), `${fixed(lateMs, 0)} ms`],
    ]),
  );
  const then = ladder.limit === 'not reached' ? 'no limit found' : `then ${ladder.limit}`;
  console.log(`${ladder.cameras} copied cameras; ${then}`);
}

clearTimeout(timer);
writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
console.log(`\nWritten to ${RESULTS_FILE}`);
