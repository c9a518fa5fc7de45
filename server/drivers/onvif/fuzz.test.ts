// Nothing that a device says makes the reader hang, grow, or throw anything but a refusal; and the published vectors.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNvrError } from '../../core/nvr-error.ts';
import { seededRandom } from '../../core/random.ts';
import { type AnswerContext, answers, type SimulatedProfile } from '../../sim/onvif/answers.ts';
import { addressAt } from './addresses.ts';
import { MAX_DEPTH, MAX_ELEMENTS } from './limits.ts';
import {
  encodeEnvelope,
  encodeProbeMatch,
  find,
  parseEnvelope,
  parseProbeMatches,
  parseXml,
  readInformation,
  readMediaAddresses,
  readProfiles,
  readTime,
  readUri,
  text,
  tokenDigest,
} from './wire.ts';

const ROUNDS = 20_000;
const ID = '5c1d0f0e-0000-4000-8000-000000000001';
const profile: SimulatedProfile = {
  ...{ token: 'p0', name: 'Main', codec: 'H264', width: 1920, height: 1080, frameRate: 25, bitRate: 4096 },
  url: 'rtsp://10.0.0.2/main?a=1&b=2',
};
const context = (target: string): AnswerContext => ({
  ...{ target, body: '<E><Body><X><ProfileToken>p0</ProfileToken></X></Body></E>', profiles: [profile], nowMs: 0 },
  ...{ media: ['media', 'media2'], noServices: false, address: (path: string) => `http://10.0.0.2${path}` },
});
const operations = ['GetSystemDateAndTime', 'GetServices', 'GetCapabilities', 'GetProfiles', 'GetStreamUri', 'Other'];
const samples = [
  ...['/onvif/media_service', '/onvif/media2_service'].flatMap((target) =>
    operations.map((operation) => encodeEnvelope(answers(operation, context(target)), null)),
  ),
  Buffer.from(
    encodeProbeMatch(`urn:uuid:${ID}`, ID, {
      ...{ endpoint: 'urn:uuid:e', addresses: ['http://10.0.0.2/onvif'], scopes: new Map([['name', 'Front door']]) },
    }),
  ).toString(),
];

/** All that is done with an answer. @returns whether it could be read */
function read(xml: string): boolean {
  parseProbeMatches(Buffer.from(xml), [ID]);
  try {
    const answer = parseEnvelope(xml);
    if (answer?.kind !== 'answer') return answer !== null;
    const { body } = answer;
    for (const each of readProfiles(body)) assert.ok(each.name.length <= 100 && each.token.length <= 100);
    const { manufacturer, model } = readInformation(body);
    assert.ok(manufacturer.length <= 100 && model.length <= 100);
    readTime(body);
    for (const address of Object.values(readMediaAddresses(body))) addressAt(address, '10.0.0.2', ['http', 'https']);
    const url = addressAt(readUri(body), '10.0.0.2', ['rtsp', 'rtsps']);
    assert.ok(url === null || url.host === '10.0.0.2');
    return true;
  } catch (error) {
    if (!isNvrError(error, 'protocol')) throw error;
    return false;
  }
}

test(`${ROUNDS} damaged answers: read or refused, never more`, () => {
  const random = seededRandom(20261122);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const bits = [
    '<',
    '>',
    '/',
    '&',
    '"',
    "'",
    ']]>',
    '<!--',
    '-->',
    '<![CDATA[',
    '<?',
    '<!DOCTYPE x>',
    '&#x0;',
    '\0',
    '__proto__',
    ' ',
    '=',
  ];
  let good = 0;
  for (const sample of samples) assert.ok(read(sample), sample.slice(0, 300));
  for (let round = 0; round < ROUNDS; round++) {
    let xml = pick(samples);
    for (let cuts = 1 + Math.floor(random() * 4); cuts > 0; cuts--) {
      const at = Math.floor(random() * xml.length);
      const length = Math.floor(random() * 30);
      const other = pick(samples);
      const from = Math.floor(random() * other.length);
      const middle = pick(['', pick(bits), other.slice(from, from + length), xml.slice(at, at + length).repeat(3)]);
      xml = xml.slice(0, at) + middle + xml.slice(at + (random() < 0.5 ? length : 0));
    }
    if (read(xml)) good++;
  }
  assert.ok(good > ROUNDS / 100 && good < ROUNDS, `${good} could still be read`);
});

