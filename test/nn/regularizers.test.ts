/** Penalties against Keras's numbers, defaults included, and against differences. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gradients } from "../../src/compiler/autodiff.ts";
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { regularizerOption, regularizers } from "../../src/nn/regularizers.ts";
import { evaluate, gradientError, input, random } from "../support/evaluate.ts";
import { assertClose, feedOf, fixture, given, type Options } from "../support/keras.ts";
import { parity } from "../support/parity.ts";

interface RegularizerRecord {
  readonly name: string;
  readonly options: Options;
  readonly resolved: Options;
  readonly shape: Shape;
  readonly x: readonly number[];
  readonly value: number;
  readonly gradient: readonly number[];
}
const records = fixture<RegularizerRecord[]>("regularizers");

const { tolerance } = parity.regularizers;
for (const r of records) {
  test(`${r.name} ${JSON.stringify(r.options)} as in Keras`, async () => {
    const { definition, options } = regularizerOption().parse({ [r.name]: r.options });
    assert.equal(options, r.resolved, "options with their defaults");
    const [w, ws] = given("w", { shape: r.shape, values: r.x });
    const penalty = definition.penalty(w, options);
    assert.equal(penalty.type.shape, []);
    const [value, gradient] = await evaluate(
      [penalty, ...gradients(penalty, [w])],
      feedOf([w, ws]),
    );
    assertClose(value!, [r.value], tolerance, "value");
    assertClose(gradient!, r.gradient, tolerance, "gradient, at 0 too");
  });
}

for (const { name, options } of regularizers) {
  test(`gradient of ${name} against differences`, async () => {
    assert.ok(
      records.some((r) => r.name === name),
      "it has records",
    );
    for (let seed = 0; seed < 5; seed++) {
      const r = random(seed);
      const draw = (k: string) => (k === "mode" ? r.pick(["rows", "columns"]) : r.uniform());
      const raw = Object.fromEntries(Object.keys(options).map((k) => [k, draw(k)]));
      const parsed = regularizerOption().parse({ [name]: raw });
      const ranks = [1, 2, 3, 4].filter(
        (n) => !parsed.definition.unfit?.(Array<number>(n).fill(2), parsed.options),
      );
      const w = input("w", r.shape(r.pick(ranks)));
      const penalty = parsed.definition.penalty(w, parsed.options);
      const at = r.array(sizeOf(w.type.shape), -2, 2);
      assert.ok((await gradientError(penalty, [w], feedOf([w, at]))) < 1e-6);
    }
  });
}

test.run();
