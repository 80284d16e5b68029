/** Losses against Keras's numbers and differences; cross-entropies of what softmax and sigmoid give. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { type Shape, sizeOf, type Tensor } from "../../src/ir/graph.ts";
import { activationOption } from "../../src/nn/activations.ts";
import { batchLoss, isBatchwise, losses, lossOption } from "../../src/nn/losses/index.ts";
import { alignTarget } from "../../src/nn/losses/loss.ts";
import { reshape } from "../../src/ops/view.ts";
import { evaluate, type Feed, gradientError, input, random } from "../support/evaluate.ts";
import {
  assertClose,
  feedOf,
  fixture,
  given,
  type Options,
  type Values,
} from "../support/keras.ts";
import { parity, recordsOf } from "../support/parity.ts";

interface LossRecord {
  readonly name: string;
  readonly options: Options;
  readonly note: string;
  readonly y_true: readonly number[];
  readonly y_true_shape: Shape;
  readonly y_pred: readonly number[];
  readonly y_pred_shape: Shape;
  readonly mask?: Values;
  readonly loss: number;
  readonly gradient: readonly number[];
}

/** The loss of the batch, as in the training graph. */
function lossOf(
  name: string,
  raw: Options,
  target: Tensor,
  prediction: Tensor,
  mask?: Tensor,
): Tensor {
  const loss = lossOption().parse({ [name]: raw });
  const aligned = alignTarget(target, prediction, loss.definition.targets);
  assert.ok(aligned, "the target can be aligned");
  return batchLoss(loss, aligned, prediction, { mask });
}

const { tolerance } = parity.losses;
for (const r of recordsOf<LossRecord>(parity.losses)) {
  test(`${r.name} ${JSON.stringify(r.options)}, ${r.note}, as in Keras`, async () => {
    const [target, targets] = given("y", { shape: r.y_true_shape, values: r.y_true });
    const [p, ps] = given("p", { shape: r.y_pred_shape, values: r.y_pred });
    const mask = r.mask ? [given("m", r.mask)] : [];
    const loss = lossOf(r.name, r.options, target, p, mask[0]?.[0]);
    const outputs = [loss, ...gradients(loss, [p])];
    const [value, gradient] = await evaluate(outputs, feedOf([target, targets], [p, ps], ...mask));
    assertClose(value!, [r.loss], tolerance, "value");
    assertClose(gradient!, r.gradient, tolerance, "gradient");
  });
}

test("which losses depend on how examples are divided into batches", () => {
  const batchwise = (spec: unknown) => isBatchwise(lossOption().parse(spec), undefined);
  assert.is(batchwise("mse"), false);
  assert.is(batchwise("dice"), true);
  assert.is(batchwise({ dice: { axis: -1 } }), false);
  assert.is(batchwise({ tversky: { axis: [1] } }), false);
  assert.is(batchwise("circle"), true);
});

test("what a loss cannot be computed of is said", () => {
  const message = (spec: unknown, shape: Shape, mask?: Shape) => {
    const { definition, options } = lossOption().parse(spec);
    return definition.unfit?.(shape, options, mask)?.message ?? "";
  };
  assert.match(message("dice", [5, 3, 2], [5, 3]), /some steps are masked/);
  assert.match(message({ tversky: { axis: [-1, 1] } }, [5, 3, 2], [5, 3]), /steps are masked/);
  assert.is(message({ tversky: { axis: [-1] } }, [5, 3, 2], [5, 3]), "");
  assert.match(message({ dice: { axis: [0] } }, [5, 3]), /no such dimension/);
  assert.match(message("circle", [5, 2, 3]), /vectors/);
});

test("every loss has records", () => {
  const known = new Set(fixture<LossRecord[]>("losses").map((r) => r.name));
  assert.equal(
    losses.map((l) => l.name).filter((n) => !known.has(n)),
    [],
  );
});

