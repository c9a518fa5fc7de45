// Range and conditional requests to RFC 9110, for files that never change under their name. Pure.

/** Request headers that matter here. */
export type RangeHeaders = {
  readonly range?: string | undefined;
  readonly 'if-range'?: string | undefined;
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-unmodified-since'?: string | undefined;
};

/** What is being served. */
export type Representation = { readonly size: number; readonly etag: string; readonly lastModifiedMs: number };

/** What to answer. `end` is inclusive. */
export type RangeAnswer =
  | { readonly status: 200 | 206; readonly start: number; readonly end: number }
  | { readonly status: 304 | 412 | 416 };

const SECOND_MS = 1000;

/** Whether a list of entity tags has this one; weak ones only match where weak comparison is allowed. */
function hasTag(header: string, etag: string, weak: boolean): boolean {
  if (header.trim() === '*') return true;
  return header.split(',').some((item) => {
    const tag = item.trim();
    return tag === etag || (weak && tag === `W/${etag}`);
  });
}

/** Dates are compared in whole seconds: that is all they carry. A date that cannot be read is no condition. */
function notAfter(header: string, lastModifiedMs: number): boolean | null {
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? null : Math.floor(lastModifiedMs / SECOND_MS) * SECOND_MS <= dateMs;
}

/** Chapter 13.2.2: in which order conditions are looked at; then the range of chapter 14. */
export function chooseRange(method: string, headers: RangeHeaders, what: Representation): RangeAnswer {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!hasTag(ifMatch, what.etag, false)) return { status: 412 };
  } else if (headers['if-unmodified-since'] !== undefined) {
    if (notAfter(headers['if-unmodified-since'], what.lastModifiedMs) === false) return { status: 412 };
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (hasTag(ifNoneMatch, what.etag, true)) return { status: 304 };
  } else if (headers['if-modified-since'] !== undefined) {
    if (notAfter(headers['if-modified-since'], what.lastModifiedMs) === true) return { status: 304 };
  }
  const whole = { status: 200, start: 0, end: what.size - 1 } as const;
  if (headers.range === undefined || method !== 'GET') return whole;
  const ifRange = headers['if-range'];
  if (ifRange !== undefined && !rangeStillFits(ifRange, what)) return whole;
  return parseRange(headers.range, what.size) ?? whole;
}

/** `If-Range`: a strong tag, or exactly the date that was sent. */
function rangeStillFits(ifRange: string, { etag, lastModifiedMs }: Representation): boolean {
  if (ifRange.includes('"')) return ifRange.trim() === etag;
  return Date.parse(ifRange) === Math.floor(lastModifiedMs / SECOND_MS) * SECOND_MS;
}

/** One range; several are refused; other units and nonsense are `null`: as if the header was not there. */
function parseRange(header: string, size: number): RangeAnswer | null {
  const match = /^bytes\s*=\s*(.*)$/i.exec(header.trim());
  if (!match) return null;
  const specs = match[1]!
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.some((spec) => !/^(\d+-\d*|-\d+)$/.test(spec))) return null;
  if (specs.length > 1) return { status: 416 };
  const [first = '', last = ''] = specs[0]!.split('-');
  if (first === '') {
    const length = Math.min(size, Number(last));
    return length > 0 ? { status: 206, start: size - length, end: size - 1 } : { status: 416 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(size - 1, Number(last));
  if (last !== '' && Number(last) < start) return null;
  return start < size ? { status: 206, start, end } : { status: 416 };
}
