/** What `nnc bench` found: as data, whose names are those of `--json`, and as a table. */
import type { Paint } from "./terminal.ts";

/** Times of a step are in ms, all others in seconds; speeds in 10⁹ operations a second. */
export interface BenchResult {
  readonly spec: string;
  readonly backend: string;
  readonly device: string;
  /** Null: the steps run on a GPU. */
  readonly threads: number | null;
  /** Median, least and most of the runs. */
  readonly ms_per_step: number;
  readonly ms_min: number;
  readonly ms_max: number;
  /** Steps of one run, and how many runs. */
  readonly steps: number;
  readonly repeats: number;
  readonly batch_size: number;
  readonly examples_per_second: number;
  /** Two a multiply-add of matrix products and convolutions; neither padding nor other arithmetic counts. */
  readonly flops_per_step: number;
  /** Of these, what is done: convolutions with fewer multiplications count as they are computed. */
  readonly flops_done_per_step: number;
  readonly gflops: number;
  /** What these threads can do at most; null: there is no C compiler to measure it with, or they are a GPU's. */
  readonly peak_gflops: number | null;
  readonly percent_of_peak: number | null;
  /** Floats in a vector of the peak's measurement. */
  readonly vector_width: number | null;
  /** Most memory the process had resident until the steps were done, in units of 1024² bytes. */
  readonly memory_mb: number;
  /** From the spec to code that can be run; `cached` is that of a new process. */
  readonly compile_seconds: { readonly cold: number; readonly cached: number };
  /** From the start of a process to the end of its first step, with the C code compiled already. */
  readonly first_step_seconds: number;
  /** With `--kernels`. */
  readonly kernels?: readonly KernelTime[];
}
/** What the first thread spends in a kernel, and waiting for the others, in a step. */
export interface KernelTime {
  readonly name: string;
  readonly ms: number;
}

type Row = readonly [what: string, value: string, unit: string, note: string];

export function renderBench(result: BenchResult, paint: Paint): string {
  const rows = [...speedRows(result), ...startRows(result)];
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map(([what, value, unit, note]) => {
    const cells = [what.padEnd(widths[0]!), value.padStart(widths[1]!), unit.padEnd(widths[2]!)];
    return `  ${cells[0]}  ${paint("bold", cells[1]!)} ${cells[2]}  ${paint("dim", note)}`.trimEnd();
  });
  const { spec, backend, threads } = result;
  const on = threads === null ? "" : `, ${threads} thread${threads === 1 ? "" : "s"}`;
  const head = paint("bold", `Benchmark: "${spec}" on ${backend}${on}`);
  return [head, ...lines, ...kernelLines(result, paint)].join("\n");
}

/** Kernels shown one by one; the rest is added up. */
const mostKernels = 20;

function kernelLines({ kernels }: BenchResult, paint: Paint): readonly string[] {
  if (!kernels) return [];
  const total = kernels.reduce((sum, k) => sum + k.ms, 0);
  const rest = kernels.slice(mostKernels);
  const shown = [
    ...kernels.slice(0, mostKernels),
    ...(rest.length > 0
      ? [{ name: `${rest.length} others`, ms: rest.reduce((sum, k) => sum + k.ms, 0) }]
      : []),
  ];
  const width = Math.max(...shown.map((k) => k.name.length));
  const lines = shown.map(({ name, ms }) => {
    const share = (100 * ms) / total;
    const bar = "█".repeat(Math.round(share / 2));
    return `  ${name.padEnd(width)}  ${ms.toFixed(3).padStart(8)} ms  ${share.toFixed(1).padStart(5)} %  ${bar}`;
  });
  return [paint("bold", "Kernels, by the time that the first thread spends in a step"), ...lines];
}

function speedRows(r: BenchResult): readonly Row[] {
  const { ms_min: least, ms_max: most, steps, repeats, batch_size: batch } = r;
  const spread = `${digits(least)} – ${digits(most)}: ${repeats} × ${steps} steps, ${batch} examples each`;
  const counted = "2 a multiply-add of products and convolutions, none for padding";
  return [
    ["time a step", digits(r.ms_per_step), "ms", spread],
    ["examples", grouped(r.examples_per_second), "/s", ""],
    ["work a step", ...scaled(r.flops_per_step), counted],
    ...doneRows(r),
    ["speed", digits(r.gflops), "GFLOP/s", ""],
    ...peakRows(r),
  ];
}

/** Only where it is less than what the step means. */
function doneRows({ flops_per_step: all, flops_done_per_step: done }: BenchResult): readonly Row[] {
  const note = "as convolutions are computed, with fewer multiplications";
  return done < all ? [["done by", ...scaled(done), note]] : [];
}

function peakRows(r: BenchResult): readonly Row[] {
  const { peak_gflops: peak, percent_of_peak: share, threads, vector_width: width } = r;
  if (peak === null || share === null) {
    const gpu = "a GPU's is not measured";
    return [["FMA peak", "–", "", threads === null ? gpu : "not measured without a C compiler"]];
  }
  return [
    ["FMA peak", digits(peak), "GFLOP/s", `measured now, in vectors of ${width} floats`],
    ["share of it", share.toFixed(1), "%", ""],
  ];
}

function startRows(r: BenchResult): readonly Row[] {
  const { cold, cached } = r.compile_seconds;
  return [
    ["memory", r.memory_mb.toFixed(0), "MB", "most that was resident"],
    ["compiling", digits(cold), "s", "from the spec to code, nothing cached"],
    ["", digits(cached), "s", "in a new process, from the cache where there is one"],
    ["first step", digits(r.first_step_seconds), "s", "done, since that process started"],
  ];
}

/** Three digits that say something. */
const digits = (x: number): string =>
  x === 0 || (x >= 1e-3 && x < 1e6)
    ? x.toFixed(Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(x || 1)))))
    : x.toExponential(2);

/** An amount of arithmetic in the unit that leaves three digits or fewer. */
function scaled(flops: number): readonly [value: string, unit: string] {
  const units = ["FLOP", "KFLOP", "MFLOP", "GFLOP", "TFLOP"];
  const k = Math.min(units.length - 1, Math.floor(Math.log10(flops || 1) / 3));
  return [digits(flops / 1000 ** k), units[k]!];
}
const grouped = (x: number) => Math.round(x).toLocaleString("en-US");
