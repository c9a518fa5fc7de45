// Composition root: builds every part, wires it, starts and stops it in order. Usable without a process (tests, demo).

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger as PinoLogger } from 'pino';
import { type Auth, createAuth } from './auth/auth.ts';
import { Discovery } from './cameras/discovery.ts';
import { Fleet } from './cameras/fleet.ts';
import { CameraProbe } from './cameras/probe.ts';
import type { Config } from './config.ts';
import { Bus } from './core/bus.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { isNvrError, NvrError, toNvrError } from './core/nvr-error.ts';
import { createDrivers } from './drivers/all-drivers.ts';
import { encoderSupport } from './ffmpeg/encoders.ts';
import { auditRefusals } from './http/refused-credentials.ts';
import { RepeatedDeeds } from './http/repeated-deeds.ts';
import type { MediaOutputs } from './http/routes/outputs.ts';
import { createServer } from './http/server.ts';
import { LiveFeeds } from './live/live-feeds.ts';
import { ownPorts } from './net/address-rules.ts';
import { cameraNet } from './net/camera-net.ts';
import { hostAddresses } from './net/host-addresses.ts';
import type { Net } from './net/net.ts';
import { checkSelf } from './net/self-check.ts';
import { systemNet } from './net/system-net.ts';
import { Exporter } from './recording/exporter.ts';
import { GapJournal } from './recording/gap-journal.ts';
import { Recordings } from './recording/recordings.ts';
import { Timeline } from './recording/timeline.ts';
import { RtspServer } from './rtsp-out/server.ts';
import { AuditLog } from './store/audit.ts';
import { CameraTable } from './store/cameras.ts';
import { Checkpointer } from './store/checkpointer.ts';
import { DataLock } from './store/data-lock.ts';
import { EventLog } from './store/events.ts';
import { ExportTable } from './store/exports.ts';
import { GapTable } from './store/gaps.ts';
import { DATABASE_FILE } from './store/known-data.ts';
import { KnownPlaceTable } from './store/known-places.ts';
import { DataWatch, openCopy, whyReadOnly } from './store/read-only-data.ts';
import { openOrSalvage } from './store/salvage.ts';
import { Secrets } from './store/secrets.ts';
import { SegmentIndex } from './store/segment-index.ts';
import { SessionTable } from './store/sessions.ts';
import { SettingsTable } from './store/settings.ts';
import { StorageIdentityTable } from './store/storage-identity.ts';
import { TokenTable } from './store/tokens.ts';
import { UserTable } from './store/users.ts';
import { WebrtcServer } from './webrtc-out/server.ts';

export { DATABASE_FILE, isDataMissing, knownDataFile, rememberData } from './store/known-data.ts';

/** The key of the stored camera passwords, in the data folder. */
export const KEY_FILE = 'secret.key';
/** Recordings in the data folder. */
export const RECORDINGS_FOLDER = 'recordings';
/** Connections that may knock at once; with Node's 511 a burst of 2,000 made honest clients wait for seconds (measured). */
const BACKLOG = 4096;
const WEB_ROOT = fileURLToPath(new URL('../web/dist', import.meta.url));

/** What the app is made from; clock and net are replaced in tests only. */
export type AppOptions = {
  readonly config: Config;
  readonly log: PinoLogger;
  readonly clock?: Clock;
  readonly net?: Net;
};

/** A built app. `start` once, `stop` once. */
export type PerchApp = {
  readonly fleet: Fleet;
  readonly bus: Bus;
  readonly recordings: Recordings;
  readonly webrtc: WebrtcServer;
  /** Why nothing can be changed or recorded, or `null`: Perch works on a copy of a database that cannot be written. */
  readonly readOnly: string | null;
  /** Resolves, with the reason, when the data directory must be opened anew: stop this app and make another. */
  readonly reopen: Promise<string>;
  /** Listens, then lets cameras dial. Resolves with the address. @throws NvrError `conflict` when the port is taken */
  start(): Promise<{ url: string; port: number }>;
  /** Closes recordings, says goodbye to cameras, ends streams, closes the database. */
  stop(): Promise<void>;
};

