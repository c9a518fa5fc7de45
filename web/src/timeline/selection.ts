// The span that is to be exported: made by dragging, moved by its handles. Pure.

import { DAY_MS } from './scale.ts';
import type { Span } from './spans.ts';

/** The server's limit. */
export const MAX_EXPORT_MS = 31 * DAY_MS;
export const MIN_EXPORT_MS = 1000;

/** Which part of a selection is held. */
export type Hold =
  | { readonly kind: 'edge'; readonly edge: 'from' | 'to'; readonly fixed: number }
  | { readonly kind: 'whole'; readonly grabbedAt: number; readonly span: Span };

/** The span between where a drag began and where it is. */
export function spanBetween(a: number, b: number, now: number): Span {
  const from = Math.min(a, b, now - MIN_EXPORT_MS);
  const to = Math.min(Math.max(a, b), now);
  return { from: Math.max(from, to - MAX_EXPORT_MS), to: Math.max(to, from + MIN_EXPORT_MS) };
}

/** What a press at a moment takes hold of; `null`: nothing, a new selection begins. */
export function holdAt(span: Span | null, at: number, slackMs: number): Hold | null {
  if (!span) return null;
  const [toFrom, toTo] = [Math.abs(at - span.from), Math.abs(at - span.to)];
  if (Math.min(toFrom, toTo) <= slackMs) {
    return toFrom < toTo
      ? { kind: 'edge', edge: 'from', fixed: span.to }
      : { kind: 'edge', edge: 'to', fixed: span.from };
  }
  return at > span.from && at < span.to ? { kind: 'whole', grabbedAt: at, span } : null;
}

/** The selection while it is dragged. */
export function dragTo(hold: Hold, at: number, now: number): Span {
  if (hold.kind === 'edge') return spanBetween(hold.fixed, at, now);
  const { span, grabbedAt } = hold;
  const moved = Math.min(at - grabbedAt, now - span.to);
  return { from: span.from + moved, to: span.to + moved };
}

/** One end set by key or by text; the other one gives way. */
export function withEdge(span: Span | null, edge: 'from' | 'to', at: number, now: number, lengthMs: number): Span {
  const end = Math.min(at, now);
  if (edge === 'from') return spanBetween(end, span && span.to > end ? span.to : end + lengthMs, now);
  return spanBetween(span && span.from < end ? span.from : end - lengthMs, end, now);
}

/** A local date and time as an input has it: `2026-11-21T14:02:07`. */
export function localText(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The moment of such a text; `null` when it is none (yet). */
export function parseLocal(text: string): number | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?/.exec(text);
  if (!match) return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const at = new Date(year, month - 1, day, hour, minute, second).getTime();
  return Number.isFinite(at) && year >= 2000 ? at : null;
}
