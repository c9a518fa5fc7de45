import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyExit, redactText } from './stderr.ts';

const end = (stderr: string, code: number | null = 1, signal: string | null = null) => ({ code, signal, stderr });

test('exits become errors by what was said, whatever the code or signal', () => {
  const table: [ReturnType<typeof end>, string | null][] = [
    [end('', 0), null],
    [end('Exiting normally, received signal 2.', 255), null],
    [end('av_interleaved_write_frame(): No space left on device'), 'exhausted'],
    [end('/data/x.part: No space left on device', null, 'SIGSEGV'), 'exhausted'],
    [end('pipe:0: Invalid data found when processing input'), 'protocol'],
    [end('/data: Read-only file system'), 'unavailable'],
    [end("Unknown encoder 'libx264'"), 'bad_input'],
    [end('method DESCRIBE failed: 401 Unauthorized'), 'refused'],
    [end('perch-guard: ffmpeg not found', 127), 'unavailable'],
    [end('', null, 'SIGKILL'), 'unavailable'],
    [end('something new'), 'unavailable'],
  ];
  for (const [how, code] of table) assert.equal(classifyExit(how)?.code ?? null, code, JSON.stringify(how));
  assert.equal(classifyExit({ ...end(''), spawnError: 'EAGAIN' })?.code, 'exhausted');
  assert.match(classifyExit({ ...end(''), spawnError: 'ENOENT' })?.message ?? '', /not installed/);
});

test('passwords in URLs never come through', () => {
  const texts = [
    'rtsp://admin:s3cret@10.0.0.5:554/live: Connection refused',
    "Error opening 'http://u:s3cret@host/x?y=1'",
    'http://host/video?user=a&password=s3cret&x=1',
    'rtsp://admin:s3@cret/s3cret@10.0.0.5/live',
    'RTSP://A:s3cret@h',
  ];
  for (const text of texts) assert.doesNotMatch(redactText(text), /s3cret|s3@/, text);
  assert.equal(redactText('rtsp://host/live'), 'rtsp://host/live');
  const error = classifyExit(end('rtsp://admin:s3cret@10.0.0.5/live: Connection refused'));
  assert.doesNotMatch(JSON.stringify([error?.message, error?.context]), /s3cret/);
  assert.ok(redactText('x'.repeat(100_000)).length <= 4000);
});
