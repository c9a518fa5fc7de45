// Environment to one frozen Config, checked once. A bad value stops the start with one line that names it.

import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { NvrError } from './core/nvr-error.ts';

/** How the process was told to run. Paths are absolute; ports 0 mean "any free port", `null` means off. */
export type Config = {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly admin: { readonly username: string; readonly password: string } | null;
  readonly logLevel: LogLevel;
  readonly trustProxy: boolean | string;
  readonly allowedHosts: readonly string[];
  readonly discoveryTargets: readonly string[];
  readonly dahuaServer: string | null;
  /** Where tunnels are open to other RTSP tools; port `null`: any. */
  readonly dahuaExpose: { readonly address: string; readonly port: number | null } | null;
  readonly mqttUrl: string | null;
  readonly rtspPort: number | null;
  readonly webrtcPort: number | null;
  readonly frameAncestors: readonly string[];
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
};

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** pino's levels. */
export type LogLevel = (typeof LOG_LEVELS)[number];

type Env = Readonly<Record<string, string | undefined>>;

const MAX_PORT = 65535;
const MIN_PASSWORD_LENGTH = 8;
const HOST_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;
const TARGET = /^[^\s:,/]+(:(?<port>\d{1,5}))?$/;
const PREFIX_BITS = { 4: 32, 6: 128 } as const;

function bad(name: string, value: string, allowed: string): NvrError {
  return new NvrError('bad_input', `${name}=${JSON.stringify(value)} is not allowed: ${allowed}`);
}

