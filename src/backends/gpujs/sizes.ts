/** Whether a program's arrays fit in a GPU's: gpu.js holds every value as a float, a dataset's bytes too. */
import { sizeOf } from "../../ir/graph.ts";
import { allKernels } from "../../ir/kernels.ts";
import type { Program, Values } from "../../ir/program.ts";
import { RunError } from "../../support/errors.ts";

const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;

/**
 * @param mostBytes of one array
 * @throws RunError naming the largest array that does not fit
 */
export function checkSizes(
  { variables, procedures }: Program,
  constants: ReadonlyMap<string, Values>,
  mostBytes: number,
): void {
  const outputs = procedures.flatMap((p) => allKernels(p.kernels).map((k) => k.output));
  const found = [...variables, ...outputs].map(({ name, shape }) => ({
    name,
    bytes: 4 * (constants.get(name)?.length ?? sizeOf(shape)),
    isData: constants.has(name),
  }));
  const largest = found.sort((a, b) => b.bytes - a.bytes)[0];
  if (!largest || largest.bytes <= mostBytes) return;
  throw new RunError(
    `webgpu: ${largest.name} needs ${megabytes(largest.bytes)}, and an array on this GPU has at most ${megabytes(mostBytes)}`,
    `${largest.isData ? "take fewer examples (`limit` of the data)" : "take a smaller batch (--set train.batch_size=…)"}, or another --backend`,
  );
}