/**
 * Builds everything without listening or dialling.
 * @throws NvrError `unavailable` when the data folder cannot be used, `conflict` when another Perch uses it or the
 *   database is newer
 */
export function createApp(options: AppOptions): PerchApp {
  const { config } = options;
  makeFolder(config.dataDir);
  using parts = new DisposableStack();
  const readOnly = lockData(config.dataDir, parts);
  if (readOnly !== null) options.log.error({ dataDir: config.dataDir }, readOnly);
  const app = build(options, parts, readOnly);
  const held = parts.move();
  return {
    ...app,
    async stop() {
      try {
        await app.stop();
      } finally {
        held.dispose();
      }
    },
  };
}

/**
 * Locks the data directory. One that cannot be written needs no lock: nobody else can write it either.
 * @returns why it is read-only, or `null`
 * @throws NvrError as {@link createApp}
 */
function lockData(dataDir: string, parts: DisposableStack): string | null {
  try {
    parts.use(DataLock.acquire(dataDir));
    return null;
  } catch (error) {
    const why = isNvrError(error, 'unavailable') && existsSync(join(dataDir, DATABASE_FILE)) && whyReadOnly(dataDir);
    if (!why) throw error;
    return `The data directory ${dataDir} cannot be written (${why}): nothing is recorded or changed until it can`;
  }
}

/**
 * @param parts gets what must be closed at the end, also when the building fails half way
 * @param readOnly why the data directory cannot be written, or `null`
 */
