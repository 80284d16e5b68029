/** Blocks, `repeat` and `reuse` that are not as they should be; and faults in blocks, shown for their uses. */
import { type BrokenSpec, broken, override } from "./case.ts";

const residual = `
  residual:
    parameters: { units, rate: 0.5 }
    layers:
      - dense: { units: $units }
      - dropout: { rate: $rate }
      - add:
        from: [dropout, input]`;
const model = (...entries: readonly string[]) =>
  ["", ...entries, "- dense: { units: 1 }"].join("\n  ");

const definitions: readonly BrokenSpec[] = [
  broken("blocks that are no mapping", { blocks: "⟦[dense]⟧" }, /a mapping/),
  broken("a block's name with a space", { blocks: "{ ⟦a b⟧: [flatten] }" }, /letters, digits/),
  broken("a block without layers", { blocks: "\n  ⟦head⟧:\n    parameters: { n: 1 }" }, /`layers`/),
  broken("an empty block", { blocks: "{ head: ⟦[]⟧ }" }, /at least 1 entry/),
  broken(
    "an unknown key of a block",
    { blocks: "{ head: { layers: [flatten], ⟦params⟧: { n: 1 } } }" },
    /unknown option "params"/,
  ),
  broken("a block named like a layer", { blocks: "{ ⟦dense⟧: [flatten] }" }, /a layer "dense"/),
  broken("a block named like a word", { blocks: "{ ⟦repeat⟧: [flatten] }" }, /cannot name a block/),
  broken(
    "an unknown parameter",
    { blocks: residual.replace("$rate", "⟦$rat⟧") },
    /no parameter "rat"/,
    /one of \$units, \$rate/,
    /did you mean `\$rate`/,
  ),
  broken(
    "a parameter of none",
    { blocks: "{ head: [{ dense: { units: ⟦$n⟧ } }] }" },
    /no parameter "n"/,
    /parameters: \{ n \}/,
  ),
  broken(
    "a default that uses a later parameter",
    { blocks: "{ head: { parameters: { a: ⟦$b⟧, b: 1 }, layers: [flatten] } }" },
    /no parameter "b"/,
  ),
];

const uses: readonly BrokenSpec[] = [
  broken(
    "an unknown block",
    { blocks: residual, model: model("- ⟦residul⟧: { units: 3 }") },
    /no layer or block "residul"/,
    /did you mean `residual`/,
  ),
  broken(
    "an unknown option of a block",
    { blocks: residual, model: model("- residual: { units: 4, ⟦rat⟧: 0.1 }") },
    /unknown option "rat" of block residual/,
    /did you mean `rate`/,
  ),
  broken(
    "a parameter that is missing",
    { blocks: residual, model: model("- ⟦residual⟧: { rate: 0.1 }") },
    /block residual needs `units`/,
  ),
  broken(
    "options of a block that are a list",
    { blocks: residual, model: model("- residual: ⟦[4]⟧") },
    /are not a mapping/,
  ),
  broken(
    "a repeat that is no number",
    { blocks: residual, model: model("- residual: { units: 4 }", "  repeat: ⟦often⟧") },
    /`repeat` of block/,
    /a number/,
  ),
  broken("a layer repeated 0 times", { model: model("- dense: { units: 2 }", "  repeat: ⟦0⟧") }),
  broken(
    "two inputs for a block of one",
    {
      blocks: residual,
      model: model(
        ...["- dense: { units: 4 }", "  name: a", "- dense: { units: 4 }", "  name: b"],
        ...["- residual: { units: 4 }", "  from: [⟦a⟧, b]"],
      ),
    },
    /block residual takes exactly one input/,
  ),
  broken(
    "one input for a block of two",
    {
      blocks: "{ both: { inputs: [left, right], layers: [add] } }",
      model: model("- dense: { units: 4 }", "- ⟦both⟧"),
    },
    /takes 2 inputs: left, right/,
  ),
  broken(
    "a block that contains itself",
    {
      blocks: "\n  a: [{ b: }]\n  b: [flatten, ⟦a⟧]",
      model: model("- a"),
    },
    /contains itself: a → b → a/,
  ),
  broken(
    "too many layers",
    { model: model("- ⟦dense⟧: { units: 2 }", "  repeat: 1000000") },
    /too large/,
  ),
  broken(
    "an input in a block",
    { blocks: "{ head: [⟦input⟧: { shape: [4] }, flatten] }", model: model("- head") },
    /an input cannot stand in a block/,
  ),
  broken(
    "a block and a layer of one name",
    {
      blocks: residual,
      model: model("- dense: { units: 4 }", "  name: a", "- residual: { units: 4 }", "  name: ⟦a⟧"),
    },
    /two layers are named "a"/,
    /on line 4/,
  ),
  override(
    "--set an unknown parameter",
    ["blocks={ head: [{ dense: { units: ⟦$n⟧ } }] }"],
    /no parameter "n"/,
  ),
];

