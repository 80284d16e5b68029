/**
 * Layers against Keras: outputs, gradients with respect to the inputs and every trained weight, what is added to
 * the loss, and the moving statistics after a step.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBackend } from "../../src/backends/index.ts";
import { reference } from "../../src/backends/reference.ts";
import { buildLayer } from "../support/build-layer.ts";
import { input } from "../support/evaluate.ts";
import { fixture } from "../support/keras.ts";
import { compare, type Fixture } from "../support/layer-fixture.ts";
import { parity } from "../support/parity.ts";

const { tolerance } = parity.layers;
// Those of masks.json have a test of their own.
const files = parity.layers.files.filter((file) => file !== "masks");
const fixtures = files.flatMap((file) => fixture<Fixture[]>(file));
const names = [...new Set(fixtures.map((f) => f.layer))];

for (const name of names) {
  test(`${name} as in Keras`, async () => {
    const own = fixtures.filter((f) => f.layer === name);
    const { wrong, worst } = await compare(own, tolerance, reference);
    if (process.env["NNC_SHOW_ERRORS"]) console.log(name, own.length, worst);
    assert.equal(wrong, []);
  });
}

test("a third of them on webasm, in single precision", async () => {
  const backend = await loadBackend("webasm");
  const probe = await backend.probe();
  if (!probe.ok) return console.log(`skipped: webasm: ${probe.reason}`);
  for (const name of names) {
    const some = fixtures.filter((f, k) => f.layer === name && k % 3 === 0);
    const { wrong, worst } = await compare(some, 1e-4, backend);
    if (process.env["NNC_SHOW_ERRORS"]) console.log("webasm", name, some.length, worst);
    assert.equal(wrong, []);
  }
});

test("a fixture of a layer that does not exist is an error", () => {
  const x = input("x", [1, 2]);
  assert.throws(() => buildLayer({ layer: "no_such_layer", options: {}, x }), /no layer/);
});

test.run();
