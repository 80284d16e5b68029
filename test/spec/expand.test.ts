/** Blocks, `repeat` and `reuse` written out as layers. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { stringify } from "yaml";
import { parseSpec } from "../../src/spec/source.ts";
import { resolveSpec, type Spec } from "../../src/spec/spec.ts";
import { pick, randomFrom } from "./random-yaml.ts";

const specOf = (text: string, set: readonly string[] = []): Spec =>
  resolveSpec(
    parseSpec(
      `data: { csv: { path: none.csv, target: y } }\nloss: mse\n${text}`,
      "t.yaml",
      ".",
      set,
    ),
  );

/** `name ← what it reads`, and what it has from another layer. */
const wired = ({ model }: Spec): readonly string[] =>
  model.layers.map(({ name, from, owner, trainable }) => {
    const shared = owner === name ? "" : ` = ${owner}`;
    return `${name} ← ${from.join(", ")}${shared}${trainable ? "" : " frozen"}`;
  });

const residual = `
blocks:
  residual:
    parameters: { units, rate: 0.5 }
    layers:
      - dense: { units: $units }
        name: inner
      - dropout: { rate: $rate }
      - add:
        from: [dropout, input]
`;

test("a block's names, what it reads, and what its name means", () => {
  const spec = specOf(`${residual}
model:
  - dense: { units: 4 }
    name: first
  - residual: { units: 4 }
  - residual: { units: 4, rate: 0.25 }
    from: first
    name: other
  - add:
    from: [residual, other, other/inner]
`);
  assert.equal(wired(spec), [
    "input ← ",
    "first ← input",
    ...["residual/inner ← first", "residual/dropout ← residual/inner"],
    "residual/add ← residual/dropout, first",
    ...["other/inner ← first", "other/dropout ← other/inner"],
    "other/add ← other/dropout, first",
    "add ← residual/add, other/add, other/inner",
  ]);
  const rate = (name: string) =>
    spec.model.layers.find((l) => l.name === name)!.layer.options["rate"];
  assert.equal([rate("residual/dropout"), rate("other/dropout")], [0.5, 0.25]);
});

test("at the beginning of a model a block reads its input", () => {
  const model = `${residual}model: [{ residual: { units: 4 } }, { dense: { units: 1 } }]`;
  assert.equal(wired(specOf(model)).slice(0, 4), [
    "input ← ",
    "residual/inner ← input",
    "residual/dropout ← residual/inner",
    "residual/add ← residual/dropout, input",
  ]);
});

test("repeat: in a row, with automatic names and with a given one", () => {
  const spec = specOf(`${residual}
model:
  - dense: { units: 4 }
    repeat: 2
  - residual: { units: 4 }
    repeat: 2
    from: dense_1
    name: stage
  - dense: { units: 4 }
    repeat: 3
    name: hidden
  - add:
    from: [hidden, hidden_1, stage]
`);
  assert.equal(
    wired(spec).filter((line) => !/^stage_\d\/(inner|dropout)/.test(line)),
    [
      ...["input ← ", "dense ← input", "dense_1 ← dense"],
      ...["stage_1/add ← stage_1/dropout, dense_1", "stage_2/add ← stage_2/dropout, stage_1/add"],
      ...["hidden_1 ← stage_2/add", "hidden_2 ← hidden_1", "hidden_3 ← hidden_2"],
      "add ← hidden_3, hidden_1, stage_2/add",
    ],
  );
});

test("layers within others use up automatic names, as in Keras, whose names these are", () => {
  const spec = specOf(`
model:
  - input: { shape: [2, 3, 4] }
  - time_distributed: { layer: { time_distributed: { layer: { dense: { units: 2 } } } } }
  - time_distributed: { layer: { dense: { units: 2 } } }
    name: steps
  - dense: { units: 2 }
  - time_distributed: { layer: { bidirectional: { layer: { lstm: { units: 2 } } } } }
  - bidirectional: { layer: { lstm: { units: 2, return_sequences: true } } }
  - bidirectional:
      layer: { lstm: { units: 2, return_sequences: true } }
      backward_layer: { gru: { units: 2, return_sequences: true, go_backwards: true } }
  - gru: { units: 2, return_sequences: true }
  - lstm: { units: 2 }
  - dense: { units: 1 }
`);
  assert.equal(
    spec.model.layers.map((l) => l.name),
    [
      ...["input", "time_distributed_1", "steps", "dense_2", "time_distributed_2"],
      ...["bidirectional_1", "bidirectional_2", "gru_1", "lstm_3", "dense_3"],
    ],
  );
});

test("repeated, a wrapper has a layer of its own each time", () => {
  const spec = specOf(`
model:
  - input: { shape: [3, 4] }
  - time_distributed: { layer: { dense: { units: 2 } } }
    repeat: 2
  - dense: { units: 2 }
`);
  assert.is(spec.model.layers.at(-1)!.name, "dense_2");
});

