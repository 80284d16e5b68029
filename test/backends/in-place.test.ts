/** Variables that a step overwrites where they lie: each element is updated once, whatever the extents. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/compiler/compile.ts";
import { variable } from "../../src/ir/graph.ts";
import { add, mul } from "../../src/ops/pointwise.ts";
import { workingBackends } from "../support/backends.ts";

const cache = mkdtempSync(join(tmpdir(), "nnc-cache-"));
process.env["NNC_CACHE"] = cache;
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

for (const backend of await workingBackends()) {
  test(`${backend.name}: x ← x/2 + b, rows of 1 to 40`, async () => {
    const widths = [1, 3, 8, 9, 17, 31, 40];
    // No flat loop: the row vector's index is a remainder of the flat one.
    const updates = widths.map((n) => {
      const x = variable({ name: `x${n}`, shape: [5, n] });
      const b = variable({ name: `b${n}`, shape: [n], kind: "data" });
      return { variable: x, value: add(mul(x, 0.5), b) };
    });
    const program = compile([{ name: "test", updates }], backend.traits);
    const exe = await backend.compile(program, new Map(), {});
    for (const n of widths) {
      exe.write(`x${n}`, new Float32Array(5 * n).fill(8));
      exe.write(
        `b${n}`,
        Float32Array.from({ length: n }, (_, i) => i),
      );
    }
    await exe.run("test", 2);
    for (const n of widths) {
      const want = Float32Array.from({ length: 5 * n }, (_, i) => 2 + 1.5 * (i % n));
      assert.equal(Float32Array.from(await exe.read(`x${n}`)), want, `rows of ${n}`);
    }
    await exe.dispose();
  });
}

for (const backend of await workingBackends()) {
  test(`${backend.name}: one value for two variables, and a variable's old value for another`, async () => {
    const state = (name: string) => variable({ name, shape: [4] });
    const [x, y, old] = [state("x"), state("y"), state("old")];
    const b = variable({ name: "b", shape: [4], kind: "data" });
    const value = mul(b, b);
    const updates = [
      { variable: x, value },
      { variable: y, value },
      { variable: old, value: x },
    ];
    const program = compile([{ name: "test", updates }], backend.traits);
    const exe = await backend.compile(program, new Map(), {});
    exe.write("b", Float32Array.of(1, 2, 3, 4));
    exe.write("x", Float32Array.of(7, 7, 7, 7));
    await exe.run("test", 1);
    const read = async (name: string) => [...(await exe.read(name))];
    assert.equal(await read("x"), [1, 4, 9, 16]);
    assert.equal(await read("y"), [1, 4, 9, 16]);
    assert.equal(await read("old"), [7, 7, 7, 7]);
    await exe.dispose();
  });
}

test.run();
