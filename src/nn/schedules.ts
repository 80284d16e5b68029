/**
 * Learning rates that change with the steps, by Keras's names and formulas
 * (https://keras.io/api/optimizers/learning_rate_schedules/). They are part of the training graph: a function
 * of the number of steps taken.
 */
import { z } from "zod";
import type { Tensor } from "../ir/graph.ts";
import * as op from "../ops/pointwise.ts";
import { fill } from "../ops/view.ts";
import { type Definition, inputForms, type Named, named } from "./definition.ts";

export interface Schedule<S extends z.ZodRawShape = z.ZodRawShape> extends Definition<S> {
  /** @param step steps taken before this one, of shape []; so is the rate */
  rate(step: Tensor, options: z.output<z.ZodObject<S>>): Tensor;
}
/** Checks a definition's types; the catalogue holds schedules of all kinds of options. */
export function defineSchedule<S extends z.ZodRawShape>(schedule: Schedule<S>): Schedule {
  return schedule as unknown as Schedule;
}

const first = z.number().min(0).describe("Rate of the first step.");
const steps = z.number().positive().describe("Steps that the decay is counted in.");
const staircase = z.boolean().default(false).describe("Decay at whole multiples of decay_steps.");
const alphaOption = z.number().default(0).describe("Lowest rate, as a share of the first.");

/** bᵖ for a known b */
const powerOf = (base: number, p: Tensor): Tensor =>
  base === 1 ? fill(1, []) : op.pow(fill(base, []), p);
/** ⌊step/n⌋ of whole steps, right also where a quotient is rounded down. */
function wholes(step: Tensor, n: number): Tensor {
  const near = op.floor(op.add(op.div(step, n), 0.5));
  return op.sub(near, op.less(step, op.mul(near, n)));
}
/** Decays done, whole ones if it goes by stairs. */
const decays = (step: Tensor, o: { readonly decay_steps: number; readonly staircase: boolean }) =>
  o.staircase ? wholes(step, o.decay_steps) : op.div(step, o.decay_steps);
/** (1 − alpha)·½(1 + cos πx) + alpha, from 1 at x = 0 to alpha at x = 1 */
const cosine = (x: Tensor, alpha: number, height: Tensor | number = 1) => {
  const wave = op.mul(op.add(op.cos(op.mul(x, Math.PI)), 1), height);
  return op.add(op.mul(wave, 0.5 * (1 - alpha)), alpha);
};

/** Which restart the step is in, the step it began with, and how many it lasts. */
function restart(step: Tensor, first: number, factor: number) {
  if (factor === 1) {
    const index = wholes(step, first);
    return { index, start: op.mul(index, first), length: fill(first, []) };
  }
  // The i-th begins after first·(tⁱ − 1)/(t − 1) steps; i from its logarithm may be off by a rounding.
  const scale = first / (factor - 1);
  const startOf = (i: Tensor) => op.mul(op.sub(powerOf(factor, i), 1), scale);
  const exact = op.div(op.log(op.add(op.div(step, scale), 1)), Math.log(factor));
  const near = op.floor(op.add(exact, 0.5));
  const index = op.sub(near, op.less(step, startOf(near)));
  return { index, start: startOf(index), length: op.mul(powerOf(factor, index), first) };
}

