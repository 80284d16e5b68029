/** Plug-ins with something wrong: each is told in the words that help, ends with 2, and shows no stack of ours. */
import { join, sep } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadPlugins } from "../../src/plugin/load.ts";
import { ProblemError, UsageError } from "../../src/support/errors.ts";
import { inFolder, nnc } from "../cli/helpers.ts";

const begin = 'import * as nnc from "nnc/plugin";\n';
const layer = (name: string, more = "") =>
  `nnc.defineLayer({ name: "${name}", doc: "", options: {}, takes: "one", build: ([x]) => x, ${more} })`;

interface Case {
  readonly file: string;
  readonly text?: string;
  /** What is said, line by line from the first. */
  readonly says: readonly RegExp[];
}

const cases: Readonly<Record<string, Case>> = {
  "a missing file": { file: "none.ts", says: [/^message: there is no plug-in none\.ts$/] },
  "a folder": { file: ".", says: [/is no plug-in$/, /a file of TypeScript/] },
  "a table": { file: "tiny.csv", says: [/^message: tiny\.csv is no plug-in$/, /TypeScript/] },
  "a slip of syntax": {
    file: "a.ts",
    text: `${begin}export const a: number = ;`,
    says: [/^message: a\.ts:2:25: the plug-in does not parse: Unexpected token$/],
  },
  "a module that is not there": {
    file: "a.ts",
    text: 'import { b } from "./b.ts";\nexport const a = b;',
    says: [/^message: a\.ts: there is no module "\.\/b\.ts" to import$/, /correct the path/],
  },
  "another part of nnc": {
    file: "a.ts",
    text: 'import { dense } from "nnc/src/nn/layers/core";\nexport const a = dense;',
    says: [/there is no module "nnc\/src\/nn\/layers\/core"/, /from "nnc\/plugin"$/],
  },
  "an import that nnc/plugin lacks": {
    file: "a.ts",
    text: '\nimport { defineLayr } from "nnc/plugin";\nexport const a = defineLayr({});',
    says: [
      /^message: a\.ts:3: nnc\/plugin has no export "defineLayr"$/,
      /expected: one of .*\bdefineLayer\b/,
      /received: defineLayr/,
      /fix: did you mean `defineLayer`\?/,
    ],
  },
  "a default import": {
    file: "a.ts",
    text: 'import nnc from "nnc/plugin";\nexport const a = nnc.defineLayer({});',
    says: [/^message: a\.ts:2: nnc\/plugin has no export "default"$/],
  },
  "what throws": {
    file: "a.ts",
    text: "\nconst nothing: any = null;\nexport const a = nothing.b;",
    says: [/^message: a\.ts:3: .* TypeError: Cannot read properties of null \(reading 'b'\)$/],
  },
  "no exports": { file: "a.js", text: begin, says: [/^message: a\.js exports nothing$/] },
  "what is no definition": {
    file: "a.js",
    text: `${begin}export const a = 3;\nexport const b = { name: "b" };\nexport default ${layer("c")};`,
    says: [
      /^message: a\.js: export a: this is no definition$/,
      /expected: what defineLayer, defineLoss/,
      /received: a number$/,
      /fix: take `export` away/,
      /^message: a\.js: export b: this is no definition$/,
      /expected/,
      /received: an object that none of them made/,
      /fix: pass it to the function of its kind/,
    ],
  },
  "a definition without what its kind needs": {
    file: "a.js",
    text: `${begin}export const a = nnc.defineLoss({ name: "a", doc: "", options: {} });`,
    says: [/export a: a definition of this kind \(loss\) needs targets, perSample$/],
  },
  "a name no spec could have": {
    file: "a.js",
    text: `${begin}export const a = ${layer("My Layer")};`,
    says: [/export a: this is no name/, /small letters/, /received: My Layer/],
  },
  "a word of the spec's own": {
    file: "a.js",
    text: `${begin}export const a = ${layer("from")};`,
    says: [/export a: "from" means something else where a layer is named$/],
  },
  "options of no type": {
    file: "a.js",
    text: `${begin}export const a = ${layer("a", "options: { units: 3 }")};`,
    says: [/export a: the option units is no zod type$/, /"nnc\/plugin"/],
  },
  "an optimizer without the options of all": {
    file: "a.js",
    text: `${begin}export const a = nnc.defineOptimizer({ name: "a", doc: "", options: {}, slots: () => ({}), update: (s) => s });`,
    says: [/options that every optimizer has are missing: learning_rate, /, /optimizerOptions/],
  },
  "a name of nnc's": {
    file: "a.js",
    text: `${begin}export const a = ${layer("dense")};`,
    says: [/^message: a\.js: export a: there is already a layer "dense"$/, /another name/],
  },
  "an alias of nnc's": {
    file: "a.js",
    text: `${begin}export const a = ${layer("a", 'aliases: ["lstm"]')};`,
    says: [/export a: there is already a layer "lstm"$/],
  },
  "one name twice": {
    file: "a.js",
    text: `${begin}export const a = ${layer("a")};\nexport const b = ${layer("a")};`,
    says: [/export b: there is already a layer "a"$/],
  },
  "an activation with a layer's name": {
    file: "a.js",
    text: `${begin}export const a = nnc.defineActivation({ name: "flatten", doc: "", options: {}, apply: (x) => x });`,
    says: [/there is already a layer "flatten", and every activation is a layer too$/],
  },
};

