/** CSV files: numeric and categorical columns, read into one input `x` and one target `y`. */
import { z } from "zod";
import { defineSource } from "../dataset.ts";
import { DataFile } from "../stream/data-file.ts";
import { inMemory } from "../stream/stored.ts";
import { csvFile } from "../table/csv.ts";
import { tableDataset, tableOptions } from "../table/examples.ts";
import { storedCsv } from "../table/stored.ts";

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
  async load(options, context) {
    const { size } = await DataFile.open({
      directory: context.directory,
      name: options.path,
      path: ["path"],
    });
    // What takes a while to parse is kept parsed.
    if (size > worthKeeping) return inMemory(await storedCsv(options, context));
    return tableDataset(options, context, (content, place) => csvFile(content, place, options));
  },
  async stream(options, context, beyond) {
    const { size } = await DataFile.open({
      directory: context.directory,
      name: options.path,
      path: ["path"],
    });
    return size > beyond ? storedCsv(options, context) : undefined;
  },
});

/** Bytes of text from which on it is quicker to read what was parsed before. */
const worthKeeping = 16e6;
