import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { paintCard, sinceText, stateText } from './card.ts';
import { escapeXml, fitText } from './card-text.ts';

const facts = { name: 'Porch', state: 'reconnecting', since: 'no signal since 14:02', picture: null, width: null };
const bright = () =>
  sharp({ create: { width: 640, height: 480, channels: 3, background: '#ffffff' } })
    .jpeg()
    .toBuffer();

test('a card has the shape of the last picture, and that picture is dimmed', async () => {
  const card = sharp(await paintCard({ ...facts, picture: await bright() }));
  const { width, height, format } = await card.metadata();
  assert.deepEqual([width, height, format], [640, 480, 'jpeg']);
  const { channels } = await card.extract({ left: 0, top: 0, width: 40, height: 40 }).stats();
  assert.ok(
    channels.every(({ mean }) => mean < 130),
    'a white picture is far from white',
  );
});

test('a card can be narrower, never wider than the picture', async () => {
  const picture = await bright();
  const widthOf = async (width: number) =>
    (await sharp(await paintCard({ ...facts, picture, width })).metadata()).width;
  assert.deepEqual([await widthOf(320), await widthOf(4000), await widthOf(16)], [320, 640, 160]);
});

test('hostile names and pictures make a card all the same', async () => {
  const hostile = [
    '</text><image href="file:///etc/passwd"/>',
    '&xxe;]]><!DOCTYPE x [<!ENTITY a "b">]>',
    '\u0000\u0008\ufffe\ud800',
    '\u202Eright to left',
    'W'.repeat(100_000),
    'a\u0301'.repeat(5000),
    '',
  ];
  for (const name of hostile) {
    const { width } = await sharp(await paintCard({ ...facts, name })).metadata();
    assert.equal(width, 640);
  }
  for (const picture of [Buffer.from('no picture'), Buffer.alloc(0), (await bright()).subarray(0, 200)]) {
    assert.equal((await sharp(await paintCard({ ...facts, picture })).metadata()).format, 'jpeg');
  }
});

test('a picture that claims a huge size is not decoded', async () => {
  const bomb = Buffer.from(await bright());
  const sof = bomb.indexOf(Buffer.from([0xff, 0xc0]));
  bomb.writeUInt16BE(65_000, sof + 5);
  bomb.writeUInt16BE(65_000, sof + 7);
  assert.equal((await sharp(await paintCard({ ...facts, picture: bomb })).metadata()).width, 640);
});

test('text is escaped, cleaned and fitted', () => {
  assert.equal(escapeXml('<a&"\'>\u0000\u0007é'), '&#60;a&#38;&#34;&#39;&#62;é');
  assert.deepEqual(fitText('Porch', 20, 500), { text: 'Porch', size: 20 });
  const long = fitText('A rather long name of a camera', 20, 150);
  assert.ok(long.text.endsWith('…') && long.size >= 12);
  assert.equal(fitText('a\u0301\n\tb\u202E', 20, 500).text, 'á b');
  assert.ok([...fitText('x'.repeat(1000), 1, 1e9).text].length <= 60);
});

test('when the signal was lost: the time, and the date when that is not today’s matter', () => {
  const at = new Date(2026, 0, 2, 14, 2).getTime();
  assert.equal(sinceText(at, at + 60_000), 'no signal since 14:02');
  assert.equal(sinceText(at, at + 3 * 24 * 3600 * 1000), 'no signal since 2026-01-02 14:02');
  assert.equal(sinceText(null, at), '');
});

test('the states in words; dialling and waiting to dial read the same, so that a card is painted once', () => {
  const error = { code: 'timeout', message: '', at: 0 } as const;
  const words = (state: Parameters<typeof stateText>[0]['state'], rest: object = {}) =>
    stateText({ state, coolDownReason: null, error: null, ...rest });
  assert.equal(words('connecting'), 'connecting');
  assert.equal(words('connecting', { error }), words('backingOff', { error }));
  assert.equal(words('disabled'), 'switched off');
  assert.equal(words('coolingDown', { coolDownReason: 'released' }), 'released for the app');
  assert.equal(words('refused', { error: { ...error, code: 'refused' } }), 'the camera refused the sign-in');
});
