/**
 * Tables as datasets, for every source that reads rows and columns: one input `x` of the features and one
 * target `y`. Sources differ in how a file becomes a table.
 */
import { z } from "zod";
import { fail, ProblemError } from "../../support/errors.ts";
import type { Dataset, Examples, Samples, SourceContext } from "../dataset.ts";
import type { EncodedColumn, TableEncoding } from "../encoding.ts";
import { type FilePlace, readDataFile } from "../read-file.ts";
import { sizeOf } from "../stream/stored.ts";
import {
  type Categories,
  checkAgainst,
  encodeFeatures,
  encodeLabels,
  findCategories,
} from "./encode.ts";
import { chooseRoles, lackingColumn, type Roles } from "./roles.ts";
import { type Choose, shown, type Table, type TableFile } from "./table.ts";

export const columnOption = z.union([z.string().min(1), z.int().min(0)]);

/** What all sources of tables have. */
export const tableOptions = {
  path: z.string().min(1).describe("The file, relative to the spec."),
  target: z
    .union([columnOption, z.array(columnOption).min(1)])
    .describe(
      "The column to predict: its name or, without a header, its number from 0; a list for " +
        "several. Text becomes class labels, numbers stay numbers.",
    ),
  features: z
    .array(columnOption)
    .min(1)
    .optional()
    .describe("The columns to predict from, in this order. Default: all others."),
  test: z
    .string()
    .min(1)
    .optional()
    .describe("A second file with the same columns, to validate with."),
  categorical: z
    .array(columnOption)
    .min(1)
    .optional()
    .describe("Columns whose values are categories even if they look like numbers."),
  sample_weight: columnOption
    .optional()
    .describe("A column that says how much each example counts in the loss; it is no feature."),
  one_hot: z
    .boolean()
    .default(false)
    .describe(
      "Give a categorical target as one value a class, 1 at its own and 0 elsewhere, instead of " +
        "as its number: for losses that compare values, such as mse.",
    ),
};
export type TableOptions = z.output<z.ZodObject<typeof tableOptions>>;

/** Makes a table of a file's bytes. */
export type OpenTable = (content: Buffer, place: FilePlace) => TableFile | Promise<TableFile>;

/**
 * `x`: float32 [width], the features in the order of the file (or of `features`): a number each, or
 * one-hot over the column's sorted categories; a list of numbers keeps its shape if it is the only feature.
 * `y`: int32 [] for one categorical target (with `one_hot`, float32 [classes]), else float32 [targets].
 */
export async function tableDataset(
  options: TableOptions,
  { directory, earlier }: SourceContext,
  open: OpenTable,
): Promise<Dataset> {
  const file = async (name: string, option: string) => {
    const place: FilePlace = { directory, name, path: [option] };
    return open(await readDataFile(place), place);
  };
  const first = await file(options.path, "path");
  const kept = earlier?.encodings["x"];
  const { encoding, train } =
    kept?.kind === "table"
      ? { encoding: kept, train: readMore(first, kept) }
      : readTraining(first, options);
  const validation =
    options.test === undefined ? undefined : readMore(await file(options.test, "test"), encoding);
  const width = sizeOf(train.inputs.get("x")!);
  return {
    train,
    ...(validation ? { validation } : {}),
    ...about(encoding, width, train, validation),
  };
}

/** What is said of a table beside its examples. */
export function about(
  encoding: TableEncoding,
  width: number,
  train: { readonly count: number },
  validation?: { readonly count: number },
): Omit<Dataset, "train" | "validation"> {
  const [target, ...others] = encoding.targets;
  const classes = others.length === 0 ? target!.categories : undefined;
  const test = validation ? ` and ${validation.count} test` : " training";
  return {
    ...(classes ? { classes } : {}),
    encodings: new Map([["x", encoding]]),
    summary: [
      `${train.count}${validation ? " training" : ""}${test} rows`,
      plural(width, "feature"),
      classes ? plural(classes.length, "class", "es") : plural(encoding.targets.length, "target"),
    ].join(", "),
  };
}

function readTraining(
  file: TableFile,
  options: TableOptions,
): { readonly encoding: TableEncoding; readonly train: Examples } {
  const training = trainingTable(file, options);
  const table = readMixed(file, training.choose);
  const encoding = training.encoding(table);
  return { encoding, train: toExamples(table, encoding) };
}

/** Which columns of a training table are read, and what they are encoded as once all cells are known. */
export function trainingTable(file: Omit<TableFile, "read">, options: TableOptions) {
  let roles: Roles | undefined;
  const choose =
    (asText: ReadonlySet<string>): Choose =>
    (names) => {
      roles = chooseRoles({ ...options, header: file.header }, names, file.place.name);
      const { features, targets, weights, categorical } = roles;
      return [...features, ...targets, ...weights].map((name) => ({
        name,
        as: asText.has(name) || categorical.has(name) ? "category" : "guess",
      }));
    };
  const encoding = (table: Table): TableEncoding => {
    const categories = findCategories(table, roles!.categorical);
    if (options.one_hot) checkOneHot(roles!.targets, categories);
    return encodingOf(file, roles!, categories, options.one_hot);
  };
  return { choose, encoding };
}

function encodingOf(
  { header, delimiter = "," }: Omit<TableFile, "read">,
  { features, targets, weights }: Roles,
  categories: Categories,
  one_hot: boolean,
): TableEncoding {
  const columns = (names: readonly string[]) =>
    names.map((name): EncodedColumn => {
      const known = categories.get(name);
      return { name, ...(known ? { categories: [...known] } : {}) };
    });
  const parts = { features: columns(features), targets: columns(targets), weights: [...weights] };
  return { kind: "table", header, delimiter, ...parts, one_hot };
}

