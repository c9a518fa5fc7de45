// DTLS (RFC 6347) and SRTP (RFC 3711) of one session, by werift: the only file that knows the library. We answer the client's
// handshake; nothing is sent before its certificate is the one that its offer named.

import { createHash } from 'node:crypto';
import type { DtlsServer, RTCCertificate, SrtcpSession, SrtpSession } from 'werift';
import { ownsCertificate } from './client-proof.ts';
import { MAX_CONTROL_SOURCES, MAX_HANDSHAKE_BYTES, MAX_HANDSHAKE_DATAGRAMS } from './limits.ts';
import { ReplayWindow } from './replay-window.ts';

type Library = typeof import('werift');

/** Record types of DTLS. */
const HANDSHAKE = 22;
/** The last flight of a handshake: a retransmission that waits for less stops. */
const LAST_FLIGHT = 6;
const RTP_BYTES = 12;
const MARKER = 0x80;
const SSRC_AT = 4;
/** Behind an SRTCP packet: its number, and with AES-CM the tag (RFC 3711 section 3.4); with GCM the tag is before (RFC 7714). */
const INDEX_BYTES = 4;
const CM_TAG_BYTES = 10;
const INDEX_MASK = 0x7fffffff;

/** The library and this process's certificate: made when the first client comes. */
export type Security = {
  readonly library: Library;
  readonly certificate: RTCCertificate;
  readonly fingerprint: string;
};

let security: Promise<Security> | null = null;

/** The library, loaded once. */
export function loadSecurity(): Promise<Security> {
  security ??= (async () => {
    const library = await import('werift');
    const certificate = await library.RTCDtlsTransport.SetupCertificate();
    const fingerprint = certificate.getFingerprints().find(({ algorithm }) => algorithm === 'sha-256')?.value ?? '';
    return { library, certificate, fingerprint: fingerprint.toUpperCase() };
  })();
  return security;
}

/** What {@link SecurePath} needs. */
export type SecurePathOptions = {
  readonly security: Security;
  /** SHA-256 of certificates that the client may have, as in its offer. */
  readonly fingerprints: readonly string[];
  readonly send: (datagram: Uint8Array) => void;
  /** The client is who it said: packets may be sent. */
  readonly onReady: () => void;
  /** The handshake failed, or the client has ended the session. */
  readonly onClosed: (why: string) => void;
};

/** See the head of this file. Close it. */
export class SecurePath {
  readonly #options: SecurePathOptions;
  readonly #dtls: DtlsServer;
  readonly #transport: { onData: (data: Buffer, from: readonly [string, number]) => void; closed: boolean };
  #rtp: SrtpSession | null = null;
  #rtcp: SrtcpSession | null = null;
  #tagBytes = 0;
  readonly #windows = new Map<number, ReplayWindow>();
  #bytes = 0;
  #datagrams = 0;

