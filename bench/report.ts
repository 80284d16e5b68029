/** RESULTS.md, from what was measured. */
import type { BenchResult } from "../src/cli/bench-table.ts";
import { inferenceCases, type Shape, type ShapePair, type TrainingCase } from "./cases.ts";
import type { Speeds } from "./contractions.ts";
import { figuresOf, type PeerFigure, type Peers } from "./peers.ts";

export interface TrainingRow {
  readonly of: TrainingCase;
  readonly result: BenchResult;
}
export interface PairRow {
  readonly of: ShapePair;
  readonly tidy: Speeds;
  readonly odd: Speeds;
}

/** @param peak the best that was measured on as many threads; a process may have been disturbed at its own */
export function trainingSection(
  rows: readonly TrainingRow[],
  peers: Peers | undefined,
  peak: number | undefined,
): string {
  const ours = rows.map(({ of, result: r }) => [
    of.name,
    `${r.backend}${r.threads === null ? "" : `, ${r.threads} threads`}`,
    `**${digits(r.ms_per_step)}** (${digits(r.ms_min)} – ${digits(r.ms_max)})`,
    digits(r.gflops),
    r.peak_gflops === null || peak === undefined
      ? "–"
      : `${((100 * r.gflops) / peak).toFixed(0)} %`,
    r.memory_mb.toFixed(0),
    `${digits(r.compile_seconds.cold)} / ${digits(r.compile_seconds.cached)}`,
    digits(r.first_step_seconds),
  ]);
  const head = [
    ...["model, batch 100", "on", "ms a step", "GFLOP/s", "of peak", "MB"],
    ...["compiling cold / cached, s", "first step, s"],
  ];
  const text = `## Training

By \`nnc bench\`, with Adam: the median of five runs, least and most. A multiply-add of the products counts two
operations, padding and all other arithmetic none. Convolutions count as they are defined; native computes many with fewer
multiplications, so that a share of the peak may be more than 100 %. Memory is the most that was resident. The first step
ends so long after the start of a process that finds the compiled code in the cache.

${table(head, ours)}`;
  if (!peers) return text;
  const beside = rows.flatMap(({ of, result }) =>
    figuresOf(peers.training, of.name).map((f) => [of.name, ...comparison(f, result.ms_per_step)]),
  );
  return `${text}\n\nBeside others: ms a step, and how many times as long they take.\n\n${table(
    ["model", "peer", "ms a step", "nnc", "ratio"],
    beside,
  )}`;
}

/** @param ours ms for the same; undefined: not measured */
const comparison = (f: PeerFigure, ours: number | undefined): readonly string[] => [
  f.peer,
  `${digits(f.ms)} (${digits(f.ms_min)} – ${digits(f.ms_max)})`,
  ours === undefined ? "–" : digits(ours),
  ours === undefined ? "–" : `${(f.ms / ours).toFixed(2)} ×`,
];

/** @param ours ms for all examples, by case */
export function inferenceSection(
  ours: ReadonlyMap<string, number>,
  peers: Peers | undefined,
): string | undefined {
  const rows = inferenceCases.flatMap(({ name, examples, batch }) => {
    const what = `${name}, ${examples} images, batch ${batch}`;
    const own = ours.get(name);
    const beside = peers ? figuresOf(peers.inference, name) : [];
    if (beside.length > 0) return beside.map((f) => [what, ...comparison(f, own)]);
    return own === undefined ? [] : [[what, "–", "–", digits(own), "–"]];
  });
  if (rows.length === 0) return undefined;
  const head = ["model", "peer", "ms", "nnc", "ratio"];
  return `## Inference\n\n${table(head, rows)}`;
}

export function contractionSection(rows: readonly PairRow[], peak: number | undefined): string {
  const line = (name: string, shape: Shape, speeds: Speeds, tidy?: Speeds) => [
    name,
    describe(shape),
    ...(["forward", "input", "weights"] as const).map((k) => {
      const share = tidy ? ` (${((100 * speeds[k]) / tidy[k]).toFixed(0)} %)` : "";
      return `${digits(speeds[k])}${share}`;
    }),
  ];
  const all = rows.flatMap(({ of, tidy, odd }) => [
    line("", of.tidy, tidy),
    line(of.name, of.odd, odd, tidy),
  ]);
  const most = peak === undefined ? "" : ` The FMA peak is ${peak.toFixed(0)}.`;
  return `## Products on their own

GFLOP/s of a product and of its gradients with respect to the input and to the weights, each a program of its own that
leaves the result in memory. Under a tidy shape an odd one, with its share of the tidy one's speed.${most}

${table(["odd in", "shape", "product", "input's gradient", "weights' gradient"], all)}`;
}

function describe(shape: Shape): string {
  switch (shape.kind) {
    case "dense":
      return `[${shape.batch}, ${shape.inputs}] · [${shape.inputs}, ${shape.units}]`;
    case "conv": {
      const { batch, size, channels, filters, kernel, stride, padding } = shape;
      const strided = stride === 1 ? "" : `, stride ${stride}`;
      return `${batch} × ${size}² × ${channels} → ${filters}, ${kernel}×${kernel} ${padding}${strided}`;
    }
    default:
      return shape satisfies never;
  }
}

/** Two columns of words, then figures. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, i) => (i < 2 ? "---" : "---:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Three digits that say something. */
const digits = (x: number): string =>
  x.toFixed(Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(x || 1)))));
