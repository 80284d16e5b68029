/** Whether a run can go on from a checkpoint: what may have changed since, and what must not. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
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
import { files } from "./run-folder.ts";
import type { Session } from "./session.ts";

/** A place where two specs differ, and what they have there; undefined for nothing. */
export interface Difference {
  readonly path: SpecPath;
  readonly before: unknown;
  readonly now: unknown;
}

/** Where two resolved specs differ, as deep down as both go; of things with different names, the whole. */
export function differences(before: unknown, now: unknown, path: SpecPath = []): Difference[] {
  if (isDeepStrictEqual(before, now)) return [];
  if (!isMap(before) || !isMap(now) || Array.isArray(before) !== Array.isArray(now))
    return [{ path, before, now }];
  const list = Array.isArray(before);
  const [name, ...more] = Object.keys(before);
  const isNamed = !list && more.length === 0 && Object.keys(now).length === 1;
  if (isNamed && !Object.hasOwn(now, name!)) return [{ path, before, now }];
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

/** Settings that change neither the data nor what the state of a run consists of. */
const ofNoState: readonly SpecPath[] = [
  ["name"],
  ["expect"],
  ["callbacks"],
  ["train", "epochs"],
  ["train", "steps"],
  ["train", "checkpoint"],
];

/** What would come of going on with a changed spec. */
export interface Prospect {
  /** Whether the data is what it was. */
  readonly sameData: boolean;
  /** What of the saved state does not fit the model, in words. */
  readonly misfits: readonly string[];
  /** Whether this argument of `--set` makes the spec as it is now. */
  readonly settable: (argument: string) => boolean;
}

/**
 * Checks the spec against the one that the checkpoint was trained with.
 * @param allowed paths that the command line sets: they may differ
 * @param look asked only where something else differs, for what may be advised
 * @throws ProblemError with every difference
 */
export async function checkSpec(
  { saved, file }: Checkpoint,
  spec: Spec,
  allowed: readonly SpecPath[],
  look: () => Promise<Prospect>,
): Promise<void> {
  const found = differences(saved.spec, plainJson(spec.resolved)).flatMap((difference) => {
    const { path } = difference;
    const inEpoch = saved.position.step > 0 && ofAnEpoch.some((start) => startsWith(path, start));
    const free = allowed.some((set) => startsWith(path, set) || startsWith(set, path));
    return inEpoch || !free ? [{ difference, inEpoch }] : [];
  });
  if (found.length === 0) return;
  const prospect = found.every(({ inEpoch }) => inEpoch) ? undefined : await look();
  const problems = found
    .slice(0, mostTold)
    .map(({ difference, inEpoch }) =>
      inEpoch || prospect === undefined
        ? onlyBetweenEpochs(difference, saved.position)
        : { ...changed(difference, file), ...adviceOn(difference, spec, prospect) },
    );
  const rest = found.length - problems.length;
  const last = problems.pop()!;
  const more = rest > 0 ? [`and ${rest} more that differ: is this the spec of the run?`] : [];
  throw new ProblemError([...problems, { ...last, notes: [...(last.notes ?? []), ...more] }]);
}
/** Differences that are told one by one. */
const mostTold = 5;

const startsWith = (path: SpecPath, start: SpecPath) =>
  start.every((step, i) => String(path[i]) === String(step));
const plainJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const shown = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
const short = (text: string) => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

const changed = ({ path, before, now }: Difference, file: string): Problem => ({
  path,
  message: `${path.join(".")} is not what it was when the run was saved`,
  expected: `${short(shown(before))}, as in ${file}`,
  received: short(shown(now)),
});

const putBack = "put it back, or start a new run without --resume";

/** `--set` is advised only where the run would go on with it. */
function adviceOn(
  { path }: Difference,
  spec: Spec,
  { sameData, misfits, settable }: Prospect,
): Pick<Problem, "fix" | "notes"> {
  const free = ofNoState.some((start) => startsWith(path, start));
  const ofData = path[0] === "data" || path[0] === "seed";
  if (!free && !sameData && ofData)
    return { notes: ["with it the data would be another than the run began with"], fix: putBack };
  if (!free && misfits.length > 0 && path[0] !== "data") {
    const rest = misfits.length > 1 ? `, and ${misfits.length - 1} more` : "";
    return { notes: [`the saved state does not fit: ${misfits[0]}${rest}`], fix: putBack };
  }
  const argument = argumentsFor(path, spec.resolved).find(settable);
  if (argument === undefined) return { fix: putBack };
  return { fix: `put it back, or say that it may change: --set '${argument}'` };
}

/** What could set a path to what it is now: its value, or where a list has grown, say, that of what it is in. */
function argumentsFor(path: SpecPath, resolved: unknown): readonly string[] {
  const found: string[] = [];
  let value: unknown = resolved;
  for (const [i, step] of path.entries()) {
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[step];
    if (value !== undefined) found.push(`${path.slice(0, i + 1).join(".")}=${shown(value)}`);
  }
  return found.filter((argument) => argument.length <= longest).reverse();
}
/** Characters of an argument that people would type or copy. */
const longest = 200;

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
  const weights = join(dirname(file), "..", files.model);
  throw new UsageError(
    `the data is not what it was when ${file} was saved (fingerprint ${data}, was ${saved.data})`,
    existsSync(weights)
      ? `put the data back, or start a new run; --weights ${weights} gives it this one's weights`
      : "put the data back, or start a new run without --resume",
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
      "what the state of a run consists of cannot change: put the model and the optimizer back, or start a new run without --resume",
    );
  }
  const { definition, options } = spec.optimizer;
  const path = ["optimizer", definition.name, "learning_rate"];
  if (sameAt(checkpoint, spec)(path) || typeof options.learning_rate !== "number") return;
  invariant(Number.isFinite(options.learning_rate), "a learning rate is a number");
  session.setLearningRate(options.learning_rate);
}