export const schedules: readonly Schedule[] = [
  defineSchedule({
    name: "exponential_decay",
    doc: "initial·decay_rate^(step/decay_steps)",
    options: {
      initial_learning_rate: first,
      decay_steps: steps,
      decay_rate: z.number().positive().describe("Factor of decay_steps steps."),
      staircase,
    },
    rate: (step, o) => op.mul(powerOf(o.decay_rate, decays(step, o)), o.initial_learning_rate),
  }),
  defineSchedule({
    name: "piecewise_constant_decay",
    doc: "values[0] up to step boundaries[0], values[1] up to boundaries[1], …, then the last value",
    options: {
      boundaries: z
        .array(z.int().min(0))
        .min(1)
        .describe("The last step of each value, ascending."),
      values: z.array(z.number().min(0)).min(2).describe("Rates, one more than boundaries."),
    },
    check({ boundaries, values }) {
      const late = boundaries.findIndex((b, i) => i > 0 && b <= boundaries[i - 1]!);
      if (late > 0)
        return { path: ["boundaries", late], message: "boundaries must grow from one to the next" };
      if (values.length === boundaries.length + 1) return undefined;
      return {
        path: ["values"],
        message: "there must be one value more than boundaries",
        expected: `a list of ${boundaries.length + 1}`,
        received: `a list of ${values.length}`,
      };
    },
    rate: (step, { boundaries, values }) =>
      boundaries.reduceRight<Tensor>(
        (later, end, i) => op.where(op.lessEqual(step, end), values[i]!, later),
        fill(values.at(-1)!, []),
      ),
  }),
  defineSchedule({
    name: "polynomial_decay",
    doc: "(initial − end)·(1 − step/decay_steps)^power + end; with cycle decay_steps grows in multiples",
    options: {
      initial_learning_rate: first,
      decay_steps: steps,
      end_learning_rate: z.number().min(0).default(0.0001).describe("Rate at the end."),
      power: z.number().min(0).default(1).describe("1 is a straight line."),
      cycle: z.boolean().default(false).describe("Begin again, slower, after decay_steps."),
    },
    rate(step, { initial_learning_rate, decay_steps, end_learning_rate, power, cycle }) {
      const whole = wholes(step, decay_steps);
      // ⌈step/decay_steps⌉
      const begun = op.add(whole, op.less(op.mul(whole, decay_steps), step));
      const cycles = op.maximum(begun, 1);
      const done = cycle
        ? op.div(step, op.mul(cycles, decay_steps))
        : op.div(op.minimum(step, decay_steps), decay_steps);
      const left = op.power(op.sub(1, done), power);
      return op.add(op.mul(left, initial_learning_rate - end_learning_rate), end_learning_rate);
    },
  }),
  defineSchedule({
    name: "inverse_time_decay",
    doc: "initial/(1 + decay_rate·step/decay_steps)",
    options: {
      initial_learning_rate: first,
      decay_steps: steps,
      decay_rate: z.number().min(0).describe("The larger, the faster."),
      staircase,
    },
    rate: (step, o) =>
      op.div(o.initial_learning_rate, op.add(op.mul(decays(step, o), o.decay_rate), 1)),
  }),
  defineSchedule({
    name: "cosine_decay",
    doc: "From initial along half a cosine to alpha·initial; first, if so, in a line to warmup_target",
    options: {
      initial_learning_rate: first,
      decay_steps: steps,
      alpha: alphaOption,
      warmup_target: z
        .number()
        .min(0)
        .nullable()
        .default(null)
        .describe("Rate after the warm-up, which the cosine starts from; absent: no warm-up."),
      warmup_steps: z.number().min(0).default(0).describe("Steps of the warm-up."),
    },
    rate(step, { initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps }) {
      const decayed = (done: Tensor, from: number) =>
        op.mul(cosine(op.div(op.minimum(done, decay_steps), decay_steps), alpha), from);
      if (warmup_target === null) return decayed(step, initial_learning_rate);
      const after = decayed(op.sub(step, warmup_steps), warmup_target);
      if (warmup_steps === 0) return after;
      const slope = (warmup_target - initial_learning_rate) / warmup_steps;
      const before = op.add(op.mul(step, slope), initial_learning_rate);
      return op.where(op.less(step, warmup_steps), before, after);
    },
  }),
  defineSchedule({
    name: "cosine_decay_restarts",
    doc: "Half cosines one after the other, each t_mul times as long and m_mul times as high (SGDR)",
    options: {
      initial_learning_rate: first,
      first_decay_steps: z.number().positive().describe("Steps of the first half cosine."),
      t_mul: z.number().min(1).default(2).describe("Length of each against the one before."),
      m_mul: z.number().positive().default(1).describe("Height of each against the one before."),
      alpha: alphaOption,
    },
    rate(step, { initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha }) {
      const { index, start, length } = restart(step, first_decay_steps, t_mul);
      const fraction = op.div(op.sub(step, start), length);
      return op.mul(cosine(fraction, alpha, powerOf(m_mul, index)), initial_learning_rate);
    },
  }),
];

/** A learning rate as the spec gives it. */
export type Rate = number | Named<Schedule>;

const scheduleOption = () => named<Schedule>("schedule", () => schedules);

/** A number, or a schedule. */
export function rateOption(): z.ZodType<Rate> {
  const number = z.number().min(0);
  const schedule = scheduleOption();
  const either = z.unknown().transform((value, ctx): Rate => {
    const isNamed = typeof value === "string" || (typeof value === "object" && value !== null);
    const result = (isNamed ? schedule : number).safeParse(value);
    for (const issue of result.error?.issues ?? [])
      ctx.issues.push({ ...issue, input: value } as never);
    return result.success ? (result.data as Rate) : z.NEVER;
  });
  inputForms.set(either, () => ({ form: "either", of: [number, schedule] }));
  return either;
}
