// GStreamer's webrtcbin as a WHEP client that is not ours: ICE by libnice, DTLS by OpenSSL, SRTP by libsrtp, pictures by
// ffmpeg's decoder (Debian: gstreamer1.0-nice and gir1.2-gst-plugins-bad-1.0, beside what GStreamer's RTSP server needs).

import { spawn, spawnSync } from 'node:child_process';

const PYTHON = '/usr/bin/python3';
/** A viewer that has not seen enough by then says what it has seen. */
const LIMIT_MS = 20_000;
const PROGRAM = `
import array, gi, json, sys, urllib.error, urllib.request
gi.require_version('Gst', '1.0')
gi.require_version('GstSdp', '1.0')
gi.require_version('GstWebRTC', '1.0')
from gi.repository import GLib, Gst, GstSdp, GstWebRTC
Gst.init(None)
options = json.loads(sys.argv[1])
loop = GLib.MainLoop()
seen = {'pictures': 0, 'sounds': 0, 'loudest': 0, 'blocks': []}
pipeline = Gst.Pipeline()
rtc = Gst.ElementFactory.make('webrtcbin')
rtc.set_property('bundle-policy', GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
rtc.set_property('latency', 100)
pipeline.add(rtc)

def ended(**more):
    print(json.dumps({**seen, **more}), flush=True)
    loop.quit()

def got(_, buffer, pad):
    caps = pad.get_current_caps().get_structure(0)
    if caps.get_name() == 'video/x-raw':
        seen['pictures'] += 1
        seen['size'] = [caps.get_int('width')[1], caps.get_int('height')[1]]
    else:
        seen['sounds'] += 1
        seen['rate'] = caps.get_int('rate')[1]
        samples = array.array('h', buffer.extract_dup(0, buffer.get_size()))
        seen['blocks'] = sorted({*seen['blocks'], len(samples)})
        seen['loudest'] = max(seen['loudest'], *map(abs, samples))
    if seen['pictures'] >= options['pictures'] and seen['sounds'] >= options['sounds']:
        GLib.idle_add(lambda: ended(status=201))

def decoded(_, pad):
    sink = Gst.ElementFactory.make('fakesink')
    sink.set_property('signal-handoffs', True)
    sink.set_property('sync', False)
    sink.connect('handoff', got)
    pipeline.add(sink)
    sink.sync_state_with_parent()
    pad.link(sink.get_static_pad('sink'))

def received(_, pad):
    if pad.direction != Gst.PadDirection.SRC: return
    decoder = Gst.ElementFactory.make('decodebin')
    decoder.connect('pad-added', decoded)
    pipeline.add(decoder)
    decoder.sync_state_with_parent()
    pad.link(decoder.get_static_pad('sink'))

def offered(promise, *_):
    reply = promise.get_reply()
    rtc.emit('set-local-description', reply.get_value('offer'), Gst.Promise.new())

def gathered():
    if rtc.get_property('ice-gathering-state') != GstWebRTC.WebRTCICEGatheringState.COMPLETE: return
    offer = rtc.get_property('local-description').sdp.as_text()
    request = urllib.request.Request(options['url'], offer.encode(), {'content-type': 'application/sdp'})
    try:
        text = urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as error:
        return ended(status=error.code, body=error.read().decode())
    answer = GstWebRTC.WebRTCSessionDescription.new(
        GstWebRTC.WebRTCSDPType.ANSWER, GstSdp.SDPMessage.new_from_text(text)[1])
    rtc.emit('set-remote-description', answer, Gst.Promise.new())

rtc.connect('pad-added', received)
rtc.connect('notify::ice-gathering-state', lambda *_: GLib.idle_add(gathered))
pipeline.set_state(Gst.State.READY)
agent = rtc.get_property('ice-agent')
agent.emit('add-local-ip-address', '127.0.0.1')
direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
h264 = 'application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,packetization-mode=(string)1'
rtc.emit('add-transceiver', direction, Gst.Caps.from_string(h264)).set_property('do-nack', True)
g711 = 'application/x-rtp,media=audio,encoding-name=%s,payload=%d,clock-rate=8000' % tuple(options['g711'])
rtc.emit('add-transceiver', direction, Gst.Caps.from_string(g711))
pipeline.set_state(Gst.State.PLAYING)
rtc.emit('create-offer', None, Gst.Promise.new_with_change_func(offered))
GLib.timeout_add(${LIMIT_MS}, lambda: ended(status=0))
GLib.io_add_watch(0, GLib.IO_HUP, lambda *_: loop.quit())
loop.run()
pipeline.set_state(Gst.State.NULL)
`;

const ELEMENTS = [
  'webrtcbin',
  'nicesrc',
  'dtlssrtpdec',
  'srtpdec',
  'rtph264depay',
  'avdec_h264',
  'mulawdec',
  'alawdec',
];

/** Why GStreamer cannot be a WebRTC client here, or `false` when it can: for the `skip` option of a test. */
export function webrtcbinMissing(): string | false {
  const check =
    "import gi, sys; gi.require_version('Gst','1.0'); gi.require_version('GstWebRTC','1.0'); from gi.repository import Gst; " +
    `Gst.init(None); sys.exit(0 if all(Gst.ElementFactory.find(e) for e in ${JSON.stringify(ELEMENTS)}) else 1)`;
  const done = spawnSync(PYTHON, ['-c', check], { timeout: 20_000 });
  return done.status === 0
    ? false
    : 'GStreamer’s webrtcbin is not installed (gstreamer1.0-nice, gir1.2-gst-plugins-bad-1.0)';
}

/** What the viewer has seen and heard when it had enough, or how it was refused. */
export type Watched = {
  /** Of the answer; 0: it was not enough in time. */
  readonly status: number;
  readonly body?: string;
  readonly pictures: number;
  readonly size: readonly [width: number, height: number];
  readonly sounds: number;
  readonly rate?: number;
  /** Lengths of the decoded blocks of sound, samples. */
  readonly blocks: readonly number[];
  /** Of 32767. */
  readonly loudest: number;
};

/** What a viewer waits for: so many decoded pictures and blocks of sound; sound of that law is asked for in any case. */
export type Wanted = { readonly pictures: number; readonly sounds: number; readonly law?: 'pcma' | 'pcmu' };

/** Watches a WHEP URL until it has seen enough; then the viewer is gone without a goodbye. */
export async function watchByGstreamer(url: string, { pictures, sounds, law = 'pcmu' }: Wanted): Promise<Watched> {
  const g711 = law === 'pcmu' ? ['PCMU', 0] : ['PCMA', 8];
  const viewer = spawn(PYTHON, ['-c', PROGRAM, JSON.stringify({ url, pictures, sounds, g711 })]);
  let out = '';
  let err = '';
  viewer.stdout.on('data', (data) => (out += data));
  viewer.stderr.on('data', (data) => (err += data));
  await new Promise((resolve) => viewer.once('close', resolve));
  if (!out.startsWith('{')) throw new Error(`GStreamer's viewer ended: ${err.slice(-1000)}`);
  return JSON.parse(out.split('\n', 1)[0]!) as Watched;
}