  constructor(options: SecurePathOptions) {
    this.#options = options;
    const { library, certificate } = options.security;
    const transport = {
      type: 'udp',
      address: { address: '0.0.0.0', family: 'IPv4', port: 0 },
      closed: false,
      onData: (_data: Buffer, _from: readonly [string, number]): void => {},
      send: async (data: Buffer): Promise<void> => {
        if (!transport.closed) options.send(data);
      },
      close: async (): Promise<void> => {},
    };
    this.#transport = transport;
    this.#dtls = new library.DtlsServer({
      transport,
      ...{ cert: certificate.certPem, key: certificate.privateKey, signatureHash: certificate.signatureHash },
      srtpProfiles: [library.ProtectionProfileAeadAes128Gcm, library.ProtectionProfileAes128CmHmacSha1_80],
      ...{ extendedMasterSecret: true, certificateRequest: true },
    });
    this.#dtls.onConnect.subscribe(() => this.#establish());
    this.#dtls.onError.subscribe(() => this.#fail('the handshake failed'));
    this.#dtls.onClose.subscribe(() => this.#fail('the client has ended the session'));
  }

  /** Whether packets may be sent. */
  get isReady(): boolean {
    return this.#rtp !== null;
  }

  /** A DTLS datagram from the client. */
  receive(datagram: Uint8Array): void {
    this.#bytes += datagram.length;
    this.#datagrams++;
    const isTooMuch = this.#bytes > MAX_HANDSHAKE_BYTES || this.#datagrams > MAX_HANDSHAKE_DATAGRAMS;
    if (isTooMuch && !this.isReady) this.#fail('the handshake is too long');
    // A new handshake inside of a session is nothing that clients do.
    const isNewHandshake = this.isReady && datagram[0] === HANDSHAKE && datagram[3] === 0 && datagram[4] === 0;
    if (this.#transport.closed || isTooMuch || isNewHandshake) return;
    try {
      this.#transport.onData(Buffer.from(datagram), ['', 0]);
    } catch {
      // Not DTLS; its sender proved that it knows the session's password, so it is only broken.
    }
  }

  /** @param packet an RTP packet without extensions; `null` before the handshake is done */
  sealRtp(packet: Uint8Array): Buffer | null {
    if (!this.#rtp) return null;
    const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
    const header = new this.#options.security.library.RtpHeader({
      ...{ marker: (bytes[1]! & MARKER) !== 0, payloadType: bytes[1]! & 0x7f, sequenceNumber: bytes.readUInt16BE(2) },
      ...{ timestamp: bytes.readUInt32BE(4), ssrc: bytes.readUInt32BE(8), payloadOffset: RTP_BYTES },
    });
    return this.#rtp.encrypt(bytes.subarray(RTP_BYTES), header);
  }

  /** `null` before the handshake is done. */
  sealRtcp(packet: Uint8Array): Buffer | null {
    return this.#rtcp?.encrypt(Buffer.from(packet)) ?? null;
  }

  /** An SRTCP datagram's content; `null` when it is not the client's, or has been there before. */
  openRtcp(datagram: Uint8Array): Uint8Array | null {
    const bytes = Buffer.from(datagram);
    try {
      const content = this.#rtcp?.decrypt(bytes) ?? null;
      const index = bytes.readUInt32BE(bytes.length - this.#tagBytes - INDEX_BYTES) & INDEX_MASK;
      return content && this.#isNew(bytes.readUInt32BE(SSRC_AT), index) ? content : null;
    } catch {
      return null;
    }
  }

  /** Nothing is sent any more. Idempotent. */
  close(): void {
    this.#transport.closed = true;
    this.#dtls.dtls.flight = LAST_FLIGHT;
    this.#rtp = this.#rtcp = null;
  }

  #isNew(source: number, index: number): boolean {
    const window = this.#windows.get(source) ?? new ReplayWindow();
    if (this.#windows.size < MAX_CONTROL_SOURCES) this.#windows.set(source, window);
    return this.#windows.has(source) && window.take(index);
  }

  #establish(): void {
    if (this.#transport.closed || this.isReady) return;
    const { library } = this.#options.security;
    const certificate = this.#dtls.remoteCertificate;
    const digest = certificate && createHash('sha256').update(certificate).digest('hex').toUpperCase();
    const fingerprint = digest?.match(/../g)?.join(':') ?? '';
    if (!this.#options.fingerprints.includes(fingerprint)) {
      this.#fail('the certificate is not the one of the offer');
      return;
    }
    if (!certificate || !ownsCertificate(this.#dtls.dtls.sortedHandshakeCache, certificate)) {
      this.#fail('the client does not own its certificate');
      return;
    }
    const profile = this.#dtls.srtp.srtpProfile;
    if (!profile) {
      this.#fail('the client takes none of our SRTP profiles');
      return;
    }
    const { localKey, localSalt, remoteKey, remoteSalt } = this.#dtls.extractSessionKeys(
      library.keyLength(profile),
      library.saltLength(profile),
    ) as Record<'localKey' | 'localSalt' | 'remoteKey' | 'remoteSalt', Buffer>;
    const keys = {
      ...{ localMasterKey: localKey, localMasterSalt: localSalt },
      ...{ remoteMasterKey: remoteKey, remoteMasterSalt: remoteSalt },
    };
    this.#tagBytes = profile === library.ProtectionProfileAes128CmHmacSha1_80 ? CM_TAG_BYTES : 0;
    this.#rtp = new library.SrtpSession({ keys, profile });
    this.#rtcp = new library.SrtcpSession({ keys, profile });
    this.#options.onReady();
  }

  #fail(why: string): void {
    if (this.#transport.closed) return;
    this.close();
    this.#options.onClosed(why);
  }
}
