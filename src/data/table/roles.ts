/** Which columns of a CSV file are features and which are targets, from the source's options. */
import { type Problem, ProblemError, type SpecPath } from "../../support/errors.ts";
import { toNumber } from "./column.ts";
import { didYouMean, shown } from "./table.ts";

/** A column's name or, without a header, its number from 0. */
export type ColumnRef = string | number;

export interface RoleOptions {
  readonly target: ColumnRef | readonly ColumnRef[];
  readonly features?: readonly ColumnRef[] | undefined;
  readonly categorical?: readonly ColumnRef[] | undefined;
  readonly sample_weight?: ColumnRef | undefined;
  readonly header: boolean;
}

export interface Roles {
  readonly features: readonly string[];
  readonly targets: readonly string[];
  /** The column of how much each example counts, if there is one. */
  readonly weights: readonly string[];
  /** Columns to be read as categories though they may look like numbers. */
  readonly categorical: ReadonlySet<string>;
}

interface Ref {
  readonly name: string;
  readonly path: SpecPath;
}

/**
 * Finds the options' columns among those of the file.
 * @throws ProblemError with every column that is missing, doubled or in two roles
 */
export function chooseRoles(options: RoleOptions, names: readonly string[], file: string): Roles {
  const targets = Array.isArray(options.target)
    ? refs(options.target, "target")
    : [{ name: `${options.target}`, path: ["target"] }];
  const categorical = refs(options.categorical ?? [], "categorical");
  const { sample_weight } = options;
  const weights: readonly Ref[] =
    sample_weight === undefined ? [] : [{ name: `${sample_weight}`, path: ["sample_weight"] }];
  const features = options.features
    ? refs(options.features, "features")
    : names
        .filter((name) => ![...targets, ...weights].some((ref) => ref.name === name))
        .map((name) => ({ name, path: [] }));
  const there = new Set(names);
  const missing = [...targets, ...(options.features ? features : []), ...categorical, ...weights]
    .filter(({ name }) => !there.has(name))
    .map((ref) => missingColumn(ref, names, options.header, file));
  const problems =
    missing.length > 0
      ? missing
      : [
          ...doubled(targets, "target"),
          ...doubled(features, "features"),
          ...overlap(targets, features),
          ...overlap([...targets, ...features], weights),
          ...unused(categorical, [...targets, ...features]),
          ...(options.features ? [] : defaultFeatures(features, names, file)),
        ];
  if (problems.length > 0) throw new ProblemError(problems);
  return {
    features: features.map(({ name }) => name),
    targets: targets.map(({ name }) => name),
    weights: weights.map(({ name }) => name),
    categorical: new Set(categorical.map(({ name }) => name)),
  };
}

/** The problem of a column that a file should have and hasn't. */
export function missingColumn(
  { name, path }: Ref,
  names: readonly string[],
  header: boolean,
  file: string,
): Problem {
  const some = names.slice(0, 20).map(shown).join(", ");
  const rest = names.length > 20 ? ` … (${names.length} in all)` : "";
  return {
    path,
    message: header
      ? `${file} has no column ${shown(name)}`
      : `${file} has no column ${shown(name)}: without a header, columns are numbered`,
    expected: header ? `one of ${some}${rest}` : `a number from 0 to ${names.length - 1}`,
    received: shown(name),
    fix:
      headerAdvice(name, names, header) ??
      didYouMean(name, names) ??
      "name one of the file's columns",
  };
}

/** The problem of a column that a model was trained on, and a file to be used with it hasn't. */
export function lackingColumn(
  wanted: Ref,
  names: readonly string[],
  header: boolean,
  file: string,
): Problem {
  const problem = missingColumn(wanted, names, header, file);
  const name = shown(wanted.name);
  const near = didYouMean(wanted.name, names);
  return {
    ...problem,
    expected: `${name}, which is in the data that trains the model`,
    received: names.slice(0, 20).map(shown).join(", "),
    fix:
      headerAdvice(wanted.name, names, header) ??
      (near === undefined
        ? `add the column ${name}, or give a file like that which trains the model`
        : `${near} Then rename it to ${name}`),
  };
}

/** Advice for a header that looks like something else, or is none. */
function headerAdvice(name: string, names: readonly string[], header: boolean): string | undefined {
  if (!header && /^\d+$/.test(name)) return `columns count from 0: the last is ${names.length - 1}`;
  if (!header) return "use the column's number; if the first line holds names, set header: true";
  const delimiter = [";", "\t", "|", ","].find((d) => names.length === 1 && names[0]!.includes(d));
  if (delimiter) return `the first line looks separated: set delimiter: ${shown(delimiter)}`;
  const numbers = names.every((name) => toNumber(name) !== undefined);
  return numbers ? "the first line is all numbers: set header: false" : undefined;
}

function refs(list: readonly ColumnRef[], option: string): readonly Ref[] {
  return list.map((ref, index) => ({ name: `${ref}`, path: [option, index] }));
}

function doubled(list: readonly Ref[], option: string): readonly Problem[] {
  const seen = new Set<string>();
  return list
    .filter(({ name }) => seen.size === seen.add(name).size)
    .map(({ name, path }) => ({
      path,
      message: `column ${shown(name)} is named twice in ${option}`,
      expected: "every column once",
      fix: "remove one",
    }));
}

function overlap(targets: readonly Ref[], features: readonly Ref[]): readonly Problem[] {
  const taken = new Set(targets.map(({ name }) => name));
  return features
    .filter(({ name }) => taken.has(name))
    .map(({ name, path }) => ({
      path,
      message: `column ${shown(name)} has two roles`,
      expected:
        "a feature, a target or a weight: what the network sees must not be what it is held to",
      fix: "remove it from one of the two",
    }));
}

function unused(categorical: readonly Ref[], used: readonly Ref[]): readonly Problem[] {
  return categorical
    .filter(({ name }) => !used.some((ref) => ref.name === name))
    .map(({ name, path }) => ({
      path,
      message: `categorical column ${shown(name)} is neither a feature nor a target`,
      fix: "add it to features, or remove it here",
    }));
}

/** Without `features` every other column is one; that takes at least one, and a name for each. */
function defaultFeatures(
  features: readonly Ref[],
  names: readonly string[],
  file: string,
): readonly Problem[] {
  if (features.length === 0) {
    return [
      {
        path: ["target"],
        message: `${file} has no column beside the target to learn from`,
        expected: "at least two columns",
        received: names.map(shown).join(", "),
        fix: "name fewer targets, or check the delimiter",
      },
    ];
  }
  const nameless = features.findIndex(({ name }) => name === "");
  if (nameless < 0) return [];
  return [
    {
      path: ["path"],
      message: `column ${names.indexOf("") + 1} of ${file} has no name`,
      expected: "a name for every column",
      fix: `list the columns to learn from in \`features\` (${
        names.indexOf("") === 0
          ? "this one may be the row's number"
          : "the lines may end with a delimiter too many"
      })`,
    },
  ];
}
