/** Random losses, metrics, optimizers and schedules for Keras to answer. */
import type { Shape } from "../../src/ir/graph.ts";
import { sizeOf } from "../../src/ir/graph.ts";
import type { Definition } from "../../src/nn/definition.ts";
import { losses } from "../../src/nn/losses/index.ts";
import { optimizerOption } from "../../src/nn/optimizers/index.ts";
import { rateOption, schedules } from "../../src/nn/schedules.ts";
import { random } from "./evaluate.ts";
import type { Options, Values } from "./keras.ts";
import { type Random, times } from "./layer-case.ts";
import { someOptions } from "./random-options.ts";

interface Pair {
  readonly y_true: readonly number[];
  readonly y_true_shape: Shape;
  readonly y_pred: readonly number[];
  readonly y_pred_shape: Shape;
}
export interface RandomLoss extends Pair {
  readonly name: string;
  readonly options: Options;
  readonly note: string;
}
export interface RandomMetric {
  readonly name: string;
  readonly options: Options;
  readonly note: string;
  readonly batches: readonly Pair[];
}

const overlaps = (name: string) => name === "dice" || name === "tversky";
/** What is a probability, unless it is a logit. */
const isProbable = (name: string, { from_logits }: Options) =>
  overlaps(name) ||
  name.includes("generalized") ||
  (name.includes("crossentropy") && from_logits !== true);

/** What a target is, by the name of what it is held to. */
export function targetKind(
  name: string,
): "labels" | "shares" | "classes" | "signs" | "positive" | "any" {
  if (/^sparse_|generalized/.test(name) || name === "circle") return "labels";
  if (name === "hinge" || name === "squared_hinge") return "signs";
  if (name.includes("binary") || overlaps(name)) return "shares";
  if (name.includes("categorical")) return "classes";
  return ["kl_divergence", "poisson", "msle", "mape"].includes(name) ? "positive" : "any";
}

/** Targets for predictions of a shape, in 64ths. */
export function target(r: Random, name: string, shape: Shape): Values {
  const rows = shape.slice(0, -1);
  const classes = shape.at(-1)!;
  const labels = times(sizeOf(rows), () => r.int(0, classes - 1));
  const each = (draw: () => number): Values => ({ shape, values: times(sizeOf(shape), draw) });
  const kind = targetKind(name);
  switch (kind) {
    case "labels":
      return { shape: rows, values: labels };
    case "classes":
      return { shape, values: labels.flatMap((l) => times(classes, (): number => 0).with(l, 1)) };
    case "shares":
      return each(() => r.pick([0, 1, 1, 0.25]));
    case "signs":
      return each(() => r.pick([-1, 1]));
    case "positive":
      return each(() => r.int(8, 128) / 64);
    case "any":
      return each(() => r.int(-128, 128) / 64);
    default:
      return kind satisfies never;
  }
}

function pair(r: Random, name: string, shape: Shape, probable: boolean): Pair {
  const y = target(r, name, shape);
  const low = probable || targetKind(name) === "positive" ? 2 : -128;
  const high = probable ? 62 : 128;
  const y_pred = times(sizeOf(shape), () => r.int(low, high) / 64);
  return { y_true: y.values, y_true_shape: y.shape, y_pred, y_pred_shape: shape };
}

export function randomLoss(definition: Definition, seed: number): RandomLoss {
  const r = random(seed);
  const { name } = definition;
  const axis = /cosine_similarity|dice|tversky/.test(name) ? { axis: r.pick([-1, 1]) } : {};
  const reduction = { reduction: r.pick(["sum_over_batch_size", "mean", "sum"]) };
  const options = { ...someOptions(r, definition, ["axis"]), ...axis, ...reduction };
  const shape =
    name === "circle"
      ? [r.int(4, 6), r.int(2, 3)]
      : [r.int(2, 3), ...r.shape(r.int(0, 1), 3), r.int(2, 4)];
  const probable = isProbable(name, options);
  return { name, options, note: "random", ...pair(r, name, shape, probable) };
}

