/**
 * Whether the gradients are those of the loss: along a random direction in each layer's weights the loss must change
 * as its gradient says, (L(w + h·d) − L(w − h·d)) / 2h ≈ ∇L·d, in double precision. Where it does not, a direction in what
 * each layer gives tells which layer is at fault: what comes after it is right, and what it hands down is not.
 */
import { gradients } from "../compiler/autodiff.ts";
import type { Examples } from "../data/dataset.ts";
import type { Values } from "../ir/program.ts";
import type { Built } from "../nn/model.ts";
import { type RandomStream, randomStream } from "../support/random.ts";
import { type Check, type Finding, type Patient, plural, short, some } from "./finding.ts";
import { Probe, tapName, weightGradients } from "./probe.ts";
import { firstExamples } from "./rows.ts";

/** Enough for statistics over a batch. */
const batch = 2;
/** Where a bend of the loss (of a relu, a maximum) lies between the two points, a smaller step misses it. */
const steps = [1e-5, 1e-6, 1e-7, 1e-8] as const;
const tolerance = 1e-4;
/** Longest that all directions may take, in ms: of more layers than that allows several are moved together. */
const patience = 20_000;
/** Of a loss that is added up in double precision. */
const roundoff = 1e-14;
/** How much a part may be moved more than another, so that it counts as much in the loss. */
const mostStretched = 10;

/** What is moved together: the weights of a layer or several, or what a layer gives. */
interface Place {
  readonly layers: readonly string[];
  readonly parts: readonly { readonly name: string; readonly at: Values }[];
}
interface Slope {
  readonly layers: readonly string[];
  readonly byGradient: number;
  readonly byDifferences: number;
  /** Relative. */
  readonly error: number;
}

export const gradientsCheck: Check = {
  name: "gradients",
  doc: "each layer's gradient against central differences, in double precision",
  async examine(patient) {
    const examples = await firstExamples(patient.dataset.train, batch);
    const places = byLayer(patient);
    if (places.length === 0)
      return { verdict: "skipped", found: "the model has no weights that are trained" };
    const slopes = await slopesOfWeights(patient, examples, places);
    const wrong = slopes.filter((s) => !(s.error < tolerance));
    if (wrong.length > 0) return fault(patient, examples, places, wrong);
    const worst = slopes.reduce((m, s) => Math.max(m, s.error), 0);
    return {
      verdict: "ok",
      found: `central differences agree to ${worst.toExponential(0)} for ${plural(places.length, "layer")}`,
    };
  },
};

/**
 * The layers that are trained, in the order of the model, a little beside their first weights: with biases of 0 a black
 * patch is just where a relu bends.
 */
function byLayer({ weights, first, spec }: Patient): readonly Place[] {
  const random = randomStream(spec.seed, "doctor", "beside");
  const found = new Map<string, { name: string; at: Values }[]>();
  for (const { name, layer, trainable } of weights) {
    if (!trainable) continue;
    const start = first.get(name)!;
    const size = beside * (rootMeanSquare(start) || 1);
    const at = Float64Array.from(start, (v) => v + size * random.normal());
    found.set(layer, [...(found.get(layer) ?? []), { name, at }]);
  }
  return [...found].map(([layer, parts]) => ({ layers: [layer], parts }));
}
const beside = 0.02;

function rootMeanSquare(values: Values): number {
  let squares = 0;
  for (const v of values) squares += v * v;
  return Math.sqrt(squares / Math.max(1, values.length));
}

async function slopesOfWeights(patient: Patient, examples: Examples, places: readonly Place[]) {
  let moved = places;
  const probe = await Probe.open(
    patient,
    examples,
    (opened) => {
      moved = withoutMade(places, opened.built);
      return { loss: new Map([["loss", opened.loss]]), gradients: weightGradients(opened) };
    },
    { training: true, backend: patient.interpreter },
  );
  try {
    moveTo(probe, places);
    return await slopesAt(probe, moved, patient.spec.seed);
  } finally {
    await probe.dispose();
  }
}

/** Without weights of which layers make something: the gradient is with respect to that. */
const withoutMade = (places: readonly Place[], { read }: Built): readonly Place[] =>
  places
    .map(({ layers, parts }) => ({
      layers,
      parts: parts.filter(({ name }) => read.get(name)!.length === 1),
    }))
    .filter(({ parts }) => parts.length > 0);

function moveTo(probe: Probe, places: readonly Place[]): void {
  for (const { parts } of places) for (const { name, at } of parts) probe.write(name, at);
}

