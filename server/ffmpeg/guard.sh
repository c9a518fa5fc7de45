#!/bin/sh
# Starts ffmpeg (or, with --ffprobe as the first argument, ffprobe) so that it cannot outlive Perch: the kernel kills it
# when its parent dies (kill -9 of Perch leaves no orphan), and in its own session, so that a Ctrl-C meant for Perch does
# not end it before Perch has closed the file. Both are best effort: without util-linux ffmpeg still ends at the end of its
# input. Its address space is bounded: an encoder of 4K pictures takes 130 MB resident and fits into 1.5 GB of addresses.
ffmpeg=${FFMPEG_PATH:-ffmpeg}
if [ "$1" = --ffprobe ]; then
  ffmpeg=${FFPROBE_PATH:-ffprobe}
  shift
fi
command -v "$ffmpeg" >/dev/null 2>&1 || { echo "perch-guard: ffmpeg not found" >&2; exit 127; }
ulimit -v 2097152 2>/dev/null
if command -v setsid >/dev/null 2>&1 && setpriv --pdeathsig KILL true >/dev/null 2>&1; then
  exec setsid setpriv --pdeathsig KILL "$ffmpeg" "$@"
fi
exec "$ffmpeg" "$@"
