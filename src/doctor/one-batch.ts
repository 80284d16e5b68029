/**
 * A model that can learn at all learns a few examples by heart: the loss of one batch must fall to that of perfect
 * predictions. Where it does not, other learning rates are tried, so that the advice is a number that has worked.
 */
import type { Examples } from "../data/dataset.ts";
import type { Tensor } from "../ir/graph.ts";
import type { Values } from "../ir/program.ts";
import { add, mul } from "../ops/pointwise.ts";
import type { OutputSpec, Spec } from "../spec/spec.ts";
import { chance, perfection } from "./chance.ts";
import { type Check, type Finding, type Patient, percent, plural, short } from "./finding.ts";
import { type Opened, Probe } from "./probe.ts";
import { firstExamples } from "./rows.ts";
import { train } from "./training.ts";

const [fewest, batch] = [8, 32];
const limits = { steps: 300, ms: 8000 } as const;
/** Shares of the way from knowing nothing to the least loss. */
const learned = 0.9;
const halfway = 0.5;
/** What the learning rate is multiplied by, where it does not do. */
const otherRates = [10, 0.1] as const;

export const oneBatch: Check = {
  name: "one batch",
  doc: "whether the model can learn a few examples by heart",
  async examine(patient) {
    const count = Math.max(fewest, Math.min(batch, patient.spec.train.batch_size));
    const examples = await firstExamples(patient.dataset.train, count);
    const losses = await Losses.open(patient, examples);
    try {
      const first = await losses.of(patient.first);
      const { least, blind } = losses.bounds;
      // An untrained model may be much worse than one that knows nothing: to come down to that is no merit.
      const start = Math.min(first, blind);
      const attempt = async (rate?: number) => {
        const { weights, steps } = await learn(patient, examples, rate);
        const last = await losses.of(weights);
        return { last, steps, share: (start - last) / Math.max(start - least, 1e-12), rate };
      };
      const own = await attempt();
      const found = `${plural(examples.count, "example")}, learned by heart in ${own.steps} steps: loss ${short(first)} → ${short(own.last)}, where ${short(least)} is perfect`;
      if (own.share >= learned) return { verdict: "ok", found };
      const { learning_rate: rate } = patient.spec.optimizer.options;
      const others: Awaited<ReturnType<typeof attempt>>[] = [];
      if (typeof rate === "number")
        for (const factor of otherRates) others.push(await attempt(rate * factor));
      const best = others.sort((p, q) => q.share - p.share).find((o) => o.share > own.share + 0.1);
      return failed(patient.spec, own, best, first, examples.count);
    } finally {
      await losses.dispose();
    }
  },
};

interface Attempt {
  readonly last: number;
  readonly steps: number;
  readonly share: number;
  readonly rate: number | undefined;
}

function failed(
  spec: Spec,
  own: Attempt,
  best: Attempt | undefined,
  first: number,
  count: number,
): Finding {
  const way = Number.isFinite(own.share)
    ? `${percent(Math.max(0, own.share))} of the way to perfect`
    : "no number any more";
  const found = `${plural(count, "example")} not learned by heart in ${own.steps} steps: loss ${short(first)} → ${short(own.last)}, ${way}`;
  const name = spec.optimizer.definition.name;
  const advice = best
    ? `try \`--set optimizer.${name}.learning_rate=${short(best.rate!)}\`: with it the loss fell to ${short(best.last)}`
    : "look whether the targets can be told from the inputs at all; then give the model more units, less dropout and weaker regularizers";
  return { verdict: own.share >= halfway ? "warning" : "problem", found, advice };
}

/** A training set of the batch alone, without anything that a run has beside it. */
function learn(patient: Patient, examples: Examples, rate: number | undefined) {
  const { spec } = patient;
  const alone: Spec = {
    ...spec,
    accumulate: 1,
    train: { ...spec.train, batch_size: examples.count },
  };
  return train(patient, alone, { train: examples, summary: "" }, limits, rate);
}

/** The losses of predictions that are the targets, and of those that are the same for all. */
interface Bounds {
  readonly least: number;
  readonly blind: number;
}

/** The batch's loss without penalties, as evaluation has it, for any weights. */
class Losses {
  readonly #probe: Probe;
  readonly #names: readonly string[];
  readonly bounds: Bounds;

  private constructor(probe: Probe, names: readonly string[], bounds: Bounds) {
    this.#probe = probe;
    this.#names = names;
    this.bounds = bounds;
  }

  static async open(patient: Patient, examples: Examples): Promise<Losses> {
    const wishes = (opened: Opened) => ({
      loss: new Map([["loss", weighted(opened, (o) => opened.each.get(o)!)]]),
      bounds: new Map([
        ["least", weighted(opened, (o) => perfection(opened, o))],
        ["blind", weighted(opened, (o) => chance(opened, o))],
      ]),
    });
    const probe = await Probe.open(patient, examples, wishes, { training: false });
    await probe.run("bounds");
    const bounds = { least: await probe.scalar("least"), blind: await probe.scalar("blind") };
    return new Losses(probe, [...patient.first.keys()], bounds);
  }

  async of(weights: ReadonlyMap<string, Values>): Promise<number> {
    for (const name of this.#names) this.#probe.write(name, weights.get(name)!);
    await this.#probe.run("loss");
    return this.#probe.scalar("loss");
  }

  dispose(): Promise<void> {
    return this.#probe.dispose();
  }
}

/** A loss of each output, weighted. */
const weighted = ({ spec }: Opened, of: (output: OutputSpec) => Tensor): Tensor =>
  spec.outputs.map((output) => mul(of(output), output.weight)).reduce((a, b) => add(a, b));
