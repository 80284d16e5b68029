/**
 * The counter-based random numbers: uniform, and independent of their neighbours in every direction in which
 * the counter goes: element, step, request, seed. Deviations are in standard deviations.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { variable } from "../../src/ir/graph.ts";
import { uniform } from "../../src/ops/random.ts";
import { evaluate } from "../support/evaluate.ts";
import { correlationZ, kolmogorov, moments, uniformityZ } from "../support/statistics.ts";

const count = 2 ** 18;
const limit = 4.5;

type Point = readonly [seed: number, step: number, request: number];

const cache = new Map<string, Promise<Float64Array>>();
function draws([seed, step, request]: Point): Promise<Float64Array> {
  const key = `${seed} ${step} ${request}`;
  const known = cache.get(key) ?? fresh(seed, step, request, [count]);
  cache.set(key, known);
  return known;
}
async function fresh(seed: number, step: number, request: number, shape: readonly number[]) {
  const counter = variable({ name: "step", shape: [], dtype: "i32", kind: "data" });
  const x = uniform(counter, seed, request, shape);
  return (await evaluate([x], new Map([[counter, Float64Array.of(step)]])))[0]!;
}

const points: readonly Point[] = [
  [0, 0, 0],
  [1, 0, 0],
  [1, 1, 0],
  [1, 0, 1],
  [2, 1000, 3],
  [123456789, 59999, 17],
  [0xffffffff, 2 ** 24, 255],
  [16777216, 7, 2],
];

const within = (z: number, what: string) => assert.ok(Math.abs(z) < limit, `${what}: ${z}`);

for (const point of points) {
  test(`statistics of seed, step, request ${point}`, async () => {
    const x = await draws(point);
    const { mean, min, max } = moments(x);
    assert.ok(min >= 0 && max < 1, `${min} to ${max}`);
    assert.ok(
      x.every((v) => Number.isInteger(v * 2 ** 24)),
      "multiples of 2⁻²⁴",
    );
    within((mean - 0.5) * Math.sqrt(12 * count), "mean");
    // (x − ½)² has mean 1/12 and variance 1/180.
    const spread = moments(x.map((v) => (v - 0.5) ** 2)).mean;
    within((spread - 1 / 12) * Math.sqrt(180 * count), "variance");
    assert.ok(kolmogorov(x, (v) => v) < 2.2, "distribution");
    for (const bits of [8, 16, 24]) {
      const bins = new Float64Array(256);
      for (const v of x) bins[Math.floor(v * 2 ** bits) % 256]! += 1;
      within(uniformityZ(bins), `256 bins of the bits above ${24 - bits}`);
    }
    for (const lag of [1, 2, 16, 256, 1000])
      within(correlationZ(x.subarray(lag), x.subarray(0, -lag)), `correlation at lag ${lag}`);
  });
}

test("pairs of neighbours fill the square evenly", async () => {
  for (const point of points) {
    const x = await draws(point);
    const bins = new Float64Array(256);
    for (let i = 0; i < count; i += 2)
      bins[Math.floor(x[i]! * 16) * 16 + Math.floor(x[i + 1]! * 16)]! += 1;
    within(uniformityZ(bins), `${point}`);
  }
});

test("numbers coincide as often as chance has it", async () => {
  for (const point of points) {
    const different = new Set(await draws(point)).size;
    // Of n numbers out of m, about n²/2m repeat another, with Poisson's distribution.
    const repeats = count - different;
    const expected = count ** 2 / 2 ** 25 - count ** 3 / (6 * 2 ** 48);
    within((repeats - expected) / Math.sqrt(expected), `${point}: ${repeats} repeats`);
  }
});

test("avalanche: another bit of the element flips every bit of the number half the time", async () => {
  for (const point of points.slice(0, 4)) {
    const x = Int32Array.from(await draws(point), (v) => v * 2 ** 24);
    for (let bit = 0; bit < 18; bit++) {
      const flips = new Int32Array(24);
      for (let i = 0; i < count; i++) {
        if (i & (1 << bit)) continue;
        const changed = x[i]! ^ x[i | (1 << bit)]!;
        for (let b = 0; b < 24; b++) flips[b]! += (changed >> b) & 1;
      }
      const n = count / 2;
      for (const [b, k] of flips.entries())
        within(
          (2 * k - n) / Math.sqrt(n),
          `${point}: bit ${bit} of the element, ${b} of the number`,
        );
    }
  }
});

const neighbours: readonly (readonly [string, Point, Point])[] = [
  ["seeds", [1, 0, 0], [2, 0, 0]],
  ["seeds", [1000, 5, 1], [1001, 5, 1]],
  ["seeds 2²⁴ apart", [1, 0, 0], [16777217, 0, 0]],
  ["steps", [1, 0, 0], [1, 1, 0]],
  ["steps", [1, 999, 2], [1, 1000, 2]],
  ["requests", [1, 0, 0], [1, 0, 1]],
  ["requests", [77, 4, 5], [77, 4, 6]],
  ["step and request", [1, 1, 0], [1, 0, 1]],
  ["seed and step", [1, 1, 0], [2, 0, 0]],
];
for (const [what, a, b] of neighbours) {
  test(`neighbouring ${what} are independent: ${a} and ${b}`, async () => {
    const [x, y] = [await draws(a), await draws(b)];
    within(correlationZ(x, y), "same element");
    within(correlationZ(x.subarray(1), y.subarray(0, -1)), "next element");
    within(correlationZ(x.subarray(0, -1), y.subarray(1)), "element before");
    const bins = new Float64Array(256);
    x.forEach((v, i) => {
      bins[Math.floor(v * 16) * 16 + Math.floor(y[i]! * 16)]! += 1;
    });
    within(uniformityZ(bins), "pairs");
    const same = x.reduce((n, v, i) => n + (v === y[i] ? 1 : 0), 0);
    assert.ok(same < 5, `${same} equal numbers`);
  });
}

test("one element over many steps, requests and seeds", async () => {
  const ways: readonly (readonly [string, (i: number) => Point])[] = [
    ["step", (i) => [3, i, 0]],
    ["request", (i) => [3, 0, i]],
    ["seed", (i) => [i, 0, 0]],
  ];
  for (const [what, point] of ways) {
    const x = new Float64Array(2048);
    for (let i = 0; i < x.length; i++) x[i] = (await fresh(...point(i), [1]))[0]!;
    const { mean } = moments(x);
    within((mean - 0.5) * Math.sqrt(12 * x.length), `${what}: mean`);
    within(correlationZ(x.subarray(1), x.subarray(0, -1)), `${what}: neighbours`);
    assert.ok(kolmogorov(x, (v) => v) < 2.2, `${what}: distribution`);
  }
});

test("an element's number depends on its place in the whole, not on the shape", async () => {
  const flat = await fresh(5, 6, 7, [60]);
  assert.equal(await fresh(5, 6, 7, [3, 4, 5]), flat);
  assert.equal((await fresh(5, 6, 7, [12])).slice(), flat.slice(0, 12));
});

test.run();
