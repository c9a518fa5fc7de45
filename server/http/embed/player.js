// The bare player of /embed/{camera}: one camera over the live socket (server/design/live-protocol.md). It knows when
// the picture is old, which an <img> of a multipart stream cannot: that one only freezes. Where sockets do not get
// through, the multipart stream is used, and asked about now and then.

const RETRY_MS = [500, 1000, 2000, 5000, 10000];
const SILENT_MS = 60000;
const PROBE_MS = 15000;
const SOCKET_TRIES = 3;
const HEAD_BYTES = 24;

const picture = document.getElementById('picture');
const note = document.getElementById('note');
const { camera, name } = document.body.dataset;
const query = new URLSearchParams(location.search);
const token = query.get('token');
query.delete('token');

let failures = 0;
let shown = '';

function say(text) {
  note.textContent = text;
  picture.classList.toggle('old', text !== '');
}

function show(jpeg) {
  const url = URL.createObjectURL(jpeg);
  return new Promise((resolve) => {
    const done = () => {
      URL.revokeObjectURL(shown);
      shown = url;
      resolve();
    };
    picture.onload = done;
    picture.onerror = done;
    picture.src = url;
  });
}

function noteOf({ state, noSignal, lastFrameAt }) {
  if (!noSignal) return '';
  const since =
    lastFrameAt && ` since ${new Date(lastFrameAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`;
  if (state === 'disabled') return `${name}: switched off`;
  return since ? `${name}: no signal${since}` : `${name}: connecting`;
}

function connect() {
  const url = new URL('../api/live', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.search = '';
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  let silence = 0;
  let over = '';
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket.close(), SILENT_MS);
  };
  socket.onopen = () => {
    heard();
    const number = (key) => (query.has(key) ? { [key]: Number(query.get(key)) } : {});
    if (token) socket.send(JSON.stringify({ type: 'auth', token }));
    socket.send(JSON.stringify({ type: 'subscribe', id: 0, camera, ...number('width'), ...number('fps') }));
  };
  socket.onmessage = async ({ data }) => {
    heard();
    if (typeof data === 'string') {
      const message = JSON.parse(data);
      if (message.type === 'state') say(noteOf(message));
      if (message.type === 'subscribed') failures = 0;
      if (message.type === 'ended' || message.type === 'error') {
        over = message.message;
        socket.close();
      }
      return;
    }
    const seq = new DataView(data).getUint32(4);
    await show(new Blob([new Uint8Array(data, HEAD_BYTES)], { type: 'image/jpeg' }));
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'ack', id: 0, seq }));
  };
  socket.onclose = () => {
    clearTimeout(silence);
    say(over || `${name}: reconnecting`);
    failures++;
    if (failures === SOCKET_TRIES) useMultipart();
    else setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
  };
}

function multipartUrl() {
  const url = new URL(`../cameras/${encodeURIComponent(camera)}/mjpeg`, location.href);
  for (const [key, value] of query) url.searchParams.set(key, value);
  if (token) url.searchParams.set('token', token);
  return url;
}

function useMultipart() {
  const start = () => {
    picture.onload = null;
    picture.onerror = () => say(`${name}: reconnecting`);
    picture.src = multipartUrl();
    say('');
  };
  let reachable = true;
  start();
  setInterval(async () => {
    const answer = await fetch(multipartUrl(), { method: 'HEAD', cache: 'no-store' }).catch(() => null);
    const was = reachable;
    reachable = answer?.ok === true;
    if (!reachable) say(`${name}: no connection`);
    else if (!was) start();
  }, PROBE_MS);
}

connect();
