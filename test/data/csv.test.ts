import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Dataset, Samples } from "../../src/data/dataset.ts";
import { csv } from "../../src/data/sources/csv.ts";
import { inFolder, load, random } from "./helpers.ts";

/** The compiled test lies in dist/test/data. */
const datasets = fileURLToPath(new URL("../../../datasets", import.meta.url));
const x = (dataset: Dataset): Samples => dataset.train.inputs.get("x")!;
const y = (dataset: Dataset): Samples => dataset.train.targets.get("y")!;
const rounded = (values: Iterable<number>) => [...values].map((v) => Number(v.toFixed(4)));

/** Loads `a.csv` (and `b.csv`) of the given text. */
function loadText(text: string | Uint8Array, options = {}, test?: string): Promise<Dataset> {
  const files = { "a.csv": text, ...(test === undefined ? {} : { "b.csv": test }) };
  return inFolder(files, (folder) => load(csv, { path: "a.csv", target: "y", ...options }, folder));
}

test("iris.csv: four features, three classes, 150 rows", async () => {
  const iris = await load(csv, { path: "iris.csv", target: "species" }, datasets);
  assert.equal(iris.classes, ["setosa", "versicolor", "virginica"]);
  assert.is(iris.train.count, 150);
  assert.equal(x(iris).shape, [4]);
  assert.ok(x(iris).values instanceof Float32Array);
  assert.equal(y(iris).shape, []);
  assert.ok(y(iris).values instanceof Int32Array);
  assert.is(iris.summary, "150 training rows, 4 features, 3 classes");
  for (const label of [0, 1, 2])
    assert.is([...y(iris).values].filter((v) => v === label).length, 50);
  const rows = Array.from({ length: 150 }, (_, i) =>
    [...rounded(x(iris).values.subarray(i * 4, i * 4 + 4)), y(iris).values[i]].join(),
  );
  assert.ok(rows.includes("5.1,3.5,1.4,0.2,0"));
  assert.ok(rows.includes("4.9,3.6,1.4,0.1,0"), "row 38 as Fisher has it");
  assert.ok(rows.includes("7,3.2,4.7,1.4,1"));
  assert.ok(rows.includes("5.9,3,5.1,1.8,2"));
  const means = [0, 1, 2, 3].map((column) => {
    return [...x(iris).values].reduce((sum, v, i) => sum + (i % 4 === column ? v : 0), 0) / 150;
  });
  assert.equal(rounded(Float32Array.from(means)), [5.8433, 3.0573, 3.758, 1.1993]);
});

test("one_hot: a categorical target as one value a class, in the test file too", async () => {
  const data = await loadText(
    "a,y\n1,cat\n2,ant\n3,bee\n",
    { one_hot: true, test: "b.csv" },
    "a,y\n5,bee\n",
  );
  assert.equal(data.classes, ["ant", "bee", "cat"]);
  assert.equal(y(data).shape, [3]);
  assert.equal([...y(data).values], [0, 0, 1, 1, 0, 0, 0, 1, 0]);
  assert.equal([...data.validation!.targets.get("y")!.values], [0, 1, 0]);
});

test("linear.csv: y = x + noise in [-2, 1]", async () => {
  const linear = await load(csv, { path: "linear.csv", target: "y" }, datasets);
  assert.equal([...x(linear).values], [...Array(20).keys()]);
  assert.equal([x(linear).shape, y(linear).shape, linear.classes], [[1], [1], undefined]);
  const noise = y(linear).values.map((value, i) => value - i);
  assert.ok(noise.every((n) => [-2, -1, 0, 1].includes(n)));
  assert.is(linear.summary, "20 training rows, 1 feature, 1 target");
});

test("the datasets are those of the README", () => {
  const readme = readFileSync(`${datasets}/README.md`, "utf8");
  for (const file of ["linear.csv", "iris.csv"]) {
    const sum = createHash("sha256")
      .update(readFileSync(`${datasets}/${file}`))
      .digest("hex");
    assert.ok(readme.includes(sum), `${file} has SHA-256 ${sum}`);
  }
});

