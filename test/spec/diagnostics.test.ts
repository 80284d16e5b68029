import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderProblems, type Style } from "../../src/spec/diagnostics.ts";
import { type LocatedProblem, parseSpec, SourceError } from "../../src/spec/source.ts";

const SPEC = `name: mlp
data: mnist
model:
  - flatten
  - dense: { unit: 256, activation: relu }
  - dense:
      units: ten
loss: mse

optimizer: adam
metrics:
`;
const PLAIN: Style = { color: false, width: 80 };

function render(problems: LocatedProblem[], text = SPEC, overrides: string[] = []): string {
  return renderProblems(problems, parseSpec(text, "mlp.yaml", "/specs", overrides), PLAIN);
}

/** The frames of a text that cannot be read. */
function refusal(text: string): string {
  try {
    parseSpec(text, "mlp.yaml", "/specs");
  } catch (error) {
    if (error instanceof SourceError) return renderProblems(error.problems, error.source, PLAIN);
    throw error;
  }
  throw new Error("the text was read");
}

const misspelt: LocatedProblem = {
  path: ["model", 1, "dense", "unit"],
  at: "key",
  message: 'unknown option "unit" of layer dense',
  expected: "one of units, activation, use_bias",
  received: "unit",
  fix: "did you mean `units`?",
};

test("no problems", () => assert.is(render([]), ""));

test("a misspelt option", () => {
  assert.is(
    render([misspelt]),
    `error: unknown option "unit" of layer dense
  --> mlp.yaml:5:14
   |
 4 |   - flatten
 5 |   - dense: { unit: 256, activation: relu }
   |              ^^^^
   = expected: one of units, activation, use_bias
   = received: unit
   = help: did you mean \`units\`?`,
  );
});

test("a wrong value, with notes of several lines", () => {
  const notes = ["the shapes up to here:\n  flatten [null, 784]", "see Keras"];
  assert.is(
    render([{ path: ["model", 2, "dense", "units"], message: "units must be a number", notes }]),
    `error: units must be a number
  --> mlp.yaml:7:14
   |
 6 |   - dense:
 7 |       units: ten
   |              ^^^
   = note: the shapes up to here:
             flatten [null, 784]
   = note: see Keras`,
  );
});

test("something missing in a mapping without brackets, at its key", () => {
  assert.is(
    render([{ path: ["model", 2, "dense", "bias"], message: "bias is missing" }]),
    `error: bias is missing
  --> mlp.yaml:6:5
   |
 5 |   - dense: { unit: 256, activation: relu }
 6 |   - dense:
   |     ^^^^^`,
  );
});

test("something missing at the top; no context above the first line", () => {
  assert.is(
    render([{ path: ["train"], message: "the spec has no `train`", fix: "add it" }]),
    `error: the spec has no \`train\`
  --> mlp.yaml:1:1
   |
 1 | name: mlp
   | ^
   = help: add it`,
  );
});

test("several problems: by position, once each, counted; a wider gutter; no blank context", () => {
  const rate: LocatedProblem = { path: ["optimizer"], message: "no optimizer adam" };
  const list: LocatedProblem = { path: ["metrics"], message: "metrics must be a list" };
  assert.is(
    render([list, rate, { ...list }, { path: ["data"], message: "no data" }]),
    `error: no data
  --> mlp.yaml:2:7
   |
 1 | name: mlp
 2 | data: mnist
   |       ^^^^^

error: no optimizer adam
   --> mlp.yaml:10:12
    |
 10 | optimizer: adam
    |            ^^^^

error: metrics must be a list
   --> mlp.yaml:11:1
    |
 10 | optimizer: adam
 11 | metrics:
    | ^^^^^^^

3 problems in mlp.yaml`,
  );
});

