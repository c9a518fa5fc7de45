import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { CountedPictures, pictureNumber } from './counted-pictures.ts';

test('pictures are whole JPEGs of the wanted size, numbered, and the same for the same seed', () => {
  const pictures = new CountedPictures({ minBytes: 15_000, maxBytes: 60_000 });
  const again = new CountedPictures({ minBytes: 15_000, maxBytes: 60_000 });
  const other = new CountedPictures({ minBytes: 15_000, maxBytes: 60_000, seed: 2 });
  const sizes = Array.from({ length: 50 }, (_, n) => {
    const data = Buffer.from(pictures.picture(n).data);
    assert.equal(data.readUInt16BE(0), 0xffd8);
    assert.equal(data.readUInt16BE(data.length - 2), 0xffd9);
    assert.equal(data.indexOf(Buffer.from('ffd9', 'hex')), data.length - 2, 'the end mark is nowhere else');
    assert.equal(pictureNumber(data), n);
    assert.ok(data.equals(again.picture(n).data));
    assert.ok(!data.equals(other.picture(n).data));
    return data.length;
  });
  assert.ok(
    Math.min(...sizes) >= 14_990 && Math.max(...sizes) <= 60_000,
    `${Math.min(...sizes)}-${Math.max(...sizes)}`,
  );
  assert.ok(Math.max(...sizes) - Math.min(...sizes) > 30_000);
});

for (const [width, height] of [
  [640, 480],
  [320, 240],
  [200, 100],
  [17, 16],
  [1280, 720],
] as const) {
  test(`${width}x${height} decodes, and one picture differs from the next`, async () => {
    const pictures = new CountedPictures({ width, height, minBytes: 0, maxBytes: 5000 });
    const decode = (n: number) =>
      sharp(pictures.picture(n).data, { failOn: 'warning' }).raw().toBuffer({ resolveWithObject: true });
    const first = await decode(10);
    assert.deepEqual([first.info.width, first.info.height], [width, height]);
    const second = await decode(11);
    let changed = 0;
    for (const [at, value] of first.data.entries()) if (Math.abs(value - second.data[at]!) > 20) changed += 1;
    assert.ok(changed > first.data.length / 500, `${changed} of ${first.data.length} values changed`);
  });
}

test('the number is read from the picture: levels are where they were drawn', async () => {
  const pictures = new CountedPictures({ minBytes: 0, maxBytes: 0 });
  const { data, info } = await sharp(pictures.picture(40).data).greyscale().raw().toBuffer({ resolveWithObject: true });
  const columnLevel = (column: number) => data[4 * info.width + column * 8 + 4]!;
  assert.ok(columnLevel(40) > 190, 'the bar stands at its column');
  assert.ok(columnLevel(39) < 130 && columnLevel(41) < 130);
});

test('every reader has its own place, and they repeat after `count`', () => {
  const pictures = new CountedPictures({ count: 3, width: 64, height: 48, maxBytes: 100, minBytes: 0 });
  const [first, second] = [pictures.reader(), pictures.reader()];
  const numbers = Array.from({ length: 5 }, () => pictureNumber(first.next()!.data));
  assert.deepEqual(numbers, [0, 1, 2, 0, 1]);
  assert.equal(second.next(), pictures.picture(0), 'shared, not copied');
});

test('a picture made elsewhere has no number', () => {
  assert.equal(pictureNumber(Buffer.from('ffd8ffd9', 'hex')), null);
});
