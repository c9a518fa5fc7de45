// Runs in Chromium: feeds what a playlist names to a SourceBuffer, and tells what is buffered and shown. An expression.

(async function play(list) {
  const base = new URL(list);
  const lines = (await (await fetch(list)).text()).split('\n');
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const media = new MediaSource();
  video.src = URL.createObjectURL(media);
  await new Promise((resolve) => media.addEventListener('sourceopen', resolve, { once: true }));
  const buffer = media.addSourceBuffer('video/mp4; codecs="avc1.640029,mp4a.40.2"');
  const errors = [];
  const get = async (uri, range) => {
    const [length, offset] = (range ?? '').split('@').map(Number);
    const headers = range ? { range: `bytes=${offset}-${offset + length - 1}` } : undefined;
    const reply = await fetch(new URL(uri, base), headers ? { headers } : {});
    if (!reply.ok) throw new Error(`${reply.status} ${uri}`);
    return reply.arrayBuffer();
  };
  const append = async (bytes) => {
    const done = new Promise((resolve) => buffer.addEventListener('updateend', resolve, { once: true }));
    buffer.appendBuffer(bytes);
    await done;
    if (video.error) errors.push(video.error.message);
  };
  let seconds = 0;
  let range = null;
  for (const [n, line] of lines.entries()) {
    const map = /^#EXT-X-MAP:URI="([^"]+)"(?:,BYTERANGE="([^"]+)")?/.exec(line);
    if (map) {
      buffer.timestampOffset = seconds;
      await append(await get(map[1], map[2]));
    }
    const found = /^#EXT-X-BYTERANGE:(.*)/.exec(line);
    if (found) range = found[1];
    if (line === '' || line.startsWith('#')) continue;
    await append(await get(line, range));
    range = null;
    const [, length = '0'] =
      /^#EXTINF:([\d.]+)/.exec(lines[n - 1].startsWith('#EXTINF') ? lines[n - 1] : lines[n - 2]) ?? [];
    seconds += Number(length);
  }
  const buffered = Array.from({ length: buffer.buffered.length }, (_, n) => [
    buffer.buffered.start(n),
    buffer.buffered.end(n),
  ]);
  const shown = [];
  for (const share of [0.1, 0.5, 0.9]) {
    const frame = new Promise((resolve) =>
      video.requestVideoFrameCallback((_now, { mediaTime }) => resolve(mediaTime)),
    );
    video.currentTime = seconds * share;
    shown.push((await frame) - seconds * share);
  }
  return { seconds, buffered, shown, errors };
});
