import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Dataset } from "../../src/data/dataset.ts";
import { csv } from "../../src/data/sources/csv.ts";
import { assertProblem, inFolder, load, problemsOf } from "./helpers.ts";

/** Loads `a.csv` (and `b.csv`) of the given text. */
function loadText(text: string | Uint8Array, options = {}, test?: string): Promise<Dataset> {
  const files = { "a.csv": text, ...(test === undefined ? {} : { "b.csv": test }) };
  return inFolder(files, (folder) => load(csv, { path: "a.csv", target: "y", ...options }, folder));
}

const many = (n: number, cell: (i: number) => string) =>
  `a,y\n${Array.from({ length: n }, (_, i) => `${cell(i)},${i % 2}`).join("\n")}\n`;

/** What is wrong · file · options · the option pointed at · what the problem says · test file. */
// biome-ignore format: a table
const broken: readonly (readonly [
  string,
  string | Uint8Array,
  object,
  string,
  readonly string[],
  string?,
])[] = [
  ["no such file", "", { path: "b.csv" }, "path",
   ["b.csv does not exist", "looked for", "did you mean a.csv?"]],
  ["no such folder", "", { path: "data/b.csv" }, "path", ["there is no folder"]],
  ["a folder", "", { path: "." }, "path", ["is a folder", "a.csv"]],
  ["no such test file", "a,y\n1,2\n", { test: "c.csv" }, "test", ["c.csv does not exist"]],
  ["data without a header", "0,0,1\n1,0,1\n", {}, "path", ['two columns called "0"', "0,0,1", "header: false"]],
  ["a number of no column", "0,0,1\n1,0,1\n", { header: false, target: 3 }, "target",
   ['no column "3"', "columns count from 0: the last is 2"]],
  ["a delimiter too many", "a,y,\n1,2,\n", {}, "path", ["column 3 of a.csv has no name", "a delimiter too many"]],
  ["a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", {}, "path",
   ["not the file itself", "git lfs pull"]],
  ["a PDF document", "%PDF-1.4\n", {}, "path", ["binary", "PDF"]],
  ["a folder's name a little wrong", "a,y\n1,2\n", { path: "../data/a.csv" }, "path",
   ["../data/a.csv does not exist", "there is no folder"]],
  ["half of a column's name", "petal_width,length,y\n1,2,3\n", { features: ["width"] }, "features.0",
   ['no column "width"', 'did you mean "petal_width"?']],
  ["a column's name with more to it", "petal_width,length,y\n1,2,3\n", { target: "y", features: ["length (cm)"] },
   "features.0", ['did you mean "length"?']],
  ["an empty file", "", {}, "path", ["a.csv is empty"]],
  ["blank lines only", "\n \n\n", {}, "path", ["a.csv is empty"]],
  ["a header only", "a,y\n", {}, "path", ["has a header but no rows", "header: false"]],
  ["a binary file", Uint8Array.of(1, 0, 2, 0, 44), {}, "path", ["binary", "UTF-8"]],
  ["a spreadsheet", Uint8Array.of(0x50, 0x4b, 3, 4, 20), {}, "path", ["binary", "spreadsheet"]],
  ["Latin-1", Uint8Array.of(97, 44, 121, 10, 0xe4, 44, 49, 10), {}, "path",
   ["not UTF-8", "a.csv:2", "\u00e4", "iconv"]],
  ["UTF-16", Buffer.from("\ufeffa,y\n1,2\n", "utf16le"), {}, "path", ["not UTF-8", "UTF-16", "iconv -f utf-16"]],
  ["a zero in a line", "a,y\n1,2\n3,\x004\n", {}, "path", ["binary", "a zero byte at a.csv:3"]],
  ["a packed file", Uint8Array.of(0x1f, 0x8b, 8, 0, 0), {}, "path", ["binary", "gzip", "gunzip"]],
  ["a short row", "a,y\n1,2\n3\n4,5\n6,7,8\n", {}, "path",
   ["2 rows of another length", "1 at a.csv:3, 3 at a.csv:5", "2 values"]],
  ["a header that is too short", "a,y\n1,5,2\n3,4,5\n", {}, "path",
   ["another length than its header", "2 values", "3 at a.csv:2, 3 at a.csv:3", "give every column a name"]],
  ["a comma in a number", "a,y\n1,5,2\n", {}, "path", ["1 row of another length"]],
  ["an open quote", 'a,y\n1,2\n"3,4\n', {}, "path", ["never closed", "after line 2"]],
  ["a quote inside", 'a,y\n1,2"3\n', {}, "path", ["quote in a wrong place", "value 2 at a.csv:2"]],
  ["text after a quote", 'a,y\n"1"2,3\n', {}, "path", ["quote in a wrong place", "closing quote of value 1 at a.csv:2"]],
  ["a missing target", "a,kind\n1,2\n", { target: "kinds" }, "target",
   ['no column "kinds"', '"a", "kind"', 'did you mean "kind"?']],
  ["one_hot of numbers", "a,y\n1,2\n3,4\n", { one_hot: true }, "one_hot",
   ['target "y" has no classes', "categorical: [y]"]],
  ["one_hot of two targets", "a,y,z\n1,p,q\n3,r,s\n", { one_hot: true, target: ["y", "z"] },
   "one_hot", ['target "y", "z" has no classes', "a single target"]],
  ["a missing feature", "aa,y\n1,2\n", { features: ["ab"] }, "features.0", ['did you mean "aa"?']],
  ["a missing category", "a,y\n1,2\n", { categorical: ["a", "q"] }, "categorical.1",
   ['no column "q"']],
  ["another delimiter", "a;y\n1;2\n", {}, "target", ['delimiter: ";"']],
  ["no header", "1,2\n3,4\n", {}, "target", ["header: false"]],
  ["a column past the end", "1,2\n", { header: false, target: 2 }, "target", ["from 0 to 1"]],
  ["a name without header", "1,2\n", { header: false }, "target", ["columns are numbered"]],
  ["two columns of a name", "a,a,y\n1,2,3\n", {}, "path", ['two columns called "a"']],
  ["a nameless column", ",a,y\n0,1,2\n", {}, "path", ["column 1", "has no name", "features"]],
  ["only a target", "y\n1\n", {}, "target", ["no column beside the target"]],
  ["a target as feature", "a,y\n1,2\n", { features: ["a", "y"] }, "features.1",
   ["two roles"]],
  ["a feature twice", "a,y\n1,2\n", { features: ["a", "a"] }, "features.1", ["named twice"]],
  ["an idle category", "a,b,y\n1,2,3\n", { features: ["a"], categorical: ["b"] }, "categorical.0",
   ["neither"]],
  ["a stray word", "a,y\n1,2\n2,3\noops,4\n", {}, "path",
   ['a.csv:4: "oops"', "1 cell", 'column "a"', "categorical: [a]"]],
  ["a stray word in the target", "a,y\n1,2\n2,3\n5,x\n", {}, "path",
   ['a.csv:4: "x"', 'column "y"']],
  ["infinity", "a,y\n1,2\n2,3\n1e39,4\n", {}, "path", ["is too large", 'a.csv:4: "1e39"', "float32"]],
  ["infinity by name", "a,y\n1,2\n2,3\ninf,4\n", {}, "path", ["is not finite", 'a.csv:4: "inf"', "features"]],
  ["infinities only", "a,y\n1,2\n-inf,3\nInfinity,4\n1e400,5\n", {}, "path",
   ['column "a"', "not finite", 'a.csv:3: "-inf"']],
  ["a header read as data", "a,y\n1,2\n3,4\n", { header: false, target: 1 }, "path",
   ["header: true"]],
  ["an empty cell", "a,y\n1,2\n,3\n", {}, "path", ["lacks 1 value", 'column "a"', "a.csv:3"]],
  ["NA", "a,y\n1,NA\n2,u\n3,v\n4,nan\n5,u\n", {}, "path",
   ["lacks 2 values", 'column "y"', '"NA" at a.csv:2, "nan" at a.csv:5']],
  ["a missing category's value", "a,y\n,2\n1,3\n", { categorical: ["a"] }, "path",
   ["lacks 1 value", "a.csv:2"]],
  ["names as a feature", many(30, (i) => `n${i}`), {}, "path",
   ["almost every row another", "30 values in 30 rows"]],
  ["decimal commas", many(30, (i) => `"${i},5"`), {}, "path", ["decimal points"]],
  ["a class among targets", "a,y,z\n1,u,2\n2,v,3\n", { target: ["z", "y"] }, "target.1",
   ["is categorical"]],
  ["an unknown class", "a,y\n1,u\n2,v\n", { test: "b.csv" }, "test",
   ['"w" at b.csv:3', '"u", "v"'], "a,y\n1,u\n2,w\n"],
  ["an unknown number", "a,y\n1,u\n2,v\n", { test: "b.csv" }, "test", ['"3" at b.csv:2'],
   "a,y\n1,3\n"],
  ["text in the test file", "a,y\n1,2\n", { test: "b.csv" }, "test", ['b.csv:2: "x"'],
   "a,y\nx,1\ny,2\n"],
  ["a gap in the test file", "a,y\n1,2\n", { test: "b.csv" }, "test", ["lacks 1 value", "b.csv:2"],
   "a,y\n,1\n"],
  ["a column less", "a,b,y\n1,2,3\n", { test: "b.csv" }, "test", ['b.csv has no column "b"'],
   "a,y\n1,1\n"],
];
for (const [what, text, options, at, says, testText] of broken) {
  test(`a problem is told: ${what}`, async () => {
    const problems = await problemsOf(() => loadText(text, options, testText));
    assertProblem(problems, { at, says });
    for (const problem of problems) assert.ok(problem.fix, "has a fix");
  });
}

test("a name that begins as an archive does is none", async () => {
  const { train } = await loadText("PK,y\n1,2\n3,4\n");
  assert.is(train.count, 2);
});

test("a table of very many columns", async () => {
  const names = Array.from({ length: 30_000 }, (_, i) => `c${i}`);
  const { train } = await loadText(`${names},y\n${names.map(() => 1)},2\n`);
  assert.equal(train.inputs.get("x")!.shape, [30_000]);
});

test("problems of several columns come together, and not too many of them", async () => {
  const names = Array.from({ length: 9 }, (_, i) => `c${i}`);
  const text = `${names},y\n${names.map(() => "")},1\n`;
  const problems = await problemsOf(() => loadText(text));
  assert.is(problems.length, 5);
  assert.equal(problems[4]!.notes, ["and 4 more of such problems in other columns"]);
});

test.run();
