/** Learning-rate schedules against Keras's numbers, step by step, also in single precision. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBackend } from "../../src/backends/index.ts";
import type { Named } from "../../src/nn/definition.ts";
import { rateOption, type Schedule, schedules } from "../../src/nn/schedules.ts";
import { input, prepare } from "../support/evaluate.ts";
import { assertClose, fixture, type Options } from "../support/keras.ts";
import { parity, recordsOf } from "../support/parity.ts";

interface ScheduleRecord {
  readonly name: string;
  readonly options: Options;
  readonly steps: readonly number[];
  readonly rates: readonly number[];
}
const records = fixture<ScheduleRecord[]>("schedules");

async function rates({ name, options, steps }: ScheduleRecord, backend = "reference") {
  const chosen = rateOption().parse({ [name]: options }) as Named<Schedule>;
  const step = input("step", []);
  const rate = chosen.definition.rate(step, chosen.options);
  assert.equal(rate.type.shape, []);
  const prepared = await prepare([rate], await loadBackend(backend));
  const found: number[] = [];
  for (const at of steps) {
    const [value] = await prepared.run(new Map([[step, Float64Array.of(at)]]));
    found.push(value![0]!);
  }
  await prepared.dispose();
  return found;
}

for (const r of recordsOf<ScheduleRecord>(parity.schedules)) {
  test(`${r.name} ${JSON.stringify(r.options)} as in Keras`, async () => {
    assertClose(await rates(r), r.rates, parity.schedules.tolerance, "rates");
  });
  test(`${r.name} ${JSON.stringify(r.options)} in single precision`, async () => {
    const got = await rates(r, "js");
    // What is larger is infinite there.
    const fits = r.rates.map((rate) => Math.fround(rate) < Infinity);
    const some = (all: readonly number[]) => all.filter((_, i) => fits[i]);
    assertClose(some([...got]), some(r.rates), 1e-7, "rates");
  });
}

test("every schedule has records", () => {
  const known = new Set(records.map((r) => r.name));
  assert.equal(
    schedules.map((s) => s.name).filter((n) => !known.has(n)),
    [],
  );
});

test("restarts come at their step however long it goes on", async () => {
  const name = "cosine_decay_restarts";
  for (const first of [1, 3, 7, 10, 1000]) {
    const starts = Array.from({ length: 12 }, (_, i) => first * (2 ** i - 1));
    const options = { initial_learning_rate: 0.1, first_decay_steps: first };
    const got = await rates({ name, options, steps: starts, rates: [] }, "js");
    assertClose(
      got,
      starts.map(() => 0.1),
      1e-7,
      `first_decay_steps ${first}`,
    );
  }
});

test("a rate is a number or a schedule", () => {
  assert.is(rateOption().parse(0.5), 0.5);
  const problem = (value: unknown) => rateOption().safeParse(value).error?.issues[0]?.message;
  assert.match(problem("cosine")!, /there is no schedule "cosine"/);
  assert.match(problem(-1)!, /0/);
  const steps = { boundaries: [3, 2], values: [1, 1, 1] };
  assert.match(problem({ piecewise_constant_decay: steps })!, /must grow/);
});

test.run();
