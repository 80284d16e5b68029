/**
 * The optimizer as part of the training graph: gradients of several batches averaged, clip, decay, step,
 * moving average of the weights, constraints, in Keras's order.
 */
import { scoped, type Tensor } from "../ir/graph.ts";
import {
  type CommonOptions,
  clipGradients,
  decayed,
  type UpdateContext,
} from "../nn/optimizers/optimizer.ts";
import type { Rate } from "../nn/schedules.ts";
import * as op from "../ops/pointwise.ts";
import { fill } from "../ops/view.ts";
import type { ChosenOptimizer } from "../spec/spec.ts";
import type { StepState } from "./step-state.ts";

/** A weight that is trained: the variable, what the step begins with, and the loss's gradient with respect to it. */
export interface Parameter {
  readonly name: string;
  readonly layer: string;
  readonly variable: Tensor;
  /** The variable, or what the layer made of it. */
  readonly w: Tensor;
  readonly g: Tensor;
  /** What its constraint makes of it after a step. */
  readonly constrain?: ((w: Tensor) => Tensor) | undefined;
}

/** Names of the state that others read. */
export const averages = {
  /** The moving average of a weight. */
  of: (weight: string) => `optimizer/ema/${weight}`,
  /** 1 as soon as there is one. */
  started: "optimizer/started",
} as const;

/** The learning rate of the last step if a schedule gives it, else of every step. */
export const learningRate = "learning_rate";

export interface OptimiseOptions {
  /** Learning rate of the step, of shape []. */
  readonly rate: Tensor;
  /** Batches whose gradients are averaged for one step of the optimizer. */
  readonly accumulate: number;
}

/** The learning rate, of shape []; the last one that a schedule gave can be read as state. */
export function rateOf(given: Rate, iteration: Tensor, state: StepState): Tensor {
  if (typeof given === "number") return state.scalar(learningRate, "f32", given);
  const rate = scoped("optimizer/rate", () =>
    given.definition.rate(op.float(iteration), given.options),
  );
  state.update(state.scalar(learningRate), rate);
  return rate;
}

/** Adds the updates of the parameters, and the optimizer's slots, to the state. */
export function optimise(
  { definition, options }: ChosenOptimizer,
  parameters: readonly Parameter[],
  { rate, accumulate }: OptimiseOptions,
  state: StepState,
): void {
  const turn = accumulate > 1 ? everyNth(state, "optimizer/batches", accumulate) : undefined;
  const ready = scoped("optimizer/accumulate", () =>
    turn ? parameters.map((p) => accumulated(p, accumulate, turn, state)) : parameters,
  );
  const clipped = scoped("optimizer/clip", () =>
    clipGradients(
      ready.map((p) => p.g),
      options,
    ),
  );
  /** What changes only with a step of the optimizer. */
  const update = (old: Tensor, next: Tensor) => (turn ? op.where(turn, next, old) : next);
  const ctx: UpdateContext = { rate, shared: sharedNumbers(state, update) };
  const follow = movingAverage(options, turn, state);
  for (const [i, { name, layer, variable, w, constrain = unchanged }] of parameters.entries()) {
    scoped(`${layer}/update`, () => {
      const parameter = { name, shape: w.type.shape };
      const slots = Object.entries(definition.slots(options, parameter)).map(([slot, given]) => {
        const { shape, initial } =
          typeof given === "number" ? { ...parameter, initial: given } : given;
        return [slot, state.array(`optimizer/${name}/${slot}`, shape, initial)] as const;
      });
      const own = definition.weightDecay ?? ((o: CommonOptions) => o.weight_decay);
      const next = definition.update(
        {
          w: decayed(w, rate, own(options, parameter)),
          g: clipped[i]!,
          slots: Object.fromEntries(slots),
        },
        options,
        ctx,
      );
      state.update(variable, constrain(follow(name, update(w, next.w))));
      for (const [slot, old] of slots) state.update(old, update(old, next.slots[slot]!));
    });
  }
}

const unchanged = (w: Tensor) => w;

/** 1 at every n-th time, else 0, of shape []. */
function everyNth(state: StepState, name: string, n: number): Tensor {
  const before = state.scalar(name);
  const now = op.add(before, 1);
  const due = op.equal(now, n);
  state.update(before, op.where(due, 0, now));
  return due;
}

/** The parameter with the mean gradient of the batches since the last step. */
function accumulated(p: Parameter, batches: number, turn: Tensor, state: StepState): Parameter {
  const before = state.array(`optimizer/accumulated/${p.name}`, p.w.type.shape, 0);
  const sum = op.add(before, p.g);
  state.update(before, op.where(turn, 0, sum));
  return { ...p, g: op.div(sum, batches) };
}

/** Numbers that all parameters share, one for each name that is asked for. */
function sharedNumbers(
  state: StepState,
  update: (old: Tensor, next: Tensor) => Tensor,
): UpdateContext["shared"] {
  const known = new Map<string, Tensor>();
  return (name, initial, next) => {
    const found = known.get(name);
    if (found) return found;
    const old = state.scalar(`optimizer/${name}`, "f32", initial);
    const value = next(old);
    known.set(name, value);
    state.update(old, update(old, value));
    return value;
  };
}

/**
 * Keeps an average of each weight, a ← m·a + (1 − m)·w, and puts it in the weight's place where it is due.
 * As in Keras the first step's weights are the first average, and with accumulation every batch counts.
 * @returns what becomes of a weight
 */
function movingAverage(
  { use_ema, ema_momentum, ema_overwrite_frequency }: CommonOptions,
  turn: Tensor | undefined,
  state: StepState,
): (name: string, w: Tensor) => Tensor {
  if (!use_ema) return (_, w) => w;
  const started = state.scalar(averages.started);
  state.update(started, turn ? op.maximum(started, turn) : fill(1, []));
  const momentum = op.mul(started, ema_momentum);
  const due = ema_overwrite_frequency && overwriteDue(ema_overwrite_frequency, turn, state);
  return (name, w) => {
    const old = state.array(averages.of(name), w.type.shape, 0);
    const average = op.add(op.mul(old, momentum), op.mul(w, op.sub(1, momentum)));
    state.update(old, average);
    return due ? op.where(due, average, w) : w;
  };
}

/** 1 while the n-th step of the optimizer, and each further n-th, is under way. */
function overwriteDue(n: number, turn: Tensor | undefined, state: StepState): Tensor {
  if (!turn) return everyNth(state, "optimizer/since_overwrite", n);
  const steps = state.scalar("optimizer/since_overwrite");
  const due = op.equal(steps, n - 1);
  const after = op.where(due, 0, op.add(steps, 1));
  state.update(steps, op.where(turn, after, steps));
  return due;
}
