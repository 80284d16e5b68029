/** Recurrent layers both ways (https://keras.io/api/layers/recurrent_layers/bidirectional/). */
import { z } from "zod";
import type { Tensor } from "../../ir/graph.ts";
import { add, mul } from "../../ops/pointwise.ts";
import { concatenate, flip } from "../../ops/view.ts";
import type { Problem } from "../../support/errors.ts";
import { oneOf } from "../../support/suggest.ts";
import type { Named } from "../definition.ts";
import { buildInner, type Catalogue, layerOption } from "./inner.ts";
import { defineLayer, type Layer, maskGiven, type Part, showShape } from "./layer.ts";

/** What becomes of the two results, of the same steps. */
const merges = {
  concat: (a: Tensor, b: Tensor) => concatenate([a, b], a.type.shape.length - 1),
  sum: add,
  mul,
  ave: (a: Tensor, b: Tensor) => mul(add(a, b), 0.5),
} as const;
const modes = ["concat", "sum", "mul", "ave"] as const satisfies readonly (keyof typeof merges)[];

/** Recurrent is what can walk both ways; the options are those of `recurrent.ts`. */
const isRecurrent = ({ definition: { options } }: Named<Layer>) =>
  "go_backwards" in options && "return_sequences" in options;
const goesBackwards = ({ options }: Named<Layer>) => options["go_backwards"] === true;
const givesSequences = ({ options }: Named<Layer>) => options["return_sequences"] === true;

interface Options {
  readonly layer: Named<Layer>;
  readonly backward_layer?: Named<Layer> | undefined;
}

const changed = (layer: Named<Layer>, options: Named["options"]): Named<Layer> => ({
  ...layer,
  options: { ...layer.options, ...options },
});

/** Both layers. As in Keras, sequences of theirs are 0 where they are masked. */
const both = ({ layer, backward_layer }: Options) =>
  [layer, backward_layer ?? changed(layer, { go_backwards: true })].map((one) =>
    changed(one, { zero_output_for_mask: givesSequences(one) }),
  ) as [Named<Layer>, Named<Layer>];

/** What is wrong with a layer, by itself or beside the other one. */
function unfit({ layer, backward_layer }: Options): Problem | undefined {
  for (const [option, one] of Object.entries({ layer, backward_layer })) {
    if (!one || isRecurrent(one)) continue;
    return {
      path: [option],
      message: `bidirectional cannot apply ${one.definition.name} both ways`,
      expected: "a recurrent layer, such as lstm",
      received: one.definition.name,
    };
  }
  if (goesBackwards(layer)) {
    return {
      path: ["layer", layer.definition.name, "go_backwards"],
      message: "the forward layer of bidirectional goes backwards",
      expected: "false",
      received: "true",
      fix: "leave it out: the other direction comes by itself",
    };
  }
  if (!backward_layer) return undefined;
  const at = ["backward_layer", backward_layer.definition.name];
  if (!goesBackwards(backward_layer)) {
    return {
      path: [...at, "go_backwards"],
      message: "the backward layer of bidirectional goes forward",
      expected: "true",
      received: "false",
      fix: "write `go_backwards: true`, or leave `backward_layer` out",
    };
  }
  const sequences = givesSequences(layer);
  if (givesSequences(backward_layer) === sequences) return undefined;
  return {
    path: [...at, "return_sequences"],
    message: "one layer of bidirectional gives a sequence, the other does not",
    expected: `${sequences}, as in \`layer\``,
    received: `${!sequences}`,
    fix: "write the same for both",
  };
}

/** A layer whose steps are brought back into the order of its input. */
const turnedBack = ({ definition, options }: Named<Layer>): Named<Layer> => ({
  definition: {
    ...definition,
    build: (inputs, own, ctx) => flip(definition.build(inputs, own, ctx), 1),
  },
  options,
});

/** The two layers by themselves, whose weights have the names that they have together. */
function apart(options: Options): readonly Part[] {
  const [forward, backward] = both(options);
  return [
    { name: "forward", layer: forward, at: ["layer"] },
    {
      name: "backward",
      layer: givesSequences(backward) ? turnedBack(backward) : backward,
      at: [options.backward_layer ? "backward_layer" : "layer"],
    },
  ];
}

/** @param catalogue all layers, this among them */
export const bidirectional = (catalogue: Catalogue): Layer =>
  defineLayer({
    name: "bidirectional",
    doc: "A recurrent layer and, with weights of its own, the same from the last step to the first; the results of a step are merged.",
    takes: "one",
    options: {
      layer: layerOption(catalogue).describe("The layer that goes forward: simple_rnn, lstm, gru."),
      backward_layer: layerOption(catalogue)
        .optional()
        .describe("The layer that goes backwards; by default one as the other."),
      merge_mode: z
        .enum(modes)
        .nullable()
        .default("concat")
        .describe(
          "concat: side by side; sum, mul (product), ave (mean): number by number; null: two results, which `from` calls NAME/forward and NAME/backward.",
        ),
    },
    inner: ["layer", "backward_layer"],
    check: unfit,
    parts: ({ merge_mode, ...options }) => (merge_mode === null ? apart(options) : undefined),
    mask: (inputs, masks, options) => maskGiven(options.layer, inputs, masks),
    build(inputs, { merge_mode, ...options }, ctx) {
      if (merge_mode === null) {
        return ctx.fail({
          path: ["merge_mode"],
          message: "a layer within another gives one result, not one for each direction",
          expected: oneOf(modes),
          received: "null",
          fix: "use `merge_mode: concat`",
        });
      }
      const [forward, backward] = both(options);
      const at = options.backward_layer ? "backward_layer" : "layer";
      const a = buildInner(
        { layer: forward, at: ["layer"], prefix: "forward/" },
        inputs,
        ctx.masks,
        ctx,
      );
      const b = buildInner(
        { layer: backward, at: [at], prefix: "backward/" },
        inputs,
        ctx.masks,
        ctx,
      );
      const shapes = [a.type.shape, b.type.shape];
      if (merge_mode !== "concat" && shapes[0]!.join() !== shapes[1]!.join()) {
        ctx.fail({
          path: ["merge_mode"],
          message: `results of different widths have no ${merge_mode}`,
          expected: "as many units in both layers, or concat",
          received: shapes.map(showShape).join(" and "),
          fix: "use `merge_mode: concat`, or give both layers the same `units`",
        });
      }
      return merges[merge_mode](a, givesSequences(backward) ? flip(b, 1) : b);
    },
  });
