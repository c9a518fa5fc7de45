// What one camera recorded on each of the last days, as bars.

import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { StorageCamera } from '../api-types.ts';
import { lastDays } from '../days.ts';
import * as format from '../format.ts';

const HEIGHT = 120;
const AXIS_SIZE = 70;
const DAYS_SIZE = 26;
const BAR_SHARE = 0.7;
const DAY_SECONDS = 86_400;
const MAX_BAR = 28;

type Props = { readonly camera: StorageCamera; readonly name: string; readonly days: number };

export function StoragePlot({ camera, name, days }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const bars = lastDays(camera.history, days, Date.now());
  const data: UPlot.AlignedData = [bars.map(({ at }) => at), bars.map(({ bytes }) => bytes)];
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = new UPlot(optionsFor(element), latest.current, element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);
  const key = JSON.stringify(data);
  useEffect(() => plot.current?.setData(latest.current), [key]);
  const recorded = bars.filter(({ bytes }) => bytes > 0);
  const most = Math.max(0, ...bars.map(({ bytes }) => bytes));
  return (
    <div
      class="storage-plot"
      ref={box}
      role="img"
      aria-label={`${name}: recordings of ${recorded.length} of the last ${days} days, at most ${format.bytes(most)} a day`}
    />
  );
}

function optionsFor(element: HTMLElement): UPlot.Options {
  const style = getComputedStyle(element);
  const [accent, ink, line] = ['--accent', '--ink-faint', '--line'].map((name) => style.getPropertyValue(name).trim());
  const axis = { stroke: ink ?? 'gray', grid: { stroke: line ?? 'gray', width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_plot, min, max) => [min - DAY_SECONDS / 2, max + DAY_SECONDS / 2] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max)] },
    },
    axes: [
      { ...axis, size: DAYS_SIZE, grid: { show: false }, values: '{D}.' },
      { ...axis, size: AXIS_SIZE, values: (_plot, ticks) => ticks.map((value) => format.bytes(value)) },
    ],
    series: [
      {},
      {
        fill: accent ?? 'teal',
        stroke: accent ?? 'teal',
        width: 0,
        points: { show: false },
        ...(UPlot.paths.bars && { paths: UPlot.paths.bars({ size: [BAR_SHARE, MAX_BAR] }) }),
      },
    ],
  };
}
