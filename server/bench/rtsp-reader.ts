// The smallest RTSP client: asks for the pictures inside the connection, and leaves what then comes to the caller, unparsed.

import { connect, type Socket } from 'node:net';
import { RtspParser, type RtspResponse } from '../media/rtsp.ts';

const TRANSPORT = 'RTP/AVP/TCP;unicast;interleaved=0-1';

/**
 * Plays the first track of a stream.
 * @param authorization the header's value, where one is needed
 * @throws Error with the reply that was no success
 */
export async function playRtsp(url: string, authorization?: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let answered = Promise.withResolvers<RtspResponse>();
  const parser = new RtspParser({
    message: (message) => message.kind === 'response' && answered.resolve(message),
    data: () => {},
  });
  const parse = (bytes: Buffer) => parser.push(bytes);
  socket.on('data', parse);
  socket.on('error', (error) => answered.reject(error));
  let sequence = 0;
  let session = '';
  const ask = async (method: string, uri: string, headers: readonly string[]) => {
    answered = Promise.withResolvers();
    const sign = authorization === undefined ? [] : [`Authorization: ${authorization}`];
    const all = [`CSeq: ${++sequence}`, ...sign, ...(session === '' ? [] : [`Session: ${session}`]), ...headers];
    socket.write(`${[`${method} ${uri} RTSP/1.0`, ...all].join('\r\n')}\r\n\r\n`);
    const reply = await answered.promise;
    if (reply.status !== 200) throw new Error(`${method} ${uri}: ${reply.status}`);
    session = reply.headers.get('session')?.split(';')[0] ?? session;
    return reply;
  };
  const described = await ask('DESCRIBE', url, ['Accept: application/sdp']);
  const pictures = Buffer.from(described.body)
    .toString()
    .split(/^m=/m)
    .find((media) => media.startsWith('video'));
  const control = /^a=control:(\S+)/m.exec(pictures ?? '')?.[1] ?? '';
  const base = (described.headers.get('content-base') ?? url).replace(/\/?$/, '/');
  await ask('SETUP', /^rtsp:/.test(control) ? control : `${base}${control}`, [`Transport: ${TRANSPORT}`]);
  await ask('PLAY', url, ['Range: npt=0.000-']);
  socket.off('data', parse);
  return socket;
}
