// One device's services: SOAP over HTTP with the device's clock, bounded answers, and errors that a user understands. The
// password goes as a digest only, in SOAP and in HTTP.

import type { Clock, Timer } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { CameraUrl } from '../../net/camera-url.ts';
import { type Credentials, HttpAuth, refusedError } from '../../net/http-auth.ts';
import { type HttpReply, openHttp } from '../../net/http-client.ts';
import type { Net } from '../../net/net.ts';
import { CALL_TIMEOUT_MS, MAX_ANSWER_BYTES } from './limits.ts';
import { encodeEnvelope, parseEnvelope, SOAP_TYPE, shownText, usernameToken, type XmlElement } from './wire.ts';

/** What calls may touch of the world. */
export type CallWorld = { readonly net: Net; readonly clock: Clock; readonly signal: AbortSignal };

/** Fault codes of firmwares for a wrong or missing password. */
const REFUSALS =
  /^(?:NotAuthorized|SenderNotAuthorized|FailedAuthentication|InvalidSecurity|Sender_?Not_?Authorized)$/i;

/** Some devices say it in words alone (the onvif-server crate: "WS-Security header required but not provided"). */
const REFUSAL_WORDS = /authori[sz]|authenticat|ws-?security|credential|password/i;

/** The services of one device. */
export class DeviceCalls {
  readonly #credentials: Credentials | null;
  readonly #world: CallWorld;
  /** One for all services: they share the device's realm, and all are at its address. */
  readonly #auth: HttpAuth;
  #clockOffsetMs = 0;

  constructor(credentials: Credentials | null, world: CallWorld) {
    this.#credentials = credentials;
    this.#world = world;
    this.#auth = new HttpAuth(credentials, 'refused');
  }

  /** The device's clock at this moment: tokens are made in its time. */
  setDeviceTime(ms: number): void {
    this.#clockOffsetMs = ms - this.#world.clock.wallMs();
  }

  /**
   * One question. @param signed with the user's token; the device's time is told to all
   * @throws NvrError `refused` (credentials), `protocol` (a fault: `context.reason` is `fault`), `unavailable`, `timeout`,
   *   `cancelled`
   */
  async call(url: CameraUrl, body: string, signed = true): Promise<XmlElement> {
    const { net, clock, signal } = this.#world;
    const end = new AbortController();
    const where = `${url.host}:${url.port}`;
    const timer: Timer = clock.after(CALL_TIMEOUT_MS, () => end.abort());
    const token =
      signed && this.#credentials ? usernameToken(this.#credentials, clock.wallMs() + this.#clockOffsetMs) : null;
    try {
      const bounded = AbortSignal.any([signal, end.signal]);
      const request = {
        ...{ url, target: url.target, auth: this.#auth },
        headers: { 'Content-Type': SOAP_TYPE },
        body: Buffer.from(encodeEnvelope(body, token)),
      };
      await using reply = await openHttp(request, { net, clock, signal: bounded });
      const text = await readAll(reply);
      return this.#answer(reply, text, where);
    } catch (error) {
      if (!end.signal.aborted || signal.aborted) throw error;
      const message = `${where} did not answer within ${CALL_TIMEOUT_MS / 1000} s`;
      throw new NvrError('timeout', message, { context: { peer: where, reason: 'stalled' } });
    } finally {
      timer.cancel();
    }
  }

  #answer({ status }: HttpReply, text: string, where: string): XmlElement {
    if (status >= 300 && status < 400) {
      throw new NvrError('protocol', `${where} sends us to another address; that is not followed`, {
        context: { peer: where, reason: 'redirect' },
      });
    }
    const isSoap = text.trimStart().startsWith('<') && !/^\s*<(?:!doctype\s+)?html/i.test(text);
    if (!isSoap) throw noOnvif(where, status);
    const answer = parseEnvelope(text);
    if (!answer) throw noOnvif(where, status);
    if (answer.kind === 'answer') return answer.body;
    if (answer.codes.some((code) => REFUSALS.test(code)) || REFUSAL_WORDS.test(answer.reason)) {
      throw refusedError(where, this.#credentials !== null);
    }
    throw new NvrError(
      'protocol',
      `${where} refuses: ${shownText(answer.reason) || answer.codes.map(shownText).join(', ')}`,
      {
        context: { peer: where, reason: 'fault' },
      },
    );
  }
}

function noOnvif(where: string, status: number): NvrError {
  const message = `${where} does not speak ONVIF (status ${status}); check the port, and that ONVIF is switched on in the camera`;
  return new NvrError('protocol', message, { context: { peer: where, reason: 'noOnvif' } });
}

/** The body as text, bounded. */
function readAll(reply: HttpReply): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  reply.onBody({
    bytes(chunk) {
      bytes += chunk.length;
      if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk.slice());
      else reject(new NvrError('protocol', `${reply.peer} answers with more than ${MAX_ANSWER_BYTES} bytes`));
    },
    end(error) {
      if (error) reject(error);
      else resolve(Buffer.concat(chunks).toString('utf8'));
    },
  });
  return promise;
}