/** A stack trace, or a fault of ours. */
const trace = /^\s+at .+:\d+:\d+\)?$|internal|undefined|\[object/m;

type Said = Partial<Record<"message" | "expected" | "received" | "fix", string | undefined>>;

/** All that is said of a plug-in, with paths from its folder. */
async function reportOf(file: string, cwd: string): Promise<string> {
  try {
    await loadPlugins([join(cwd, file)]);
  } catch (error) {
    const problems: readonly Said[] =
      error instanceof ProblemError ? error.problems : error instanceof UsageError ? [error] : [];
    assert.ok(problems.length > 0, String(error));
    const lines = problems.flatMap((problem) =>
      (["message", "expected", "received", "fix"] as const).flatMap((key) =>
        problem[key] === undefined ? [] : [`${key}: ${problem[key]}`],
      ),
    );
    return lines.join("\n").replaceAll(`${cwd}${sep}`, "");
  }
  return "nothing is wrong";
}

for (const [name, { file, text, says }] of Object.entries(cases)) {
  test(name, () =>
    inFolder(
      async (cwd) => {
        const report = await reportOf(file, cwd);
        const lines = report.split("\n");
        for (const [i, words] of says.entries()) assert.match(lines[i] ?? "", words, report);
        assert.not.match(report, trace);
      },
      text === undefined ? {} : { [file]: text },
    ),
  );
}

for (const name of ["a missing file", "an import that nnc/plugin lacks", "what throws"]) {
  test(`on the command line: ${name}`, () => {
    const { file, text, says } = cases[name]!;
    return inFolder(
      async (cwd) => {
        const { code, stdout, stderr } = await nnc(["schema", "--plugin", file], { cwd });
        assert.equal([code, stdout], [2, ""], stderr);
        assert.match(stderr.split("\n")[0]!.replace("error:", "message:"), says[0]!);
        assert.not.match(stderr, trace);
      },
      text === undefined ? {} : { [file]: text },
    );
  });
}

const failing = (body: string) => `${begin}import { help } from "./help.ts";
export const a = nnc.defineLayer({
  name: "failing", doc: "", options: {}, takes: "one",
  build([x]: readonly nnc.Tensor[], _: unknown, ctx: nnc.LayerContext) {
    ${body}
  },
});`;
const faults: Readonly<Record<string, readonly [body: string, says: RegExp]>> = {
  "shapes that an op refuses": [
    "return nnc.op.add(x!, nnc.op.fill(1, [7, 9]));",
    /^error: a\.ts:6: shapes \[\d+,1\] and \[7,9\] do not broadcast$/m,
  ],
  "an error of its own, in a module that it imports": [
    "return help(x!);",
    /^error: help\.ts:2: RangeError: no$/m,
  ],
  "a gradient that fails": [
    'return nnc.pointwise("odd", (x) => x!, () => help(x!))(x!);',
    /^error: help\.ts:2: RangeError: no$/m,
  ],
  "a problem that it reports has its place in the spec": [
    'return ctx.fail({ path: [], message: "not today", fix: "wait" });',
    /^error: layer failing: not today\n {2}--> failing\.yaml:2:31$/m,
  ],
};
for (const [name, [body, says]] of Object.entries(faults)) {
  test(`while a model is built: ${name}`, () =>
    inFolder(
      async (cwd) => {
        const args = ["train", "failing.yaml", "--plugin", "a.ts", "--backend", "js"];
        const { code, stderr } = await nnc(args, { cwd });
        assert.is(code, 2, stderr);
        assert.match(stderr, says);
        assert.not.match(stderr, trace);
      },
      {
        "a.ts": failing(body),
        "help.ts": 'export function help(_: unknown): never {\n  throw new RangeError("no");\n}',
        "failing.yaml":
          "data: { csv: { path: tiny.csv, target: y } }\nmodel: [ dense: { units: 1 }, failing ]\nloss: mse\n",
      },
    ));
}

test("a plug-in is never asked for by a spec; who forgets it is told", () =>
  inFolder(
    async (cwd) => {
      const { code, stderr } = await nnc(["validate", "mine.yaml"], { cwd });
      assert.is(code, 2);
      assert.match(stderr, /there is no layer "gated_thing"/);
      assert.match(stderr, /help: one of your own needs `--plugin FILE`/);
    },
    {
      "mine.yaml":
        "data: { csv: { path: tiny.csv, target: y } }\nmodel: [ gated_thing ]\nloss: mse\n",
    },
  ));

test.run();
