// The baseline of the hostile loads: Node's own HTTP server with Perch's time-outs and nothing behind it.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer } from './child.ts';

const server = createServer(
  { headersTimeout: 15_000, requestTimeout: 30_000, connectionsCheckingInterval: 5000, maxHeaderSize: 16 * 1024 },
  (_request, response) => response.end('ok'),
);

answer({
  listen: () =>
    new Promise<number>((resolve) => {
      server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () =>
        resolve((server.address() as AddressInfo).port),
      );
    }),
});
