/** Apache Parquet: a row for each example. */
import { defineSource } from "../dataset.ts";
import { tableDataset, tableOptions } from "../table/examples.ts";
import { parquetFile } from "../table/parquet.ts";

export const parquet = defineSource({
  name: "parquet",
  doc:
    "A Parquet file with a row for each example; columns as of `csv`. Numbers in a list are one feature, " +
    "of the list's shape if it is the only one.",
  options: tableOptions,
  load: (options, context) => tableDataset(options, context, parquetFile),
});
