// Numbers and times as people read them, in the reader's own language settings. Pure.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;
const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const secondsFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const hourFormat = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const numberFormat = new Intl.NumberFormat();

/** 1536 -> `1.5 KB`. */
export function bytes(value: number): string {
  let unit = 0;
  let amount = value;
  while (amount >= 1000 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${amount >= 100 || unit === 0 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`;
}

/** Bits per second: 2400000 -> `2.4 Mbit/s`. */
export function bitRate(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} Mbit/s` : `${Math.round(value / 1000)} kbit/s`;
}

export function count(value: number): string {
  return numberFormat.format(value);
}

/** 75000 -> `1 min 15 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** `14:02`, or with the day when that is not today. */
export function moment(at: string | number, now = Date.now()): string {
  const date = new Date(at);
  const sameDay = date.toDateString() === new Date(now).toDateString();
  return sameDay ? timeFormat.format(date) : `${dayFormat.format(date)}, ${timeFormat.format(date)}`;
}

/** `14:02:07`. */
export function timeOfDay(at: string | number): string {
  return secondsFormat.format(new Date(at));
}

/** The full hour, in the reader's way of writing: `14:00` or `2 PM`. */
export function hour(hours: number): string {
  return hourFormat.format(new Date(2000, 0, 1, hours));
}

/** `Sat, 21 Nov`. */
export function day(at: string | number): string {
  return dayFormat.format(new Date(at));
}

/** Date and time in full. */
export function instant(at: string | number): string {
  return fullFormat.format(new Date(at));
}
