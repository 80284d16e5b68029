/** Activations against Keras's numbers, at kinks too, and against central differences. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { activationOption, activations } from "../../src/nn/activations.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { mul } from "../../src/ops/pointwise.ts";
import { evaluate, gradientError, input, random } from "../support/evaluate.ts";
import { assertClose, feedOf, fixture, given, type Options } from "../support/keras.ts";
import { parity } from "../support/parity.ts";

interface Activated {
  readonly name: string;
  readonly options: Options;
  readonly shape: Shape;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly c: readonly number[];
  readonly dx: readonly number[];
}

/** TensorFlow keeps a constant of these in float32. */
const rounded = ["leaky_relu", "gelu"];

for (const r of fixture<Activated[]>("activations")) {
  test(`${r.name} ${JSON.stringify(r.options)} as in Keras`, async () => {
    const { definition, options } = activationOption().parse({ [r.name]: r.options });
    const [x, xs] = given("x", { shape: r.shape, values: r.x });
    const [c, cs] = given("c", { shape: r.shape, values: r.c });
    const y = definition.apply(x, options);
    const [dx] = gradients(sum(mul(y, c), undefined, false), [x]);
    const [gotY, gotDx] = await evaluate([y, dx!], feedOf([x, xs], [c, cs]));
    const tolerance = rounded.includes(r.name) ? parity.activations.tolerance : 6e-9;
    assertClose(gotY!, r.y, tolerance, "value");
    assertClose(gotDx!, r.dx, tolerance, "gradient, kinks included");
  });
}

/** Random options, where an activation has any. */
type Random = ReturnType<typeof random>;
const randomOptions: Record<string, (r: Random, rank: number) => Options> = {
  relu: (r) => ({
    ...(r.pick([true, false]) ? { negative_slope: r.uniform(-0.5, 0.5) } : {}),
    ...(r.pick([true, false]) ? { max_value: r.uniform(0.5, 2) } : {}),
    ...(r.pick([true, false]) ? { threshold: r.uniform(-1, 1) } : {}),
  }),
  leaky_relu: (r) => ({ negative_slope: r.uniform(-0.5, 0.5) }),
  elu: (r) => ({ alpha: r.uniform(0.2, 2) }),
  gelu: (r) => ({ approximate: r.pick([true, false]) }),
  softmax: (r, rank) => ({ axis: r.int(-rank, rank - 1) }),
  log_softmax: (r, rank) => ({ axis: r.int(-rank, rank - 1) }),
  celu: (r) => ({ alpha: r.uniform(0.2, 2) }),
  hard_shrink: (r) => ({ threshold: r.uniform(0.2, 2) }),
  soft_shrink: (r) => ({ threshold: r.uniform(0.2, 2) }),
  squareplus: (r) => ({ b: r.uniform(0.2, 5) }),
};

for (const { name, options: shape } of activations) {
  test(`gradient of ${name} against differences`, async () => {
    const draw = randomOptions[name] ?? (() => ({}));
    const covered = Object.keys(shape).length === 0 || name in randomOptions;
    assert.ok(covered, `${name} has options: draw them in randomOptions`);
    for (let seed = 0; seed < 8; seed++) {
      const r = random(seed);
      const rank = r.int(1, 3);
      const { definition, options } = activationOption().parse({ [name]: draw(r, rank) });
      const x = input("x", r.shape(rank));
      const at = r.array(sizeOf(x.type.shape), -3.5, 3.5);
      const error = await gradientError(definition.apply(x, options), [x], feedOf([x, at]));
      assert.ok(error < 1e-6, `seed ${seed}, ${JSON.stringify(options)}: ${error}`);
    }
  });
}

/** ReLU where Keras's formula has corners that its fixture leaves out (checked with Keras 3.15.1). */
test("relu: at the threshold the unit is off, and max_value cuts negative values", async () => {
  const cases: readonly (readonly [Options, readonly number[]])[] = [
    [{ threshold: 0.5 }, [0, 0, 0, 0, 0, 4, 5]],
    [{ threshold: 0.5, negative_slope: 0.1 }, [-0.25, -0.1, -0.05, -0.05, 0, 4, 5]],
    [{ threshold: -1, max_value: 4 }, [0, 0, 0, 0, 0.5, 4, 4]],
    [{ threshold: -1 }, [0, -0.5, 0, 0, 0.5, 4, 5]],
    [{ threshold: 5, max_value: 4 }, [0, 0, 0, 0, 0, 0, 0]],
  ];
  const at = [-2, -0.5, 0, 0, 0.5, 4, 5];
  for (const [raw, want] of cases) {
    const { definition, options } = activationOption().parse({ relu: raw });
    const [x, xs] = given("x", { shape: [7], values: at });
    const [y] = await evaluate([definition.apply(x, options)], feedOf([x, xs]));
    assertClose(y!, want, 1e-12, JSON.stringify(raw));
  }
});

test("nothing overflows far from zero", async () => {
  const bounded = activations.filter((a) => a.name !== "exponential");
  for (const definition of bounded) {
    const { options } = activationOption().parse(definition.name);
    const [x, xs] = given("x", { shape: [4], values: [-1000, 1000, -750, 750] });
    const y = definition.apply(x, options);
    const [dx] = gradients(sum(y, undefined, false), [x]);
    for (const values of await evaluate([y, dx!], feedOf([x, xs])))
      assert.ok(values.every(Number.isFinite), `${definition.name}: ${values}`);
  }
});

test("softmax says which axes there are", () => {
  const { definition, options } = activationOption().parse({ softmax: { axis: 2 } });
  assert.is(definition.unfit?.([3, 4], options)?.expected, "-2 to 1, the batch being 0");
  assert.is(definition.unfit?.([3, 4, 5], options), undefined);
});

test.run();
