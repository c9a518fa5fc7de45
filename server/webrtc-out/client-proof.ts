// Whether a DTLS client owns the certificate that it showed: the signature in its CertificateVerify (RFC 5246 section 7.4.8)
// over the handshake so far. werift 0.24 reads that message without looking at the signature, so anybody who saw the
// certificate, which travels in clear, could show it.

import { constants, verify, X509Certificate } from 'node:crypto';

/** One message of the handshake, as it is counted into the signature. */
export type HandshakeMessage = {
  readonly msg_type: number;
  readonly fragment: Uint8Array;
  serialize(): Uint8Array;
};

const CERTIFICATE_VERIFY = 15;
/** Behind algorithm and length. */
const SIGNATURE_AT = 4;
const HASHES: Readonly<Record<number, string>> = { 4: 'sha256', 5: 'sha384', 6: 'sha512' };
const RSA = 1;
const ECDSA = 3;
/** RSA-PSS with SHA-256, 384, 512 is written as one number. */
const PSS: Readonly<Record<number, string>> = { 2052: 'sha256', 2053: 'sha384', 2054: 'sha512' };

/**
 * @param messages the handshake in its order
 * @param certificate the client's, DER
 */
export function ownsCertificate(messages: readonly HandshakeMessage[], certificate: Uint8Array): boolean {
  const at = messages.findIndex(({ msg_type }) => msg_type === CERTIFICATE_VERIFY);
  const proof = messages[at]?.fragment;
  if (!proof || proof.length <= SIGNATURE_AT) return false;
  const view = new DataView(proof.buffer, proof.byteOffset, proof.byteLength);
  const algorithm = view.getUint16(0);
  const signature = proof.subarray(SIGNATURE_AT, SIGNATURE_AT + view.getUint16(2));
  const signed = Buffer.concat(messages.slice(0, at).map((message) => message.serialize()));
  try {
    const key = new X509Certificate(certificate).publicKey;
    const pss = PSS[algorithm];
    if (pss) return verify(pss, signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING }, signature);
    const hash = HASHES[algorithm >> 8];
    const wanted = (algorithm & 255) === ECDSA ? 'ec' : (algorithm & 255) === RSA ? 'rsa' : null;
    return hash !== undefined && key.asymmetricKeyType === wanted && verify(hash, signed, key, signature);
  } catch {
    return false; // no certificate, or a key that does not fit
  }
}
