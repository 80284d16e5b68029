/** How long whole batches of training take: timed runs of steps, going through the data as often as it takes. */
import { Portions, ten } from "./portions.ts";
import type { Session } from "./session.ts";

export interface MeasureOptions {
  /** Steps of one run; absent: as many as fill `aim` with all runs. */
  readonly steps?: number;
  readonly repeats: number;
  /** True as soon as it shall end. */
  readonly stopped: () => boolean;
}
export interface Measured {
  /** Steps of each run. */
  readonly steps: number;
  /** Milliseconds a step, one number a run, smallest first. */
  readonly ms: readonly number[];
}

/** What all timed runs should take together, and the warming up before them, in ms. */
const aim = 2000;
const warmUp = 300;
/** Longest call, in seconds: only between calls can it be stopped. */
const moment = 0.5;

/** @returns undefined if it was stopped */
export async function measureSteps(
  session: Session,
  { steps: wanted, repeats, stopped }: MeasureOptions,
): Promise<Measured | undefined> {
  const run = stepRunner(session, stopped);
  // The very first step may compile, and a GPU is only quick with several a call.
  const few = session.onGpu ? ten : 1;
  await run(few);
  let perStep = (await run(few)) / few;
  for (let n = 2 * few, spent = few * perStep; spent < warmUp && !stopped(); n *= 2) {
    const time = await run(n);
    spent += time;
    perStep = time / n;
  }
  const steps = wanted ?? Math.max(1, Math.round(aim / repeats / perStep / few)) * few;
  const ms: number[] = [];
  // Backends may compile anew for other numbers of steps a call: the first run is not counted.
  for (let k = 0; k <= repeats; k++) {
    const time = (await run(steps)) / steps;
    if (stopped()) return undefined;
    if (k > 0) ms.push(time);
  }
  return { steps, ms: ms.sort((a, b) => a - b) };
}

/** Backends may finish without ever returning to Node's event loop, where signals are delivered. */
const signalsDelivered = () => new Promise<void>((done) => setImmediate(done));

/**
 * Runs whole batches, and gives the ms they took; a new pass begins, untimed, where one is used up. When it is
 * stopped it ends early, and the time means nothing.
 */
export function stepRunner(
  session: Session,
  stopped: () => boolean = () => false,
): (steps: number) => Promise<number> {
  const { steps: perPass } = session.plan.train.batching;
  let epoch = 0;
  let used = perPass;
  const portion = new Portions({ moment, onGpu: session.onGpu });
  return async (steps) => {
    let time = 0;
    for (let left = steps; left > 0 && !stopped(); ) {
      if (used === perPass) {
        session.beginPass("train", ++epoch);
        used = 0;
      }
      const count = Math.min(left, perPass - used, portion.next);
      const start = performance.now();
      await session.run("train", "batch", used, count);
      const spent = performance.now() - start;
      portion.took(count, spent / 1000);
      time += spent;
      used += count;
      left -= count;
      await signalsDelivered();
    }
    return time;
  };
}

/** @param sorted at least one number, smallest first */
export function median(sorted: readonly number[]): number {
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
