/**
 * What recurrent layers have in common (https://keras.io/api/layers/recurrent_layers/). Vocabulary: a cell makes
 * the states after a step from those before it; the first state, h, is also what a step gives. The columns of the
 * kernels fall into gates of `units` columns each. Inside, time comes first: all that a step computes is
 * [time, batch, …]. What depends on the inputs alone is computed for all steps at once.
 */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { reshape, transpose } from "../../ops/view.ts";
import { activationOption, applyActivation } from "../activations.ts";
import { constraintOption } from "../constraints.ts";
import type { Named } from "../definition.ts";
import { type Initializer, initializerOption } from "../initializers.ts";
import { maskOver } from "../mask.ts";
import { regularizerOption } from "../regularizers.ts";
import { activityOptions, penalised } from "./activity.ts";
import { checkRank } from "./geometry.ts";
import { defineLayer, type Layer, type LayerContext } from "./layer.ts";
import { part, project, type Step, walk } from "./recurrence.ts";
import { dropMask } from "./regularization.ts";

const share = z.number().min(0).lt(1).default(0);

const sharedOptions = {
  units: z.int().positive().describe("Width of the state, which is the output."),
  activation: activationOption().prefault("tanh").describe("Applied to the candidate state."),
  use_bias: z.boolean().default(true).describe("Add b."),
  kernel_initializer: initializerOption().prefault("glorot_uniform").describe("First W."),
  recurrent_initializer: initializerOption().prefault("orthogonal").describe("First R."),
  bias_initializer: initializerOption().prefault("zeros").describe("First b."),
  kernel_regularizer: regularizerOption().optional().describe("Penalty on W."),
  recurrent_regularizer: regularizerOption().optional().describe("Penalty on R."),
  bias_regularizer: regularizerOption().optional().describe("Penalty on b."),
  ...activityOptions,
  kernel_constraint: constraintOption().optional().describe("What W must satisfy."),
  recurrent_constraint: constraintOption().optional().describe("What R must satisfy."),
  bias_constraint: constraintOption().optional().describe("What b must satisfy."),
  dropout: share.describe("Share of the inputs dropped in training, the same at every step."),
  recurrent_dropout: share.describe("Share of h dropped in training, the same at every step."),
  return_sequences: z
    .boolean()
    .default(false)
    .describe("Give h after every step, [time, units], not only after the last."),
  go_backwards: z
    .boolean()
    .default(false)
    .describe("From the last step to the first; the sequence given is in that order too."),
  zero_output_for_mask: z
    .boolean()
    .default(false)
    .describe("Give 0 for a step that is masked, not what the step before it gave."),
};
/** For cells with gates. */
export const gateOptions = {
  recurrent_activation: activationOption().prefault("sigmoid").describe("Applied to the gates."),
};
type SharedOptions = z.output<z.ZodObject<typeof sharedOptions>>;

/** What a cell computes with; all tensors are [time, batch, units], a list has one for each gate. */
export interface Cell {
  /** x·W + b. */
  readonly projected: readonly Tensor[];
  /** h·R (+ its own b) for some of the gates, by default all. */
  recurrent(h: Tensor, first?: number, count?: number): readonly Tensor[];
  /** An activation of the step, whose options count dimensions as [batch, units]. */
  activate(x: Tensor, option: "activation" | "recurrent_activation"): Tensor;
}

interface Recurrence<S extends z.ZodRawShape> {
  readonly name: string;
  readonly doc: string;
  /** Beside those that all have. */
  readonly options: S;
  readonly gates: number;
  readonly states: number;
  /** Whether h·R has a bias of its own: b is then [2, gates·units]. */
  hasTwoBiases?(options: z.output<z.ZodObject<S>>): boolean;
  /** First b, if it is not by `bias_initializer` alone. */
  firstBias?(options: z.output<z.ZodObject<S>> & SharedOptions): Named<Initializer>;
  step(cell: Cell, options: z.output<z.ZodObject<S>>): Step;
}