/** Targets for predictions of the given shape: class numbers, or one-hot, or any numbers. */
function randomTarget(name: string, shape: Shape, r: ReturnType<typeof random>) {
  const classes = shape.at(-1)!;
  const rows = shape.slice(0, -1);
  if (/^sparse_|generalized|circle/.test(name)) {
    const values = Array.from({ length: sizeOf(rows) }, () => r.int(0, classes - 1));
    return given("y", { shape: r.pick([rows, [...rows, 1]]), values });
  }
  const range = name.endsWith("crossentropy") ? ([0, 1] as const) : rangeOf(name, [-2, 2]);
  return given("y", { shape, values: [...r.array(sizeOf(shape), ...range)] });
}
/** Losses that take logarithms have predictions and targets of their own. */
const rangeOf = (name: string, otherwise: readonly [number, number]) =>
  /kl_divergence|poisson|msle|dice|tversky|generalized/.test(name)
    ? ([0.05, 0.95] as const)
    : otherwise;
const focal = (r: ReturnType<typeof random>) => ({
  label_smoothing: r.uniform(),
  from_logits: r.pick([true, false]),
  alpha: r.uniform(),
  gamma: r.pick([0, 1, 2, 1.5, 3]),
});
const randomOptions: Record<string, (r: ReturnType<typeof random>) => Options> = {
  huber: (r) => ({ delta: r.uniform(0.3, 2) }),
  binary_crossentropy: (r) => ({
    label_smoothing: r.uniform(),
    from_logits: r.pick([true, false]),
  }),
  categorical_crossentropy: (r) => ({
    label_smoothing: r.uniform(),
    from_logits: r.pick([true, false]),
  }),
  sparse_categorical_crossentropy: (r) => ({
    from_logits: r.pick([true, false]),
    ignore_class: r.pick([null, 0]),
  }),
  binary_focal_crossentropy: (r) => ({
    ...focal(r),
    apply_class_balancing: r.pick([true, false]),
  }),
  categorical_focal_crossentropy: focal,
  categorical_generalized_cross_entropy: (r) => ({ q: r.uniform(0.1, 0.9) }),
  cosine_similarity: (r) => ({ axis: r.pick([-1, 1]) }),
  dice: (r) => ({ axis: r.pick([null, -1, [1]]) }),
  tversky: (r) => ({ alpha: r.uniform(), beta: r.uniform(), axis: r.pick([null, -1, [1]]) }),
  circle: (r) => ({
    gamma: r.uniform(0.2, 1),
    margin: r.uniform(),
    remove_diagonal: r.pick([true, false]),
  }),
};

for (const { name, options } of losses) {
  test(`gradient of ${name} against differences`, async () => {
    const draw = randomOptions[name] ?? (() => ({}));
    const covered = Object.keys(options).length === 0 || name in randomOptions;
    assert.ok(covered, `${name} has options: draw them in randomOptions`);
    for (let seed = 0; seed < 8; seed++) {
      const r = random(seed);
      const p = input("p", name === "circle" ? [5, r.int(2, 4)] : r.shape(r.int(2, 4)));
      const { shape } = p.type;
      const raw: Options = draw(r);
      const isProbability = raw["from_logits"] === false;
      const range = isProbability ? ([0.05, 0.95] as const) : rangeOf(name, [-3, 3]);
      const at = r.array(sizeOf(shape), ...range);
      const [target, targets] = randomTarget(name, shape, r);
      const loss = lossOf(name, raw, target, p);
      const error = await gradientError(loss, [p], feedOf([p, at], [target, targets]));
      assert.ok(error < 1e-6, `seed ${seed}, [${shape}], ${JSON.stringify(raw)}: ${error}`);
    }
  });
}

const pairs = [
  ["softmax", "categorical_crossentropy"],
  ["softmax", "sparse_categorical_crossentropy"],
  ["sigmoid", "binary_crossentropy"],
] as const;
const squash = (name: string, x: Tensor) => {
  const { definition, options } = activationOption().parse(name);
  return definition.apply(x, options);
};

/** Loss and gradient with respect to the logits. */
async function both(loss: Tensor, x: Tensor, feed: Feed) {
  const [value, gradient] = await evaluate([loss, ...gradients(loss, [x])], feed);
  return Float64Array.of(...value!, ...gradient!);
}

