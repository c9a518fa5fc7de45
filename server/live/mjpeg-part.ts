// One part of `multipart/x-mixed-replace`, made once per picture and shared by all its viewers.

/** First bytes of every multipart answer. Every part is followed by the same, so that no reader waits for the next part. */
export const MULTIPART_OPENING = Buffer.from('--frame\r\n');
/** Between a picture and the headers of the next part. */
export const PART_END = Buffer.from('\r\n--frame\r\n');
/** The value of `Content-Type` for the whole answer. */
export const MULTIPART_TYPE = 'multipart/x-mixed-replace; boundary=frame';

/** Headers and bytes of one part. `repeatHead` marks a second sending of the same picture. */
export type Part = { readonly head: Buffer; readonly repeatHead: Buffer; readonly data: Buffer };

const parts = new WeakMap<Uint8Array, Part>();

/** The part of a JPEG: no copy of the picture, and the same object for the same bytes. */
export function partOf(jpeg: Uint8Array): Part {
  let part = parts.get(jpeg);
  if (!part) {
    const head = `Content-Type: image/jpeg\r\nContent-Length: ${jpeg.byteLength}\r\n`;
    part = {
      head: Buffer.from(`${head}\r\n`),
      repeatHead: Buffer.from(`${head}X-Perch-Repeat: 1\r\n\r\n`),
      data: Buffer.from(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength),
    };
    parts.set(jpeg, part);
  }
  return part;
}
