/**
 * The table of layers as Keras prints it (https://keras.io/api/models/model/#summary-method), and the same
 * as data. Vocabulary: a model *branches* if it is more than a chain of layers.
 */
import Table from "cli-table3";
import { sizeOf } from "../ir/graph.ts";
import type { Built, Model, ModelLayer, Weight } from "../nn/model.ts";
import type { Paint } from "./terminal.ts";

export interface LayerSummary {
  readonly name: string;
  readonly type: string;
  /** The batch is null. */
  readonly output_shape: readonly (number | null)[];
  readonly params: number;
  readonly from: readonly Call[];
}
/** What a layer gives when it is applied the n-th time, from 0. */
export interface Call {
  readonly layer: string;
  readonly call: number;
}
export interface ModelSummary {
  readonly name: string;
  readonly layers: readonly LayerSummary[];
  readonly params: number;
  readonly trainable: number;
  readonly branches: boolean;
}

/** The model's layers but for an input layer that the spec leaves out; one applied several times is one row. */
export function summarise(model: Model, { outputs, weights }: Built): ModelSummary {
  const shown = model.layers.filter((l) => l.path.length > 0);
  const count = (of: readonly Weight[]) => of.reduce((n, w) => n + sizeOf(w.shape), 0);
  const calls = callsOf(shown);
  const rows = shown.filter(({ name }) => calls.get(name)!.call === 0);
  const layers = rows.map(({ name, layer, owner }): LayerSummary => {
    const [, ...shape] = outputs.get(name)!.type.shape;
    const applied = shown.filter((l) => l.owner === owner);
    return {
      name: owner,
      type: layer.definition.name,
      output_shape: [null, ...shape],
      params: count(weights.filter((w) => w.layer === owner)),
      from: applied.flatMap(({ from }) => from.flatMap((source) => calls.get(source) ?? [])),
    };
  });
  return {
    name: model.name,
    layers,
    params: count(weights),
    trainable: count(weights.filter((w) => w.trainable)),
    branches: !isChain(model.layers) || model.outputs.length > 1,
  };
}

/** What each layer of the model is: the n-th call of a layer that is applied several times, as Keras counts. */
function callsOf(layers: readonly ModelLayer[]): ReadonlyMap<string, Call> {
  const counts = new Map<string, number>();
  const entries = layers.map(({ name, owner }): [string, Call] => {
    const call = counts.get(owner) ?? 0;
    counts.set(owner, call + 1);
    return [name, { layer: owner, call }];
  });
  return new Map(entries);
}

const isChain = (layers: readonly ModelLayer[]) =>
  layers.every(
    ({ name, owner, from }, i) =>
      owner === name && from.join() === (i === 0 ? "" : layers[i - 1]!.name),
  );

/** Column widths with their padding; 80 columns with the borders, as Keras lays them out. */
const widths = { chain: [35, 26, 15], branched: [23, 19, 13, 20] } as const;

export function renderSummary(summary: ModelSummary, paint: Paint): string {
  const titles = ["Layer (type)", "Output Shape", "Param #"];
  const head = summary.branches ? [...titles, "Connected to"] : titles;
  const rows = summary.layers.map((layer) => {
    const shape = `(${layer.output_shape.map((n) => n ?? "None").join(", ")})`;
    const cells = [`${layer.name} (${className(layer.type)})`, shape, grouped(layer.params)];
    const sources = layer.from.map(({ layer, call }) => `${layer}[${call}][0]`).join(", ") || "-";
    return summary.branches ? [...cells, sources] : cells;
  });
  const columns = (summary.branches ? widths.branched : widths.chain).map((least, i) =>
    Math.max(least, ...[head, ...rows].map((row) => longestWord(row[i]!) + 2)),
  );
  return [
    paint("bold", `Model: "${summary.name}"`),
    table([head], columns, headBorder),
    table(rows, columns, bodyBorder),
    ...footer(summary),
  ].join("\n");
}

const footer = ({ params, trainable }: ModelSummary) => [
  ` Total params: ${countAndSize(params)}`,
  ` Trainable params: ${countAndSize(trainable)}`,
  ` Non-trainable params: ${countAndSize(params - trainable)}`,
];

const longestWord = (text: string) => Math.max(...text.split(" ").map((word) => word.length));
const grouped = (n: number) => n.toLocaleString("en-US");

/** `269,322 (1.03 MB)`: weights are float32, and a megabyte is 1024² bytes. */
export function countAndSize(params: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = 4 * params;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${grouped(params)} (${size.toFixed(2)} ${units[unit]})`;
}

type Border = ConstructorParameters<typeof Table>[0] & object extends { chars?: infer C }
  ? C
  : never;

// biome-ignore format: corners and edges as they lie
const headBorder: Border = {
  "top-left": "┏", top: "━", "top-mid": "┳", "top-right": "┓",
  left: "┃", middle: "┃", right: "┃",
  "bottom-left": "┡", bottom: "━", "bottom-mid": "╇", "bottom-right": "┩",
};
// biome-ignore format: corners and edges as they lie
const bodyBorder: Border = {
  "top-left": "", top: "", "top-mid": "", "top-right": "",
  left: "│", middle: "│", right: "│",
  "left-mid": "├", mid: "─", "mid-mid": "┼", "right-mid": "┤",
  "bottom-left": "└", bottom: "─", "bottom-mid": "┴", "bottom-right": "┘",
};

function table(rows: readonly (readonly string[])[], columns: readonly number[], chars: Border) {
  const made = new Table({
    chars,
    colWidths: [...columns],
    colAligns: ["left", "left", "right", "left"],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}

/** Words of layer names that Keras's class names do not simply capitalise. */
const abbreviations: Readonly<Record<string, string>> = {
  ...{ input: "InputLayer", relu: "ReLU", prelu: "PReLU", elu: "ELU" },
  ...{ lstm: "LSTM", gru: "GRU", rnn: "RNN", rms: "RMS" },
  ...{ lstm1d: "LSTM1D", lstm2d: "LSTM2D" },
};

/** Keras's class for a layer's name: `max_pooling2d` is MaxPooling2D. */
export const className = (type: string): string =>
  type
    .split("_")
    .map((word) => abbreviations[word] ?? word.charAt(0).toUpperCase() + word.slice(1))
    .join("")
    .replace(/(\d)d\b/, "$1D")
    .replace(/(\d)d(?=[A-Z])/, "$1D");
