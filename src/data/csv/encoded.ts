/** Another table read in the way that an earlier one was encoded: its columns by name, its categories known. */
import { ProblemError } from "../../support/errors.ts";
import type { EncodedColumn } from "../encoding.ts";
import type { Place } from "../read-file.ts";
import { checkAgainst } from "./encode.ts";
import { missingColumn } from "./roles.ts";
import { readTable, type Table, type TableFormat } from "./table.ts";

/** How many missing columns are told one by one. */
const told = 5;

/**
 * @param columns those wanted; others in the file are passed over
 * @throws ProblemError for missing columns and cells, text in a numeric column, an unknown category
 */
export function readEncoded(
  content: Buffer,
  place: Place,
  format: TableFormat,
  columns: readonly EncodedColumn[],
): Table {
  const table = readTable(content, place, format, (names) => {
    const missing = columns.filter(({ name }) => !names.includes(name));
    if (missing.length > 0) {
      throw new ProblemError(
        missing
          .slice(0, told)
          .map(({ name }) =>
            missingColumn({ name, path: place.path }, names, format.header, place.name),
          ),
      );
    }
    return columns.map(({ name, categories }) => ({ name, asText: categories !== undefined }));
  });
  const categories = columns.flatMap(({ name, categories }) =>
    categories ? [[name, categories] as const] : [],
  );
  checkAgainst(table, new Map(categories));
  return table;
}
