/**
 * A model that can learn at all learns a few examples by heart: the loss of one batch must fall to that of perfect
 * predictions. Where it does not, other learning rates are tried, so that the advice is a number that has worked.
 */
import type { Examples } from "../data/dataset.ts";
import type { Tensor } from "../ir/graph.ts";
import type { Values } from "../ir/program.ts";
import { batchLoss } from "../nn/losses/index.ts";
import { alignTarget, oneHot } from "../nn/losses/loss.ts";
import { add, mul } from "../ops/pointwise.ts";
import { fill } from "../ops/view.ts";
import type { OutputSpec, Spec } from "../spec/spec.ts";
import { targetOf } from "../train/graphs.ts";
import { type Check, type Finding, type Patient, percent, short } from "./finding.ts";
import { type Opened, Probe } from "./probe.ts";
import { firstExamples } from "./rows.ts";
import { train } from "./training.ts";

const [fewest, batch] = [8, 32];
const limits = { steps: 300, ms: 8000 } as const;
/** Shares of the way from the first loss to the least. */
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
      const least = losses.least;
      const attempt = async (rate?: number) => {
        const { weights, steps } = await learn(patient, examples, rate);
        const last = await losses.of(weights);
        return { last, steps, share: (first - last) / Math.max(first - least, 1e-12), rate };
      };
      const own = await attempt();
      const found = `${examples.count} examples, learned by heart in ${own.steps} steps: loss ${short(first)} → ${short(own.last)}, where ${short(least)} is perfect`;
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
  const found = `${count} examples were not learned by heart in ${own.steps} steps: loss ${short(first)} → ${short(own.last)}, ${way}`;
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

/** The batch's loss without penalties, as evaluation has it, for any weights. */
class Losses {
  readonly #probe: Probe;
  readonly #names: readonly string[];
  readonly least: number;

  private constructor(probe: Probe, names: readonly string[], least: number) {
    this.#probe = probe;
    this.#names = names;
    this.least = least;
  }

  static async open(patient: Patient, examples: Examples): Promise<Losses> {
    const wishes = (opened: Opened) => ({
      loss: new Map([["loss", weighted(opened.each)]]),
      least: new Map([["least", perfect(opened)]]),
    });
    const probe = await Probe.open(patient, examples, wishes, { training: false });
    await probe.run("least");
    const names = [...patient.first.keys()];
    return new Losses(probe, names, await probe.scalar("least"));
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

const weighted = (each: ReadonlyMap<OutputSpec, Tensor>): Tensor =>
  [...each].map(([{ weight }, value]) => mul(value, weight)).reduce((a, b) => add(a, b));

/** The least that the losses can be: of predictions that are the targets. Of logits there is no such, and it is 0. */
function perfect({ spec, built, wanted }: Opened): Tensor {
  const each = new Map(
    spec.outputs.map((output) => {
      const prediction = built.outputs.get(output.layer)!;
      const { definition, options } = output.loss;
      const target = targetOf(output, spec.outputs.length > 1, wanted.targets);
      const aligned = alignTarget(target, prediction, definition.targets)!;
      const isLogits = options["from_logits"] === true;
      const best =
        definition.targets === "labels" ? oneHot(aligned, prediction.type.shape.at(-1)!) : aligned;
      const mask = built.masks.get(output.layer);
      const loss = isLogits
        ? fill(0, [])
        : batchLoss(output.loss, aligned, best, { mask, weights: wanted.weights });
      return [output, loss] as const;
    }),
  );
  return weighted(each);
}