test("an override", () => {
  const path = ["optimizer", "adam", "learning_rat"];
  const overrides = ["optimizer.adam.learning_rat=0.1"];
  const problem = { path, at: "key", message: "unknown option", fix: "say learning_rate" } as const;
  assert.is(
    render([problem], SPEC, overrides),
    `error: unknown option
  --> command line
   |
   | --set optimizer.adam.learning_rat=0.1
   |                      ^^^^^^^^^^^^
   = help: say learning_rate`,
  );
  assert.is(
    render([{ path, message: "must be below 0.1" }], SPEC, overrides),
    `error: must be below 0.1
  --> command line
   |
   | --set optimizer.adam.learning_rat=0.1
   |                                   ^^^`,
  );
});

test("long lines are cut around the carets", () => {
  const keys = Array.from({ length: 40 }, (_, i) => `key${i}: ${i}`).join(", ");
  const text = `# ${"=".repeat(600)}\na: { ${keys} }\n`;
  const at = (key: string) => render([{ path: ["a", key], at: "key", message: "x" }], text);
  assert.is(
    at("key2"),
    `error: x
  --> mlp.yaml:2:24
   |
 1 | # ========================================================================…
 2 | a: { key0: 0, key1: 1, key2: 2, key3: 3, key4: 4, key5: 5, key6: 6, key7: …
   |                        ^^^^`,
  );
  assert.is(
    at("key30"),
    `error: x
  --> mlp.yaml:2:316
   |
 1 | …=========================================================================…
 2 | … 25, key26: 26, key27: 27, key28: 28, key29: 29, key30: 30, key31: 31, ke…
   |                                                   ^^^^^`,
  );
  assert.is(
    render([{ path: ["a"], message: "x" }], text.slice(text.indexOf("\n") + 1)),
    `error: x
  --> mlp.yaml:1:4
   |
 1 | a: { key0: 0, key1: 1, key2: 2, key3: 3, key4: 4, key5: 5, key6: 6, key7: …
   |    ${"^".repeat(72)}`,
  );
});

test("long facts are wrapped at words", () => {
  const expected = `one of ${Array.from({ length: 14 }, (_, i) => `option${i}`).join(", ")}`;
  const frame = render([{ path: ["loss"], message: "no such loss", expected }]);
  assert.is(
    frame.slice(frame.indexOf("   =")),
    `   = expected: one of option0, option1, option2, option3, option4, option5,
               option6, option7, option8, option9, option10, option11, option12,
               option13`,
  );
});

test("wide, combining and joined characters, and tabs", () => {
  const text = 'a: { k: 日本語, wrong: 1, e\u0301: "👨‍👩‍👧", x: 1 }\nb:\t[\tq ]\n';
  assert.is(
    render(
      [
        { path: ["a", "wrong"], at: "key", message: "wide" },
        { path: ["a", "x"], at: "key", message: "joined" },
        { path: ["a", "k"], message: "under" },
        { path: ["b", 0], message: "tab" },
      ],
      text,
    ),
    `error: under
  --> mlp.yaml:1:9
   |
 1 | a: { k: 日本語, wrong: 1, e\u0301: "👨‍👩‍👧", x: 1 }
   |         ^^^^^^

error: wide
  --> mlp.yaml:1:14
   |
 1 | a: { k: 日本語, wrong: 1, e\u0301: "👨‍👩‍👧", x: 1 }
   |                 ^^^^^

error: joined
  --> mlp.yaml:1:40
   |
 1 | a: { k: 日本語, wrong: 1, e\u0301: "👨‍👩‍👧", x: 1 }
   |                                    ^

error: tab
  --> mlp.yaml:2:6
   |
 1 | a: { k: 日本語, wrong: 1, e\u0301: "👨‍👩‍👧", x: 1 }
 2 | b:    [    q ]
   |            ^

4 problems in mlp.yaml`,
  );
});

test("what is unseen is written as an escape, in messages too", () => {
  assert.is(
    render([{ path: ["a"], message: "no \u001b[31m", received: "\u202e" }], "a: x\u001b\u202ey\n"),
    `error: no \\u001b[31m
  --> mlp.yaml:1:4
   |
 1 | a: x\\u001b\\u202ey
   |    ^^^^^^^^^^^^^^
   = received: \\u202e`,
  );
});

