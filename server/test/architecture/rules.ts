// The ladder and the "only here" rules as tables. To allow an edge, change design first, then this file.

/** Folders (or single files) under server/ and the other rows each may import. `import type` counts too. */
export const ladder: Readonly<Record<string, readonly string[]>> = {
  core: [],
  'config.ts': ['core'],
  net: ['core'],
  media: ['core'],
  ffmpeg: ['core', 'media'],
  drivers: ['core', 'net', 'media', 'ffmpeg'],
  sim: ['core', 'net', 'media', 'ffmpeg', 'drivers/*/wire.ts'],
  store: ['core'],
  auth: ['core', 'store'],
  cameras: ['core', 'net', 'media', 'ffmpeg', 'drivers', 'store'],
  live: ['core', 'media', 'ffmpeg', 'cameras'],
  'rtsp-out': ['core', 'net', 'media', 'auth', 'cameras', 'live'],
  'webrtc-out': ['core', 'net', 'media', 'cameras', 'live', 'rtsp-out'],
  recording: ['core', 'media', 'ffmpeg', 'store', 'cameras'],
  motion: ['core', 'ffmpeg', 'cameras'],
  mqtt: ['core', 'cameras'],
  http: ['core', 'auth', 'cameras', 'live', 'webrtc-out', 'recording', 'motion', 'store'],
  'app.ts': [
    ...['core', 'config.ts', 'net', 'media', 'ffmpeg', 'drivers', 'store', 'auth', 'cameras', 'live', 'rtsp-out'],
    ...['webrtc-out', 'recording', 'motion', 'mqtt', 'http'],
  ],
  'demo.ts': ['core', 'config.ts', 'net', 'app.ts', 'sim'],
  'main.ts': ['core', 'config.ts', 'app.ts', 'demo.ts'],
  test: ['*'],
  bench: ['*'],
};

/** One rule: these modules belong to these rows. `pure` names open nothing and are free; so are types when `typesFree`. */
export type OnlyHere = {
  readonly modules: RegExp;
  readonly rows: readonly string[];
  readonly pure?: readonly string[];
  readonly typesFree?: boolean;
};

/** Which modules may be imported only where. */
export const onlyHere: readonly OnlyHere[] = [
  { modules: /^better-sqlite3$/, rows: ['store'] },
  { modules: /^(fastify|fastify-plugin|@fastify\/.+)$/, rows: ['http'] },
  {
    modules: /^node:(dgram|net|tls|http|https|http2|dns|dns\/promises)$/,
    rows: ['net'],
    pure: ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'STATUS_CODES'],
    typesFree: true,
  },
  { modules: /^(node:child_process|node:cluster|fluent-ffmpeg)$/, rows: ['ffmpeg'] },
  { modules: /^sharp$/, rows: ['live', 'motion', 'recording'] },
  { modules: /^node-cron$/, rows: ['recording'] },
  { modules: /^@node-rs\/argon2$/, rows: ['auth'] },
  { modules: /^prom-client$/, rows: ['http'] },
  { modules: /^mqtt$/, rows: ['mqtt'] },
  { modules: /^werift$/, rows: ['webrtc-out'] },
];

/** Names that go round the doors above when they are called as functions, and the rows that may. */
export const callsOnlyHere: readonly { readonly name: RegExp; readonly rows: readonly string[] }[] = [
  { name: /^console\.\w+$/, rows: [] },
  { name: /^(globalThis\.)?(fetch|WebSocket|EventSource)$/, rows: ['net'] },
  { name: /^(createRequire|process\.(binding|dlopen|getBuiltinModule))$/, rows: [] },
];

/** Commands that a person runs in a terminal: they may print, and they put the house together like app.ts. */
export const commands = /^server\/(main\.ts|bench\/.+\.ts|(.+\/)?([a-z-]+-)?cli\.ts)$/;

/** Lines a file of code may have, comments included. */
export const MAX_LINES = 400;
