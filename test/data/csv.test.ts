import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Dataset, Samples } from "../../src/data/dataset.ts";
import { csv } from "../../src/data/sources/csv.ts";
import { assertProblem, inFolder, load, problemsOf, random } from "./helpers.ts";

/** The compiled test lies in dist/test/data. */
const datasets = fileURLToPath(new URL("../../../datasets", import.meta.url));
const x = (dataset: Dataset): Samples => dataset.train.inputs.get("x")!;
const y = (dataset: Dataset): Samples => dataset.train.targets.get("y")!;
const rounded = (values: Samples["values"]) => [...values].map((v) => Number(v.toFixed(4)));

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
  for (const label of [0, 1, 2]) assert.is(y(iris).values.filter((v) => v === label).length, 50);
  const rows = Array.from({ length: 150 }, (_, i) =>
    [...rounded(x(iris).values.subarray(i * 4, i * 4 + 4)), y(iris).values[i]].join(),
  );
  assert.ok(rows.includes("5.1,3.5,1.4,0.2,0"));
  assert.ok(rows.includes("4.9,3.6,1.4,0.1,0"), "row 38 as Fisher has it");
  assert.ok(rows.includes("7,3.2,4.7,1.4,1"));
  assert.ok(rows.includes("5.9,3,5.1,1.8,2"));
  const means = [0, 1, 2, 3].map((column) => {
    return x(iris).values.reduce((sum: number, v, i) => sum + (i % 4 === column ? v : 0), 0) / 150;
  });
  assert.equal(rounded(Float32Array.from(means)), [5.8433, 3.0573, 3.758, 1.1993]);
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
    const sum = createHash("sha256").update(readFileSync(`${datasets}/${file}`)).digest("hex");
    assert.ok(readme.includes(sum), `${file} has SHA-256 ${sum}`);
  }
});

test("text features are one-hot over sorted categories, in the file's order of columns", async () => {
  const data = await loadText("colour,size,y\nred,1.5,0\nblue,2,1\nred,3,0.5\ngreen,4,2\n");
  assert.equal(x(data).shape, [4]); // blue, green, red, size
  assert.equal([...x(data).values], [0, 0, 1, 1.5, 1, 0, 0, 2, 0, 0, 1, 3, 0, 1, 0, 4]);
  assert.equal([...y(data).values], [0, 0, 0, 0].map((_, i) => [0, 1, 0.5, 2][i]));
  assert.equal(y(data).shape, [1]);
});