test("parameters are any values: layers, lists, mappings, counts, and defaults of one another", () => {
  const spec = specOf(`
blocks:
  stack:
    parameters: { sizes, depth: 1, layer: dense, act: relu, last: $act, how: { l2: { l2: 0.5 } } }
    layers:
      - reshape: { target_shape: $sizes }
      - dense: { units: 4, kernel_regularizer: $how, activation: $act }
        repeat: $depth
      - $last
model:
  - stack: { sizes: [2, 2], depth: 2, act: { leaky_relu: { negative_slope: 0.25 } }, last: tanh }
  - stack: { sizes: [4], act: elu }
`);
  assert.equal(
    spec.model.layers.map((l) => l.name),
    [
      ...["input", "stack/reshape", "stack/dense", "stack/dense_1", "stack/tanh"],
      ...["stack_1/reshape", "stack_1/dense", "stack_1/elu"],
    ],
  );
  const { options } = spec.model.layers[3]!.layer;
  assert.match(JSON.stringify(options["activation"]), /"negative_slope":0.25/);
  assert.match(JSON.stringify(options["kernel_regularizer"]), /"l2":0.5/);
});

test("blocks of several inputs, and blocks within blocks", () => {
  const spec = specOf(`
blocks:
  cross:
    inputs: [query, memory]
    layers:
      - dense: { units: 4 }
        from: memory
      - add:
        from: [dense, query]
  both:
    inputs: [query, memory]
    layers:
      - cross:
        from: [memory, query]
      - cross:
        from: [query, cross]
      - add:
        from: [query, cross_1, cross_1/dense]
model:
  - dense: { units: 4 }
    name: a
  - dense: { units: 4 }
    name: b
  - both:
    from: [a, b]
`);
  assert.equal(wired(spec).slice(3), [
    "both/cross/dense ← a",
    "both/cross/add ← both/cross/dense, b",
    "both/cross_1/dense ← both/cross/add",
    "both/cross_1/add ← both/cross_1/dense, a",
    "both/add ← a, both/cross_1/add, both/cross_1/dense",
  ]);
});

test("trainable: false on a block freezes all within, and only that", () => {
  const spec = specOf(`
blocks:
  inner: [{ dense: { units: 4 } }]
  outer: [{ inner: }, { dense: { units: 4 } }]
model:
  - outer:
    trainable: false
  - outer
  - reuse: outer
`);
  assert.equal(wired(spec), [
    "input ← ",
    "outer/inner/dense ← input frozen",
    "outer/dense ← outer/inner/dense frozen",
    "outer_1/inner/dense ← outer/dense",
    "outer_1/dense ← outer_1/inner/dense",
    "outer_again/inner/dense ← outer_1/dense = outer/inner/dense frozen",
    "outer_again/dense ← outer_again/inner/dense = outer/dense frozen",
  ]);
});

test("reuse: a layer, alone or beside its key; what reuses it; a layer in a block; several times", () => {
  const spec = specOf(`
blocks: { pair: [{ dense: { units: 4 } }, { reuse: dense }] }
model:
  - dense: { units: 4 }
    name: cell
  - reuse: cell
    repeat: 2
  - dense: { units: 4 }
    reuse: cell_again_1
    name: again
  - pair
  - reuse: pair/dense
  - reuse: pair
`);
  assert.equal(wired(spec), [
    ...["input ← ", "cell ← input", "cell_again ← cell = cell"],
    ...["cell_again_1 ← cell_again = cell", "again ← cell_again_1 = cell"],
    ...["pair/dense ← again", "pair/dense_again ← pair/dense = pair/dense"],
    "dense_again ← pair/dense_again = pair/dense",
    "pair_again/dense ← dense_again = pair/dense",
    "pair_again/dense_again ← pair_again/dense = pair/dense",
  ]);
});

test("what is applied once more uses up no automatic name: in Keras it is no new layer", () => {
  const spec = specOf(`
model:
  - dense: { units: 4 }
  - reuse: dense
  - reuse: dense_again
  - dense: { units: 4 }
  - reshape: { target_shape: [2, 2] }
  - time_distributed: { layer: { dense: { units: 2 } } }
  - time_distributed: { layer: { dense: { units: 2 } } }
    reuse: time_distributed
  - dense: { units: 4 }
`);
  assert.equal(wired(spec), [
    ...["input ← ", "dense ← input", "dense_again ← dense = dense"],
    ...["dense_again_1 ← dense_again = dense", "dense_1 ← dense_again_1"],
    ...["reshape ← dense_1", "time_distributed ← reshape"],
    "time_distributed_again ← time_distributed = time_distributed",
    // dense_2 is the one within.
    "dense_3 ← time_distributed_again",
  ]);
});

