/** What training makes small: the loss of each output, and their sum with penalties. */
import { gradients } from "../compiler/autodiff.ts";
import type { Tensor } from "../ir/graph.ts";
import { batchLoss } from "../nn/losses/index.ts";
import { alignTarget } from "../nn/losses/loss.ts";
import type { Built } from "../nn/model.ts";
import * as op from "../ops/pointwise.ts";
import type { OutputSpec, Spec } from "../spec/spec.ts";
import { invariant } from "../support/errors.ts";

/** What the model is held to: targets, and how much each example's loss counts, [batch]. */
export interface Wanted {
  readonly targets: ReadonlyMap<string, Tensor>;
  readonly weights: Tensor | undefined;
}

/** The loss of each output, of shape [], and what is to be made small: their weighted sum, with penalties. */
export function lossOf(
  spec: Spec,
  { targets, weights: exampleWeights }: Wanted,
  { outputs, masks, weights, read, penalties }: Built,
): { readonly each: ReadonlyMap<OutputSpec, Tensor>; readonly whole: Tensor } {
  const several = spec.outputs.length > 1;
  const each = new Map(
    spec.outputs.map((output) => {
      const prediction = outputs.get(output.layer)!;
      const target = targetOf(output, several, targets);
      const mask = masks.get(output.layer);
      const aligned = alignTarget(target, prediction, output.loss.definition.targets);
      invariant(aligned, `${output.layer}: target does not fit`);
      const counting = { mask, weights: exampleWeights };
      return [output, batchLoss(output.loss, aligned, prediction, counting)] as const;
    }),
  );
  const terms = [...each].map(([{ weight }, value]) => op.mul(value, weight));
  const onWeights = weights.flatMap(({ name, regularizer }) =>
    regularizer
      ? [regularizer.definition.penalty(read.get(name)!.at(-1)!, regularizer.options)]
      : [],
  );
  const whole = [...terms, ...onWeights, ...penalties].reduce((a, b) => op.add(a, b));
  return { each, whole };
}

/** The target of an output: of the same name, or the only one. */
export function targetOf<T>(
  output: OutputSpec,
  several: boolean,
  targets: ReadonlyMap<string, T>,
): T {
  const found = targets.get(output.layer) ?? (several ? undefined : [...targets.values()][0]);
  invariant(found !== undefined, `output ${output.layer} has no target`);
  return found;
}

/** The loss's gradients with respect to weights: to all that was read of each, which counts as one thing. */
export function gradientsOf(
  loss: Tensor,
  names: readonly string[],
  { read }: Built,
): readonly Tensor[] {
  const all = names.map((name) => read.get(name)!);
  const parts = [...gradients(loss, all.flat())];
  return all.map((own) => parts.splice(0, own.length).reduce((a, b) => op.add(a, b)));
}