test('what XML allows and nobody needs is refused, and bounds hold in linear time', () => {
  const refused = (xml: string, why: RegExp) =>
    assert.throws(
      () => parseXml(xml),
      (error) => isNvrError(error, 'protocol') && why.test(error.message),
      xml.slice(0, 80),
    );
  refused('<!DOCTYPE a [<!ENTITY x "yyyy">]><a>&x;</a>', /not allowed/);
  refused('<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /not allowed/);
  refused('<a><?php x ?></a>', /not allowed/);
  refused('<a>'.repeat(MAX_DEPTH + 1) + '</a>'.repeat(MAX_DEPTH + 1), /too deep/);
  refused(`<a>${'<b/>'.repeat(MAX_ELEMENTS)}</a>`, /too many/);
  refused('<a><b></a></b>', /do not match/);
  refused('<a>', /in the middle/);
  refused('<a/><b/>', /one document/);
  refused('', /not XML/);
  refused('text', /not XML/);
  assert.equal(text(parseXml('<a>&amp;&lt;&#65;&#x42;&unknown;</a>')), '&<AB&unknown;');
  assert.equal(text(parseXml('<a><![CDATA[<b>&]]></a>')), '<b>&');
  assert.equal(text(parseXml('<x:a y:k="1>2"><b>t</b></x:a>'), 'b'), 't');
  refused('<a><__proto__>x</__proto__></a>', /not XML/);
  refused(`<a ${'b="c" '.repeat(5000)}/>`, /tag that cannot be read/);
  // Ten times the text may take some ten times as long; what is quadratic takes a hundred times.
  const open = ['<a', '<a x="', '<!--', '<![CDATA[', '</', "<a '"].map((unit) => (n: number) => `<a>${unit.repeat(n)}`);
  const whole = ['&', '&#', '&amp;', 'a:', ']]', '<!-- -->', '<![CDATA[ ]]>', '\n \n'].map(
    (unit) => (n: number) => `<a>${unit.repeat(n)}</a>`,
  );
  const tags = ['<b/>', '<b c="d"/>', `<b ${'c=d '.repeat(9)}/>`].map(
    (unit) => (n: number) => `<a>${unit.repeat(n / 50)}</a>`,
  );
  for (const make of [...open, ...whole, ...tags, (n: number) => `<a ${'b c="d" '.repeat(n / 50)}/>`]) {
    const timed = (count: number) => {
      const xml = make(count);
      const began = performance.now();
      read(xml);
      return performance.now() - began;
    };
    timed(1000);
    const short = Math.max(1, timed(5000));
    const long = timed(50_000);
    assert.ok(long < 60 * short, `${make(2).slice(0, 40)}: ${short} ms, then ${long} ms`);
  }
});

test('the digest of the ONVIF Application Programmer’s Guide', () => {
  const nonce = Buffer.from('LKqI6G/AikKCQrN0zqZFlg==', 'base64');
  assert.equal(tokenDigest(nonce, '2010-09-16T07:50:45Z', 'userpassword'), 'tuOSpGlFlIXsozq4HFNeeGeFLEI=');
});

test('faults of SOAP 1.1 and 1.2 are told', () => {
  const old =
    '<E:Envelope xmlns:E="x"><E:Body><E:Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>no</faultstring></E:Fault></E:Body></E:Envelope>';
  assert.deepEqual(parseEnvelope(old), { kind: 'fault', codes: ['FailedAuthentication'], reason: 'no' });
  const answer = parseEnvelope(encodeEnvelope(answers('Other', context('/')), null));
  assert.deepEqual(answer, { kind: 'fault', codes: ['Sender', 'ActionNotSupported'], reason: 'No operation Other' });
  assert.equal(find(undefined, 'a'), undefined);
});
