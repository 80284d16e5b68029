/** `nnc summary`: the table of layers. The data is needed for the shape of the examples. */
import { loadData } from "../train/load.ts";
import { checkModel } from "../train/prepare.ts";
import { located } from "./failure.ts";
import type { JsonOption, SpecOptions } from "./options.ts";
import { openSpec } from "./spec-file.ts";
import { during } from "./spinner.ts";
import { renderSummary, summarise } from "./summary-table.ts";
import { hasColor, painter, print } from "./terminal.ts";

export async function summary(name: string, options: SpecOptions & JsonOption): Promise<void> {
  const { source, spec } = await openSpec(name, options);
  const found = await located(source, async () => {
    const data = await during("loading data", options.quiet === true, () => loadData(spec));
    return summarise(spec.model, checkModel(spec, data.train));
  });
  if (options.json) {
    const { branches, ...data } = found;
    const layers = data.layers.map((l) => ({ ...l, from: l.from.map(({ layer }) => layer) }));
    print(JSON.stringify({ ...data, layers }));
  } else print(renderSummary(found, painter(hasColor(process.stdout))));
}