test("colour", () => {
  const source = parseSpec("loss: mse\n", "mlp.yaml", "/specs");
  const problem = { path: ["loss"], message: "no", fix: "do" };
  const out = renderProblems([problem], source, { color: true, width: 80 });
  assert.is(
    out,
    [
      "\x1b[1;31merror:\x1b[0m \x1b[1mno\x1b[0m",
      "  \x1b[36m-->\x1b[0m mlp.yaml:1:7",
      "\x1b[36m   |\x1b[0m",
      "\x1b[36m 1 |\x1b[0m loss: mse",
      "\x1b[36m   |\x1b[0m       \x1b[1;31m^^^\x1b[0m",
      "   \x1b[36m=\x1b[0m \x1b[1mhelp:\x1b[0m do",
    ].join("\n"),
  );
  const infinite = { color: false, width: Number.POSITIVE_INFINITY };
  const long = { ...problem, expected: `${"word ".repeat(50)}end` };
  assert.is(renderProblems([long], source, infinite).split("\n").length, 7);
});

const REFUSED: readonly (readonly [string, string])[] = [
  [
    "",
    `error: the spec is empty
  --> mlp.yaml
   = expected: a mapping of keys such as \`data\`, \`model\`, \`loss\`, \`optimizer\`
   = help: \`nnc init NAME\` writes a starter spec`,
  ],
  [
    "train:\n\tepochs: 1\n",
    `error: a tab is used as indentation
  --> mlp.yaml:2:1
   |
 1 | train:
 2 |     epochs: 1
   | ^^^^
   = help: indent with spaces (two a level): YAML does not allow tabs there`,
  ],
  [
    "train:\r\n  epochs:3\r\n",
    `error: a space is missing after the colon
  --> mlp.yaml:2:3
   |
 1 | train:
 2 |   epochs:3
   |   ^^^^^^^^
   = received: epochs:3
   = help: write \`epochs: 3\``,
  ],
  [
    "loss: mse\nmodel: []\nloss: mae\n",
    `error: the key \`loss\` is written twice
  --> mlp.yaml:3:1
   |
 2 | model: []
 3 | loss: mae
   | ^^^^
   = note: \`loss\` stands first on line 1
   = help: keep one of the two`,
  ],
  [
    "model: [flatten, dense\nloss: mse\n",
    `error: this \`[\` is never closed
  --> mlp.yaml:1:8
   |
 1 | model: [flatten, dense
   |        ^
   = help: add \`]\` where the list ends`,
  ],
  [
    "expect: { val_accuracy: >= 0.97 }\n",
    `error: a value cannot begin with \`>\`
  --> mlp.yaml:1:25
   |
 1 | expect: { val_accuracy: >= 0.97 }
   |                         ^^^^^^^
   = help: put it in quotes: ">= 0.97"`,
  ],
  [
    "a: &relu { x: 1 }\nb: *rel\n",
    `error: there is no anchor \`&rel\` above the alias \`*rel\`
  --> mlp.yaml:2:4
   |
 1 | a: &relu { x: 1 }
 2 | b: *rel
   |    ^^^^
   = expected: *relu
   = help: did you mean \`*relu\`?`,
  ],
  [
    "model:\n  - dense:\n      units: 3\n     bias: 1\n",
    `error: this line's indentation fits nothing above it
  --> mlp.yaml:4:6
   |
 3 |       units: 3
 4 |      bias: 1
   |      ^^^^^^^
   = expected: as many spaces as the other keys of its mapping
   = help: align it with the line it belongs beside, or indent it below the one
           it belongs under`,
  ],
];

for (const [text, frame] of REFUSED)
  test(`refused: ${JSON.stringify(text)}`, () => assert.is(refusal(text), frame));

test.run();
