/** Whether every layer gets a gradient of a size that it can learn from, at the start and after some steps. */
import type { Values } from "../ir/program.ts";
import { mul } from "../ops/pointwise.ts";
import { sum } from "../ops/reduce.ts";
import { type Check, type Finding, gravest, type Patient, plural, some } from "./finding.ts";
import { Probe, weightGradients } from "./probe.ts";
import { firstExamples } from "./rows.ts";

const examplesLooked = 100;
/** A layer's mean gradient, of that of the layer that has the largest. */
const vanishing = 1e-5;
/** The gradient's norm, of that of the weights. */
const exploding = 1e3;

export const gradientSizes: Check = {
  name: "gradient sizes",
  doc: "vanishing and exploding gradients, at the start and after some training",
  async examine(patient) {
    const examples = await firstExamples(patient.dataset.train, examplesLooked);
    const trained = await patient.trained();
    const probe = await Probe.open(
      patient,
      examples,
      (opened) => ({
        squares: new Map(
          [...weightGradients(opened)].map(([name, g]) => [name, sum(mul(g, g), undefined, false)]),
        ),
      }),
      { training: true },
    );
    try {
      const at = async (weights: ReadonlyMap<string, Values>, when: string) => {
        for (const [name, values] of weights) probe.write(name, values);
        await probe.run("squares");
        return judge(await sizesOf(patient, probe, weights), when);
      };
      const start = await at(patient.first, "at the start");
      const later = await at(trained.weights, `after ${plural(trained.steps, "step")}`);
      // Behind weights of 0 nothing is reached in the first step, and everything in the second.
      const passes = start.verdict !== "ok" && later.verdict === "ok";
      return gravest([passes ? { verdict: "ok", found: start.found } : start, later]);
    } finally {
      await probe.dispose();
    }
  },
};

/** Of a layer: the root mean square of its gradient, and the norms of gradient and weights. */
interface Size {
  readonly layer: string;
  readonly mean: number;
  readonly gradient: number;
  readonly weights: number;
}

async function sizesOf(
  { weights }: Patient,
  probe: Probe,
  values: ReadonlyMap<string, Values>,
): Promise<readonly Size[]> {
  const sums = new Map<string, { count: number; gradient: number; weights: number }>();
  for (const { name, layer, trainable } of weights) {
    if (!trainable) continue;
    const own = values.get(name)!;
    const before = sums.get(layer) ?? { count: 0, gradient: 0, weights: 0 };
    let squares = 0;
    for (const v of own) squares += v * v;
    sums.set(layer, {
      count: before.count + own.length,
      gradient: before.gradient + (await probe.scalar(name)),
      weights: before.weights + squares,
    });
  }
  return [...sums].map(([layer, s]) => ({
    layer,
    mean: Math.sqrt(s.gradient / s.count),
    gradient: Math.sqrt(s.gradient),
    weights: Math.sqrt(s.weights),
  }));
}

function judge(sizes: readonly Size[], when: string): Finding {
  if (sizes.length === 0)
    return { verdict: "skipped", found: "the model has no weights that are trained" };
  const named = (list: readonly Size[]) => some(list.map((s) => s.layer));
  const broken = sizes.filter((s) => !Number.isFinite(s.mean + s.weights));
  if (broken.length > 0)
    return {
      verdict: "problem",
      found: `${when} the gradient of ${named(broken)} is no number`,
      advice: "lower the learning rate, or clip gradients with the optimizer's `clipnorm: 1`",
    };
  const none = sizes.filter((s) => s.gradient === 0);
  if (none.length > 0)
    return {
      verdict: "problem",
      found: `${when} no gradient reaches ${named(none)}`,
      advice:
        "first weights must not all be 0, activations not all be dead, and the loss must depend on these layers; `trainable: false` says that one is not meant to learn",
    };
  const means = sizes.map((s) => s.mean);
  const [least, largest] = [Math.min(...means), Math.max(...means)];
  const range = `mean gradients of ${plural(sizes.length, "layer")} from ${least.toExponential(0)} to ${largest.toExponential(0)} ${when}`;
  const blown = sizes.filter((s) => s.gradient > exploding * Math.max(s.weights, 1));
  if (blown.length > 0)
    return {
      verdict: "warning",
      found: `${range}; that of ${named(blown)} is more than ${exploding} times its weights`,
      advice:
        "clip gradients with the optimizer's `clipnorm: 1`, and bring inputs and targets to a common scale",
    };
  const faint = sizes.filter((s) => s.mean < vanishing * largest);
  if (faint.length > 0)
    return {
      verdict: "warning",
      found: `${range}; hardly any reaches ${named(faint)}`,
      advice:
        "use relu instead of sigmoid or tanh in hidden layers, add batch_normalization, or let layers be passed by with `add` (specs/resnet.yaml)",
    };
  return { verdict: "ok", found: range };
}
