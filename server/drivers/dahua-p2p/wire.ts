// The wire of Dahua P2P, both directions, pure: what a driver needs and a simulator too. Pinned by the vectors in captures/.

export * from './wire-address.ts';
export * from './wire-auth.ts';
export * from './wire-error.ts';
export * from './wire-http.ts';
export * from './wire-message.ts';
export * from './wire-ptcp.ts';
export * from './wire-stun.ts';
export * from './wire-wsse.ts';
export * from './wire-xml.ts';
