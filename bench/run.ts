/**
 * The suite: trains, multiplies and writes RESULTS.md.
 *
 *     npm run bench -- [--peers peers.json] [--only training|inference|contractions …] [--threads N]
 *                      [--backend NAME] [--out FILE]
 *
 * With --only the result goes to stdout, unless a file is given.
 */
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { measurePeak, type Peak } from "../src/backends/native/peak.ts";
import type { BenchResult } from "../src/cli/bench-table.ts";
import { inferenceCases, shapePairs, type TrainingCase, trainingCases } from "./cases.ts";
import { measureShape } from "./contractions.ts";
import { measureInference } from "./inference.ts";
import { describeMachine, machineLines } from "./machine.ts";
import { type Peers, readPeers } from "./peers.ts";
import {
  contractionSection,
  inferenceSection,
  type PairRow,
  type TrainingRow,
  trainingSection,
} from "./report.ts";

/** Compiled, this file lies in dist/bench. */
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const program = path("../app/nnc.js");
const results = path("../../bench/RESULTS.md");

const { values: options } = parseArgs({
  options: {
    peers: { type: "string" },
    only: { type: "string", multiple: true },
    threads: { type: "string" },
    backend: { type: "string", default: "native" },
    out: { type: "string" },
  },
});
const parts = ["training", "inference", "contractions"] as const;
const isWanted = (part: (typeof parts)[number]) => options.only?.includes(part) ?? true;
const threads = options.threads === undefined ? undefined : Number(options.threads);

async function main(): Promise<void> {
  const strange = options.only?.find((part) => !parts.some((p) => p === part));
  if (strange !== undefined) throw new Error(`--only ${strange}: expected ${parts.join(", ")}`);
  // First of all: measuring is a load too.
  const machine = await describeMachine();
  const peers = options.peers === undefined ? undefined : readPeers(options.peers);
  const used = threads ?? availableParallelism();
  const training = isWanted("training") ? await trainingRows() : [];
  const inference = isWanted("inference") ? await inferenceTimes() : undefined;
  const pairs = isWanted("contractions") ? await contractionRows() : [];
  const peak = bestPeak(await measurePeak(used), training, used);
  const sections = [
    head,
    `## Machine\n\n${machineLines(machine, peak, used)}`,
    ...(peers ? [peersLine(peers)] : []),
    ...(training.length > 0 ? [trainingSection(training, peers, peak?.gflops)] : []),
    ...(inference ? [inferenceSection(inference, peers)] : []),
    ...(pairs.length > 0 ? [contractionSection(pairs, peak?.gflops)] : []),
  ];
  const text = `${sections.filter((s) => s !== undefined).join("\n\n")}\n`;
  const out = options.out ?? (options.only ? undefined : results);
  if (out === undefined) process.stdout.write(text);
  else writeFileSync(out, text);
}

const head = `# Figures

Written by \`npm run bench\`; accuracy is in [ACCURACY.md](ACCURACY.md).`;

/** Of all that were measured on so many threads: other programs only ever take away from it. */
function bestPeak(own: Peak | undefined, rows: readonly TrainingRow[], used: number) {
  if (!own) return undefined;
  const same = rows.filter(({ result }) => result.threads === used);
  return { ...own, gflops: Math.max(own.gflops, ...same.map((r) => r.result.peak_gflops ?? 0)) };
}

function peersLine(p: Peers): string {
  const load = p.load_average.map((n) => n.toFixed(2)).join(", ");
  return `Peers: ${p.date}, ${p.cpu}, ${p.threads} threads, Python ${p.python}, load average ${load}.`;
}

async function trainingRows(): Promise<readonly TrainingRow[]> {
  const rows: TrainingRow[] = [];
  for (const of of trainingCases) rows.push({ of, result: await trained(of) });
  return rows;
}

/** A process of its own, so that memory is that of this model alone. */
async function trained({ name, spec, backend = options.backend }: TrainingCase) {
  say(`training: ${name}`);
  const made = typeof spec === "string" ? { spec } : spec();
  const args = [program, "bench", made.spec, "--json", "--backend", backend];
  const more = threads === undefined ? [] : ["--threads", `${threads}`];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, ...more]);
  if ("folder" in made) rmSync(made.folder, { recursive: true });
  return JSON.parse(stdout) as BenchResult;
}

async function inferenceTimes(): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  for (const of of inferenceCases) {
    say(`inference: ${of.name}`);
    const file = `${path("../../specs/")}${of.spec}`;
    times.set(of.name, await measureInference(of, file, options.backend, threads));
  }
  return times;
}

async function contractionRows(): Promise<readonly PairRow[]> {
  const rows: PairRow[] = [];
  for (const of of shapePairs) {
    say(`products: ${of.name}`);
    const measured = (shape: typeof of.tidy) => measureShape(shape, options.backend, threads);
    rows.push({ of, tidy: await measured(of.tidy), odd: await measured(of.odd) });
  }
  return rows;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