test("a block as an output bears the name of its use", () => {
  const { model, outputs } = specOf(
    `
blocks: { head: [{ dense: { units: 1 } }] }
model:
  - dense: { units: 4 }
    name: body
  - head
  - head:
    name: right
    from: body
outputs: [head, right]
`,
    ["loss={ head: mse, right: mae }"],
  );
  assert.equal(model.outputs, ["head", "right"]);
  assert.equal(
    outputs.map((o) => o.layer),
    ["head", "right"],
  );
  assert.equal(model.layers.find((l) => l.name === "right")!.from, ["right/dense"]);
});

test("--set reaches into blocks and their uses", () => {
  const text = `${residual}model: [{ residual: { units: 4 } }, { dense: { units: 1 } }]`;
  const set = ["model.0.residual.rate=0.125", "blocks.residual.layers.0.dense.use_bias=false"];
  const { model } = specOf(text, set);
  const options = (name: string) => model.layers.find((l) => l.name === name)!.layer.options;
  assert.is(options("residual/dropout")["rate"], 0.125);
  assert.is(options("residual/inner")["use_bias"], false);
});

test("bidirectional without a merge is two layers, by their names or both as the list that Keras gives", () => {
  const spec = specOf(`
blocks: { ways: [{ bidirectional: { layer: { gru: { units: 2 } }, merge_mode: null } }] }
model:
  - bidirectional: { layer: { lstm: { units: 2, return_sequences: true } }, merge_mode: null }
    name: both
    from: input
    trainable: false
  - concatenate
  - reuse: both
    from: input
  - maximum:
    from: [both/backward, both_again/forward, both_again/backward]
  - ways
  - add
  - dense: { units: 1 }
    from: ways/bidirectional/forward
  - multiply:
    from: [add, dense, concatenate]
`);
  assert.equal(wired(spec), [
    ...["input ← ", "both/forward ← input frozen", "both/backward ← input frozen"],
    "concatenate ← both/forward, both/backward",
    "both_again/forward ← input = both/forward frozen",
    "both_again/backward ← input = both/backward frozen",
    "maximum ← both/backward, both_again/forward, both_again/backward",
    "ways/bidirectional/forward ← maximum",
    "ways/bidirectional/backward ← maximum",
    "add ← ways/bidirectional/forward, ways/bidirectional/backward",
    "dense ← ways/bidirectional/forward",
    "multiply ← add, dense, concatenate",
  ]);
  const again = resolveSpec(parseSpec(stringify(spec.resolved), "t.yaml", "."));
  assert.equal(again.resolved, spec.resolved);
  assert.equal(wired(again), wired(spec));
});

/** A random model with blocks, and how many layers it must have. */
function randomModel(seed: number): { readonly text: string; readonly count: number } {
  const random = randomFrom(seed);
  const upTo = (n: number) => Math.floor(random() * n);
  const sizes = new Map<string, number>();
  const entries = (known: readonly string[]) => {
    let count = 0;
    const list = Array.from({ length: 1 + upTo(4) }, () => {
      const repeat = random() < 0.3 ? 1 + upTo(3) : undefined;
      const block = random() < 0.6 && known.length > 0 ? pick(random, known) : undefined;
      const key = block ?? pick(random, ["dense", "relu", "identity"]);
      count += (repeat ?? 1) * (block === undefined ? 1 : sizes.get(block)!);
      const options = block === undefined && key !== "dense" ? {} : { units: block ? "$units" : 2 };
      return {
        [key]: options,
        ...(repeat === undefined ? {} : { repeat }),
        ...(random() < 0.2 ? { trainable: false } : {}),
      };
    });
    return { list, count };
  };
  const blocks: Record<string, unknown> = {};
  for (const name of ["a", "b", "c"].slice(0, 1 + upTo(3))) {
    const { list, count } = entries([...sizes.keys()]);
    blocks[name] = { parameters: { units: random() < 0.5 ? 3 : null }, layers: list };
    sizes.set(name, count);
  }
  const { list, count } = entries([...sizes.keys()]);
  const model = JSON.parse(JSON.stringify(list).replaceAll('"$units"', "5"));
  const [last] = sizes.keys();
  const reuse = [
    { [last!]: { units: 5 }, name: "use" },
    { reuse: "use", repeat: 2 },
  ];
  return {
    text: stringify({ blocks, model: [...model, ...reuse] }),
    count: count + 3 * sizes.get(last!)!,
  };
}

test("random models: as many layers as written, names of their own, and the resolved spec is the same again", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { text, count } = randomModel(seed);
    const spec = specOf(text);
    const layers = spec.model.layers.filter((l) => l.path.length > 0);
    assert.is(layers.length, count, text);
    assert.is(new Set(layers.map((l) => l.name)).size, count);
    const again = resolveSpec(parseSpec(stringify(spec.resolved), "t.yaml", "."));
    assert.equal(again.resolved, spec.resolved);
    assert.equal(wired(again), wired(spec));
  }
});

test.run();
