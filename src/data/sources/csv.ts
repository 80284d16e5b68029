/** CSV files: numeric and categorical columns, read into one input `x` and one target `y`. */
import { z } from "zod";
import { fail } from "../../support/errors.ts";
import { type Categories, encodeColumns, encodeLabels, findCategories } from "../csv/encode.ts";
import { readEncoded } from "../csv/encoded.ts";
import { chooseRoles, type RoleOptions, type Roles } from "../csv/roles.ts";
import { readTable, shown, type Table, type TableFormat } from "../csv/table.ts";
import { defineSource, type Examples, type Samples } from "../dataset.ts";
import type { EncodedColumn, TableEncoding } from "../encoding.ts";
import { type FilePlace, readDataFile } from "../read-file.ts";

const column = z.union([z.string().min(1), z.int().min(0)]);

/**
 * `x`: float32 [width], the features in the order of the file (or of `features`): a number each, or
 * one-hot over the column's sorted categories. `y`: int32 [] for one categorical target (with
 * `one_hot`, float32 [classes]), else float32 [targets].
 */
export const csv = defineSource({
  name: "csv",
  doc:
    "A CSV file with a row for each example. Columns of numbers are used as they are; columns of " +
    "text become one-hot features or class labels, over their sorted values. Missing values are " +
    "an error.",
  options: {
    path: z.string().min(1).describe("The file, relative to the spec."),
    target: z
      .union([column, z.array(column).min(1)])
      .describe(
        "The column to predict: its name or, without a header, its number from 0; a list for " +
          "several. Text becomes class labels, numbers stay numbers.",
      ),
    features: z
      .array(column)
      .min(1)
      .optional()
      .describe("The columns to predict from, in this order. Default: all others."),
    header: z.boolean().default(true).describe("The first line holds the names of the columns."),
    delimiter: z
      .string()
      .regex(/^[^"\r\n]+$/, "expected a character that separates values, such as ; or \\t")
      .default(",")
      .describe('What separates values: ",", ";", "\\t" …'),
    test: z
      .string()
      .min(1)
      .optional()
      .describe("A second file with the same columns, to validate with."),
    categorical: z
      .array(column)
      .min(1)
      .optional()
      .describe("Columns whose values are categories even if they look like numbers."),
    one_hot: z
      .boolean()
      .default(false)
      .describe(
        "Give a categorical target as one value a class, 1 at its own and 0 elsewhere, instead of " +
          "as its number: for losses that compare values, such as mse.",
      ),
  },
  async load(options, { directory, encodings }) {
    const place: FilePlace = { directory, name: options.path, path: ["path"] };
    const fitted = encodings?.get("x");
    const kept = fitted?.kind === "table" ? fitted : undefined;
    const { encoding, train } = kept
      ? { encoding: kept, train: await readMore(place, kept) }
      : fit(await readDataFile(place), place, options);
    const test: FilePlace = { directory, name: options.test ?? "", path: ["test"] };
    const validation = options.test === undefined ? undefined : await readMore(test, encoding);
    const [target, ...others] = encoding.targets;
    const classes = others.length === 0 ? target!.categories : undefined;
    return {
      train,
      ...(validation ? { validation } : {}),
      ...(classes ? { classes } : {}),
      encodings: new Map([["x", encoding]]),
      summary: [
        `${train.count}${validation ? ` training and ${validation.count} test` : " training"} rows`,
        plural(train.inputs.get("x")!.shape[0]!, "feature"),
        classes ? plural(classes.length, "class", "es") : plural(encoding.targets.length, "target"),
      ].join(", "),
    };
  },
});

/** Reads the training file, and finds from it how its columns are encoded. */
function fit(
  content: Buffer,
  place: FilePlace,
  options: RoleOptions & TableFormat & { readonly one_hot: boolean },
): { readonly encoding: TableEncoding; readonly train: Examples } {
  const { table, roles, categories } = readTraining(content, place, options);
  if (options.one_hot) checkOneHot(roles.targets, categories);
  const encoding = encodingOf(roles, categories, options);
  return { encoding, train: toExamples(table, encoding) };
}

function encodingOf(
  { features, targets }: Roles,
  categories: Categories,
  { header, delimiter, one_hot }: TableFormat & { readonly one_hot: boolean },
): TableEncoding {
  const columns = (names: readonly string[]) =>
    names.map((name): EncodedColumn => {
      const known = categories.get(name);
      return { name, ...(known ? { categories: [...known] } : {}) };
    });
  const parts = { features: columns(features), targets: columns(targets) };
  return { kind: "table", header, delimiter, ...parts, one_hot };
}

function readTraining(
  content: Buffer,
  place: FilePlace,
  options: RoleOptions & TableFormat,
): { readonly table: Table; readonly roles: Roles; readonly categories: Categories } {
  let roles: Roles | undefined;
  const read = (asText: ReadonlySet<string>): Table =>
    readTable(content, place, options, (names) => {
      roles = chooseRoles(options, names, place.name);
      return [...roles.features, ...roles.targets].map((name) => ({
        name,
        asText: asText.has(name) || roles!.categorical.has(name),
      }));
    });
  let table = read(new Set());
  // A column of mostly text with some numbers is categorical; its numbers have lost their spelling:
  // once more.
  const mixed = [...table.columns.values()].filter(
    ({ text, missing, count }) => text.count * 2 >= count && text.count + missing.count < count,
  );
  if (mixed.length > 0) table = read(new Set(mixed.map(({ name }) => name)));
  return { table, roles: roles!, categories: findCategories(table, roles!.categorical) };
}

/** Rows of another file, encoded as those of the training file were. */
async function readMore(place: FilePlace, encoding: TableEncoding): Promise<Examples> {
  const columns = [...encoding.features, ...encoding.targets];
  return toExamples(readEncoded(await readDataFile(place), place, encoding, columns), encoding);
}

function toExamples(table: Table, encoding: TableEncoding): Examples {
  return {
    count: table.count,
    inputs: new Map([["x", encodeColumns(table, encoding.features)]]),
    targets: new Map([["y", encodeTargets(table, encoding)]]),
  };
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

function encodeTargets(table: Table, { targets, one_hot }: TableEncoding): Samples {
  const [first, ...others] = targets;
  if (others.length === 0 && first!.categories && !one_hot)
    return { shape: [], values: encodeLabels(table.columns.get(first!.name)!, first!.categories) };
  const categorical = others.length === 0 ? -1 : targets.findIndex((t) => t.categories);
  if (categorical >= 0) {
    fail({
      path: ["target", categorical],
      message: `target ${shown(targets[categorical]!.name)} is categorical, and one of several`,
      expected: "one categorical target, or several numeric ones",
      fix: "make it the only target, or name numeric columns only",
    });
  }
  return encodeColumns(table, targets);
}

function plural(count: number, noun: string, ending = "s"): string {
  return `${count} ${noun}${count === 1 ? "" : ending}`;
}
