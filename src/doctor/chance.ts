/** What a model loses that knows nothing of its inputs, and what one that knows everything. */
import type { Tensor } from "../ir/graph.ts";
import { batchLoss } from "../nn/losses/index.ts";
import { alignTarget, oneHot } from "../nn/losses/loss.ts";
import { broadcastTo } from "../ops/broadcast.ts";
import { mean } from "../ops/reduce.ts";
import { fill } from "../ops/view.ts";
import type { OutputSpec } from "../spec/spec.ts";
import { targetOf } from "../train/objective.ts";
import type { Opened } from "./probe.ts";

/** The loss of the prediction that is the same for all, of shape []. */
export function chance({ spec, built, wanted }: Opened, output: OutputSpec): Tensor {
  const prediction = built.outputs.get(output.layer)!;
  const target = targetOf(output, spec.outputs.length > 1, wanted.targets);
  const aligned = alignTarget(target, prediction, output.loss.definition.targets)!;
  const mask = built.masks.get(output.layer);
  const counting = { mask, weights: wanted.weights };
  return batchLoss(output.loss, aligned, blindPrediction(output, prediction, aligned), counting);
}

/** Of labels that only say what belongs together: the same vector of length 1. */
function blindPrediction({ loss }: OutputSpec, prediction: Tensor, target: Tensor): Tensor {
  const { shape } = prediction.type;
  const { predicts, groups } = loss.definition;
  if (groups) return fill(1 / Math.sqrt(shape.at(-1)!), shape);
  const isLogits = loss.options["from_logits"] === true;
  switch (predicts) {
    case "classes":
      return fill(isLogits ? 0 : 1 / shape.at(-1)!, shape);
    case "truth":
      return fill(isLogits ? 0 : 0.5, shape);
    case undefined:
      return broadcastTo(mean(target, [0]), shape);
    default:
      return predicts satisfies never;
  }
}

/** The least that the loss can be: of predictions that are the targets. Of logits and groups there is no such, and it is 0. */
export function perfection({ spec, built, wanted }: Opened, output: OutputSpec): Tensor {
  const prediction = built.outputs.get(output.layer)!;
  const { definition, options } = output.loss;
  if (options["from_logits"] === true || definition.groups) return fill(0, []);
  const target = targetOf(output, spec.outputs.length > 1, wanted.targets);
  const aligned = alignTarget(target, prediction, definition.targets)!;
  const best =
    definition.targets === "labels" ? oneHot(aligned, prediction.type.shape.at(-1)!) : aligned;
  const mask = built.masks.get(output.layer);
  return batchLoss(output.loss, aligned, best, { mask, weights: wanted.weights });
}
