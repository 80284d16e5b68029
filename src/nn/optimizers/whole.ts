/** Rules that look at a weight as a whole: its length, its rows and columns, its singular values. */
import { z } from "zod";
import { sizeOf, type Tensor } from "../../ir/graph.ts";
import { einsum } from "../../ops/contract.ts";
import * as op from "../../ops/pointwise.ts";
import { mean, sum } from "../../ops/reduce.ts";
import { reshape } from "../../ops/view.ts";
import { adamUpdate, momentOptions, moments } from "./adam.ts";
import {
  averageOfOnes,
  common,
  decay,
  defineOptimizer,
  epsilonOption,
  type Optimizer,
  type Parameter,
  type Slots,
  type UpdateContext,
} from "./optimizer.ts";

/** ‖x‖, of shape [] */
const norm = (x: Tensor): Tensor => op.sqrt(sum(op.square(x), undefined, false));
/** ‖x‖/√n, of shape [] */
const size = (x: Tensor): Tensor => op.div(norm(x), Math.sqrt(sizeOf(x.type.shape)));

/** ‖w‖/‖step‖, or 1 where one of them is 0. */
function trust(w: Tensor, step: Tensor): Tensor {
  const [own, other] = [norm(w), norm(step)];
  const none = op.maximum(op.lessEqual(own, 0), op.lessEqual(other, 0));
  return op.where(none, 1, op.div(own, op.where(none, 1, other)));
}

/** How many steps there have been, this one included, of shape []. */
const stepsOf = (ctx: UpdateContext): Tensor => ctx.shared("steps", 0, (old) => op.add(old, 1));

/** The root of the mean of g², of each row times each column over all, [rows, columns] of the last two dimensions. */
function factored(row: Tensor, column: Tensor): Tensor {
  const last = row.type.shape.length - 1;
  // A root of each factor: their product may be too small for single precision.
  const rows = op.sqrt(op.div(row, mean(row, [last])));
  const lead = column.type.shape.slice(0, -1);
  const columns = reshape(op.sqrt(column), [...lead, 1, column.type.shape.at(-1)!]);
  return op.mul(reshape(rows, [...row.type.shape, 1]), columns);
}

/** The moving averages of squares, with weight `share` for the new ones, and the root of what they stand for. */
function spread(square: Tensor, slots: Slots, share: Tensor) {
  const toward = (old: Tensor, x: Tensor) =>
    op.add(op.mul(old, op.sub(1, share)), op.mul(x, share));
  const { length } = square.type.shape;
  if (length < 2) {
    const velocity = toward(slots["velocity"]!, square);
    return { root: op.sqrt(velocity), slots: { velocity } };
  }
  const row = toward(slots["row"]!, mean(square, [length - 1], false));
  const column = toward(slots["column"]!, mean(square, [length - 2], false));
  return { root: factored(row, column), slots: { row, column } };
}

const coefficient = (value: number, of: string) =>
  z.number().default(value).describe(`Coefficient of ${of} in the iteration.`);
const muonOptions = {
  ...common(0.001, 0.004),
  adam_beta_1: decay(0.9, "beta_1 of what Adam trains."),
  adam_beta_2: decay(0.999, "beta_2 of what Adam trains."),
  adam_weight_decay: z
    .number()
    .min(0)
    .nullable()
    .default(0.004)
    .describe("weight_decay of what Adam trains."),
  epsilon: epsilonOption,
  exclude_layers: z
    .array(z.string().refine(isPattern, "a name or a regular expression"))
    .default([])
    .describe("Adam trains weights in whose path one of these occurs: names, or expressions."),
  exclude_embeddings: z.boolean().default(true).describe("Adam trains embeddings."),
  muon_a: coefficient(3.4445, "X"),
  muon_b: coefficient(-4.775, "XXᵀX"),
  muon_c: coefficient(2.0315, "(XXᵀ)²X"),
  adam_lr_ratio: z.number().positive().default(1).describe("Adam's rate is so many times it."),
  momentum: decay(0.95, "μ, the share of the last step that is kept."),
  ns_steps: z.int().min(0).default(5).describe("Iterations towards singular values of 1."),
  nesterov: z.boolean().default(true).describe("Look ahead along the momentum."),
  rms_rate: z
    .number()
    .positive()
    .nullable()
    .default(0.2)
    .describe("The step's size, √(longer side) times this, as large as Adam's; null: 1."),
};
type Muon = z.output<z.ZodObject<typeof muonOptions>>;

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** Whether Adam trains a weight, which is so for all that are no matrices. */
function byAdam({ name, shape }: Parameter, o: Muon): boolean {
  const isEmbedding = o.exclude_embeddings && /embedding/i.test(name);
  return shape.length !== 2 || isEmbedding || o.exclude_layers.some((p) => name.search(p) >= 0);
}

/**
 * Nearly U·Vᵀ of g = U·S·Vᵀ, by X ← aX + bXXᵀX + c(XXᵀ)²X from g/‖g‖: singular values go to about 1 (Newton and
 * Schulz; https://kellerjordan.github.io/posts/muon/). Of a tall matrix the smaller XᵀX is taken: X(XᵀX) = (XXᵀ)X.
 */
