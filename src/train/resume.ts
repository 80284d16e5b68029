/** Whether a run can go on from a checkpoint: what may have changed since, and what must not. */
import { isDeepStrictEqual } from "node:util";
import type { Spec } from "../spec/spec.ts";
import {
  invariant,
  type Problem,
  ProblemError,
  type SpecPath,
  UsageError,
} from "../support/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Session } from "./session.ts";

/** A place where two specs differ, and what they have there; undefined for nothing. */
export interface Difference {
  readonly path: SpecPath;
  readonly before: unknown;
  readonly now: unknown;
}

/** Where two resolved specs differ, as deep down as both go. */
export function differences(before: unknown, now: unknown, path: SpecPath = []): Difference[] {
  if (isDeepStrictEqual(before, now)) return [];
  if (!isMap(before) || !isMap(now) || Array.isArray(before) !== Array.isArray(now))
    return [{ path, before, now }];
  const list = Array.isArray(before);
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((key) =>
    differences(before[key], now[key], [...path, list ? Number(key) : key]),
  );
}
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** Settings that an epoch under way cannot change: they say which examples are still to come. */
const ofAnEpoch: readonly SpecPath[] = [
  ["seed"],
  ["train", "batch_size"],
  ["train", "shuffle"],
  ["data", "stream"],
  ["data", "window"],
];

/**
 * Checks the spec against the one that the checkpoint was trained with.
 * @param allowed paths that the command line sets: they may differ
 * @throws ProblemError with every difference
 */
export function checkSpec(
  { saved, file }: Checkpoint,
  { resolved }: Spec,
  allowed: readonly SpecPath[],
): void {
  const problems = differences(saved.spec, plainJson(resolved)).flatMap((d): Problem[] => {
    const inEpoch = saved.position.step > 0 && ofAnEpoch.some((path) => startsWith(d.path, path));
    if (inEpoch) return [onlyBetweenEpochs(d, saved.position)];
    if (allowed.some((path) => startsWith(d.path, path) || startsWith(path, d.path))) return [];
    return [hasChanged(d, file)];
  });
  if (problems.length > 0) throw new ProblemError(problems);
}

const startsWith = (path: SpecPath, start: SpecPath) =>
  start.every((step, i) => String(path[i]) === String(step));
const plainJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const shown = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));

function hasChanged({ path, before, now }: Difference, file: string): Problem {
  const setting = path.join(".");
  return {
    path,
    message: `${setting} is not what it was when the run was saved`,
    expected: `${shown(before)}, as in ${file}`,
    received: shown(now),
    fix:
      now === undefined
        ? "put it back"
        : `put it back, or say that it may change: --set '${setting}=${shown(now)}'`,
  };
}

function onlyBetweenEpochs(
  { path, before, now }: Difference,
  { epoch, step }: Checkpoint["saved"]["position"],
): Problem {
  const setting = path.join(".");
  return {
    path,
    message: `${setting} cannot change in the middle of an epoch`,
    expected: `${shown(before)}, until the epoch is over`,
    received: shown(now),
    notes: [`the run was saved after step ${step} of epoch ${epoch}`],
    fix: "resume without this change",
  };
}

/** @param data fingerprint of the data */
export function checkData({ saved, file }: Checkpoint, data: string): void {
  if (saved.data === data) return;
  throw new UsageError(
    `the data is not what it was when ${file} was saved (fingerprint ${data}, was ${saved.data})`,
    "put the data back, or start a new run from its weights with --weights",
  );
}

/** Whether a part of the spec is what it was. */
export function sameAt({ saved }: Checkpoint, { resolved }: Spec): (path: SpecPath) => boolean {
  const found = differences(saved.spec, plainJson(resolved));
  return (path) => !found.some((d) => startsWith(d.path, path) || startsWith(path, d.path));
}

/**
 * Brings a session to where the checkpoint was; a learning rate that the spec has anew is taken over.
 * @throws UsageError if the model or the optimizer has another state
 */
export function restoreState(session: Session, checkpoint: Checkpoint): void {
  const { spec } = session.plan;
  const misfits = session.restore(checkpoint.state, checkpoint.saved.position.step > 0);
  if (misfits.length > 0) {
    const list = misfits.map((misfit) => `  ${misfit}`);
    throw new UsageError(
      [`${checkpoint.file} does not fit the model as it is now`, ...list].join("\n"),
      "what the state of a run consists of cannot change; start a new one with --weights",
    );
  }
  const { definition, options } = spec.optimizer;
  const path = ["optimizer", definition.name, "learning_rate"];
  if (sameAt(checkpoint, spec)(path) || typeof options.learning_rate !== "number") return;
  invariant(Number.isFinite(options.learning_rate), "a learning rate is a number");
  session.setLearningRate(options.learning_rate);
}
