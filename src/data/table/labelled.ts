/** Tables of texts or paths, which are read as they are, with at most one column to predict. */
import { ProblemError } from "../../support/errors.ts";
import type { Samples } from "../dataset.ts";
import { type Categories, checkAgainst, checkComplete, findCategories } from "./encode.ts";
import { encodeTargets, readMixed } from "./examples.ts";
import { type ColumnRef, missingColumn } from "./roles.ts";
import type { Table, TableFile } from "./table.ts";

/** Columns by the option that names them; an option that is left out names none. */
export interface LabelledColumns {
  readonly verbatim: Readonly<Record<string, ColumnRef | undefined>>;
  readonly target: ColumnRef | undefined;
}

export interface Labelled {
  readonly table: Table;
  /** int32 [] for classes, else float32 [1]; undefined without a target. */
  readonly target: Samples | undefined;
  readonly classes: readonly string[] | undefined;
  /** The cells of a column that is read as it is. */
  texts(column: ColumnRef): readonly string[];
}

/** What is known from training. */
interface Known {
  readonly classes?: readonly string[] | undefined;
}

/**
 * @param training what the training file gave, if this one is to validate with
 * @throws ProblemError for missing columns and cells, and for what is wrong with targets
 */
export function readLabelled(
  file: TableFile,
  { verbatim, target }: LabelledColumns,
  training?: Known,
): Labelled {
  const wanted = Object.entries({ ...verbatim, target }).flatMap(([option, column]) =>
    column === undefined ? [] : [{ option, name: `${column}` }],
  );
  const table = readMixed(file, (asText) => (names) => {
    const missing = wanted.filter(({ name }) => !names.includes(name));
    if (missing.length > 0) {
      throw new ProblemError(
        missing.map(({ option, name }) =>
          missingColumn({ name, path: [option] }, names, file.header, file.place.name),
        ),
      );
    }
    return wanted.map(({ option, name }) => {
      if (option !== "target") return { name, as: "verbatim" };
      return { name, as: training?.classes || asText.has(name) ? "category" : "guess" };
    });
  });
  checkComplete(table);
  const categories = categoriesOf(table, target, training);
  return {
    table,
    target:
      target === undefined ? undefined : encodeTargets(table, [`${target}`], categories, false),
    classes: target === undefined ? undefined : categories.get(`${target}`),
    texts(column) {
      const { words, codes } = table.columns.get(`${column}`)!;
      const all = [...words.keys()];
      return Array.from(codes, (code) => all[code]!);
    },
  };
}

function categoriesOf(
  table: Table,
  target: ColumnRef | undefined,
  training: Known | undefined,
): Categories {
  const name = `${target}`;
  const column = table.columns.get(name);
  if (target === undefined || !column) return new Map();
  const only: Table = { ...table, columns: new Map([[name, column]]) };
  if (!training) return findCategories(only, new Set());
  const known: Categories = new Map(training.classes ? [[name, training.classes]] : []);
  checkAgainst(only, known);
  return known;
}
