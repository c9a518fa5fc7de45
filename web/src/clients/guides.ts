// What to paste into which program to use a camera there. Pure text, so that a test can run every line of it.
// How the programs read was measured or read in their sources; see "Reading rules" in the tests of server/test/guides.

/** What the texts are made of. */
export type GuideFacts = {
  readonly slug: string;
  /** Where Perch is for the reader: `http://perch.lan:3000/`, with a path behind it when a proxy adds one. */
  readonly root: string;
  /** Port of Perch's RTSP server; `null` when it is not open. */
  readonly rtspPort: number | null;
  /** A token of scope `stream`, or the word that stands for one. */
  readonly token: string;
  readonly hasSound: boolean;
};

/** One thing to copy. */
export type GuideLine = { readonly label: string; readonly text: string };

/** One program. */
export type Guide = {
  readonly id: 'ha-generic' | 'ha-mjpeg' | 'frigate' | 'go2rtc' | 'vlc' | 'ffmpeg' | 'motion' | 'web' | 'sound';
  readonly title: string;
  /** Where the lines go. */
  readonly hint: string;
  readonly lines: readonly GuideLine[];
};

/** Any user name will do beside a token; this one explains itself in the other program's settings. */
const USER = 'perch';

/** Everything that can be pasted, program by program. */
export function guidesOf(facts: GuideFacts): readonly Guide[] {
  const urls = new Urls(facts);
  return [
    homeAssistantGeneric(facts, urls),
    homeAssistantMjpeg(facts, urls),
    frigate(facts, urls),
    go2rtc(facts, urls),
    vlc(urls),
    ffmpeg(urls),
    motion(facts, urls),
    web(urls),
    ...(facts.hasSound ? [sound(urls)] : []),
  ];
}

class Urls {
  readonly #facts: GuideFacts;
  readonly #slug: string;

  constructor(facts: GuideFacts) {
    this.#facts = facts;
    this.#slug = encodeURIComponent(facts.slug);
  }

