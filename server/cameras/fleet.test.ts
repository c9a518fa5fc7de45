// The registry through the Fleet: what users send, what is stored, what is shown, what the driver sees.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { Bus } from '../core/bus.ts';
import type { DriverSettings } from '../core/camera-config.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError, NvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from '../drivers/driver.ts';
import { DriverRegistry } from '../drivers/registry.ts';
import type { Net } from '../net/net.ts';
import { CameraTable } from '../store/cameras.ts';
import { openDatabase } from '../store/database.ts';
import { Secrets } from '../store/secrets.ts';
import { Fleet } from './fleet.ts';

/** A driver that only notes what it was dialled with. */
function noteDriver(id: string, dialled: DriverSettings[]): CameraDriver {
  return {
    id,
    name: id,
    description: '',
    settingsSchema: Type.Object(
      {
        host: Type.String(),
        password: Type.Optional(Type.String()),
        port: Type.Optional(Type.Integer({ minimum: 1 })),
      },
      { additionalProperties: false },
    ),
    secrets: ['password'],
    hostSettings: ['host', 'port'],
    capabilities: { video: ['mjpeg'], audio: [], discovery: false },
    open: (settings, { signal }) => {
      dialled.push(settings);
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new NvrError('cancelled', 'left'))),
      );
    },
    locate: async () => ({ host: 'moved' }),
  } as CameraDriver;
}

function setUp(options: { folders?: string[] } = {}) {
  const clock = new ManualClock();
  const dialled: DriverSettings[] = [];
  const db = openDatabase(':memory:');
  const drivers = new DriverRegistry([noteDriver('iwfcam', dialled), noteDriver('rtsp', dialled)]);
  const first = Secrets.ephemeral();
  let secrets = first;
  const bus = new Bus((error) => {
    throw error;
  });
  const facts: string[] = [];
  bus.onAny((_fact, name) => {
    if (name !== 'camera.status') facts.push(name);
  });
  const make = () =>
    new Fleet({
      table: new CameraTable(db, secrets, (driver) => drivers.get(driver).secrets),
      drivers,
      clock,
      net: {} as Net,
      log: silentLogger,
      bus,
      discoveryTargets: [],
      folderExists: (folder) => options.folders?.includes(folder) ?? false,
      random: () => 0.5,
    });
  /** Another key file from the next Fleet on; `null`: the first one again. */
  const use = (other: Secrets | null) => {
    secrets = other ?? first;
  };
  return { clock, dialled, db, make, fleet: make(), facts, bus, use };
}

const rejects = (work: Promise<unknown>, code: string, text: RegExp) =>
  assert.rejects(work, (error) => isNvrError(error) && error.code === code && text.test(error.message));

test('a camera is added with defaults, dialled with its secret, and shown without it', async () => {
  const { fleet, dialled, clock, db } = setUp();
  fleet.start();
  const camera = await fleet.add({ name: 'Haustür Süd!', driver: 'iwfcam', settings: { host: 'a', password: 'pa55' } });
  await clock.advance(0);
  assert.equal(camera.slug, 'haustur-sud');
  assert.deepEqual(dialled, [{ host: 'a', password: 'pa55' }]);
  const view = fleet.view(camera);
  assert.deepEqual(view.settings, { host: 'a', password: '********' });
  assert.equal(view.recording.mode, 'off');
  assert.equal(view.recording.segmentSeconds, 60);
  assert.ok(!JSON.stringify(db.prepare('select * from cameras').all()).includes('pa55'), 'sealed on disk');
  await fleet.stop();
});

test('what was stored is there after a restart, in order', async () => {
  const { fleet, make } = setUp();
  const first = await fleet.add({ name: 'One', driver: 'iwfcam', settings: { host: 'a', password: 'x' } });
  await fleet.add({
    name: 'Two',
    driver: 'rtsp',
    settings: { host: 'b' },
    enabled: false,
    recording: { segmentSeconds: 10 },
  });
  const again = make();
  assert.deepEqual(
    again.all().map((camera) => camera.config.name),
    ['One', 'Two'],
  );
  assert.deepEqual(again.get(first.id).config, first.config);
  assert.equal(again.get('two').config.recording.segmentSeconds, 10);
});

test('slugs are unique, and a folder of recordings keeps its name', async () => {
  const { fleet } = setUp({ folders: ['door-2'] });
  const add = (slug?: string) =>
    fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' }, ...(slug !== undefined && { slug }) });
  assert.equal((await add()).slug, 'door');
  assert.equal((await add()).slug, 'door-3');
  await fleet.remove('door');
  assert.equal((await add()).slug, 'door-4', 'the recordings of the deleted camera keep "door"');
  await rejects(add('door'), 'conflict', /slug/);
  await rejects(add('door-2'), 'conflict', /slug/);
  await rejects(add('cam_1'), 'bad_input', /^slug/);
});