/** A layer [batch, time, features] → [batch, units], or [batch, time, units] with `return_sequences`. */
export function defineRecurrent<S extends z.ZodRawShape>(recurrence: Recurrence<S>): Layer {
  const { name, doc, gates, states } = recurrence;
  const { units, activation, ...others } = sharedOptions;
  return defineLayer({
    name,
    doc,
    takes: "one",
    options: { units, activation, ...recurrence.options, ...others },
    mask: ([x], [mask], options) =>
      mask && (options as SharedOptions).return_sequences
        ? maskOver(mask, x!.type.shape, 2)
        : undefined,
    build([x], given, ctx) {
      const options = given as SharedOptions & z.output<z.ZodObject<S>>;
      checkRank(name, x!, 1, ctx);
      const biases = recurrence.hasTwoBiases?.(options) ? 2 : 1;
      const firstBias = recurrence.firstBias?.(options) ?? options.bias_initializer;
      const own = weights(x!, { gates, biases, firstBias }, options, ctx);
      const step = recurrence.step(cellOf(x!, own, gates, options, ctx), options);
      const y = walk(x!, step, { ...options, states, mask: ctx.masks[0] });
      return penalised(y, options, ctx);
    },
  });
}

interface Weights {
  readonly kernel: Tensor;
  readonly recurrent: Tensor;
  readonly biases: readonly Tensor[];
}
interface WeightForm {
  readonly gates: number;
  readonly biases: number;
  readonly firstBias: Named<Initializer>;
}
function weights(x: Tensor, form: WeightForm, options: SharedOptions, ctx: LayerContext): Weights {
  const width = form.gates * options.units;
  const kernel = ctx.weight("kernel", [x.type.shape[2]!, width], {
    initializer: options.kernel_initializer,
    regularizer: options.kernel_regularizer,
    constraint: options.kernel_constraint,
  });
  const recurrent = ctx.weight("recurrent_kernel", [options.units, width], {
    initializer: options.recurrent_initializer,
    regularizer: options.recurrent_regularizer,
    constraint: options.recurrent_constraint,
  });
  if (!options.use_bias) return { kernel, recurrent, biases: [] };
  const bias = ctx.weight("bias", form.biases === 1 ? [width] : [form.biases, width], {
    initializer: form.firstBias,
    regularizer: options.bias_regularizer,
    constraint: options.bias_constraint,
  });
  const rows = reshape(bias, [form.biases, width]);
  const biases = Array.from({ length: form.biases }, (_, i) => part(rows, 0, i, 1));
  return { kernel, recurrent, biases };
}

function cellOf(
  x: Tensor,
  { kernel, recurrent, biases }: Weights,
  gates: number,
  options: SharedOptions,
  ctx: LayerContext,
): Cell {
  const { units, dropout, recurrent_dropout } = options;
  const [batch, , features] = x.type.shape as [number, number, number];
  // As in Keras, where each gate has masks of its own as soon as h is dropped.
  const masks = recurrent_dropout > 0 ? gates : 1;
  const drawn = (rate: number, width: number) =>
    ctx.training && rate > 0 ? dropMask(rate, [masks, batch, width], ctx) : undefined;
  const ofInputs = drawn(dropout, features);
  const ofStates = drawn(recurrent_dropout, units);
  const [inputBias, stateBias] = biases;
  return {
    projected: project(transpose(x, [1, 0, 2]), gates, {
      w: kernel,
      bias: inputBias,
      mask: ofInputs,
    }),
    recurrent(h, first = 0, count = gates) {
      const columns = (w: Tensor) => part(w, 1, first * units, count * units);
      const mask = ofStates && masks > 1 ? part(ofStates, 0, first, count) : ofStates;
      const bias = stateBias && columns(stateBias);
      return project(h, count, { w: columns(recurrent), bias, mask });
    },
    activate: (y, option) => {
      const chosen = (options as Partial<Record<typeof option, SharedOptions["activation"]>>)[
        option
      ];
      return applyActivation(y, chosen!, ctx.fail, option, 1);
    },
  };
}
