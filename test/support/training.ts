/** Training runs on the reference interpreter with data given in place, for tests. */
import { reference } from "../../src/backends/reference.ts";
import type { Dataset, Examples, Samples } from "../../src/data/dataset.ts";
import type { Values } from "../../src/ir/program.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import type { EndEvent, EpochEvent, ProgressEvent } from "../../src/train/events.ts";
import { trainLoop } from "../../src/train/loop.ts";
import { initialWeights, planRun, Session } from "../../src/train/session.ts";
import { type random, random as stream } from "./evaluate.ts";

/** A multiple of 1/64 in lo … hi: exact in single precision, so that tests may compare to the last digits. */
export const dyadic = (r: ReturnType<typeof random>, lo: number, hi: number): number =>
  r.int(64 * lo, 64 * hi) / 64;
export const dyadics = (seed: number, n: number, lo = -2, hi = 2): Float32Array => {
  const r = stream(seed);
  return Float32Array.from({ length: n }, () => dyadic(r, lo, hi));
};

export function samples(values: Samples["values"], ...shape: readonly number[]): Samples {
  return { shape, values };
}
export function examples(
  count: number,
  inputs: Readonly<Record<string, Samples>>,
  targets: Readonly<Record<string, Samples>>,
): Examples {
  return {
    count,
    inputs: new Map(Object.entries(inputs)),
    targets: new Map(Object.entries(targets)),
  };
}

/** @param text a spec without `data`, which is given */
export function open(
  text: string,
  train: Examples,
  more: { readonly validation?: Examples; readonly weights?: ReadonlyMap<string, Values> } = {},
): Promise<Session> {
  const source = `data: { csv: { path: none.csv, target: y } }\n${text}`;
  const spec = resolveSpec(parseSpec(source, "test.yaml", "."));
  const validation = more.validation ? { validation: more.validation } : {};
  const dataset: Dataset = { train, ...validation, summary: "" };
  const plan = planRun(spec, dataset);
  const start = new Map<string, Values>([
    ...initialWeights(plan.weights, spec.seed),
    ...(more.weights ?? []),
  ]);
  return Session.open(plan, reference, start);
}

export interface Followed {
  readonly epochs: readonly EpochEvent[];
  readonly progress: readonly ProgressEvent[];
  readonly end: EndEvent;
}

/** Trains to the end; `stopped` is asked with the number of progress events so far. */
export async function follow(
  session: Session,
  stopped: (portions: number) => boolean = () => false,
): Promise<Followed> {
  const epochs: EpochEvent[] = [];
  const progress: ProgressEvent[] = [];
  const loop = trainLoop(session, {
    ending: () => (stopped(progress.length) ? { reason: "interrupted" } : undefined),
    run: "",
  });
  for (;;) {
    const { value, done } = await loop.next();
    if (done) return { epochs, progress, end: value };
    if (value.event === "epoch") epochs.push(value);
    if (value.event === "progress") progress.push(value);
  }
}

/** The weights in double precision. */
export async function exactWeights(session: Session): Promise<Map<string, Float64Array>> {
  const read = async (name: string) => Float64Array.from(await session.executable.read(name));
  const names = session.plan.weights.map((w) => w.name);
  const values = await Promise.all(names.map(read));
  return new Map(names.map((name, i) => [name, values[i]!]));
}