/** Reads the environment. @throws NvrError `bad_input` with one line: variable, value, what is allowed */
export function readConfig(env: Env, cwd = process.cwd()): Config {
  const text = (name: string) => {
    const value = env[name]?.trim();
    return value === undefined || value === '' ? null : value;
  };
  const port = (name: string, fallback: number, allowOff: boolean): number | null => {
    const value = text(name);
    if (value === null) return fallback;
    if (allowOff && value.toLowerCase() === 'off') return null;
    if (!/^\d{1,5}$/.test(value) || Number(value) > MAX_PORT) {
      throw bad(name, value, `a port from 0 (any free one) to ${MAX_PORT}${allowOff ? ', or off' : ''}`);
    }
    return Number(value);
  };
  const list = (name: string, isAllowed: (item: string) => boolean, allowed: string) => {
    const items = (text(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
    for (const item of items) if (!isAllowed(item)) throw bad(name, item, allowed);
    return items;
  };

  const host = text('PERCH_HOST') ?? '0.0.0.0';
  if (!HOST_NAME.test(host) && !/^[0-9a-f:.]+$/i.test(host)) throw bad('PERCH_HOST', host, 'an address or host name');
  const level = (text('PERCH_LOG_LEVEL') ?? 'info').toLowerCase();
  const logLevel = LOG_LEVELS.find((known) => known === level);
  if (!logLevel) throw bad('PERCH_LOG_LEVEL', level, `one of ${LOG_LEVELS.join(', ')}`);

  const username = text('PERCH_ADMIN_USER');
  const password = env.PERCH_ADMIN_PASSWORD ?? '';
  if (username && password === '') throw bad('PERCH_ADMIN_PASSWORD', '', 'it must be set when PERCH_ADMIN_USER is');
  if (!username && password !== '') throw bad('PERCH_ADMIN_USER', '', 'it must be set when PERCH_ADMIN_PASSWORD is');
  if (username && password.length < MIN_PASSWORD_LENGTH) {
    throw bad('PERCH_ADMIN_PASSWORD', '(hidden)', `at least ${MIN_PASSWORD_LENGTH} characters`);
  }

  const certFile = text('PERCH_TLS_CERT');
  const keyFile = text('PERCH_TLS_KEY');
  if ((certFile === null) !== (keyFile === null)) {
    const missing = certFile === null ? 'PERCH_TLS_CERT' : 'PERCH_TLS_KEY';
    throw bad(missing, '', 'PERCH_TLS_CERT and PERCH_TLS_KEY must both be set, or neither');
  }

  const mqttUrl = text('PERCH_MQTT_URL');
  if (mqttUrl && !/^(mqtts?|wss?):\/\/[^\s]+$/.test(mqttUrl)) {
    throw bad('PERCH_MQTT_URL', '(hidden)', 'a URL that begins with mqtt://, mqtts://, ws:// or wss://');
  }
  const dahuaServer = text('PERCH_DAHUA_SERVER');
  if (dahuaServer && !isTarget(dahuaServer)) throw bad('PERCH_DAHUA_SERVER', dahuaServer, 'host:port');

  return Object.freeze({
    host,
    port: port('PERCH_PORT', 3000, false) as number,
    dataDir: resolve(cwd, text('PERCH_DATA_DIR') ?? 'data'),
    admin: username ? { username, password } : null,
    logLevel,
    trustProxy: readTrustProxy(text('PERCH_TRUST_PROXY')),
    allowedHosts: list('PERCH_ALLOWED_HOSTS', isHostName, 'host names separated by commas, without ports').map((name) =>
      name.toLowerCase(),
    ),
    discoveryTargets: list('PERCH_DISCOVERY_TARGETS', isTarget, 'address or address:port, separated by commas'),
    dahuaServer,
    dahuaExpose: readExpose(text('PERCH_DAHUA_EXPOSE')),
    mqttUrl,
    rtspPort: port('PERCH_RTSP_PORT', 8554, true),
    webrtcPort: port('PERCH_WEBRTC_PORT', 8555, true),
    frameAncestors: list('PERCH_FRAME_ANCESTORS', isOrigin, 'origins such as http://ha.lan:8123'),
    tls: certFile && keyFile ? { certFile: resolve(cwd, certFile), keyFile: resolve(cwd, keyFile) } : null,
  });
}

const isHostName = (text: string) => HOST_NAME.test(text);
const isOrigin = (text: string) => /^https?:\/\/[^\s;,'"]+$/.test(text);

/** `host` or `host:port`. */
function isTarget(text: string): boolean {
  const match = TARGET.exec(text);
  const port = match?.groups?.port;
  return match !== null && (port === undefined || (Number(port) >= 1 && Number(port) <= MAX_PORT));
}

/** `on` (loopback), an IPv4 address of this machine, or either with the first port: `on:15540`, `192.168.1.5:15540`. */
function readExpose(value: string | null): Config['dahuaExpose'] {
  const [where = '', port, ...rest] = (value ?? 'off').toLowerCase().split(':');
  const isOff = ['0', 'off', 'false', 'no'].includes(where);
  if (isOff && port === undefined) return null;
  const address = ['1', 'on', 'true', 'yes'].includes(where) ? '127.0.0.1' : where;
  const isPort = port === undefined || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= MAX_PORT);
  if (isIP(address) !== 4 || !isPort || rest.length > 0) {
    const allowed = 'off, on (this machine only), or an IPv4 address of this machine; on and address may end in :port';
    throw bad('PERCH_DAHUA_EXPOSE', value ?? '', allowed);
  }
  return { address, port: port === undefined ? null : Number(port) };
}

/** An address, or a network as `address/bits`. */
function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (rest.length > 0 || (family !== 4 && family !== 6)) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= PREFIX_BITS[family]);
}

/** `on`/`off`, or the proxies' addresses, as Fastify's `trustProxy` takes them. */
function readTrustProxy(value: string | null): boolean | string {
  if (value === null || /^(0|off|false|no)$/i.test(value)) return false;
  if (/^(1|on|true|yes)$/i.test(value)) return true;
  if (value.split(',').every((range) => isAddressRange(range.trim()))) return value;
  throw bad('PERCH_TRUST_PROXY', value, 'on, off, or addresses of proxies separated by commas');
}
