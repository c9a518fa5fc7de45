// What may be an address and what may not, and where credentials inside it go.

import assert from 'node:assert/strict';
import test from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { fillTarget, parseCameraUrl, separateCredentials } from './camera-url.ts';

const rtsp = ['rtsp', 'rtsps'] as const;

test('an address is taken apart', () => {
  const url = parseCameraUrl('RTSP://Cam.lan/Streaming/Channels/101?a=1#x', rtsp);
  assert.deepEqual(url, {
    ...{ scheme: 'rtsp', isTls: false, host: 'cam.lan', port: 554 },
    ...{ target: '/Streaming/Channels/101?a=1', authority: 'cam.lan' },
  });
  assert.equal(parseCameraUrl('rtsps://10.0.0.2', rtsp).port, 322);
  assert.equal(parseCameraUrl('rtsp://10.0.0.2:8554?x', rtsp).target, '/?x');
  assert.equal(parseCameraUrl('http://c:81/', ['http']).authority, 'c:81');
});

const refused: ReadonlyArray<readonly [string, RegExp]> = [
  ['file:///etc/passwd', /must begin with rtsp:\/\//],
  ['concat:rtsp://a|rtsp://b', /must begin/],
  ['pipe:0', /must begin/],
  ['data:text/plain,x', /must begin/],
  ['http://10.0.0.2/', /must begin/],
  ['rtsp:10.0.0.2/', /must begin/],
  ['', /must begin/],
  ['rtsp://', /name of the camera/],
  ['rtsp://a b/', /character/],
  ['rtsp://a/\r\nX: y', /character/],
  ['rtsp://a/\u0000', /character/],
  ['rtsp://ä/', /character/],
  ['rtsp://a:0/', /port/],
  ['rtsp://a:65536/', /port/],
  ['rtsp://a:1e3/', /port/],
  ['rtsp://[::1]/', /IPv6/],
  ['rtsp://127.1/', /name of the camera/],
  ['rtsp://2130706433/', /name of the camera/],
  ['rtsp://0x7f000001/', /name of the camera/],
  ['rtsp://-a/', /name of the camera/],
  ['rtsp://user:hunter2@a/', /user name and password out/],
  ['rtsp://a/?password=hunter2', /password out/],
  ['rtsp://a/user=x_password=hunter2_channel=1.sdp', /password out/],
  [`rtsp://a/${'x'.repeat(3000)}`, /longer than/],
];
for (const [text, problem] of refused) {
  test(`refused, naming the field, repeating no secret: ${JSON.stringify(text.slice(0, 50))}`, () => {
    assert.throws(
      () => parseCameraUrl(text, rtsp),
      (error: unknown) =>
        isNvrError(error, 'bad_input') &&
        problem.test(error.message) &&
        error.message.startsWith('url: ') &&
        !/hunter2/.test(error.message),
    );
  });
}

test('credentials leave the address', () => {
  const of = separateCredentials;
  assert.deepEqual(of(' rtsp://admin:p%40ss@cam:554/x '), {
    url: 'rtsp://cam:554/x',
    username: 'admin',
    password: 'p@ss',
  });
  assert.deepEqual(of('rtsp://admin:a@b@cam/'), { url: 'rtsp://cam/', username: 'admin', password: 'a@b' });
  assert.deepEqual(of('http://admin@cam/'), { url: 'http://cam/', username: 'admin' });
  assert.deepEqual(of('http://cam/v.cgi?user=admin&pwd=8%2F8&x=1'), {
    ...{ url: 'http://cam/v.cgi?user={username}&pwd={password}&x=1', username: 'admin', password: '8/8' },
  });
  assert.deepEqual(of('rtsp://cam/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream'), {
    url: 'rtsp://cam/user={username}_password={password}_channel=1_stream=0.sdp?real_stream',
    ...{ username: 'admin', password: 'tlJwpbo6' },
  });
  assert.deepEqual(of('rtsp://cam/user=admin&password=&channel=1'), {
    url: 'rtsp://cam/user=admin&password=&channel=1',
  });
  assert.deepEqual(of('http://cam/{username}?pass={password}'), { url: 'http://cam/{username}?pass={password}' });
  assert.deepEqual(of('nonsense'), { url: 'nonsense' });
});

test('what was separated can be parsed and filled in again', () => {
  const { url, ...found } = separateCredentials('http://cam/v.cgi?user=a&pwd=8%2F8');
  const { target } = parseCameraUrl(url, ['http']);
  assert.equal(fillTarget(target, { username: found.username!, password: found.password! }), '/v.cgi?user=a&pwd=8%2F8');
  assert.equal(fillTarget('/?p={password}', null), '/?p=');
});
