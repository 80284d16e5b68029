/**
 * `nnc test`: specs as a regression suite. Each is trained by a process of its own, so that none disturbs
 * another, and held against its `expect`.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { addExpectations, updateExpectations } from "../spec/record.ts";
import { UsageError } from "../support/errors.ts";
import { type EndEvent, type EpochEvent, metricsOf } from "../train/events.ts";
import { exitStatus } from "./exit-status.ts";
import { onInterrupt } from "./interrupt.ts";
import { type SpecOptions, specArguments } from "./options.ts";
import { locateSpec } from "./spec-file.ts";
import { during } from "./spinner.ts";
import type { TableOptions } from "./tables.ts";
import { hasColor, painter, print, tell } from "./terminal.ts";
import { junit, renderResults, type TestResult } from "./test-report.ts";

export interface TestOptions extends SpecOptions, TableOptions {
  readonly backend: string;
  readonly threads?: number;
  /** Folder that keeps the runs; absent: they are removed. */
  readonly out?: string;
  /** File for JUnit's XML. */
  readonly junit?: string;
  readonly json?: boolean;
  readonly update?: boolean;
}

/** @returns the exit code: 1 if anything failed, 2 if a spec could not be run */
export async function test(names: readonly string[], options: TestOptions): Promise<number> {
  const specs = names.flatMap(specsIn);
  if (options.junit !== undefined) checkPlace(options.junit);
  const folder = options.out ?? mkdtempSync(join(tmpdir(), "nnc-test-"));
  const silent = options.quiet === true || options.json === true;
  const interrupt = onInterrupt(() => tell("stopping"));
  const results: TestResult[] = [];
  try {
    for (const [i, spec] of specs.entries()) {
      const out = join(folder, `${i + 1}`);
      const title = `${spec} (${i + 1} of ${specs.length})`;
      const result = await during(title, silent, () => runOne(spec, out, options));
      if (interrupt.requested()) return exitStatus.interrupted;
      results.push(options.update ? record(result) : result);
      if (options.json) print(JSON.stringify(results.at(-1)));
    }
  } finally {
    interrupt.release();
    if (options.out === undefined) rmSync(folder, { recursive: true, force: true });
  }
  if (!options.json) report(results, options);
  if (options.junit !== undefined) writeReport(options.junit, junit(results));
  if (results.some((r) => r.status === "error")) return exitStatus.usage;
  return results.every((r) => r.status === "passed") ? exitStatus.fine : exitStatus.failed;
}

/** A folder stands for the specs in it. */
function specsIn(name: string): readonly string[] {
  if (!statSync(name, { throwIfNoEntry: false })?.isDirectory()) return [name];
  const found = readdirSync(name)
    .filter((entry) => /\.ya?ml$/.test(entry))
    .sort();
  if (found.length > 0) return found.map((entry) => join(name, entry));
  throw new UsageError(`the folder ${name} holds no specs`, "name YAML files");
}

function report(results: readonly TestResult[], options: TestOptions): void {
  print(renderResults(results, options, painter(hasColor(process.stdout))));
  for (const { spec, status, message } of results)
    if (status === "error") tell(`\n${spec}:\n${message ?? ""}`);
}

/** What can be known of it before hours of training. */
function checkPlace(file: string): void {
  const folder = dirname(file);
  const what = statSync(file, { throwIfNoEntry: false })?.isDirectory()
    ? `${file} is a folder`
    : statSync(folder, { throwIfNoEntry: false })?.isDirectory()
      ? undefined
      : `there is no folder ${folder} for ${basename(file)}`;
  if (what !== undefined)
    throw new UsageError(what, "give --junit another file, or make the folder");
}

function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${(error as Error).message}`, "name another file");
  }
}

async function runOne(spec: string, out: string, options: TestOptions): Promise<TestResult> {
  const args = [
    ...["train", spec, "--json", "--out", out, "--backend", options.backend],
    ...specArguments(options),
    ...(options.threads === undefined ? [] : ["--threads", `${options.threads}`]),
  ];
  const start = performance.now();
  const { code, stdout, stderr } = await runSelf(args);
  const seconds = (performance.now() - start) / 1000;
  const events = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as EpochEvent | EndEvent);
  const end = events.findLast((e): e is EndEvent => e.event === "end");
  const epoch = events.findLast((e): e is EpochEvent => e.event === "epoch");
  const common = { spec, seconds, metrics: epoch ? metricsOf(epoch) : {} };
  if (!end || code === exitStatus.usage) {
    const message = stderr.trim() || `the process ended with ${code ?? "a signal"}`;
    return { ...common, status: "error", expect: [], message };
  }
  const status = code === exitStatus.fine ? "passed" : "failed";
  const message = end.reason === "finished" ? {} : { message: end.message ?? end.reason };
  return { ...common, status, expect: end.expect, ...message };
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Another process of this program. */
function runSelf(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [process.argv[1]!, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      texts[stream] += text;
    });
  }
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => done({ code, ...texts }));
  });
}

/** Writes what came into the spec, where it failed or nothing was expected. */
function record(result: TestResult): TestResult {
  const { spec, status, expect, metrics, message } = result;
  if (status === "error" || message !== undefined) return result;
  if (status === "passed" && expect.length > 0) return result;
  if (expect.some((verdict) => verdict.got === undefined)) return result;
  const { file, bundled } = locateSpec(spec);
  if (bundled)
    throw new UsageError(
      `${spec} comes with nnc, and is not changed`,
      "copy it, and test the copy",
    );
  const text = readFileSync(file, "utf8");
  const changed =
    expect.length > 0
      ? updateExpectations(text, expect)
      : addExpectations(text, validationOf(metrics));
  writeFileSync(file, changed);
  return { ...result, status: "passed", updated: true };
}

function validationOf(metrics: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const validation = Object.entries(metrics).filter(([name]) => name.startsWith("val_"));
  return validation.length > 0 ? Object.fromEntries(validation) : metrics;
}
