/**
 * How what people have (rows of a table) became the numbers of an input, fitted to the training data. Plain
 * data, so that a run can keep it and later examples become numbers in the same way.
 */
import { z } from "zod";

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
  one_hot: z.boolean(),
});
export type TableEncoding = z.output<typeof tableEncoding>;
export type EncodedColumn = z.output<typeof column>;

export const encodingSchema = z.discriminatedUnion("kind", [tableEncoding]);
export type Encoding = z.output<typeof encodingSchema>;
/** By input. */
export type Encodings = ReadonlyMap<string, Encoding>;
