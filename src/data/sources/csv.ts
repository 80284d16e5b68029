/** CSV files: numeric and categorical columns, read into one input `x` and one target `y`. */
import { z } from "zod";
import { fail, ProblemError } from "../../support/errors.ts";
import {
  type Categories,
  checkAgainst,
  encodeFeatures,
  encodeLabels,
  findCategories,
} from "../csv/encode.ts";
import { chooseRoles, missingColumn, type RoleOptions, type Roles } from "../csv/roles.ts";
import { readTable, shown, type Table, type TableFormat } from "../csv/table.ts";
import { defineSource, type Examples, type Samples } from "../dataset.ts";
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
  async load(options, { directory }) {
    const place: FilePlace = { directory, name: options.path, path: ["path"] };
    const { table, roles, categories } = readTraining(await readDataFile(place), place, options);
    const oneHot = options.one_hot;
    if (oneHot) checkOneHot(roles.targets, categories);
    const train = toExamples(table, roles, categories, oneHot);
    const validation =
      options.test === undefined
        ? undefined
        : await readTest(
            { directory, name: options.test, path: ["test"] },
            options,
            roles,
            categories,
          );
    const classes = roles.targets.length === 1 ? categories.get(roles.targets[0]!) : undefined;
    const test = validation ? ` and ${validation.count} test` : " training";
    return {
      train,
      ...(validation ? { validation } : {}),
      ...(classes ? { classes } : {}),
      summary: [
        `${train.count}${validation ? " training" : ""}${test} rows`,
        plural(train.inputs.get("x")!.shape[0]!, "feature"),
        classes ? plural(classes.length, "class", "es") : plural(roles.targets.length, "target"),
      ].join(", "),
    };
  },
});

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

async function readTest(
  place: FilePlace,
  format: TableFormat & { readonly one_hot: boolean },
  { features, targets }: Roles,
  categories: Categories,
): Promise<Examples> {
  const content = await readDataFile(place);
  const table = readTable(content, place, format, (names) => {
    const wanted = [...features, ...targets];
    const missing = wanted.filter((name) => !names.includes(name));
    if (missing.length > 0) {
      throw new ProblemError(
        missing
          .slice(0, 5)
          .map((name) =>
            missingColumn({ name, path: place.path }, names, format.header, place.name),
          ),
      );
    }
    return wanted.map((name) => ({ name, asText: categories.has(name) }));
  });
  checkAgainst(table, categories);
  return toExamples(table, { features, targets }, categories, format.one_hot);
}

function toExamples(
  table: Table,
  { features, targets }: Pick<Roles, "features" | "targets">,
  categories: Categories,
  oneHot: boolean,
): Examples {
  return {
    count: table.count,
    inputs: new Map([["x", encodeFeatures(table, features, categories)]]),
    targets: new Map([["y", encodeTargets(table, targets, categories, oneHot)]]),
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

function encodeTargets(
  table: Table,
  names: readonly string[],
  categories: Categories,
  oneHot: boolean,
): Samples {
  const only = names.length === 1 ? categories.get(names[0]!) : undefined;
  if (only && !oneHot)
    return { shape: [], values: encodeLabels(table.columns.get(names[0]!)!, only) };
  const categorical = only ? -1 : names.findIndex((name) => categories.has(name));
  if (categorical >= 0) {
    fail({
      path: ["target", categorical],
      message: `target ${shown(names[categorical]!)} is categorical, and one of several`,
      expected: "one categorical target, or several numeric ones",
      fix: "make it the only target, or name numeric columns only",
    });
  }
  return encodeFeatures(table, names, categories);
}

function plural(count: number, noun: string, ending = "s"): string {
  return `${count} ${noun}${count === 1 ? "" : ending}`;
}
