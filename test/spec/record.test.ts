/** Expectations written into specs: what was measured holds, and nothing else of the text changes. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { judge, parseExpectation, type Verdict } from "../../src/spec/expectation.ts";
import { addExpectations, recorded, updateExpectations } from "../../src/spec/record.ts";
import { parseSpec } from "../../src/spec/source.ts";
import { randomStream } from "../../src/support/random.ts";

test("whatever is recorded holds for what was measured, and for little less", () => {
  const random = randomStream(1, "record");
  for (let i = 0; i < 400; i++) {
    const got = (i % 7 === 0 ? 0 : random.normal()) * 10 ** (random.below(9) - 4);
    for (const relation of [">=", "<=", ">", "<", "==", "~"]) {
      const want = recorded("loss", `${relation} 1`, got);
      const [verdict] = judge([parseExpectation("loss", want)], { loss: got });
      assert.ok(verdict!.ok, `${got} ${want}`);
      const near = Math.abs(Number(want.replace(/^\D+ /, "")) - got) <= 2e-3 * Math.abs(got) + 1e-3;
      assert.ok(near, `${want} is far from ${got}`);
    }
  }
});

const verdict = (metric: string, want: string, got: number, ok: boolean): Verdict => ({
  ...{ metric, want, got, ok },
});

test("only what failed changes; comments and layout stay", () => {
  const text = [
    "name: a # one",
    "expect:",
    "  loss: '<= 0.1'   # two",
    "  accuracy:  >= 0.9",
    "",
  ].join("\n");
  const failed = [verdict("loss", "<= 0.1", 0.25, false), verdict("accuracy", ">= 0.9", 1, true)];
  assert.is(updateExpectations(text, failed), text.replace("'<= 0.1'", '"<= 0.25"'));
  const flow = "expect: { loss: 0.5, accuracy: '>= 1' } # end\n";
  const both = [verdict("loss", "0.5", 0.25, false), verdict("accuracy", ">= 1", 0.97123, false)];
  assert.is(
    updateExpectations(flow, both),
    'expect: { loss: "== 0.25", accuracy: ">= 0.9712" } # end\n',
  );
});

test("where nothing was expected a line is added, in JSON too", () => {
  const measured = { val_loss: 0.123456, val_accuracy: 0.97 };
  const expect = { val_loss: "~ 0.1235", val_accuracy: "~ 0.97" };
  for (const text of [
    "name: a\n# end",
    "name: a\n\n\n",
    '{ "name": "a" }\n',
    '{\n  "name": "a"\n}',
  ]) {
    const read = parseSpec(addExpectations(text, measured), "a.yaml", ".");
    assert.equal(read.value, { name: "a", expect });
  }
});

test.run();
