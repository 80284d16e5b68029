/** JSON and JSON Lines: a record for each example, read as the rows of a table. */
import { defineSource } from "../dataset.ts";
import { tableDataset, tableOptions } from "../table/examples.ts";
import { jsonFile } from "../table/json.ts";

export const json = defineSource({
  name: "json",
  aliases: ["jsonl"],
  doc:
    "A JSON file with a list of objects, or JSON Lines with an object a line; the keys are columns, as " +
    "of `csv`. Numbers in a list are one feature, of the list's shape if it is the only one.",
  options: tableOptions,
  load: (options, context) => tableDataset(options, context, jsonFile),
});
