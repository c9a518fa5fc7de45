// Thumbnails: how many ffmpegs there may be, and what becomes of those that nobody waits for any more.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { recordingBase, standInFfmpeg, until } from '../test/recording-fixture.ts';
import { THUMBNAIL_WORKERS, Thumbnails } from './thumbnails.ts';

/** An ffmpeg that says which file it reads, and gives a picture when it may, or when the test is over. */
function world(t: TestContext) {
  const { dataDir } = recordingBase(t);
  const script = `for arg; do case "$arg" in file:*) name=\${arg##*/};; esac; done
echo $$ >"${dataDir}/begun-$name"
while [ -d "${dataDir}" ] && [ ! -e "${dataDir}/may-$name" ]; do sleep 0.01; done
printf "picture of $name"`;
  standInFfmpeg(t, dataDir, script);
  const thumbnails = new Thumbnails();
  const begun = () => readdirSync(dataDir).flatMap((name) => (name.startsWith('begun-') ? [name.slice(6)] : []));
  const pidOf = (name: string) => Number(readFileSync(join(dataDir, `begun-${name}`), 'utf8'));
  return {
    begun,
    runs: (name: string) => existsSync(`/proc/${pidOf(name)}`),
    isBegun: (name: string) => begun().includes(name) && pidOf(name) > 0,
    allow: (name: string) => writeFileSync(join(dataDir, `may-${name}`), ''),
    ask: (name: string) => {
      const gone = new AbortController();
      const picture = thumbnails.get(name, `/films/${name}`, 0, gone.signal).then(String);
      picture.catch(() => {});
      return { picture, leave: () => gone.abort() };
    },
  };
}

const isCancelled = (error: unknown) => isNvrError(error, 'cancelled');

test('two at a time; who leaves the line makes room there, and nothing is begun for it', async (t) => {
  const { ask, begun, isBegun, allow } = world(t);
  const first = [ask('a'), ask('b')];
  await until(() => isBegun('a') && isBegun('b'));
  const swept = Array.from({ length: 64 }, (_, n) => ask(`swept-${n}`));
  await assert.rejects(ask('too-many').picture, (error) => isNvrError(error, 'unavailable'));
  for (const { leave } of swept) leave();
  for (const { picture } of swept) await assert.rejects(picture, isCancelled);
  const wanted = ask('wanted');
  assert.equal(begun().length, THUMBNAIL_WORKERS);
  allow('wanted');
  allow('a');
  assert.equal(await wanted.picture, 'picture of wanted');
  assert.equal(await first[0]!.picture, 'picture of a');
  assert.deepEqual(begun().sort(), ['a', 'b', 'wanted']);
});

test('one that is begun and not waited for is finished and kept; it ends when another needs its place', async (t) => {
  const { ask, runs, isBegun, allow } = world(t);
  const left = ask('left');
  await until(() => isBegun('left'));
  left.leave();
  assert.ok(runs('left'));
  allow('left');
  await until(() => !runs('left'));
  assert.equal(await ask('left').picture, 'picture of left', 'kept: nothing is made again');

  const slow = ask('slow');
  ask('other');
  await until(() => isBegun('slow') && isBegun('other'));
  slow.leave();
  const needed = ask('needed');
  allow('needed');
  await assert.rejects(slow.picture, isCancelled);
  assert.equal(await needed.picture, 'picture of needed');
  assert.equal(runs('slow'), false, 'its ffmpeg is gone');
  assert.ok(runs('other'), 'who is waited for stays');
});

test('two who ask for the same: one of them may leave', async (t) => {
  const { ask, isBegun, allow, begun } = world(t);
  const [one, two] = [ask('same'), ask('same')];
  await until(() => isBegun('same'));
  one.leave();
  ask('x');
  ask('y');
  allow('same');
  assert.equal(await two.picture, 'picture of same');
  assert.equal(begun().filter((name) => name === 'same').length, 1);
});
