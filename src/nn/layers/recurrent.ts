/**
 * What recurrent layers have in common (https://keras.io/api/layers/recurrent_layers/). Vocabulary: a cell makes
 * the states after a step from those before it; the first state, h, is also what a step gives. The columns of the
 * kernels fall into gates of `units` columns each, or of as many as there are filters: the form of a layer says what
 * a state is and what the products x·W and h·R are. Inside, time comes first: all that a step computes is
 * [time, batch, …]. What depends on the inputs alone is computed for all steps at once.
 */
import { z } from "zod";
import type { Shape, Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import { reshape } from "../../ops/view.ts";
import { activationOption, applyActivation } from "../activations.ts";
import { constraintOption } from "../constraints.ts";
import type { Named } from "../definition.ts";
import { type Initializer, initializerOption } from "../initializers.ts";
import { maskOver } from "../mask.ts";
import { regularizerOption } from "../regularizers.ts";
import { activityOptions, penalised } from "./activity.ts";
import { checkRank } from "./geometry.ts";
import { biasOptions, kernelOptions, ofKernel } from "./kernel.ts";
import { defineLayer, type Layer, type LayerContext } from "./layer.ts";
import { part, project, type Step, swapped, walk } from "./recurrence.ts";
import { dropMask } from "./regularization.ts";

const share = z.number().min(0).lt(1).default(0);

const sharedOptions = {
  activation: activationOption().prefault("tanh").describe("Applied to the candidate state."),
  use_bias: z.boolean().default(true).describe("Add b."),
  ...kernelOptions,
  recurrent_initializer: initializerOption().prefault("orthogonal").describe("First R."),
  ...biasOptions,
  recurrent_regularizer: regularizerOption().optional().describe("Penalty on R."),
  ...activityOptions,
  recurrent_constraint: constraintOption().optional().describe("What R must satisfy."),
  dropout: share.describe("Share of the inputs dropped in training, the same at every step."),
  recurrent_dropout: share.describe("Share of h dropped in training, the same at every step."),
  return_sequences: z
    .boolean()
    .default(false)
    .describe("Give h after every step, [time, …], not only after the last."),
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

/** How inputs and states become gates. */
export interface Maps {
  /** Of one example's state; its last dimension is as wide as a gate. */
  readonly state: Shape;
  /** Shapes of W and R but for their last dimension, the gates. */
  readonly kernel: Shape;
  readonly recurrent: Shape;
  /** x·W and h·R for some columns, of [time, batch, …]. */
  ofInputs(x: Tensor, w: Tensor): Tensor;
  ofStates(h: Tensor, w: Tensor): Tensor;
  /** Whether dropout draws for each gate by itself. */
  readonly drawsApart: boolean;
}
/** What is an example's step, and what its state. */
export interface Form<F extends z.ZodRawShape> {
  readonly options: F;
  /** @param x [batch, time, …] */
  maps(
    name: string,
    x: Tensor,
    options: z.output<z.ZodObject<F>> & SharedOptions,
    ctx: LayerContext,
  ): Maps;
}

const product = (x: Tensor, w: Tensor) => einsum("tbk,kn->tbn", x, w);
/** Steps [features], states [units]. */
export const vectors = {
  options: { units: z.int().positive().describe("Width of the state, which is the output.") },
  maps(name, x, { units, recurrent_dropout }, ctx) {
    checkRank(name, x, 1, ctx);
    return {
      state: [units],
      kernel: [x.type.shape[2]!],
      recurrent: [units],
      ofInputs: product,
      ofStates: product,
      // As in Keras, where each gate has masks of its own as soon as h is dropped.
      drawsApart: recurrent_dropout > 0,
    };
  },
} as const satisfies Form<{ units: z.ZodInt }>;

/** What a cell computes with; all tensors are [time, batch, …, units], a list has one for each gate. */
export interface Cell {
  /** x·W + b. */
  readonly projected: readonly Tensor[];
  /** h·R (+ its own b) for some of the gates, by default all. */
  recurrent(h: Tensor, first?: number, count?: number): readonly Tensor[];
  /** An activation of the step, whose options count dimensions as [batch, units]. */
  activate(x: Tensor, option: "activation" | "recurrent_activation"): Tensor;
}

export interface Recurrence<S extends z.ZodRawShape> {
  /** Beside those that all have. */
  readonly options: S;
  readonly gates: number;
  readonly states: number;
  /** Whether h·R has a bias of its own: b is then [2, gates·units]. */
  hasTwoBiases?(options: z.output<z.ZodObject<S>>): boolean;
  /** First b, if it is not by `bias_initializer` alone. */
  firstBias?(options: z.output<z.ZodObject<S>> & SharedOptions, units: number): Named<Initializer>;
  step(cell: Cell, options: z.output<z.ZodObject<S>>): Step;
}

/** A layer [batch, time, …] → [batch, state…], or [batch, time, state…] with `return_sequences`. */
export function defineRecurrent<F extends z.ZodRawShape, S extends z.ZodRawShape>(
  about: Pick<Layer, "name" | "aliases" | "doc">,
  form: Form<F>,
  recurrence: Recurrence<S>,
): Layer {
  const { gates, states } = recurrence;
  const { activation, ...others } = sharedOptions;
  return defineLayer({
    ...about,
    takes: "one",
    options: { ...form.options, activation, ...recurrence.options, ...others },
    mask: ([x], [mask], options) =>
      mask && (options as SharedOptions).return_sequences
        ? maskOver(mask, x!.type.shape, 2)
        : undefined,
    build([x], given, ctx) {
      const options = given as SharedOptions & z.output<z.ZodObject<S>> & z.output<z.ZodObject<F>>;
      const maps = form.maps(about.name, x!, options, ctx);
      const biases = recurrence.hasTwoBiases?.(options) ? 2 : 1;
      const units = maps.state.at(-1)!;
      const firstBias = recurrence.firstBias?.(options, units) ?? options.bias_initializer;
      const own = weights(maps, { gates, biases, firstBias }, options, ctx);
      const step = recurrence.step(cellOf(x!, maps, own, gates, options, ctx), options);
      const y = walk(x!, step, { ...options, state: maps.state, states, mask: ctx.masks[0] });
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
function weights(
  { state, kernel: inputs, recurrent: states }: Maps,
  form: WeightForm,
  options: SharedOptions,
  ctx: LayerContext,
): Weights {
  const width = form.gates * state.at(-1)!;
  const kernel = ctx.weight("kernel", [...inputs, width], ofKernel(options));
  const recurrent = ctx.weight("recurrent_kernel", [...states, width], {
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
  { state, ofInputs, ofStates, drawsApart }: Maps,
  { kernel, recurrent, biases }: Weights,
  gates: number,
  options: SharedOptions,
  ctx: LayerContext,
): Cell {
  const units = state.at(-1)!;
  const [batch, , ...shape] = x.type.shape;
  const masks = drawsApart ? gates : 1;
  const drawn = (rate: number, own: Shape) =>
    ctx.training && rate > 0 ? dropMask(rate, [masks, batch!, ...own], ctx) : undefined;
  const keptInputs = drawn(options.dropout, shape);
  const keptStates = drawn(options.recurrent_dropout, state);
  const [inputBias, stateBias] = biases;
  return {
    projected: project(swapped(x), gates, {
      product: ofInputs,
      w: kernel,
      bias: inputBias,
      mask: keptInputs,
    }),
    recurrent(h, first = 0, count = gates) {
      const columns = (w: Tensor) => part(w, w.type.shape.length - 1, first * units, count * units);
      const mask = keptStates && masks > 1 ? part(keptStates, 0, first, count) : keptStates;
      const bias = stateBias && columns(stateBias);
      return project(h, count, { product: ofStates, w: columns(recurrent), bias, mask });
    },
    activate: (y, option) => {
      const chosen = (options as Partial<Record<typeof option, SharedOptions["activation"]>>)[
        option
      ];
      return applyActivation(y, chosen!, ctx.fail, option, 1);
    },
  };
}
