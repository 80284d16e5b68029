/** Masks against Keras: what layers do with those of their inputs, which one their output has, and time_distributed. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBackend } from "../../src/backends/index.ts";
import { reference } from "../../src/backends/reference.ts";
import { activations } from "../../src/nn/activations.ts";
import { layers } from "../../src/nn/layers/index.ts";
import { fixture } from "../support/keras.ts";
import { compare, type Fixture } from "../support/layer-fixture.ts";
import { parity } from "../support/parity.ts";

const fixtures = fixture<Fixture[]>("masks");
const names = [...new Set(fixtures.map((f) => f.layer))];

for (const name of names) {
  test(`${name} with masks as in Keras`, async () => {
    const own = fixtures.filter((f) => f.layer === name);
    assert.equal((await compare(own, parity.layers.tolerance, reference)).wrong, []);
  });
}

test("every layer that Keras has too was shown a mask", () => {
  const all = [...fixtures, ...fixture<Fixture[]>("recurrent_layers")];
  const shown = new Set(all.filter((f) => f.masks?.some((m) => m)).map((f) => f.layer));
  // An activation as a layer of its own is what Keras's Activation is.
  const own = activations.map((a) => a.name).filter((name) => !shown.has(name));
  const rest = layers
    .filter(({ name, takes }) => takes !== "none" && !shown.has(name) && !own.includes(name))
    .map(({ name }) => name)
    // Outside training Keras's give back the very tensor they got, mask and all; in training another one.
    .filter((name) => !name.startsWith("random_"));
  assert.equal(rest, []);
});

test("a third of them on webasm, in single precision", async () => {
  const backend = await loadBackend("webasm");
  const probe = await backend.probe();
  if (!probe.ok) return console.log(`skipped: webasm: ${probe.reason}`);
  const some = fixtures.filter((_, k) => k % 3 === 0);
  for (let k = 0; k < some.length; k += 12)
    assert.equal((await compare(some.slice(k, k + 12), 1e-4, backend)).wrong, []);
});

test.run();