for (const [activation, name] of pairs) {
  test(`${activation} and ${name} are computed from the logits`, async () => {
    for (let seed = 0; seed < 6; seed++) {
      const r = random(seed);
      const x = input("x", [r.int(1, 4), r.int(2, 5)]);
      const [target, targets] = randomTarget(name, x.type.shape, r);
      const limit = seed < 3 ? 4 : 1000;
      const at = r.array(sizeOf(x.type.shape), -limit, limit);
      if (seed === 5) at.fill(1000, 0, 1).fill(-1000, 1, 2);
      const feed = feedOf([x, at], [target, targets]);
      const logits = await both(lossOf(name, { from_logits: true }, target, x), x, feed);
      assert.ok(logits.every(Number.isFinite), `${logits}`);
      // Saying from_logits of what is none is repaired, as Keras does it.
      for (const from_logits of [false, true]) {
        const loss = lossOf(name, { from_logits }, target, squash(activation, x));
        assert.equal(await both(loss, x, feed), logits);
      }
    }
  });
}

test("so they are with ignore_class, where Keras clips the probabilities", async () => {
  const x = input("x", [3, 3]);
  const [target, targets] = given("y", { shape: [3], values: [1, 2, 0] });
  const at = Float64Array.of(1000, 0, 0, 0, 0, 50, 1, 3, 2);
  const name = "sparse_categorical_crossentropy";
  const loss = lossOf(name, { ignore_class: 2 }, target, squash("softmax", x));
  const found = await both(loss, x, feedOf([x, at], [target, targets]));
  // The loss, then its gradient: a half of (softmax − label) where the label counts.
  const shares = [1, 3, 2].map((v) => Math.exp(v) / (Math.exp(1) + Math.exp(3) + Math.exp(2)));
  const last = shares.map((share, i) => (share - (i === 0 ? 1 : 0)) / 2);
  const want = [(1000 - Math.log(shares[0]!)) / 2, 0.5, -0.5, 0, 0, 0, 0, ...last];
  assertClose(found, want, 1e-9, "loss and gradient");
});

test("a softmax that is wrong and certain costs the difference of the logits", async () => {
  const x = input("x", [1, 3]);
  const [target, targets] = given("y", { shape: [1], values: [1] });
  const feed = feedOf([x, Float64Array.of(1000, 0, 0)], [target, targets]);
  const name = "sparse_categorical_crossentropy";
  const direct = lossOf(name, {}, target, squash("softmax", x));
  const throughReshape = lossOf(
    name,
    {},
    target,
    reshape(reshape(squash("softmax", x), [3]), [1, 3]),
  );
  const [one, other] = await evaluate([direct, throughReshape], feed);
  assertClose(one!, [1000], 1e-12, "softmax, then loss");
  assertClose(other!, [16.1180958], 6e-9, "with a reshape between, clipped");
});

test("softmax and binary, sigmoid and categorical cross-entropy see the probabilities", async () => {
  for (const [activation, name] of [
    ["softmax", "binary_crossentropy"],
    ["sigmoid", "categorical_crossentropy"],
  ] as const) {
    const r = random(3);
    const x = input("x", [3, 4]);
    const [target, targets] = randomTarget(name, [3, 4], r);
    const p = input("p", [3, 4]);
    const at = r.array(12, -2, 2);
    const [ps] = await evaluate([squash(activation, x)], feedOf([x, at]));
    const feed = feedOf([x, at], [p, ps!], [target, targets]);
    const [whole, apart] = await evaluate(
      [lossOf(name, {}, target, squash(activation, x)), lossOf(name, {}, target, p)],
      feed,
    );
    assertClose(whole!, apart!, 1e-12, `${activation}, ${name}`);
  }
});

test("softmax over another dimension is no softmax of the classes", async () => {
  const { definition, options } = activationOption().parse({ softmax: { axis: 0 } });
  const x = input("x", [2, 3]);
  const [target, targets] = given("y", { shape: [2], values: [1, 2] });
  const at = Float64Array.of(1, 2, 3, -1, 0.5, 1);
  const p = definition.apply(x, options);
  const [ps] = await evaluate([p], feedOf([x, at]));
  const name = "sparse_categorical_crossentropy";
  const [loss] = await evaluate([lossOf(name, {}, target, p)], feedOf([x, at], [target, targets]));
  // Keras's sparse form normalises the rows it is given.
  const share = (row: number, label: number) => {
    const own = [...ps!].slice(3 * row, 3 * row + 3);
    return own[label]! / own.reduce((a, b) => a + b);
  };
  assertClose(loss!, [-(Math.log(share(0, 1)) + Math.log(share(1, 2))) / 2], 1e-9, "loss");
});

test.run();
