/** Constraints against Keras's numbers; that what they give satisfies them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Shape, sizeOf } from "../../src/ir/graph.ts";
import { constraintOption, constraints } from "../../src/nn/constraints.ts";
import { evaluate, input, random } from "../support/evaluate.ts";
import { assertClose, feedOf, fixture, given, type Options } from "../support/keras.ts";
import { parity } from "../support/parity.ts";

interface ConstraintRecord {
  readonly name: string;
  readonly options: Options;
  readonly shape: Shape;
  readonly x: readonly number[];
  readonly y: readonly number[];
}
const records = fixture<ConstraintRecord[]>("constraints");

for (const r of records) {
  test(`${r.name} ${JSON.stringify(r.options)} as in Keras`, async () => {
    const { definition, options } = constraintOption().parse({ [r.name]: r.options });
    const [w, ws] = given("w", { shape: r.shape, values: r.x });
    assert.is(definition.unfit?.(r.shape, options), undefined);
    const [y] = await evaluate([definition.apply(w, options)], feedOf([w, ws]));
    assertClose(y!, r.y, parity.constraints.tolerance, "values");
  });
}

test("every constraint has records", () => {
  const known = new Set(records.map((r) => r.name));
  assert.equal(
    constraints.map((c) => c.name).filter((n) => !known.has(n)),
    [],
  );
});

test("what satisfies a constraint stays", async () => {
  for (const { name } of constraints) {
    for (let seed = 0; seed < 3; seed++) {
      const r = random(seed);
      const { definition, options } = constraintOption().parse(name);
      const w = input("w", r.shape(r.int(1, 3)));
      const at = r.array(sizeOf(w.type.shape), -3, 3);
      const once = definition.apply(w, options);
      const twice = definition.apply(once, options);
      const [a, b] = await evaluate([once, twice], feedOf([w, at]));
      assertClose(b!, a!, 1e-6, name);
    }
  }
});

test("a dimension that is none is said", () => {
  const { definition, options } = constraintOption().parse({ max_norm: { axis: [0, 2] } });
  assert.match(definition.unfit!([3, 4], options)!.message, /\[3, 4\] has no such dimensions/);
  const wrong = constraintOption().safeParse({ min_max_norm: { min_value: 2 } });
  assert.match(wrong.error!.issues[0]!.message, /larger than `max_value`/);
});

test.run();