  /** Without the token, for programs that have a field for the password. */
  bare(path: string): string {
    return new URL(`cameras/${this.#slug}/${path}`, this.#facts.root).href;
  }

  media(path: string): string {
    return `${this.bare(path)}?token=${this.#facts.token}`;
  }

  player(): string {
    return `${new URL(`embed/${this.#slug}`, this.#facts.root).href}?token=${this.#facts.token}`;
  }

  /** `null` without an RTSP server. */
  rtsp(kind: 'bare' | 'token'): string | null {
    const { rtspPort, token, root } = this.#facts;
    if (rtspPort === null) return null;
    // `hostname` keeps the brackets of an IPv6 address.
    const userInfo = kind === 'token' ? `${USER}:${token}@` : '';
    return `rtsp://${userInfo}${new URL(root).hostname}:${rtspPort}/${this.#slug}`;
  }
}

const lines = (...all: readonly (GuideLine | null)[]) => all.filter((line) => line !== null);
const lineOf = (label: string, text: string | null) => (text === null ? null : { label, text });

function homeAssistantGeneric({ token }: GuideFacts, urls: Urls): Guide {
  return {
    id: 'ha-generic',
    title: 'Home Assistant',
    hint: 'Settings, Devices & services, Add integration, "Generic Camera". Fill in these, RTSP transport TCP, authentication basic:',
    lines: lines(
      { label: 'Still Image URL', text: urls.bare('snapshot.jpg') },
      // Home Assistant puts user and password into the stream's address itself. Without RTSP it can read HLS.
      { label: 'Stream Source URL', text: urls.rtsp('bare') ?? urls.media('hls/index.m3u8') },
      { label: 'Username', text: USER },
      { label: 'Password', text: token },
    ),
  };
}

function homeAssistantMjpeg({ token }: GuideFacts, urls: Urls): Guide {
  return {
    id: 'ha-mjpeg',
    title: 'Home Assistant, MJPEG',
    hint: 'Settings, Devices & services, Add integration, "MJPEG IP Camera": single pictures, the least delay, no sound. Fill in:',
    lines: [
      { label: 'MJPEG URL', text: urls.bare('mjpeg') },
      { label: 'Still Image URL', text: urls.bare('snapshot.jpg') },
      { label: 'Username', text: USER },
      { label: 'Password', text: token },
    ],
  };
}

function frigate({ slug }: GuideFacts, urls: Urls): Guide {
  const rtsp = urls.rtsp('token');
  const input = rtsp
    ? [`        - path: ${rtsp}`, '          input_args: preset-rtsp-restream', '          roles: [detect, record]']
    : [
        `        - path: ${urls.media('mjpeg')}`,
        '          input_args: preset-http-mjpeg-generic',
        '          roles: [detect]',
      ];
  return {
    id: 'frigate',
    title: 'Frigate',
    hint: 'In its configuration file, under "cameras":',
    lines: [{ label: 'config.yml', text: [`  ${slug}:`, '    ffmpeg:', '      inputs:', ...input].join('\n') }],
  };
}

function go2rtc({ slug }: GuideFacts, urls: Urls): Guide {
  return {
    id: 'go2rtc',
    title: 'go2rtc',
    hint: 'In go2rtc.yaml, under "streams":',
    lines: lines(
      lineOf('H.264 with sound', entry(slug, urls.rtsp('token'))),
      lineOf('Single pictures', entry(slug, urls.media('mjpeg'))),
    ),
  };
}

const entry = (slug: string, url: string | null) => (url === null ? null : `  ${slug}: ${url}`);

// Seen with VLC 3.0.24: ten seconds without a packet are the end for it, and so is a discontinuity of HLS in fragmented MP4;
// looping, it asks every second or two until the camera is back. Of two pictures a second it drops all as late.
const VLC_HINT =
  'Media, Open Network Stream. Switch Loop on: VLC takes some seconds without a picture for the end, and with Loop it comes back by itself. For a camera with two pictures a second or fewer choose "Show more options" and a caching of 5000 ms:';

function vlc(urls: Urls): Guide {
  return {
    id: 'vlc',
    title: 'VLC',
    hint: VLC_HINT,
    lines: lines(
      lineOf("With sound (Debian 12's VLC cannot open RTSP: use one of the others)", urls.rtsp('token')),
      { label: 'Single pictures; stays open while the camera is away', text: urls.media('mjpeg') },
      { label: 'With sound, some seconds behind; ends when the camera was away', text: urls.media('hls/index.m3u8') },
    ),
  };
}

function ffmpeg(urls: Urls): Guide {
  const rtsp = urls.rtsp('token');
  return {
    id: 'ffmpeg',
    title: 'ffmpeg',
    hint: 'On the command line:',
    lines: lines(
      { label: 'Watch, with little delay', text: `ffplay -probesize 32 -f mjpeg "${urls.media('frames')}"` },
      {
        label: 'Record a minute, untouched',
        text: `ffmpeg -f mpjpeg -use_wallclock_as_timestamps 1 -i "${urls.media('mjpeg')}" -t 60 -c copy camera.mkv`,
      },
      // MP4 takes no G.711.
      lineOf(
        'Record a minute as MP4',
        rtsp && `ffmpeg -rtsp_transport tcp -i "${rtsp}" -t 60 -c:v copy -c:a aac camera.mp4`,
      ),
      { label: 'One picture', text: `curl -o picture.jpg "${urls.media('snapshot.jpg')}"` },
    ),
  };
}

function motion({ token }: GuideFacts, urls: Urls): Guide {
  return {
    id: 'motion',
    title: 'motion',
    hint: 'In the configuration file of the camera:',
    lines: [
      { label: 'Address', text: `netcam_url ${urls.bare('mjpeg')}` },
      { label: 'Password', text: `netcam_userpass ${USER}:${token}` },
    ],
  };
}

function web(urls: Urls): Guide {
  return {
    id: 'web',
    title: 'Web page',
    hint: 'In any page, also of another origin:',
    lines: [
      { label: 'Picture', text: `<img src="${urls.media('mjpeg')}" alt="">` },
      { label: 'Player', text: `<iframe src="${urls.player()}"></iframe>` },
    ],
  };
}

function sound(urls: Urls): Guide {
  return {
    id: 'sound',
    title: 'Sound',
    hint: 'The microphone of the camera:',
    lines: [
      { label: 'For any player', text: urls.media('audio.wav') },
      { label: 'As a file', text: `ffmpeg -i "${urls.media('audio.wav')}" -t 60 sound.wav` },
    ],
  };
}
