#!/bin/sh
# Starts ffmpeg so that it cannot outlive Perch: the kernel kills it when its parent dies (kill -9 of Perch leaves no
# orphan), and in its own session, so that a Ctrl-C meant for Perch does not end it before Perch has closed the file.
# Both are best effort: without util-linux ffmpeg still ends at the end of its input.
ffmpeg=${FFMPEG_PATH:-ffmpeg}
command -v "$ffmpeg" >/dev/null 2>&1 || { echo "perch-guard: ffmpeg not found" >&2; exit 127; }
if command -v setsid >/dev/null 2>&1 && setpriv --pdeathsig KILL true >/dev/null 2>&1; then
  exec setsid setpriv --pdeathsig KILL "$ffmpeg" "$@"
fi
exec "$ffmpeg" "$@"