/** Of predictions that are probabilities. */
function overlapOptions(r: Random, definition: Definition, classes: number): Options {
  const has = (option: string) => option in definition.options;
  const binary = !has("num_classes");
  const last = binary ? 1 : classes - 1;
  return {
    ...someOptions(r, definition, ["num_classes", "target_class_ids", "ignore_class"]),
    ...(binary ? {} : { num_classes: classes, ignore_class: r.pick([null, 0, -1]) }),
    ...(has("target_class_ids") ? { target_class_ids: [r.int(0, last)] } : {}),
    ...(has("sparse_y_pred") ? { sparse_y_true: false, sparse_y_pred: false } : {}),
  };
}

/** Metrics that are no mean of a function see probabilities, and targets that are 0 or 1. */
export function randomMetric(definition: Definition, seed: number): RandomMetric {
  const r = random(seed);
  const { name } = definition;
  const isLoss = losses.some((l) => l.name === name);
  const regression = /rmse|r2|cosine_similarity|correlation/.test(name);
  const classes = r.int(2, 4);
  const options = {
    ...(name.endsWith("io_u")
      ? overlapOptions(r, definition, classes)
      : someOptions(r, definition, ["axis"])),
    // Of all the batch Keras takes the mean over batches, whatever their size.
    ...(overlaps(name) ? { axis: -1 } : {}),
  };
  const probable = isLoss ? isProbable(name, options) : !regression;
  const like = isLoss || regression || /accuracy/.test(name) ? name : "categorical";
  const batches = [2, 3].map((n) => pair(r, like, [n, classes], probable));
  return { name, options, note: "random", batches };
}

/** A rate for few steps: large enough to show, too small to explode. */
export function randomRate(r: Random): unknown {
  if (r.uniform() < 0.6) return r.int(1, 8) / 64;
  const schedule = r.pick(schedules);
  const options = scheduleOptions(r, schedule);
  const scaled = Object.entries(options).map(([key, value]) =>
    /learning_rate|target/.test(key) ? [key, r.int(1, 8) / 64] : [key, value],
  );
  return { [schedule.name]: Object.fromEntries(scaled) };
}

export function scheduleOptions(r: Random, schedule: Definition): Options {
  for (;;) {
    const options = {
      ...someOptions(r, schedule),
      ...("boundaries" in schedule.options
        ? { boundaries: [1, r.int(2, 4)], values: times(3, () => r.int(1, 64) / 64) }
        : {}),
    };
    if (rateOption().safeParse({ [schedule.name]: options }).success) return options;
  }
}

const clippings = ["clipnorm", "global_clipnorm", "clipvalue"];

/** @param inModel without averages, which end a training in Keras's fit only */
export function randomOptimizer(r: Random, definition: Definition, inModel: boolean): Options {
  const averages = ["use_ema", "ema_momentum", "ema_overwrite_frequency"];
  const except = [...clippings, "learning_rate", "epsilon", ...(inModel ? averages : [])];
  const clip = r.pick([{}, ...clippings.map((way) => ({ [way]: r.int(8, 64) / 64 }))]);
  for (;;) {
    const own = someOptions(r, definition, except);
    const options = { learning_rate: randomRate(r), ...own, ...clip };
    if (optimizerOption().safeParse({ [definition.name]: options }).success) return options;
  }
}

/** Two variables, three steps. */
export function randomOptimizerCase(definition: Definition, seed: number) {
  const r = random(seed);
  const values = (shape: Shape, scale: number): Values => ({
    shape,
    values: times(sizeOf(shape), () => (scale * r.int(-1024, 1024)) / 1024),
  });
  const shapes = [[2, 2], [3]];
  return {
    name: definition.name,
    options: randomOptimizer(r, definition, false),
    variables: shapes.map((shape) => values(shape, 1)),
    gradients: [1, 0.25, 4].map((scale) => shapes.map((shape) => values(shape, scale).values)),
  };
}
