/** Small models on made-up data, opened on any backend: for tests of whole training runs. */
import type { Dataset, Examples } from "../../src/data/dataset.ts";
import type { Backend } from "../../src/ir/program.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { initialWeights, planRun, type RunPlan, Session } from "../../src/train/session.ts";
import { random } from "./evaluate.ts";

const common = `
data: mnist
loss: sparse_categorical_crossentropy
metrics: [accuracy]
`;

/** Every kind of kernel in little: odd sizes, dropout, clipping, convolution, pooling, normalisation, tables. */
export const smallSpecs = {
  mlp: `${common}
model:
  - flatten
  - dense: { units: 24, activation: relu }
  - dense: { units: 17, activation: tanh }
  - dense: { units: 5, activation: softmax }
optimizer: adam
train: { batch_size: 13 }
`,
  regularised: `${common}
model:
  - flatten
  - dense: { units: 33, activation: gelu, kernel_regularizer: l2 }
  - dropout: { rate: 0.3 }
  - dense: { units: 5, activation: softmax }
optimizer: { adamw: { global_clipnorm: 0.5 } }
train: { batch_size: 10 }
`,
  convolutional: `${common}
model:
  - input: { shape: [8, 8, 1] }
  - conv2d: { filters: 9, kernel_size: 3, padding: same, activation: relu }
  - max_pooling2d
  - conv2d: { filters: 6, kernel_size: 3, strides: 2, padding: same }
  - batch_normalization
  - activation: { function: relu }
  - flatten
  - dense: { units: 5, activation: softmax }
optimizer: { sgd: { momentum: 0.9 } }
train: { batch_size: 9 }
`,
  embedded: `${common}
model:
  - flatten
  - rescaling: { scale: 20, offset: 15 }
  - embedding: { input_dim: 30, output_dim: 18 }
  - global_average_pooling1d
  - dense: { units: 5, activation: softmax }
optimizer: adam
train: { batch_size: 11 }
`,
} as const;

/** 8×8 images of 5 classes that can be learnt. */
export function tinyImages(count: number, seed = 1): Examples {
  const r = random(seed);
  const labels = Int32Array.from({ length: count }, () => r.int(0, 4));
  const values = Float32Array.from({ length: count * 64 }, (_, i) => {
    const label = labels[Math.floor(i / 64)]!;
    return r.uniform(-0.3, 0.3) + Math.sin((label + 1) * (i % 64) * 0.2);
  });
  return {
    count,
    inputs: new Map([["x", { shape: [8, 8], values }]]),
    targets: new Map([["y", { shape: [], values: labels }]]),
  };
}

/** @param text a spec; its data is replaced by `tinyImages` */
export async function openSession(
  text: string,
  backend: Backend,
  threads?: number,
): Promise<Session> {
  const plan = planOfText(text);
  return Session.open(plan, backend, initialWeights(plan.weights, plan.spec.seed), { threads });
}

/** The run of a spec on `tinyImages`. */
export function planOfText(text: string): RunPlan {
  const spec = resolveSpec(parseSpec(text, "test.yaml", process.cwd()));
  const dataset: Dataset = { train: tinyImages(60), validation: tinyImages(20, 2), summary: "" };
  return planRun(spec, dataset);
}

/** Trains a number of whole batches, going through the data as often as it takes. */
export async function trainSteps(session: Session, steps: number): Promise<void> {
  const { steps: perPass } = session.plan.train.batching;
  for (let done = 0, epoch = 1; done < steps; epoch++) {
    const count = Math.min(perPass, steps - done);
    session.beginPass("train", epoch);
    await session.executable.run("train_batch", count);
    done += count;
  }
}
