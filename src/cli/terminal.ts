/** The two streams people and programs read: whether they are terminals, how wide, and in colour or not. */

export type Stream = NodeJS.WriteStream;

const sgr = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
export type Tone = keyof typeof sgr;

/** NO_COLOR (https://no-color.org) turns colour off, FORCE_COLOR on; else a terminal decides. */
export function hasColor(stream: Stream, env: NodeJS.ProcessEnv = process.env): boolean {
  const force = env["FORCE_COLOR"];
  if (env["NO_COLOR"] || force === "0" || force === "false") return false;
  if (force !== undefined) return true;
  return Boolean(stream.isTTY) && env["TERM"] !== "dumb";
}

/** Whether a line on the stream can be drawn again: a terminal, and not one that only types on. */
export const isLively = (stream: Stream, env: NodeJS.ProcessEnv = process.env): boolean =>
  Boolean(stream.isTTY) && env["TERM"] !== "dumb";

export type Paint = (tone: Tone, text: string) => string;

export function painter(color: boolean): Paint {
  return (tone, text) => {
    const [on, off] = sgr[tone];
    return color && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  };
}

/** Columns of a terminal; infinite for files and pipes, where nothing is cut. */
export const widthOf = (stream: Stream): number =>
  stream.isTTY ? (stream.columns ?? 80) || 80 : Number.POSITIVE_INFINITY;

/** Data, for whoever reads the command's output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A message, for the person at the terminal. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