test("text features are one-hot over sorted categories, columns in order", async () => {
  const data = await loadText("colour,size,y\nred,1.5,0\nblue,2,1\nred,3,0.5\ngreen,4,2\n");
  assert.equal(x(data).shape, [4]); // blue, green, red, size
  assert.equal([...x(data).values], [0, 0, 1, 1.5, 1, 0, 0, 2, 0, 0, 1, 3, 0, 1, 0, 4]);
  assert.equal([...y(data).values], [0, 1, 0.5, 2]);
  assert.equal(y(data).shape, [1]);
});

test("features are taken in the order named; other columns may hold anything", async () => {
  const data = await loadText("id,a,b,y\nu,1,2,3\n,4,5,6\n", { features: ["b", "a"] });
  assert.equal([...x(data).values], [2, 1, 5, 4]);
});

test("several numeric targets", async () => {
  const data = await loadText("a,y,z\n1,2,3\n4,5,6\n", { target: ["z", "y"] });
  assert.equal(y(data).shape, [2]);
  assert.equal([...y(data).values], [3, 2, 6, 5]);
});

test("numbers as categories are sorted by value", async () => {
  const text = "a,y\n1,10\n2,9\n3,0\n4,10\n";
  const data = await loadText(text, { categorical: ["y"] });
  assert.equal(data.classes, ["0", "9", "10"]);
  assert.equal([...y(data).values], [2, 1, 0, 2]);
  assert.is((await loadText(text)).classes, undefined);
});

test("a column of mostly text keeps the spelling of its numbers", async () => {
  const data = await loadText("a,y\n1,007\n2,x\n3,w\n4,x\n");
  assert.equal(data.classes, ["007", "w", "x"]);
  assert.equal([...y(data).values], [0, 2, 1, 2]);
});

test("without a header, columns are numbers; other delimiters", async () => {
  const data = await loadText("1;2;u\n3;4;v\n", { header: false, target: 2, delimiter: ";" });
  assert.equal(data.classes, ["u", "v"]);
  assert.equal([...x(data).values], [1, 2, 3, 4]);
  const tabs = await loadText("a\ty\n1\t2\n", { delimiter: "\t" });
  assert.equal([...x(tabs).values, ...y(tabs).values], [1, 2]);
});

test("BOM, CRLF, CR, spaces, quotes, empty lines and a last line without end", async () => {
  for (const text of [
    "\ufeffa,y\r\n1,2\r\n\r\n3,4",
    "a,y\r1,2\r3,4\r",
    ' a , "y"\n 1, 2\n   \n"3","4"\n\n',
  ]) {
    const data = await loadText(text);
    assert.equal([...x(data).values, ...y(data).values], [1, 3, 2, 4]);
  }
  const quoted = await loadText('a,y\n1,"u, ""v""\nw"\n2,z\n');
  assert.equal(quoted.classes, ['u, "v"\nw', "z"]);
});

test("a test file is encoded with the training file's categories, whatever its order", async () => {
  const data = await loadText("c,a,y\nu,1,no\nv,2,yes\n", { test: "b.csv" }, "y,c,a\nyes,u,7\n");
  assert.equal([...data.validation!.inputs.get("x")!.values], [1, 0, 7]);
  assert.equal([...data.validation!.targets.get("y")!.values], [1]);
  assert.is(data.summary, "2 training and 1 test rows, 3 features, 2 classes");
});

test("random tables come back as they were written", async () => {
  const next = random(7);
  for (let i = 0; i < 25; i++) {
    const [rows, width] = [1 + Math.floor(next() * 40), 1 + Math.floor(next() * 8)];
    const numbers = Float32Array.from({ length: rows * (width + 1) }, () => (next() - 0.5) * 1e3);
    const lines = Array.from({ length: rows }, (_, row) =>
      numbers.subarray(row * (width + 1), (row + 1) * (width + 1)).join(),
    );
    const text = lines.join(next() < 0.5 ? "\n" : "\r\n");
    const data = await loadText(text, { header: false, target: width });
    const read = Array.from({ length: rows }, (_, row) => [
      ...x(data).values.subarray(row * width, (row + 1) * width),
      y(data).values[row]!,
    ]).flat();
    assert.equal(Float32Array.from(read), numbers);
  }
});

test.run();
