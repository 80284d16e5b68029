/** Whether the exports of a plug-in are definitions that can join the catalogues; all problems at once. */
import { namesOf } from "../nn/definition.ts";
import { type Problem, ProblemError } from "../support/errors.ts";
import { definitionIn, type Membership, rulesOf } from "./kinds.ts";

type Found = NonNullable<ReturnType<typeof definitionIn>>;

/**
 * @param file as messages call it
 * @returns what its definitions become part of
 * @throws ProblemError with everything that does not fit
 */
export function checkExports(
  file: string,
  exports: Readonly<Record<string, unknown>>,
): readonly Membership[] {
  const names = Object.keys(exports);
  if (names.length === 0) {
    const fix = "write `export const mine = defineLayer({ … })`, or take --plugin away";
    throw new ProblemError([{ path: [], message: `${file} exports nothing`, expected, fix }]);
  }
  const problems: Problem[] = [];
  const report = (name: string, { message, ...problem }: Problem) =>
    problems.push({ ...problem, message: `${file}: export ${name}: ${message}` });
  const memberships: Membership[] = [];
  for (const name of names) {
    const found = definitionIn(exports[name]);
    const problem = found ? unfit(found) : noDefinition(exports[name]);
    if (problem) {
      report(name, problem);
      continue;
    }
    const { definition, kind } = found!;
    for (const membership of rulesOf(kind).memberships(definition)) {
      const clash = namesTwice(found!, membership, memberships);
      if (clash) report(name, clash);
      memberships.push({ ...membership, taken: [...membership.taken, ...namesOf(definition)] });
    }
  }
  if (problems.length > 0) throw new ProblemError(problems);
  return memberships;
}

const expected = "what defineLayer, defineLoss, defineMetric … of nnc/plugin give";

function noDefinition(value: unknown): Problem {
  const made = typeof value === "object" && value !== null && "name" in value;
  return {
    path: [],
    message: "this is no definition",
    expected,
    received: made ? "an object that none of them made" : describe(value),
    fix: made
      ? "pass it to the function of its kind, as `export const mine = defineLayer({ … })`"
      : "take `export` away, or move it to a module of its own that the plug-in imports",
  };
}

const describe = (value: unknown) => (value === null ? "null" : `a ${typeof value}`);

/** What TypeScript would have said, for plug-ins that it has not seen. */
function unfit({ kind, definition }: Found): Problem | undefined {
  const known = definition as unknown as Readonly<Record<string, unknown>>;
  const { members, options, reserved } = rulesOf(kind);
  const missing = ["name", "doc", "options", ...members].filter((m) => known[m] === undefined);
  if (missing.length > 0) {
    const message = `a definition of this kind (${kind}) needs ${missing.join(", ")}`;
    return { path: [], message, received: `only ${Object.keys(known).join(", ")}` };
  }
  const odd = namesOf(definition).find((name) => !/^[a-z][a-z0-9_]*$/.test(name));
  if (odd !== undefined) {
    const message = "this is no name that a spec could have for it";
    return { path: [], message, expected: "small letters, digits and _", received: `${odd}` };
  }
  const word = namesOf(definition).find((name) => reserved.includes(name));
  if (word !== undefined) {
    const message = `"${word}" means something else where a ${kind} is named`;
    return { path: [], message, fix: "give it another name" };
  }
  const untyped = Object.entries(definition.options).find(([, type]) => !isZod(type));
  if (untyped) {
    const message = `the option ${untyped[0]} is no zod type`;
    return { path: [], message, fix: 'write it with the `z` that "nnc/plugin" exports' };
  }
  const common = options.filter((option) => !(option in definition.options));
  if (common.length === 0) return undefined;
  const message = `options that every ${kind} has are missing: ${common.join(", ")}`;
  return { path: [], message, fix: "begin its options with `...optimizerOptions(0.001)`" };
}

const isZod = (type: unknown) => typeof type === "object" && type !== null && "_zod" in type;

/** A name that something of that kind has already. */
function namesTwice(
  { kind, definition }: Found,
  membership: Membership,
  earlier: readonly Membership[],
): Problem | undefined {
  const taken = [membership, ...earlier.filter((m) => m.kind === membership.kind)];
  const name = namesOf(definition).find((n) => taken.some((m) => m.taken.includes(n)));
  if (name === undefined) return undefined;
  const why = kind === membership.kind ? "" : `, and every ${kind} is a ${membership.kind} too`;
  return {
    path: [],
    message: `there is already a ${membership.kind} "${name}"${why}`,
    fix: "give it another name",
  };
}