function build(options: AppOptions, parts: DisposableStack, readOnly: string | null): PerchApp {
  const { config, log, clock = systemClock } = options;
  const net = cameraNet(options.net ?? systemNet);
  const secrets = Secrets.fromFile(join(config.dataDir, KEY_FILE));
  const databaseFile = join(config.dataDir, DATABASE_FILE);
  const opened =
    readOnly === null
      ? openOrSalvage(databaseFile, join(config.dataDir, 'quarantine'))
      : { db: openCopy(databaseFile), salvage: null };
  const db = parts.adopt(opened.db, (open) => void open.close());
  const watch = new DataWatch({ dataDir: config.dataDir, databaseFile, readOnly: readOnly !== null, clock });
  parts.defer(() => watch.stop());
  const recordingsDir = join(config.dataDir, RECORDINGS_FOLDER);

  const bus = new Bus((err, name) => log.error({ err, fact: name }, 'A listener failed'));
  const drivers = createDrivers({ dahuaServer: config.dahuaServer, dahuaExpose: config.dahuaExpose });
  const table = new CameraTable(db, secrets, (driver) => drivers.get(driver).secrets);
  const fleet = new Fleet({
    table,
    drivers,
    clock,
    net,
    log,
    bus,
    discoveryTargets: config.discoveryTargets,
    folderExists: (folder) => existsSync(join(recordingsDir, folder)),
  });
  for (const lost of table.lostSecrets) {
    log.error(lost, `A stored ${lost.setting} cannot be read (was ${KEY_FILE} replaced?); enter it again`);
  }
  const users = new UserTable(db);
  const auth = createAuth({
    ...{ users, sessions: new SessionTable(db), tokens: new TokenTable(db), places: new KnownPlaceTable(db), clock },
  });
  const settings = new SettingsTable(db);
  const events = new EventLog(db, clock, () => settings.current.eventDays);
  const index = new SegmentIndex(db);
  const recordings = new Recordings({
    fleet,
    index,
    bus,
    clock,
    dataDir: config.dataDir,
    log,
    cameraOfFolder: (folder) => table.folders().find((known) => known.folder === folder)?.cameraId ?? null,
    limits: () => ({ maxBytes: settings.current.maxRecordingBytes, minFreeBytes: settings.current.minFreeBytes }),
    identity: new StorageIdentityTable(db),
    databaseFile,
    readOnly,
    room: () => checkpoints.room(),
    forgetFolder: (folder) => table.forgetFolder(folder),
  });
  const isTight = () => recordings.storageLook.state !== 'ok';
  const checkpoints = new Checkpointer({ db, file: databaseFile, clock, log, isTight });
  const gaps = new GapTable(db);
  const journal = new GapJournal({
    ...{ fleet, gaps, bus, clock, log, wanted: (camera) => recordings.wanted(camera) },
    storage: () => {
      const { state } = recordings.storageLook;
      return state === 'readOnly' ? 'missing' : state;
    },
    wantedSpans: (camera, from, to) => recordings.wantedSpans(camera, from, to),
  });
  recordings.onWanted((camera) => journal.check(camera));
  const exporter = new Exporter({ recordings, table: new ExportTable(db), bus, dataDir: config.dataDir, clock, log });
  const timeline = new Timeline({ gaps, clock, unindexed: (camera) => recordings.unindexed(camera) });
  const stopEvents = events.follow(bus);
  if (opened.salvage) {
    const message =
      'The database was damaged: what could be read is kept, recordings are taken in again from their files';
    log.error({ ...opened.salvage }, message);
    bus.publish('storage.salvaged', { message });
  }

  const audit = new AuditLog(db, clock);
  const deeds = new RepeatedDeeds(audit, clock);
  const onRefused = auditRefusals(deeds, auth.accounts);
  const feeds = new LiveFeeds({ clock, bus, log });
  const rtsp = new RtspServer({
    ...{ net: net.streams, auth, fleet, feeds, log },
    onRefused: (ip, username, reason) => onRefused({ caller: null, ip, log }, username, reason),
  });
  const webrtc = new WebrtcServer({ net, feeds, log, hostAddresses });
  const outputs: MediaOutputs = { rtsp: { port: null, warning: null }, webrtc: { port: null, warning: null } };

  let server: Awaited<ReturnType<typeof createServer>> | null = null;
  let isStopping = false;

  return {
    fleet,
    bus,
    recordings,
    webrtc,
    readOnly,
    reopen: watch.back,
    async start() {
      const tls = config.tls && readTls(config.tls);
      if (config.admin && auth.accounts.setupRequired) await setUpAdmin(auth, config.admin);
      server = await createServer({
        log,
        clock,
        bus,
        fleet,
        discovery: new Discovery({ fleet, clock, net, log, targets: config.discoveryTargets }),
        probe: new CameraProbe({ fleet, drivers, clock, net, log }),
        auth,
        audit,
        deeds,
        feeds,
        webrtc,
        outputs: () => outputs,
        checkUrl: (target, asker) =>
          checkSelf(target, { ...asker, rtspPort: outputs.rtsp.port, cert: tls?.cert ?? null, clock }),
        events,
        settings,
        encoders: () => encoderSupport.statuses(),
        index,
        recordings,
        timeline,
        exporter,
        options: {
          trustProxy: config.trustProxy,
          allowedHosts: config.allowedHosts,
          frameAncestors: config.frameAncestors,
          tls,
          webRoot: existsSync(WEB_ROOT) ? WEB_ROOT : null,
          readOnly,
        },
      });
      const port = await listen(server, config);
      ownPorts.add(port);
      outputs.rtsp = await openRtsp(rtsp, config, log);
      outputs.webrtc = await openWebrtc(webrtc, config, log);
      // Cameras dial while old recordings are still being looked through: live pictures do not wait for the disk.
      journal.start();
      fleet.start();
      checkpoints.start();
      void encoderSupport.tryAll(log);
      void recordings
        .start()
        .catch((err: unknown) => log.error({ err }, 'Recording could not start'))
        .then(() => (isStopping || readOnly !== null ? undefined : exporter.start()));
      return { url: publicUrl(config, port), port };
    },
    async stop() {
      isStopping = true; // also of a start that is still looking through old recordings
      journal.stop();
      await exporter.stop();
      // One part that fails must not keep the others open.
      const ends = await Promise.allSettled([rtsp.close(), webrtc.close(), recordings.stop(), fleet.stop()]);
      ends.push(...(await Promise.allSettled([server?.close()])));
      stopEvents();
      await checkpoints.stop();
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}

/** A port that is taken is a warning, never a failed start. */
async function openRtsp(rtsp: RtspServer, config: Config, log: PinoLogger): Promise<MediaOutputs['rtsp']> {
  if (config.rtspPort === null) return { port: null, warning: null };
  try {
    const port = await rtsp.listen(config.host, config.rtspPort);
    ownPorts.add(port);
    log.info({ port }, 'RTSP is served');
    return { port, warning: null };
  } catch (error) {
    const warning = `RTSP is not served: ${toNvrError(error).message}. Set PERCH_RTSP_PORT to a free port, or to off.`;
    log.warn({ port: config.rtspPort }, warning);
    return { port: null, warning };
  }
}

/** Likewise. */
async function openWebrtc(webrtc: WebrtcServer, config: Config, log: PinoLogger): Promise<MediaOutputs['webrtc']> {
  if (config.webrtcPort === null) return { port: null, warning: null };
  try {
    const port = await webrtc.listen(config.host, config.webrtcPort);
    ownPorts.add(port);
    log.info({ port }, 'WebRTC is served');
    return { port, warning: null };
  } catch (error) {
    const why = toNvrError(error).message;
    const warning = `WebRTC is not served: ${why}. Set PERCH_WEBRTC_PORT to a free UDP port, or to off.`;
    log.warn({ port: config.webrtcPort }, warning);
    return { port: null, warning };
  }
}

async function setUpAdmin(auth: Auth, { username, password }: NonNullable<Config['admin']>): Promise<void> {
  try {
    await auth.accounts.setUp(username, password);
  } catch (error) {
    if (!isNvrError(error, 'bad_input')) throw error;
    throw new NvrError('bad_input', `PERCH_ADMIN_USER, PERCH_ADMIN_PASSWORD: ${error.message}`, { cause: error });
  }
}

/** Reads certificate and key. @throws NvrError `bad_input` naming the variable whose file is wrong */
function readTls({ certFile, keyFile }: NonNullable<Config['tls']>): { cert: Buffer; key: Buffer } {
  const read = <T>(name: string, file: string, parse: (pem: Buffer) => T) => {
    try {
      const pem = readFileSync(file);
      return { pem, parsed: parse(pem) };
    } catch (cause) {
      const reason = (cause as Error).message.split('\n')[0];
      throw new NvrError('bad_input', `${name}=${JSON.stringify(file)} cannot be used: ${reason}`, { cause });
    }
  };
  const cert = read('PERCH_TLS_CERT', certFile, (pem) => new X509Certificate(pem));
  const key = read('PERCH_TLS_KEY', keyFile, (pem) => createPrivateKey(pem));
  if (!cert.parsed.checkPrivateKey(key.parsed)) {
    throw new NvrError('bad_input', `PERCH_TLS_KEY=${JSON.stringify(keyFile)} is not the key of PERCH_TLS_CERT`);
  }
  return { cert: cert.pem, key: key.pem };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new NvrError('unavailable', `The data folder ${folder} (PERCH_DATA_DIR) cannot be made: ${reason}`, {
      cause,
    });
  }
}

async function listen(server: Awaited<ReturnType<typeof createServer>>, config: Config): Promise<number> {
  try {
    await server.listen({ host: config.host, port: config.port, backlog: BACKLOG });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why =
      code === 'EADDRINUSE'
        ? 'is in use by another program; set PERCH_PORT to a free one'
        : code === 'EACCES'
          ? 'may not be used by this user; set PERCH_PORT to one above 1023'
          : `cannot be used (${code ?? (cause as Error).message}); check PERCH_HOST and PERCH_PORT`;
    throw new NvrError('conflict', `${config.host}:${config.port} ${why}`, { cause });
  }
  const address = server.server.address();
  return typeof address === 'object' && address ? address.port : config.port;
}

/** The address to show: a wildcard is shown as localhost. */
function publicUrl(config: Config, port: number): string {
  const host = ['0.0.0.0', '::', ''].includes(config.host) ? 'localhost' : config.host;
  return `${config.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