test('a renamed camera keeps its folder and may have its first slug back', async () => {
  const { fleet } = setUp();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' } });
  await fleet.change('door', { slug: 'gate', name: 'Gate' });
  assert.equal(fleet.find('door'), undefined);
  assert.equal(fleet.get('gate').config.folder, 'door');
  await fleet.change('gate', { slug: 'door' });
  assert.equal(fleet.get('door').config.name, 'Gate');
});

test('bad input names the field and changes nothing', async () => {
  const { fleet } = setUp();
  const good = { name: 'Door', driver: 'iwfcam', settings: { host: 'a' } };
  await rejects(fleet.add({ ...good, driver: 'webcam' }), 'bad_input', /driver.*webcam.*iwfcam, rtsp/);
  await rejects(fleet.add({ ...good, settings: {} }), 'bad_input', /settings\.host: is required/);
  await rejects(
    fleet.add({ ...good, settings: { host: 'a', hots: 1 } }),
    'bad_input',
    /settings\.hots: there is no such setting/,
  );
  await rejects(fleet.add({ ...good, settings: { host: 'a', port: 0 } }), 'bad_input', /settings\.port: must be >= 1/);
  await rejects(fleet.add({ ...good, name: ' ' }), 'bad_input', /^name/);
  await rejects(
    fleet.add({ ...good, recording: { mode: 'always' } }),
    'bad_input',
    /recording\.mode: must be one of off, continuous/,
  );
  await rejects(fleet.add({ ...good, recording: { segmentSeconds: 1 } }), 'bad_input', /recording\.segmentSeconds/);
  assert.equal(fleet.all().length, 0);
  await fleet.add(good);
  await rejects(fleet.change('door', { settings: { host: null } }), 'bad_input', /settings\.host/);
  await rejects(fleet.change('door', { enabled: 'yes' }), 'bad_input', /^enabled/);
  assert.deepEqual(fleet.get('door').config.settings, { host: 'a' });
  await rejects(fleet.change('nobody', {}), 'not_found', /no such camera/);
});

test('a masked password keeps the stored one, but never follows a changed host', async () => {
  const { fleet } = setUp();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a', password: 'pa55' } });
  await fleet.change('door', { settings: { host: 'a', password: '********' } });
  assert.deepEqual(fleet.get('door').config.settings, { host: 'a', password: 'pa55' });
  await rejects(
    fleet.change('door', { settings: { host: 'evil', password: '********' } }),
    'bad_input',
    /password: enter it again/,
  );
  await rejects(fleet.change('door', { settings: { host: 'evil' } }), 'bad_input', /password: enter it again/);
  await rejects(fleet.change('door', { settings: { port: 81 } }), 'bad_input', /password: enter it again/);
  await rejects(
    fleet.change('door', { driver: 'rtsp', settings: { host: 'a', password: '********' } }),
    'bad_input',
    /no stored value/,
  );
  await fleet.change('door', { settings: { password: null, host: 'evil' } });
  assert.deepEqual(fleet.get('door').config.settings, { host: 'evil' });
});

test('only a change that the driver sees dials anew', async () => {
  const { fleet, dialled, clock } = setUp();
  fleet.start();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' } });
  await clock.advance(0);
  await fleet.change('door', { name: 'Gate', recording: { mode: 'continuous' } });
  await clock.advance(0);
  assert.equal(dialled.length, 1);
  await fleet.change('door', { settings: { host: 'b' } });
  await clock.advance(0);
  assert.equal(dialled.length, 2);
  await fleet.change('door', { enabled: false });
  assert.equal(fleet.get('door').status().state, 'disabled');
  assert.throws(
    () => fleet.restart('door'),
    (error) => isNvrError(error, 'conflict'),
  );
  await fleet.change('door', { enabled: true });
  await clock.advance(0);
  assert.equal(dialled.length, 3);
  await fleet.stop();
});

test('another driver is another life behind the same id', async () => {
  const { fleet, facts } = setUp();
  const camera = await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' } });
  const successor = await fleet.change(camera.id, { driver: 'rtsp', settings: { host: 'b' } });
  assert.equal(successor.id, camera.id);
  assert.equal(fleet.get('door'), successor);
  assert.deepEqual(facts, ['camera.added', 'camera.removed', 'camera.added']);
});

