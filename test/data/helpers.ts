/** Temporary files, and a look at the problems that a source finds in them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { z } from "zod";
import type { DataSource, Dataset } from "../../src/data/dataset.ts";
import { type Problem, ProblemError } from "../../src/support/errors.ts";

/** Runs `body` in a folder that holds the given files, and removes it. */
export async function inFolder<T>(
  files: Readonly<Record<string, string | Uint8Array>>,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "nnc-data-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Loads a source with options as a spec gives them: checked, with defaults filled in. */
export async function load(
  source: DataSource,
  options: Readonly<Record<string, unknown>>,
  directory = ".",
): Promise<Dataset> {
  const parsed = z.strictObject(source.options).parse(options);
  return source.load(parsed, { directory, seed: 1 });
}

/** The problems that `run` throws; fails if it doesn't, or throws something else. */
export async function problemsOf(run: () => unknown): Promise<readonly Problem[]> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ProblemError) return error.problems;
    throw error;
  }
  throw new Error("expected a ProblemError, and nothing was thrown");
}

/** What a broken input should lead to. */
export interface Expected {
  /** The option that is pointed at, e.g. `path` or `features.1`. */
  readonly at: string;
  /** Must be found in the problem's text: message, expected, received, fix, notes. */
  readonly says: readonly string[];
}

/** Asserts that some problem is the expected one. */
export function assertProblem(problems: readonly Problem[], { at, says }: Expected): void {
  const texts = problems.map(
    (p) =>
      `at ${p.path.join(".")}: ${[p.message, p.expected, p.received, p.fix, p.notes].join(" | ")}`,
  );
  const hit = texts.some(
    (text) => text.startsWith(`at ${at}:`) && says.every((word) => text.includes(word)),
  );
  assert.ok(hit, `expected ${at}: ${says.join(" … ")}\nin\n${texts.join("\n")}`);
}

/** mulberry32, uniform in [0, 1): tests that vary, but the same every time. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
