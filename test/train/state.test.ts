/** The state of a run read, written into another session, and read again: the same bits, and the same future. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reference } from "../../src/backends/reference.ts";
import { names } from "../../src/train/graphs.ts";
import type { Session } from "../../src/train/session.ts";
import { workingBackends } from "../support/backends.ts";
import { openSession, smallSpecs } from "../support/sessions.ts";

const bits = (state: ReadonlyMap<string, Float32Array | Float64Array>) =>
  new Map([...state].map(([name, v]) => [name, Buffer.from(v.buffer).toString("hex")]));
const runs = (session: Session, steps: number) =>
  session.executable.run(names.procedure("train", "batch"), steps);

for (const backend of [reference, ...(await workingBackends())]) {
  for (const [name, text] of Object.entries(smallSpecs)) {
    test(`${name} on ${backend.name}`, async () => {
      const whole = await openSession(text, backend);
      whole.beginPass("train", 1);
      await runs(whole, 2);
      const middle = await whole.state();
      assert.ok([...middle].some(([variable]) => variable.startsWith("optimizer/")));
      await runs(whole, 2);
      const end = bits(await whole.state());

      const resumed = await openSession(text.replace("data:", "seed: 9\ndata:"), backend);
      const order = await whole.executable.read(names.order);
      resumed.beginPass("train", 1);
      resumed.executable.write(names.order, order);
      assert.equal(resumed.restore(middle, true), []);
      assert.equal(bits(await resumed.state()), bits(middle), "it reads as it was written");
      // Random numbers follow from the seed, which this session has another of.
      if (!text.includes("dropout")) {
        await runs(resumed, 2);
        assert.equal(bits(await resumed.state()), end, "it goes on as it would have");
      }
      await whole.dispose();
      await resumed.dispose();
    });
  }

  test(`extreme values on ${backend.name}`, async () => {
    const session = await openSession(smallSpecs.mlp, backend);
    const values = [0, -0, 1e-45, -1e-40, 3.4028234663852886e38, Number.POSITIVE_INFINITY, 0.1];
    const bias = Float32Array.from({ length: 17 }, (_, i) => values[i % values.length]!);
    session.executable.write("dense_1/bias", bias);
    const iteration = backend.name === "native" ? 2 ** 30 + 1 : 2 ** 24;
    session.executable.write(names.iteration, Int32Array.of(iteration));
    const state = await session.state();
    assert.equal(Float32Array.from(state.get("dense_1/bias")!), bias);
    assert.ok(Object.is(state.get("dense_1/bias")![1], -0), "minus zero");
    assert.is(state.get(names.iteration)![0], iteration);
    await session.dispose();
  });
}

test("a state of another model is refused, and nothing is changed", async () => {
  const [one, other] = await Promise.all([
    openSession(smallSpecs.mlp, reference),
    openSession(smallSpecs.mlp.replace("units: 17", "units: 18"), reference),
  ]);
  const before = bits(await other.state());
  const misfits = other.restore(await one.state(), true);
  assert.ok(misfits.includes("dense_1/bias has 17 values, and needs 18"), misfits.join("\n"));
  assert.equal(bits(await other.state()), before);
  const sgd = await openSession(smallSpecs.mlp.replace("adam", "sgd"), reference);
  assert.match(sgd.restore(await one.state(), false).join("\n"), "momentum is not in the model");
  await Promise.all([one, other, sgd].map((session) => session.dispose()));
});

test.run();
