/**
 * Draws random cases for Keras to answer, as JSON for test/fixtures/keras/generate_random.py. nnc's own generators
 * of options draw, so that what can be written in a spec is tried, and what is added to a layer is tried too.
 *
 *     node dist/test/draw-cases.js [seed] [cases of each thing] [models of each layer] [layers…]
 *
 * With names of layers only cases of those are drawn.
 */
import { namesOf } from "../src/nn/definition.ts";
import { layers } from "../src/nn/layers/index.ts";
import { losses } from "../src/nn/losses/index.ts";
import { metrics } from "../src/nn/metrics/index.ts";
import { optimizers } from "../src/nn/optimizers/index.ts";
import { schedules } from "../src/nn/schedules.ts";
import { random } from "./support/evaluate.ts";
import { randomLayer } from "./support/random-layers.ts";
import { randomModel } from "./support/random-models.ts";
import {
  randomLoss,
  randomMetric,
  randomOptimizerCase,
  scheduleOptions,
} from "./support/random-training.ts";

const [given, only] = [process.argv.slice(2, 5), process.argv.slice(5)];
const [seed = 1, sets = 4, models = 1] = given.map(Number);

/** For each of a list so many cases, each with a seed of its own. */
function draws<T, R>(list: readonly T[], count: number, draw: (item: T, own: number) => R): R[] {
  return list.flatMap((item, i) =>
    Array.from({ length: count }, (_, k) => draw(item, 100_000 * seed + 100 * i + k)),
  );
}
/** Which one `accuracy` is, Keras's compile says: metrics.json has it. */
const measured = metrics.filter((m) => m.name !== "accuracy");
const names = layers.map((l) => l.name).filter((name) => name !== "input");
const wanted = only.length > 0 ? names.filter((name) => only.includes(name)) : names;

const ofLayers = {
  random_layers: draws(wanted, sets, randomLayer),
  random_models: draws(wanted, models, randomModel).filter((m) => m !== undefined),
};
const others = {
  random_losses: draws(losses, sets, (d, own) => ({ ...randomLoss(d, own), names: namesOf(d) })),
  random_metrics: draws(measured, sets, (d, own) => ({
    ...randomMetric(d, own),
    names: namesOf(d),
  })),
  random_optimizers: draws(optimizers, sets, randomOptimizerCase),
  random_schedules: draws(schedules, sets, (d, own) => ({
    name: d.name,
    options: scheduleOptions(random(own), d),
  })),
};
process.stdout.write(JSON.stringify(only.length > 0 ? ofLayers : { ...ofLayers, ...others }));
