/**
 * The best that one rate can be where another is good enough, over all thresholds
 * (https://keras.io/api/metrics/classification_metrics/).
 */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import * as op from "../../ops/pointwise.ts";
import { sum } from "../../ops/reduce.ts";
import { fill, reshape } from "../../ops/view.ts";
import { aboveEven } from "./auc.ts";
import { classOption, isPositive, ofClass, unfitSelection } from "./confusion.ts";
import { asOneHot, byShapes, defineMetric, type Metric, share, type Totals } from "./metric.ts";

type SumName = "true_positives" | "false_positives" | "positives" | "negatives";
interface Options {
  readonly num_thresholds: number;
  readonly class_id: number | null;
}

/** The rates at one threshold. */
interface Point {
  readonly tp: number;
  readonly fp: number;
  readonly positives: number;
  readonly negatives: number;
}
const rates = {
  precision: ({ tp, fp }: Point) => share(tp, tp + fp),
  recall: ({ tp, positives }: Point) => share(tp, positives),
  sensitivity: ({ tp, positives }: Point) => share(tp, positives),
  specificity: ({ fp, negatives }: Point) => share(negatives - fp, negatives),
} as const;
type RateName = keyof typeof rates;

function counts(target: Tensor, prediction: Tensor, { num_thresholds, class_id }: Options) {
  const select = (x: Tensor) => (class_id === null ? x : ofClass(x, class_id));
  const flat = (x: Tensor) => reshape(x, [1, x.type.shape.reduce((n, d) => n * d, 1)]);
  const y = flat(select(isPositive(asOneHot(target, prediction))));
  const p = flat(select(prediction));
  // A single threshold is ½.
  const hits = num_thresholds === 1 ? op.greater(p, 0.5) : aboveEven(p, num_thresholds);
  const atEach = (x: Tensor) => sum(x, [1], false);
  const all = (x: Tensor) => sum(x, undefined, false);
  return {
    true_positives: atEach(op.mul(hits, y)),
    false_positives: atEach(op.mul(hits, op.sub(1, y))),
    positives: all(y),
    negatives: op.sub(fill(y.type.shape[1]!, []), all(y)),
  };
}

const bestAt = (wanted: RateName, given: RateName): Metric =>
  defineMetric<z.ZodRawShape, SumName>({
    name: `${wanted}_at_${given}`,
    doc: `The largest ${wanted} at a threshold where ${given} is at least as asked`,
    better: "higher",
    options: {
      [given]: z.number().min(0).max(1).describe(`What ${given} must be at least.`),
      num_thresholds: z
        .int()
        .positive()
        .default(200)
        .describe("Thresholds, evenly spread over 0 to 1."),
      class_id: classOption,
    },
    targets: byShapes,
    unfit: (shape, { class_id }) =>
      unfitSelection(shape, { class_id: class_id as Options["class_id"], top_k: null }),
    sums: (y, p, options) => counts(y, p, options as unknown as Options),
    finish(totals: Totals<SumName>, options) {
      const [positives, negatives] = [totals.positives[0]!, totals.negatives[0]!];
      const points = Array.from(totals.true_positives, (tp, i): Point => {
        return { tp, fp: totals.false_positives[i]!, positives, negatives };
      });
      const good = points.filter((point) => rates[given](point) >= (options[given] as number));
      return Math.max(0, ...good.map(rates[wanted]));
    },
  });

export const operatingPoints: readonly Metric[] = [
  bestAt("sensitivity", "specificity"),
  bestAt("specificity", "sensitivity"),
  bestAt("precision", "recall"),
  bestAt("recall", "precision"),
];
