/** Random numbers of the host: the many at once are those that come one by one. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { permutation, randomStream } from "../src/support/random.ts";

test("filled at once or drawn one by one", () => {
  const [a, b] = [randomStream(7, "x"), randomStream(7, "x")];
  for (const [lo, hi] of [
    [0, 1],
    [-0.25, 0.5],
    [3, 3],
  ] as const) {
    const values = new Float32Array(1000);
    a.fillUniform(values, lo, hi);
    assert.equal(
      values,
      Float32Array.from(values, () => lo + (hi - lo) * b.uniform()),
    );
    assert.is(a.normal(), b.normal());
  }
});

test("a permutation has every number once, and is its stream's", () => {
  const order = permutation(1000, randomStream(1, "shuffle", 3));
  assert.equal(
    [...order].sort((x, y) => x - y),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.equal(order, permutation(1000, randomStream(1, "shuffle", 3)));
  assert.not.equal(order, permutation(1000, randomStream(1, "shuffle", 4)));
});

test.run();