/** Gradients have been asked for by the names of what is moved. */
async function slopesAt(probe: Probe, places: readonly Place[], seed: number) {
  await probe.run("gradients");
  const start = performance.now();
  await probe.run("loss");
  const once = Math.max(0.01, performance.now() - start);
  const together = Math.ceil((places.length * 2.5 * once) / patience);
  const slopes: Slope[] = [];
  for (let i = 0; i < places.length; i += together) {
    const group = places.slice(i, i + together);
    const layers = group.flatMap((p) => p.layers);
    const place = { layers, parts: group.flatMap((p) => p.parts) };
    slopes.push(await slopeAt(probe, place, randomStream(seed, "doctor", layers[0]!)));
  }
  return slopes;
}

async function slopeAt(probe: Probe, place: Place, random: RandomStream): Promise<Slope> {
  const moves: Float64Array[] = [];
  const shares: number[] = [];
  for (const { name, at } of place.parts) {
    const move = directionFor(at, random);
    const gradient = await probe.read(name);
    moves.push(move);
    shares.push(move.reduce((sum, d, k) => sum + d * gradient[k]!, 0));
  }
  // A part that changes the loss little is moved more, or a fault of it would not be seen.
  const largest = Math.max(...shares.map(Math.abs));
  const stretch = shares.map((s) => Math.min(mostStretched, largest / Math.abs(s)) || 1);
  const byGradient = shares.reduce((sum, s, i) => sum + stretch[i]! * s, 0);
  const lossAt = async (h: number) => {
    for (const [i, { name, at }] of place.parts.entries())
      probe.write(
        name,
        moves[i]!.map((d, k) => at[k]! + h * stretch[i]! * d),
      );
    await probe.run("loss");
    return probe.scalar("loss");
  };
  let best: Slope | undefined;
  for (const h of steps) {
    const [above, below] = [await lossAt(h), await lossAt(-h)];
    const byDifferences = (above - below) / (2 * h);
    const scale = Math.max(Math.abs(byGradient), Math.abs(byDifferences));
    // Of what is smaller, rounding leaves too few digits to tell.
    const visible = (roundoff * Math.max(1, Math.abs(above))) / h / tolerance;
    if (best && scale < visible) break;
    const error = Math.abs(byGradient - byDifferences) / Math.max(scale, visible);
    if (!best || !(error >= best.error))
      best = { layers: place.layers, byGradient, byDifferences, error };
    if (error < tolerance / 10) break;
  }
  for (const { name, at } of place.parts) probe.write(name, at);
  return best!;
}

/** A random direction on the scale of the values. */
function directionFor(at: Values, random: RandomStream): Float64Array {
  const size = rootMeanSquare(at) || 1;
  return Float64Array.from(at, () => size * random.normal());
}

async function fault(
  patient: Patient,
  examples: Examples,
  places: readonly Place[],
  wrong: readonly Slope[],
): Promise<Finding> {
  const guilty = await culprits(patient, examples, places, new Set(wrong.flatMap((s) => s.layers)));
  const details = wrong.map(
    (s) =>
      `along the weights of ${some(s.layers)} the loss changes by ${short(s.byDifferences)}, its gradient says ${short(s.byGradient)}`,
  );
  const names = guilty.length > 0 ? guilty : wrong.flatMap((s) => s.layers);
  return {
    verdict: "problem",
    found: `the gradient of ${some(names)} is not that of what it computes`,
    advice: `mend \`grad\` of the op that ${some(names)} is made of; if all its ops are nnc's own, please report it`,
    details,
  };
}

/** Layers whose output has the right gradient, and whose inputs or weights have not. */
async function culprits(
  patient: Patient,
  examples: Examples,
  places: readonly Place[],
  wrongWeights: ReadonlySet<string>,
): Promise<readonly string[]> {
  let shapes: readonly Place[] = [];
  const probe = await Probe.open(
    patient,
    examples,
    ({ loss, taps }) => {
      const list = [...taps];
      shapes = list.map(([layer, { type }]) => {
        const size = type.shape.reduce((n, extent) => n * extent, 1);
        return { layers: [layer], parts: [{ name: tapName(layer), at: new Float64Array(size) }] };
      });
      const found = gradients(
        loss,
        list.map(([, t]) => t),
      );
      const named = new Map(list.map(([layer], i) => [tapName(layer), found[i]!]));
      return { loss: new Map([["loss", loss]]), gradients: named };
    },
    { training: true, taps: true, backend: patient.interpreter },
  );
  try {
    moveTo(probe, places);
    const slopes = await slopesAt(probe, shapes, patient.spec.seed);
    const bad = new Set(slopes.filter((s) => !(s.error < tolerance)).flatMap((s) => s.layers));
    return patient.spec.model.layers
      .filter(({ name, owner, from }) => {
        if (bad.has(name)) return false;
        return wrongWeights.has(owner) || from.some((other) => bad.has(other));
      })
      .map((l) => l.name);
  } finally {
    await probe.dispose();
  }
}