test("features are taken in the order they are named; other columns may hold anything", async () => {
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

const many = (n: number, cell: (i: number) => string) =>
  `a,y\n${Array.from({ length: n }, (_, i) => `${cell(i)},${i % 2}`).join("\n")}\n`;

/** What is wrong · the file · options · the option pointed at · what the problem says · the test file. */
const broken: readonly (readonly [
  string,
  string | Uint8Array,
  object,
  string,
  readonly string[],
  string?,
])[] = [
  ["no such file", "", { path: "b.csv" }, "path", ["b.csv does not exist", "looked for", "did you mean a.csv?"]],
  ["no such folder", "", { path: "data/b.csv" }, "path", ["there is no folder"]],
  ["a folder", "", { path: "." }, "path", ["is a folder", "a.csv"]],
  ["no such test file", "a,y\n1,2\n", { test: "c.csv" }, "test", ["c.csv does not exist"]],
  ["an empty file", "", {}, "path", ["a.csv is empty"]],
  ["blank lines only", "\n \n\n", {}, "path", ["a.csv is empty"]],
  ["a header only", "a,y\n", {}, "path", ["has a header but no rows", "header: false"]],
  ["a binary file", Uint8Array.of(1, 0, 2, 0, 44), {}, "path", ["binary", "UTF-8"]],
  ["a spreadsheet", Uint8Array.of(0x50, 0x4b, 3, 4, 20), {}, "path", ["binary", "spreadsheet"]],
  ["Latin-1", Uint8Array.of(97, 44, 121, 10, 0xe4, 44, 49, 10), {}, "path", ["not UTF-8", "iconv"]],
  ["a short row", "a,y\n1,2\n3\n4,5\n6,7,8\n", {}, "path", ["2 rows of another length", "a.csv:3, a.csv:5"]],
  ["a decimal comma", "a;y\n1,5;2\n", {}, "path", ["1 row of another length"]],
  ["an open quote", 'a,y\n1,2\n"3,4\n', {}, "path", ["never closed", "after line 2"]],
  ["a quote inside", 'a,y\n1,2"3\n', {}, "path", ["quote in a wrong place at a.csv:2"]],
  ["text after a quote", 'a,y\n"1"2,3\n', {}, "path", ["quote in a wrong place at a.csv:2"]],
  ["a missing target", "a,yy\n1,2\n", {}, "target", ['no column "y"', '"a", "yy"', 'did you mean "yy"?']],
  ["a missing feature", "aa,y\n1,2\n", { features: ["ab"] }, "features.0", ['did you mean "aa"?']],
  ["a missing category", "a,y\n1,2\n", { categorical: ["a", "q"] }, "categorical.1", ['no column "q"']],
  ["another delimiter", "a;y\n1;2\n", {}, "target", ['delimiter: ";"']],
  ["no header", "1,2\n3,4\n", {}, "target", ["header: false"]],
  ["a column past the end", "1,2\n", { header: false, target: 2 }, "target", ["from 0 to 1"]],
  ["a name without header", "1,2\n", { header: false }, "target", ["columns are numbered"]],
  ["two columns of a name", "a,a,y\n1,2,3\n", {}, "path", ['two columns called "a"']],
  ["a nameless column", ",a,y\n0,1,2\n", {}, "path", ["column 1", "has no name", "features"]],
  ["only a target", "y\n1\n", {}, "target", ["no column beside the target"]],
  ["a target as feature", "a,y\n1,2\n", { features: ["a", "y"] }, "features.1", ["a feature and a target"]],
  ["a feature twice", "a,y\n1,2\n", { features: ["a", "a"] }, "features.1", ["named twice"]],
  ["an idle category", "a,b,y\n1,2,3\n", { features: ["a"], categorical: ["b"] }, "categorical.0", ["neither"]],
  ["a stray word", "a,y\n1,2\n2,3\noops,4\n", {}, "path", ['a.csv:4: "oops"', "1 cell", 'column "a"', "categorical: [a]"]],
  ["a stray word in the target", "a,y\n1,2\n2,3\n5,x\n", {}, "path", ['a.csv:4: "x"', 'column "y"']],
  ["infinity", "a,y\n1,2\n2,3\n1e39,4\n", {}, "path", ['a.csv:4: "1e39"', "float32"]],
  ["a header read as data", "a,y\n1,2\n3,4\n", { header: false, target: 1 }, "path", ["header: true"]],
  ["an empty cell", "a,y\n1,2\n,3\n", {}, "path", ["lacks 1 value", 'column "a"', "a.csv:3"]],
  ["NA", "a,y\n1,NA\n2,u\n3,v\n4,nan\n5,u\n", {}, "path", ["lacks 2 values", 'column "y"', "a.csv:2, a.csv:5"]],
  ["a missing category's value", "a,y\n,2\n1,3\n", { categorical: ["a"] }, "path", ["lacks 1 value", "a.csv:2"]],
  ["names as a feature", many(30, (i) => `n${i}`), {}, "path", ["almost every row another", "30 values in 30 rows"]],
  ["decimal commas", many(30, (i) => `"${i},5"`), {}, "path", ["decimal points"]],
  ["a class among targets", "a,y,z\n1,u,2\n2,v,3\n", { target: ["z", "y"] }, "target.1", ["is categorical"]],
  ["an unknown class", "a,y\n1,u\n2,v\n", { test: "b.csv" }, "test", ['"w" at b.csv:3', '"u", "v"'], "a,y\n1,u\n2,w\n"],
  ["an unknown number", "a,y\n1,u\n2,v\n", { test: "b.csv" }, "test", ['"3" at b.csv:2'], "a,y\n1,3\n"],
  ["text in the test file", "a,y\n1,2\n", { test: "b.csv" }, "test", ['b.csv:2: "x"'], "a,y\nx,1\ny,2\n"],
  ["a gap in the test file", "a,y\n1,2\n", { test: "b.csv" }, "test", ["lacks 1 value", "b.csv:2"], "a,y\n,1\n"],
  ["a column less", "a,b,y\n1,2,3\n", { test: "b.csv" }, "test", ['b.csv has no column "b"'], "a,y\n1,1\n"],
];
for (const [what, text, options, at, says, testText] of broken) {
  test(`a problem is told: ${what}`, async () => {
    const problems = await problemsOf(() => loadText(text, options, testText));
    assertProblem(problems, { at, says });
    for (const problem of problems) assert.ok(problem.fix, "has a fix");
  });
}

test("problems of several columns come together, and not too many of them", async () => {
  const names = Array.from({ length: 9 }, (_, i) => `c${i}`);
  const text = `${names},y\n${names.map(() => "")},1\n`;
  const problems = await problemsOf(() => loadText(text));
  assert.is(problems.length, 5);
  assert.equal(problems[4]!.notes, ["and 4 more of such problems in other columns"]);
});

test.run();
