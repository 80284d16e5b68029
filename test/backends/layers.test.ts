/** A case of every layer in training, outputs and gradients, on every backend against the interpreter. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { layers } from "../../src/nn/layers/index.ts";
import { workingBackends } from "../support/backends.ts";
import { compareLayers } from "../support/compare-layers.ts";
import { layerCases } from "../support/layer-cases.ts";

/** Layers in one program. */
const together = 12;

for (const backend of await workingBackends()) {
  test(`every layer on ${backend.name}`, async () => {
    const cases = layers.map(({ name }) => [name, layerCases[name]!] as const);
    for (let k = 0; k < cases.length; k += together) {
      assert.equal(await compareLayers(cases.slice(k, k + together), backend, 3), []);
    }
  });
}

test.run();