test('parallel additions of one name never collide', async () => {
  const { fleet } = setUp();
  const added = await Promise.all(
    Array.from({ length: 20 }, () => fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' } })),
  );
  assert.equal(new Set(added.map((camera) => camera.slug)).size, 20);
});

test('a sub source is checked under its own name', async () => {
  const { fleet } = setUp();
  const subSource = { driver: 'rtsp', settings: { host: 'b', password: 'pa55' } };
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' }, subSource });
  const change = (patch: unknown) => fleet.change('door', { subSource: patch });
  await rejects(change({ stray: 1 }), 'bad_input', /^subSource\.stray: there is no such setting/);
  await rejects(change({ settings: { host: 'evil' } }), 'bad_input', /^subSource\.settings\.password/);
  await rejects(change({ settings: { hots: 1 } }), 'bad_input', /^subSource\.settings\.hots/);
  await change({ settings: { password: '********' } });
  assert.equal(fleet.get('door').config.subSource?.settings.password, 'pa55');
  assert.equal(fleet.view(fleet.get('door')).subSource?.settings.password, '********');
});

test('a camera of a driver that is missing is kept, refused with the reason, and shows none of its settings', async () => {
  const { fleet, make, db, clock } = setUp();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a', password: 'pa55' } });
  await fleet.add({ name: 'Gate', driver: 'rtsp', settings: { host: 'b' } });
  db.prepare("update cameras set driver = 'tomorrow' where slug = 'door'").run();
  const again = make();
  again.start();
  await clock.advance(0);
  const door = again.get('door');
  assert.equal(door.status().state, 'refused');
  assert.match(String(door.status().error?.message), /no driver "tomorrow"/);
  assert.deepEqual(again.view(door).settings, {});
  assert.equal(again.get('gate').status().state, 'connecting');
  await rejects(again.change('door', { name: 'Tor' }), 'bad_input', /^driver/);
  await again.remove('door');
  await again.stop();
});

test('with another key file a camera waits for its password, and has it back with the right one', async () => {
  const { fleet, make, dialled, clock, use } = setUp();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a', password: 'pa55' } });
  use(Secrets.ephemeral());
  const wrong = make();
  wrong.start();
  await clock.advance(0);
  assert.deepEqual(dialled, [], 'never dialled with half of its settings');
  assert.equal(wrong.get('door').status().state, 'refused');
  assert.match(String(wrong.get('door').status().error?.message), /settings\.password: .*enter it again/);
  assert.equal(wrong.view(wrong.get('door')).settings.password, '********');
  await wrong.change('door', { name: 'Tor' });
  await rejects(wrong.change('door', { settings: { port: 81 } }), 'bad_input', /settings\.password: .*enter it again/);
  await wrong.stop();
  use(null);
  assert.equal(make().get('door').config.settings.password, 'pa55', 'a rename has not destroyed it');
  use(Secrets.ephemeral());
  const mended = make();
  mended.start();
  await mended.change('door', { settings: { password: 'new' } });
  await clock.advance(0);
  assert.deepEqual(dialled, [{ host: 'a', password: 'new' }]);
  await mended.stop();
});

test('stored settings that are no longer valid refuse one camera, not the start', async () => {
  const { fleet, make, db, clock } = setUp();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' } });
  db.prepare('update cameras set settings = \'{"host": 5}\', recording = \'{"mode": "continuous"}\'').run();
  const again = make();
  again.start();
  await clock.advance(0);
  assert.match(String(again.get('door').status().error?.message), /settings\.host: must be string/);
  assert.equal(
    again.get('door').config.recording.segmentSeconds,
    60,
    'what an older version did not know has its default',
  );
  await again.stop();
});

test('the order of settings is no change', async () => {
  const { fleet, dialled, clock } = setUp();
  fleet.start();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { port: 80, host: 'a' } });
  await clock.advance(0);
  await fleet.change('door', { settings: { port: null } });
  await fleet.change('door', { settings: { port: 80 } });
  await clock.advance(0);
  const dials = dialled.length;
  await fleet.change('door', { settings: { host: 'a', port: 80 } });
  await clock.advance(0);
  assert.equal(dialled.length, dials);
  await fleet.stop();
});

test('a removed camera says nothing more', async () => {
  const { fleet, bus } = setUp();
  const camera = await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' } });
  await fleet.remove('door');
  let heard = 0;
  bus.on('camera.status', () => heard++);
  camera.recordingActive = true; // its recorder closes the last segment after the removal
  assert.equal(heard, 0);
});

test('a patch cannot reach the prototype', async () => {
  const { fleet } = setUp();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a' } });
  await fleet.change('door', JSON.parse('{"settings": {"__proto__": {"polluted": true}}}')).catch(() => {});
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('a second source of the same device keeps the camera’s password, one of another does not', async () => {
  const { fleet } = setUp();
  await fleet.add({ name: 'Door', driver: 'iwfcam', settings: { host: 'a', password: 'pa55' } });
  const change = (subSource: unknown) => fleet.change('door', { subSource });
  await rejects(
    change({ driver: 'iwfcam', settings: { host: 'evil', password: '********' } }),
    'bad_input',
    /^subSource\.settings\.password: enter it again, because subSource\.settings\.host has changed/,
  );
  await rejects(
    change({ driver: 'rtsp', settings: { host: 'a', password: '********' } }),
    'bad_input',
    /^subSource\.settings\.password: there is no stored value/,
  );
  await change({ driver: 'iwfcam', settings: { host: 'a', password: '********' } });
  assert.equal(fleet.get('door').config.subSource?.settings.password, 'pa55');
  await change({ settings: { password: null } });
  assert.equal(fleet.get('door').config.subSource?.settings.password, undefined);
  await change({ driver: 'iwfcam', settings: { host: 'a' } });
  assert.equal(fleet.get('door').config.subSource?.settings.password, undefined, 'what is not masked is not taken');
});
