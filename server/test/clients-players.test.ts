// Players and recorders that show or store pictures: VLC and Debian's motion.

import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import sharp from 'sharp';
import { ADMIN } from './harness.ts';
import { missing, run, scratch, startStage } from './live/tools.ts';

const PICTURES = 3;

test('VLC shows every URL, also the ones of its guide', { skip: missing('cvlc', 'runuser') }, async () => {
  await using stage = await startStage();
  // Debian builds VLC without its RTSP plugin (live555); ffmpeg and GStreamer read RTSP in the tests of rtsp-out.
  const guide = Object.values(stage.guide('vlc')).filter((url) => !url.startsWith('rtsp:'));
  assert.equal(guide.length, 2);
  const ways = [...guide.map((url) => [url]), [stage.basicUrl('mjpeg')], ['--demux=mjpeg', stage.url('frames')]];
  await Promise.all(
    ways.map(async (way) => {
      using folder = scratch();
      chmodSync(folder.path, 0o777);
      const scene = ['--video-filter=scene', '--scene-format=jpg', '--scene-ratio=5', `--scene-path=${folder.path}`];
      const vlc = ['cvlc', '--intf=dummy', '--vout=dummy', '--no-audio', '--network-caching=300', ...scene, ...way];
      // VLC refuses to run as root.
      const [command = '', ...args] = process.getuid?.() === 0 ? ['runuser', '-u', 'nobody', '--', ...vlc] : vlc;
      const played = await run(command, args, {
        env: { HOME: folder.path },
        enough: () => folder.files('.jpg').length > PICTURES,
      });
      const files = folder.files('.jpg');
      assert.ok(files.length >= PICTURES, `${way.join(' ')}: ${files.length} pictures; ${played.err.slice(-1500)}`);
      const { width, height = 0 } = await sharp(readFileSync(files.sort()[1]!)).metadata();
      assert.equal(width, 640);
      // Its scene filter keeps two lines of the decoder's padding with H.264.
      assert.ok(height === 480 || height === 482, `${way.join(' ')}: ${height} lines`);
    }),
  );
});

test('motion takes /mjpeg as a network camera, as its guide says', { skip: missing('motion') }, async () => {
  await using stage = await startStage();
  const plain = `http://127.0.0.1:${stage.nvr.port}/cameras/porch/mjpeg`;
  const ways = [
    Object.values(stage.guide('motion')).join('\n'),
    `netcam_url ${stage.url('mjpeg')}`,
    `netcam_url ${plain}\nnetcam_userpass ${ADMIN.username}:${ADMIN.password}`,
  ];
  await Promise.all(
    ways.map(async (camera) => {
      using folder = scratch();
      const config = `${folder.path}/motion.conf`;
      const lines = [
        camera,
        ...['width 640', 'height 480', 'framerate 5', `target_dir ${folder.path}`, 'snapshot_interval 1'],
        ...['snapshot_filename shot-%v-%Y%m%d%H%M%S-%q', 'picture_output off', 'movie_output off'],
        ...['webcontrol_port 0', 'stream_port 0', 'emulate_motion off', 'daemon off'],
      ];
      writeFileSync(config, `${lines.join('\n')}\n`);
      const { err, out } = await run('motion', ['-n', '-c', config], {
        enough: () => shots(folder.files('.jpg')).length >= PICTURES,
      });
      const files = shots(folder.files('.jpg'));
      assert.ok(files.length >= PICTURES, `${camera}: ${files.length} pictures; ${(err + out).slice(-3000)}`);
      const { width, height } = await sharp(readFileSync(files[0]!)).metadata();
      assert.deepEqual([width, height], [640, 480]);
      assert.doesNotMatch(err + out, /Corrupt image|retrying|lost/i);
    }),
  );
});

const shots = (files: readonly string[]) => files.filter((file) => file.includes('shot-')).sort();
