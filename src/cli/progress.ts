/** How progress reads: Keras's bar and its words for times and metrics. Pure text, no terminal. */
import type { Paint } from "./terminal.ts";

/** Four decimals; scientific where those would show little or nothing. */
export function formatMetric(value: number): string {
  if (!Number.isFinite(value)) return String(value).toLowerCase().replace("infinity", "inf");
  const size = Math.abs(value);
  if (size === 0 || (size > 1e-3 && size < 1e6)) return value.toFixed(4);
  return value.toExponential(4).replace(/e([-+])(\d)$/, "e$10$2");
}

/** What was got of something expected: a count is no measurement. */
export const formatGot = (metric: string, got: number | undefined): string =>
  got === undefined
    ? "never measured"
    : `got ${metric === "parameters" ? String(got) : formatMetric(got)}`;

/** `29ms`, `0.5s`, `12s`, `1:23`, `1:02:03`. */
export function formatSeconds(seconds: number): string {
  if (seconds > 0 && seconds < 0.0995) return `${Math.ceil(seconds * 1e3)}ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `18ms/step`, with a second digit where the first says little. */
export function formatStepTime(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(1)}s/step`;
  if (seconds >= 9.95e-3) return `${(seconds * 1e3).toFixed(0)}ms/step`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toFixed(1)}ms/step`;
  return `${(seconds * 1e6).toFixed(0)}us/step`;
}

export const formatMetrics = (metrics: Readonly<Record<string, number>>): string =>
  Object.entries(metrics)
    .map(([name, value]) => ` - ${name}: ${formatMetric(value)}`)
    .join("");

/** Where an epoch stands. */
export interface Position {
  readonly step: number;
  readonly steps: number;
  /** Seconds of training so far in this epoch. */
  readonly seconds: number;
}

export const stepTime = ({ step, seconds }: Position): string =>
  step > 0 ? formatStepTime(seconds / step) : "";

const longestBar = 20;
const shortestBar = 5;

/**
 * ` 30/600 ━━━━━━━━━━ 0:11 18ms/step - loss: 0.9`, never wider than the terminal, so that it can be
 * drawn again in place: first the bar gets shorter, then the text.
 */
export function runningLine(
  position: Position,
  tail: string,
  columns: number,
  paint: Paint,
): string {
  const { step, steps, seconds } = position;
  const left = step > 0 ? (seconds / step) * (steps - step) : 0;
  const text = ` ${formatSeconds(left)} ${stepTime(position)}${tail}`;
  return barLine(position, text, columns, paint);
}

/** The line of an epoch that is over: elapsed time and all metrics, however long. */
export const finishedLine = (position: Position, text: string, paint: Paint): string =>
  barLine(position, text, Number.POSITIVE_INFINITY, paint);

function barLine({ step, steps }: Position, text: string, columns: number, paint: Paint): string {
  const head = `${String(step).padStart(String(steps).length)}/${steps} `;
  // The last column stays free: a terminal may wrap as soon as it is written.
  const room = columns - 1 - head.length - text.length;
  const length = room >= shortestBar ? Math.min(longestBar, room) : 0;
  const line = `${head}${bar(step / steps, length, paint)}${text}`;
  if (room >= shortestBar) return line;
  return `${head}${text.trimStart()}`.slice(0, Math.max(0, columns - 1));
}

function bar(share: number, length: number, paint: Paint): string {
  const done = Math.min(length, Math.floor(share * length));
  return `${paint("green", "━".repeat(done))}${paint("dim", "─".repeat(length - done))}`;
}
