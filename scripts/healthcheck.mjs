// Asks the running Perch of this machine whether it is well; exit code 0 or 1. The container's HEALTHCHECK: no curl there.

import { request as http } from 'node:http';
import { request as https } from 'node:https';

const TIMEOUT_MS = 4000;
const EVERY_ADDRESS = new Set(['', '0.0.0.0', '::']);

const host = process.env.PERCH_HOST?.trim() ?? '';
const secure = Boolean(process.env.PERCH_TLS_CERT?.trim());
const call = (secure ? https : http)({
  host: EVERY_ADDRESS.has(host) ? '127.0.0.1' : host,
  port: process.env.PERCH_PORT?.trim() || 3000,
  path: '/healthz',
  timeout: TIMEOUT_MS,
  rejectUnauthorized: false, // the certificate names the public host, not the loopback address
});
const finish = (text, code) => {
  process.stdout.write(`${text}\n`);
  process.exit(code);
};
call.on('response', (reply) => finish(`status ${reply.statusCode}`, reply.statusCode === 200 ? 0 : 1));
call.on('timeout', () => finish(`no answer within ${TIMEOUT_MS} ms`, 1));
call.on('error', (error) => finish(error.message, 1));
call.end();