function orthogonal(g: Tensor, { ns_steps, muon_a, muon_b, muon_c }: Muon): Tensor {
  const [rows, columns] = g.type.shape;
  const [product, onX] = rows! > columns! ? ["ki,kj->ij", "kj,ij->ki"] : ["ik,jk->ij", "jk,ij->ik"];
  let x = op.div(g, op.add(norm(g), 1e-7));
  for (let i = 0; i < ns_steps; i++) {
    const square = einsum(product!, x, x);
    const fourth = einsum("ij,jk->ik", square, square);
    const factor = op.add(op.mul(square, muon_b), op.mul(fourth, muon_c));
    x = op.add(op.mul(x, muon_a), einsum(onX!, x, factor));
  }
  return x;
}

export const wholeOptimizers: readonly Optimizer[] = [
  defineOptimizer({
    name: "lamb",
    doc: "w ← w − lr·‖w‖/‖Δ‖·Δ, Δ the step of Adam, m/(1−β₁ᵗ)/(√(v/(1−β₂ᵗ)) + ε) (You et al. 2020)",
    options: { ...common(0.001), ...momentOptions },
    slots: () => ({ momentum: 0, velocity: 0 }),
    update({ w, g, slots }, { beta_1, beta_2, epsilon }, ctx) {
      const { momentum, velocity } = moments({ g, slots }, { beta_1, beta_2 });
      const root = op.sqrt(op.div(velocity, averageOfOnes(ctx, beta_2)));
      const mean = op.div(momentum, averageOfOnes(ctx, beta_1));
      const step = op.div(mean, op.add(root, epsilon));
      const rate = op.mul(trust(w, step), ctx.rate);
      return { w: op.sub(w, op.mul(step, rate)), slots: { momentum, velocity } };
    },
  }),
  defineOptimizer({
    name: "adafactor",
    doc: "w ← w − max(ε₂, rms w)·min(lr, 1/√t)·u/max(1, rms u/d), u = g/√v, v of matrices kept as means of rows and columns (Shazeer & Stern 2018)",
    options: {
      ...common(0.001),
      beta_2_decay: z
        .number()
        .max(0)
        .default(-0.8)
        .describe("The t-th squares weigh so much in their mean: t to the power of this."),
      epsilon_1: z.number().min(0).default(1e-30).describe("Added to squares of gradients."),
      epsilon_2: z.number().min(0).default(1e-3).describe("Least size of a weight for its step."),
      clip_threshold: z.number().positive().default(1).describe("d: largest size of u."),
      relative_step: z
        .boolean()
        .default(true)
        .describe("Without effect, as in Keras: the rate is at most 1/√t in any case."),
    },
    slots(_, { shape }) {
      if (shape.length < 2) return { velocity: 0 };
      const column = [...shape.slice(0, -2), shape.at(-1)!];
      return {
        row: { shape: shape.slice(0, -1), initial: 0 },
        column: { shape: column, initial: 0 },
      };
    },
    update({ w, g, slots }, { beta_2_decay, epsilon_1, epsilon_2, clip_threshold }, ctx) {
      const t = stepsOf(ctx);
      const share = op.div(1, op.power(t, -beta_2_decay));
      const { root, slots: kept } = spread(op.add(op.square(g), epsilon_1), slots, share);
      const u = op.div(g, root);
      const excess = op.maximum(op.div(size(u), clip_threshold), 1);
      const rate = op.minimum(ctx.rate, op.div(1, op.sqrt(t)));
      const scale = op.mul(op.maximum(size(w), epsilon_2), rate);
      return { w: op.sub(w, op.mul(u, op.div(scale, excess))), slots: kept };
    },
  }),
  defineOptimizer({
    name: "muon",
    doc: "m ← μm + g, w ← w − lr·rms_rate·√(longer side)·U·Vᵀ of g + μm = U·S·Vᵀ, for matrices; AdamW for other weights (Jordan 2024; Liu et al. 2025)",
    options: muonOptions,
    slots: (o, parameter) =>
      byAdam(parameter, o) ? { momentum: 0, velocity: 0 } : { momentum: 0 },
    weightDecay: (o, parameter) => (byAdam(parameter, o) ? o.adam_weight_decay : o.weight_decay),
    update({ w, g, slots }, o, ctx) {
      if (slots["velocity"]) {
        const betas = { beta_1: o.adam_beta_1, beta_2: o.adam_beta_2 };
        const own = { ...betas, epsilon: o.epsilon, amsgrad: false };
        return adamUpdate({ w, g, slots }, own, {
          ...ctx,
          rate: op.mul(ctx.rate, o.adam_lr_ratio),
        });
      }
      const momentum = op.add(op.mul(slots["momentum"]!, o.momentum), g);
      const ahead = o.nesterov ? op.add(op.mul(momentum, o.momentum), g) : momentum;
      const step = orthogonal(ahead, o);
      const scale = o.rms_rate === null ? 1 : Math.sqrt(Math.max(...w.type.shape)) * o.rms_rate;
      return { w: op.sub(w, op.mul(step, op.mul(ctx.rate, scale))), slots: { momentum } };
    },
  }),
];
