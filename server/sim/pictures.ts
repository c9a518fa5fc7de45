// Where a simulated camera's pictures come from. A source may be shared by many cameras: each has its own reader, and all
// of them get the same picture objects, so that what is prepared for one (fragments) serves all.

/** One JPEG. Immutable and shared. */
export type Picture = { readonly data: Uint8Array; readonly width: number; readonly height: number };

/** One camera's place in a source. */
export interface PictureReader {
  /** The picture to send now, or `null` when there is no new one (a live source that has not made one yet). */
  next(): Picture | null;
}

/** A stream of pictures of one size. */
export interface PictureSource extends AsyncDisposable {
  readonly width: number;
  readonly height: number;
  reader(): PictureReader;
}
