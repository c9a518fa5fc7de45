// A WHEP client as a web page has one, for tests: what is evaluated in Chromium.

/** In the page: opens `window.whep` on a URL; resolves with the answer's status and address. */
export const OPEN_WHEP = `async ({ url, token, audio }) => {
  const peer = new RTCPeerConnection();
  const video = document.createElement('video');
  Object.assign(video, { muted: true, autoplay: true });
  document.body.append(video);
  peer.addTransceiver('video', { direction: 'recvonly' });
  if (audio) peer.addTransceiver('audio', { direction: 'recvonly' });
  const stream = new MediaStream();
  video.srcObject = stream;
  peer.ontrack = ({ track }) => stream.addTrack(track);
  const shown = [];
  const began = performance.now();
  const note = (_now, frame) => {
    shown.push({ rtp: frame.rtpTimestamp, at: performance.timeOrigin + frame.expectedDisplayTime });
    video.requestVideoFrameCallback(note);
  };
  const first = new Promise((done) => video.requestVideoFrameCallback(() => done(performance.now() - began)));
  video.requestVideoFrameCallback(note);
  await peer.setLocalDescription();
  const headers = { 'content-type': 'application/sdp', ...(token && { authorization: 'Bearer ' + token }) };
  const reply = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp });
  const body = await reply.text();
  if (reply.status === 201) await peer.setRemoteDescription({ type: 'answer', sdp: body });
  window.whep = { peer, video, shown, first, headers, location: new URL(reply.headers.get('location') ?? '', url).href };
  return { status: reply.status, type: reply.headers.get('content-type'), body, location: window.whep.location };
}`;

/** In the page: what the browser counted, of one kind of medium. */
export const COUNTS = `async (kind) => {
  let found = null;
  for (const one of (await window.whep.peer.getStats()).values()) {
    if (one.type === 'inbound-rtp' && one.kind === kind) found = { ...one };
  }
  return found;
}`;
