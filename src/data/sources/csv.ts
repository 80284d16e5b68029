/** CSV files: numeric and categorical columns, read into one input `x` and one target `y`. */
import { z } from "zod";
import { defineSource } from "../dataset.ts";
import { csvFile } from "../table/csv.ts";
import { tableDataset, tableOptions } from "../table/examples.ts";

/** How a CSV file is written. */
export const csvOptions = {
  header: z.boolean().default(true).describe("The first line holds the names of the columns."),
  delimiter: z
    .string()
    .regex(/^[^"\r\n]+$/, "expected a character that separates values, such as ; or \\t")
    .default(",")
    .describe('What separates values: ",", ";", "\\t" …'),
};

export const csv = defineSource({
  name: "csv",
  doc:
    "A CSV file with a row for each example. Columns of numbers are used as they are; columns of " +
    "text become one-hot features or class labels, over their sorted values. Missing values are " +
    "an error.",
  options: { ...tableOptions, ...csvOptions },
  load: (options, context) =>
    tableDataset(options, context, (content, place) => csvFile(content, place, options)),
});
