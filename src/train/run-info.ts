/** What a run's folder says of how it came to be, from its first moment on: `run.json`. */
import { availableParallelism, cpus, totalmem } from "node:os";
import { z } from "zod";
import { pluginSchema } from "./plugins.ts";

export const runInfoSchema = z.object({
  /** The spec as the command line named it. */
  spec: z.string(),
  /** `--set` arguments, a seed among them, in their order. */
  overrides: z.array(z.string()),
  seed: z.number(),
  /** As asked for; `auto` is decided anew. */
  backend: z.string(),
  /** A file of weights it started from. */
  weights: z.string().optional(),
  /** Absolute paths. */
  plugins: z.array(pluginSchema).readonly().default([]),
  /** ISO 8601. */
  started: z.string(),
  versions: z.object({ nnc: z.string(), node: z.string() }),
  machine: z.object({
    platform: z.string(),
    cpu: z.string(),
    cores: z.number(),
    memory_gb: z.number(),
  }),
});
export type RunInfo = z.output<typeof runInfoSchema>;

/** @param version of nnc */
export function describeRun(
  about: Pick<RunInfo, "spec" | "overrides" | "seed" | "backend" | "weights" | "plugins">,
  version: string,
): RunInfo {
  return {
    ...about,
    started: new Date().toISOString(),
    versions: { nnc: version, node: process.versions.node },
    machine: {
      platform: `${process.platform} ${process.arch}`,
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      memory_gb: Math.round(totalmem() / 2 ** 30),
    },
  };
}