/**
 * Reads a table whose columns may be of mostly text with some numbers: such a column is categorical, and as its
 * numbers have lost their spelling it is read once more.
 */
export function readMixed(file: TableFile, choose: (asText: ReadonlySet<string>) => Choose): Table {
  const table = file.read(choose(new Set()));
  const mixed = mixedColumns(table);
  return mixed.size > 0 ? file.read(choose(mixed)) : table;
}

/** Columns of mostly text with some numbers. */
export const mixedColumns = ({ columns }: Table): ReadonlySet<string> =>
  new Set(
    [...columns.values()]
      .filter(
        ({ text, missing, count }) => text.count * 2 >= count && text.count + missing.count < count,
      )
      .map(({ name }) => name),
  );

/** Rows of another file, encoded as those of the training file were. */
const readMore = (file: TableFile, encoding: TableEncoding): Examples =>
  toExamples(readEncoded(file, columnsOf(encoding)), encoding);

/** All columns of an encoding. */
export const columnsOf = ({
  features,
  targets,
  weights,
}: TableEncoding): readonly EncodedColumn[] => [
  ...features,
  ...targets,
  ...weights.map((name) => ({ name })),
];

/**
 * Columns of another file, of which it is known how they were encoded; further ones are passed over.
 * @throws ProblemError for missing columns and cells, text in a numeric column, an unknown category
 */
export function readEncoded(file: TableFile, columns: readonly EncodedColumn[]): Table {
  const { choose, check } = encodedTable(file, columns);
  const table = file.read(choose);
  check(table);
  return table;
}

/** The same columns of a file that is read in another way, and the check of all of its cells. */
export function encodedTable(
  { place, header }: Omit<TableFile, "read">,
  columns: readonly EncodedColumn[],
) {
  const categories = categoriesOf(columns);
  const choose: Choose = (names) => {
    const there = new Set(names);
    const missing = columns.filter(({ name }) => !there.has(name));
    if (missing.length > 0) {
      throw new ProblemError(
        missing
          .slice(0, 5)
          .map(({ name }) => lackingColumn({ name, path: place.path }, names, header, place.name)),
      );
    }
    return columns.map(({ name }) => ({ name, as: categories.has(name) ? "category" : "guess" }));
  };
  return { choose, check: (table: Table) => checkAgainst(table, categories) };
}

const categoriesOf = (columns: readonly EncodedColumn[]): Categories =>
  new Map(columns.flatMap(({ name, categories }) => (categories ? [[name, categories]] : [])));
const namesOf = (columns: readonly EncodedColumn[]) => columns.map(({ name }) => name);

/** Columns as one input, in the way they were encoded. */
export const encodeColumns = (table: Table, columns: readonly EncodedColumn[]): Samples =>
  encodeFeatures(table, namesOf(columns), categoriesOf(columns));

/** Rows as examples, in the way that they are encoded. */
export function toExamples(
  table: Table,
  { features, targets, weights, one_hot }: TableEncoding,
): Examples {
  const y = encodeTargets(table, namesOf(targets), categoriesOf(targets), one_hot);
  return {
    count: table.count,
    inputs: new Map([["x", encodeColumns(table, features)]]),
    targets: new Map([["y", y]]),
    ...Object.fromEntries(weights.map((name) => ["weights", encodeWeights(table, name)])),
  };
}

function encodeWeights(table: Table, name: string): Samples {
  const column = table.columns.get(name)!;
  const odd = column.text.count > 0 ? 0 : column.numbers.findIndex((weight) => weight < 0);
  if (odd >= 0) {
    fail({
      path: ["sample_weight"],
      message: `column ${shown(name)} is no weight`,
      expected: "numbers from 0",
      received: column.text.count > 0 ? "text" : `${column.numbers[odd]} at ${table.at(odd)}`,
      fix: "name a column of numbers, or leave sample_weight out",
    });
  }
  return { shape: [], values: column.numbers.slice() };
}

/** `one_hot` means something for a single categorical target only. */
function checkOneHot(targets: readonly string[], categories: Categories): void {
  const [first] = targets;
  if (targets.length === 1 && categories.has(first!)) return;
  fail({
    path: ["one_hot"],
    message: `one_hot: target ${targets.map(shown).join(", ")} has no classes`,
    expected: "a single target of text, or one listed in `categorical`",
    fix:
      targets.length === 1
        ? `if its numbers are classes, add \`categorical: [${first}]\`; else remove one_hot`
        : "remove one_hot, or name a single target",
  });
}

export function encodeTargets(
  table: Table,
  names: readonly string[],
  categories: Categories,
  oneHot: boolean,
): Samples {
  const only = names.length === 1 ? categories.get(names[0]!) : undefined;
  const at = (row: number) => `at ${table.at(row)}`;
  if (only && !oneHot)
    return { shape: [], values: encodeLabels(table.columns.get(names[0]!)!, only), at };
  const categorical = only ? -1 : names.findIndex((name) => categories.has(name));
  if (categorical >= 0) {
    fail({
      path: ["target", categorical],
      message: `target ${shown(names[categorical]!)} is categorical, and one of several`,
      expected: "one categorical target, or several numeric ones",
      fix: "make it the only target, or name numeric columns only",
    });
  }
  return { ...encodeFeatures(table, names, categories), at };
}

export function plural(count: number, noun: string, ending = "s"): string {
  return `${count} ${noun}${count === 1 ? "" : ending}`;
}
