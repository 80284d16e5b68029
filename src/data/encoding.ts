/**
 * How what people have (rows of a table, texts) became the numbers of an input, fitted to the training data. Plain
 * data, so that a run can keep it and later examples become numbers in the same way.
 */
import { z } from "zod";
import { textEncoding } from "./text/encoding.ts";

const column = z.object({
  name: z.string(),
  /** Of a categorical column, in the order of their numbers; absent: the column holds numbers. */
  categories: z.array(z.string()).optional(),
});

/**
 * A table's columns side by side, one-hot where they are categorical. `targets` are the columns of the target,
 * which is a class number for one categorical column, or one-hot too.
 */
export const tableEncoding = z.object({
  kind: z.literal("table"),
  header: z.boolean(),
  delimiter: z.string(),
  features: z.array(column),
  targets: z.array(column),
  /** Columns that say how much an example counts: one or none. */
  weights: z.array(z.string()),
  one_hot: z.boolean(),
});
export type TableEncoding = z.output<typeof tableEncoding>;
export type EncodedColumn = z.output<typeof column>;

export const encodingSchema = z.discriminatedUnion("kind", [tableEncoding, textEncoding]);
export type Encoding = z.output<typeof encodingSchema>;
/** By input. */
export type Encodings = ReadonlyMap<string, Encoding>;