const within: readonly BrokenSpec[] = [
  broken(
    "an option in a block, used three times",
    {
      blocks: residual.replace("units: $units", "⟦unit⟧: $units"),
      model: model("- residual: { units: 4 }", "- residual: { units: 4 }", "  repeat: 2"),
    },
    /unknown option "unit" of layer dense/,
    /in block residual, used as residual on line 3/,
    /the same in 2 more of its uses/,
  ),
  broken(
    "a value for a parameter that does not suit its layer",
    { blocks: residual, model: model("- residual: { units: ⟦many⟧ }") },
    /`units` of layer dense is not right/,
    /this is \$units on line 11/,
    /in block residual, used as residual on line 3/,
  ),
  broken(
    "a default that does not suit its layer",
    { blocks: residual.replace("0.5", "⟦50⟧"), model: model("- residual: { units: 4 }") },
    /this is \$rate on line 12/,
  ),
  broken(
    "shapes that do not fit in a block within a block",
    {
      blocks: `${residual.replace("[dropout, input]", "⟦[dropout, input]⟧")}
  stage: [{ residual: { units: 4 } }, { residual: { units: 3 } }]`,
      model: model("- stage"),
    },
    /layer stage\/residual_1\/add/,
    /used as stage\/residual_1 on line 15/,
    /in block stage, used as stage on line 3/,
  ),
  broken(
    "a name of the model in a block",
    {
      blocks: residual.replace("[dropout, input]", "[dropout, ⟦outer⟧]"),
      model: model("- dense: { units: 4 }", "  name: outer", "- residual: { units: 4 }"),
    },
    /no layer "outer" in residual/,
    /one of dense, dropout, add, input/,
  ),
  broken(
    "what the block reads as a name in it",
    {
      blocks: "{ head: [{ dense: { units: 3 }, name: ⟦input⟧ }] }",
      model: model("- head"),
    },
    /"input" is what the block reads/,
  ),
  broken(
    "a block that reads itself",
    {
      blocks: "{ head: [{ dense: { units: 4 } }] }",
      model: model("- head:", "  name: a", "  from: ⟦a/input⟧"),
    },
    /reads what it gives itself/,
  ),
  broken(
    "blocks that read each other",
    {
      blocks: "{ head: [{ ⟦dense⟧: { units: 4 } }] }",
      model: model("- head:", "  name: a", "  from: b", "- head:", "  name: b"),
    },
    /in a circle: a\/dense → b\/dense → a\/dense/,
  ),
];

const reuse: readonly BrokenSpec[] = [
  broken(
    "reuse of what is not there",
    { model: model("- dense: { units: 4 }", "  name: first", "- reuse: ⟦frist⟧") },
    /no layer or block "frist" above/,
    /did you mean `first`/,
  ),
  broken(
    "reuse of what stands below",
    { model: model("- reuse: ⟦last⟧", "- dense: { units: 4 }", "  name: last") },
    /no layer or block "last" above/,
  ),
  broken(
    "reuse by another layer",
    {
      model: model("- dense: { units: 4 }", "  name: a", "- ⟦flatten⟧:", "  reuse: a"),
    },
    /a is no flatten/,
  ),
  broken(
    "reuse with other options",
    {
      model: model(
        ...["- dense: { units: 4 }", "  name: a"],
        ...["- dense: { units: 4, activation: ⟦relu⟧ }", "  reuse: a"],
      ),
    },
    /activation is not what it is for a/,
  ),
  broken(
    "reuse for inputs of another width",
    {
      model: model(
        ...["- dense: { units: 3 }", "  name: a", "- dense: { units: 5 }"],
        ...["- ⟦reuse: a⟧"],
      ),
    },
    /layer a_again: it reuses a, whose kernel does not fit/,
    /shape \[4, 3\]/,
  ),
  broken(
    "reuse that freezes",
    {
      model: model(...["- dense: { units: 4 }", "  name: a", "- reuse: a", "  ⟦trainable⟧: false"]),
    },
    /whether a is trained stands beside it/,
  ),
  broken(
    "reuse of a block with another parameter",
    {
      blocks: residual,
      model: model(
        ...["- residual: { units: 4 }", "  name: a"],
        ...["- residual: { units: 4, rate: ⟦0.1⟧ }", "  reuse: a"],
      ),
    },
    /a has another value of rate/,
  ),
  broken(
    "reuse of an input",
    { model: model("- input: { shape: [4] }", "  name: x", "- reuse: ⟦x⟧") },
    /x is an input/,
  ),
];

export const blockCases = [...definitions, ...uses, ...within, ...reuse];
