/** Commands that are used wrongly: each says what is wrong and what to do, ends with 2, and changes nothing. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fast, inFolder, nnc } from "./helpers.ts";

/** What is typed · what is said. In the folder there are two runs, `one` and `two`, of which `two` lacks its data. */
// biome-ignore format: a table
const wrong: readonly (readonly [args: string, says: RegExp, input?: string])[] = [
  ["evaluate on", /there is no run on\n.*did you mean one\?/],
  ["evaluate .", /\. is no run[\s\S]*runs in it: one, two/],
  ["evaluate tiny.yaml", /tiny\.yaml is no run\n.*folder of a run/],
  ["evaluate two", /two has no data\.json[\s\S]*--spec/],
  ["evaluate one --backend cuda", /no backend "cuda"[\s\S]*nnc backends/],
  ["predict one Other.csv", /Other\.csv has no column "x"[\s\S]*did you mean "X"\? Then rename it to "x"/],
  ["predict one text.csv", /text\.csv:2: "hello"[\s\S]*trains the model has numbers/],
  ["predict one cut.json", /its end at cut\.json:2:8[\s\S]*cut short/],
  ["predict one -", /stdin is empty[\s\S]*pipe examples in/, ""],
  ["predict one -", /stdin\[0\]\.x is no number[\s\S]*received: "one"[\s\S]*correct it/, '[{"x": "one"}]'],
  ["predict one -", /Infinity at example 0[\s\S]*correct it/, '[{"x": 1e999}]'],
  ["predict tiny.csv one", /tiny\.csv is no run/],
  ["runs tiny.yaml", /tiny\.yaml is a file/],
  ["runs diff one tow", /there is no run tow\n.*did you mean two\?/],
  ["test tiny.yaml --junit no/x.xml", /there is no folder no for x\.xml/],
  ["test tiny.yaml --junit one", /one is a folder/],
  ["train tiny.yaml --resume on", /there is no run in on\n.*did you mean one\?/],
  ["train tiny.yaml --resume .", /there is no run in \.\n.*runs in it: one, two/],
  ["train tiny.yaml --resume tiny.csv", /tiny\.csv is a file, and no run/],
  ["train mlp.yaml --resume one", /name is not what it was[\s\S]*more that differ: is this the spec of the run\?/],
  ["train tiny.yaml --out=", /--out has an empty name/],
  [`train tiny.yaml --out ${"a".repeat(300)}`, /the name is too long[\s\S]*shorter/],
  ["train circle.yaml", /circle\.yaml: it is a link that leads round in a circle/],
];

test("what is wrong, what to do, and nothing changed", () =>
  inFolder(
    async (cwd) => {
      for (const run of ["one", "two"])
        assert.is(
          (await nnc(["train", "tiny.yaml", ...fast, "-q", "--out", run], { cwd })).code,
          0,
        );
      rmSync(join(cwd, "two/data.json"));
      symlinkSync("circle.yaml", join(cwd, "circle.yaml"));
      const before = contents(cwd);
      for (const [args, says, input] of wrong) {
        const { code, stdout, stderr } = await nnc(args.split(" "), {
          cwd,
          ...(input === undefined ? {} : { input }),
        });
        assert.is(code, 2, `${args}\n${stdout}${stderr}`);
        assert.match(stderr, says);
        assert.match(stderr, "help:");
        assert.not.match(stderr, /^\s+at |internal/m);
        assert.equal(contents(cwd), before, args);
      }
    },
    {
      "Other.csv": "X,y\n1,2\n",
      "text.csv": "x,y\nhello,2\n",
      "cut.json": '[{"x": 1},\n {"x": ',
    },
  ));

/** Every file with its size and time. */
const contents = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const found = lstatSync(join(folder, name), { throwIfNoEntry: false });
      return `${name} ${found?.size} ${found?.isFile() ? found.mtimeMs : ""}`;
    });

test("a run that does not begin leaves none of the folders that it made", () =>
  inFolder(async (cwd) => {
    mkdirSync(join(cwd, "there"));
    const set = ["--set", "data.folds=100"];
    const out = ["--out", "there/a/b"];
    const { code } = await nnc(["train", "tiny.yaml", ...fast, ...set, ...out], { cwd });
    assert.is(code, 2);
    assert.equal(readdirSync(join(cwd, "there")), []);
    assert.is((await nnc(["train", "tiny.yaml", ...fast, ...set], { cwd })).code, 2);
    assert.not(existsSync(join(cwd, "runs")));
  }));

// Where nothing can be made, Node tries for ever.
if (process.platform === "linux")
  test("a place where the system has no folders made", () =>
    inFolder(async (cwd) => {
      writeFileSync(join(cwd, "x"), "");
      const out = ["--out", "/proc/nnc"];
      const { code, stderr } = await nnc(["train", "tiny.yaml", ...fast, ...out], {
        cwd,
        killAfter: 20_000,
      });
      assert.is(code, 2);
      assert.match(stderr, /cannot write \/proc\/nnc[\s\S]*another with --out/);
    }));

test.run();
