/** Whether what the first layers with weights read lies on a scale that they learn well from. */
import type { Shape, Tensor } from "../ir/graph.ts";
import type { Model } from "../nn/model.ts";
import { type Check, type Finding, gravest, type Patient, plural, short } from "./finding.ts";
import { Probe } from "./probe.ts";
import { firstExamples } from "./rows.ts";

const examplesLooked = 500;
/** Numbers that are looked at, at most. */
const mostNumbers = 4e6;
/** Deviations and means above this, and deviations below that, slow learning down. */
const large = 10;
const small = 1e-3;

export const inputRanges: Check = {
  name: "input ranges",
  doc: "the scale of what the first layers with weights read",
  async examine(patient) {
    const { model } = patient.spec;
    const readers = firstReaders(patient);
    if (readers.length === 0)
      return { verdict: "skipped", found: "no layer with weights reads numbers of the data" };
    const perExample = Math.max(1, numbersOf(patient));
    const count = Math.max(2, Math.min(examplesLooked, Math.floor(mostNumbers / perExample)));
    const examples = await firstExamples(patient.dataset.train, count);
    const shapes = new Map<string, Shape>();
    const wanted = [...new Set(readers.flatMap((r) => r.from))];
    const probe = await Probe.open(
      patient,
      examples,
      ({ built }) => {
        const values = new Map<string, Tensor>();
        for (const name of wanted) {
          const y = built.outputs.get(name)!;
          shapes.set(name, y.type.shape);
          values.set(name, y);
        }
        return { values };
      },
      { training: false },
    );
    try {
      await probe.run("values");
      const findings: Finding[] = [];
      for (const name of wanted)
        findings.push(judge(labelOf(name, model), await probe.read(name), shapes.get(name)!));
      return gravest(findings);
    } finally {
      await probe.dispose();
    }
  },
};

/** Layers that are trained, before which none is: embeddings read numbers of words, which have no scale. */
function firstReaders({ spec: { model }, weights }: Patient): Model["layers"] {
  const trained = new Set(weights.filter((w) => w.trainable).map((w) => w.layer));
  const behind = new Set<string>();
  const found: Model["layers"][number][] = [];
  for (const layer of model.layers) {
    const isBehind = layer.from.some((name) => behind.has(name));
    const isTrained = trained.has(layer.owner);
    if (isTrained || isBehind) behind.add(layer.name);
    const takesWords = layer.layer.definition.wants?.(layer.layer.options) !== undefined;
    if (isTrained && !isBehind && !takesWords) found.push(layer);
  }
  return found;
}

const numbersOf = ({ dataset: { train } }: Patient): number =>
  [...train.inputs.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((n, extent) => n * extent, 1),
    0,
  );

const labelOf = (name: string, model: Model): string =>
  model.layers.filter((l) => l.from.length === 0).length > 1 ? `${name}: ` : "";

function judge(label: string, values: ArrayLike<number>, shape: Shape): Finding {
  let [least, most, total, squares, bad] = [Infinity, -Infinity, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (!Number.isFinite(v)) bad++;
    least = Math.min(least, v);
    most = Math.max(most, v);
    total += v;
    squares += v * v;
  }
  if (bad > 0)
    return {
      verdict: "problem",
      found: `${label}${plural(bad, "value")} of ${values.length.toLocaleString("en-US")} are no numbers`,
      advice: "remove the examples, or fill what is missing",
    };
  const mean = total / values.length;
  const deviation = Math.sqrt(Math.max(0, squares / values.length - mean * mean));
  const flat = constantColumns(values, shape);
  const still = flat > 0 ? `; ${flat} of ${shape.at(-1)} columns never change` : "";
  const found = `${label}${short(least)} … ${short(most)}, mean ${short(mean)}, deviation ${short(deviation)}${still}`;
  const advice =
    "bring them to a common scale: `standardize: true` in `data`, or a `rescaling` or `normalization` layer in front";
  if (deviation > large || Math.abs(mean) > large || (deviation < small && most !== least))
    return { verdict: "warning", found, advice };
  if (most === least)
    return {
      verdict: "problem",
      found: `${label}all are ${short(least)}`,
      advice: "look at the data: there is nothing to learn from",
    };
  return { verdict: "ok", found };
}

/** Of tables; the border of pictures is black in all of them. */
function constantColumns(values: ArrayLike<number>, shape: Shape): number {
  const [count, width] = shape;
  if (shape.length !== 2 || width! > 200) return 0;
  let flat = 0;
  for (let c = 0; c < width!; c++) {
    let same = true;
    for (let r = 1; r < count! && same; r++) same = values[r * width! + c] === values[c];
    if (same) flat++;
  }
  return flat;
}
