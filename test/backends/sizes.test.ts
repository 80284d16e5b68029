/** Arrays that are too large for a GPU are told before anything runs. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkSizes } from "../../src/backends/gpujs/sizes.ts";
import { reference } from "../../src/backends/reference.ts";
import { compile } from "../../src/compiler/compile.ts";
import { variable } from "../../src/ir/graph.ts";
import { einsum } from "../../src/ops/contract.ts";
import type { RunError } from "../../src/support/errors.ts";
import { input } from "../support/evaluate.ts";

const [x, w] = [input("images", [1000, 30]), input("w", [30, 400])];
const out = variable({ name: "out", shape: [1000, 400] });
const updates = [{ variable: out, value: einsum("bi,io->bo", x, w) }];
const program = compile([{ name: "test", updates }], reference.traits);

test("what fits is accepted, to the byte", () => {
  checkSizes(program, new Map(), 1000 * 400 * 4);
  assert.throws(() => checkSizes(program, new Map(), 1000 * 400 * 4 - 1));
});

test("the largest array is named, with what to make smaller", () => {
  const told = (constants: ReadonlyMap<string, Float32Array>) => {
    try {
      checkSizes(program, constants, 1e6);
    } catch (error) {
      const { message, fix } = error as RunError;
      return `${message}; ${fix}`;
    }
    return "";
  };
  assert.match(told(new Map()), /^webgpu: out needs 2 MB, and .* at most 1 MB; .*batch_size/);
  const images = new Map([["images", new Float32Array(600_000)]]);
  assert.match(told(images), /^webgpu: images needs 3 MB, .*; .*`limit` of the data/);
});

test.run();
