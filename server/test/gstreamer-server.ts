// GStreamer's RTSP server as a test peer that is not ours (Debian: gir1.2-gst-rtsp-server-1.0, python3-gi and the plugins).

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const PYTHON = '/usr/bin/python3';
const PROGRAM = `
import gi, json, sys
gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import Gst, GstRtsp, GstRtspServer, GLib
Gst.init(None)
options = json.loads(sys.argv[1])
server = GstRtspServer.RTSPServer()
server.set_address('127.0.0.1')
server.set_service('0')
if options.get('digest'):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string('media.factory.role', 'viewer')
    auth.add_digest('admin', 'secret', token)
    server.set_auth(auth)
for path, launch in options['mounts'].items():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch)
    if options.get('digest'):
        role = GstRtspServer.RTSPPermissions()
        role.add_permission_for_role('viewer', 'media.factory.access', True)
        role.add_permission_for_role('viewer', 'media.factory.construct', True)
        factory.set_permissions(role)
    server.get_mount_points().add_factory(path, factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
loop = GLib.MainLoop()
def ended(*_):
    loop.quit()
    return False
GLib.io_add_watch(0, GLib.IO_HUP, ended)
loop.run()
`;

/** Why GStreamer's server cannot be used here, or `false` when it can: for the `skip` option of a test. */
export function gstreamerMissing(): string | false {
  const check =
    "import gi; gi.require_version('Gst','1.0'); gi.require_version('GstRtspServer','1.0'); from gi.repository import Gst; " +
    "Gst.init(None); import sys; sys.exit(0 if all(Gst.ElementFactory.find(e) for e in ('rtph264pay','rtph265pay','rtpjpegpay','rtpmp4gpay','rtppcmapay','qtdemux','h265parse')) else 1)";
  const done = spawnSync(PYTHON, ['-c', check], { timeout: 20_000 });
  return done.status === 0 ? false : 'GStreamer with its RTSP server is not installed (gir1.2-gst-rtsp-server-1.0)';
}

/** Serves pipelines by path on loopback until it is disposed (or this process ends: it watches its stdin). */
export class GstreamerServer implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;

  static async start(mounts: Readonly<Record<string, string>>, digest = false): Promise<GstreamerServer> {
    const process = spawn(PYTHON, ['-c', PROGRAM, JSON.stringify({ mounts, digest })], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    for await (const line of createInterface({ input: process.stdout! }))
      return new GstreamerServer(process, Number(line));
    throw new Error('GStreamer’s server did not start');
  }

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}
