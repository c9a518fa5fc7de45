// The first page must be quick on a phone: what the built page loads at once stays small, and loads from itself only.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const built = existsSync(new URL('index.html', dist));
const MAX_SCRIPT_GZIP_BYTES = 60_000;
const MAX_STYLE_GZIP_BYTES = 12_000;

test('the page is small', { skip: built ? false : 'web/dist is not built (npm run build)' }, () => {
  const html = readFileSync(new URL('index.html', dist), 'utf8');
  const sizeOf = (pattern: RegExp) =>
    [...html.matchAll(pattern)]
      .map((match) => gzipSync(readFileSync(new URL(match[1] ?? '', dist))).length)
      .reduce((sum, size) => sum + size, 0);
  const script = sizeOf(/(?:src|href)="([^"]+\.js)"/g);
  const style = sizeOf(/href="([^"]+\.css)"/g);
  assert.ok(script > 0 && script <= MAX_SCRIPT_GZIP_BYTES, `${script} bytes of script, gzipped`);
  assert.ok(style > 0 && style <= MAX_STYLE_GZIP_BYTES, `${style} bytes of style, gzipped`);
});

test('the page works behind any path and under the content policy', {
  skip: built ? false : 'web/dist is not built',
}, () => {
  const html = readFileSync(new URL('index.html', dist), 'utf8');
  for (const [, url = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g)) assert.match(url, /^\.\//);
  assert.doesNotMatch(html, /<style|style=|<script(?![^>]* src=)|\son[a-z]+=/);
});
