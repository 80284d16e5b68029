/** The page that says what is compared with Keras is what the fixtures make it, and nothing is left out. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { namesOf } from "../../src/nn/definition.ts";
import { type Compared, parity, parityTable, recordsOf } from "../support/parity.ts";

test("docs/keras-parity.md is what the fixtures make it", () => {
  if (process.env["NNC_KERAS_FIXTURES"]) return console.log("skipped: other fixtures");
  const page = readFileSync(new URL("../../../docs/keras-parity.md", import.meta.url), "utf8");
  assert.is(page, parityTable(), "write it with `npm run parity`");
});

/** Of each kind the fewest cases that one thing has; an input has no numbers. */
const fewest: readonly (readonly [Compared, number])[] = [
  [parity.layers, 12],
  [parity.losses, 6],
  [parity.metrics, 4],
  [parity.optimizers, 6],
  [parity.schedules, 4],
  [parity.activations, 1],
  [parity.initializers, 1],
  [parity.regularizers, 1],
  [parity.constraints, 1],
];
for (const [kind, least] of fewest) {
  test(`${kind.title}: at least ${least} cases of each`, () => {
    if (process.env["NNC_KERAS_FIXTURES"]) return console.log("skipped: other fixtures");
    const records = recordsOf<{ layer?: string; name?: string }>(kind);
    const poor = kind.definitions
      .filter((d) => d.name !== "input")
      .map(
        (d) =>
          [
            d.name,
            records.filter((r) => namesOf(d).includes(r.layer ?? r.name ?? "")).length,
          ] as const,
      )
      .filter(([, count]) => count < least);
    assert.equal(poor, []);
  });
}

test.run();
