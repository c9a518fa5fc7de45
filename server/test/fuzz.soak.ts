// A million mutated datagrams and replies against every parser: the tests of `*fuzz.test.ts` with more rounds.

process.env.PERCH_FUZZ_ROUNDS = '1000000';
await import('../drivers/iwfcam/fuzz.test.ts');
await import('../drivers/dahua-p2p/fuzz.test.ts');
await import('../media/stream-fuzz.test.ts');
await import('../webrtc-out/fuzz.test.ts');

export {};
