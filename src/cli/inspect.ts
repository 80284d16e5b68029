/** `nnc inspect`: every stage between the spec and what runs. */
import { stringify } from "yaml";
import { chooseBackend, loadBackend } from "../backends/index.ts";
import { optimise } from "../compiler/compile.ts";
import type { AnySamples, Dataset } from "../data/dataset.ts";
import { type Graph, variable } from "../ir/graph.ts";
import { graphToJson, printGraph, printGraphDot, printProgram } from "../ir/print.ts";
import type { Backend } from "../ir/program.ts";
import type { Spec } from "../spec/spec.ts";
import { UsageError } from "../support/errors.ts";
import { loadData } from "../train/load.ts";
import { checkModel } from "../train/prepare.ts";
import { compileRun, initialWeights, planRun, Session } from "../train/session.ts";
import { located } from "./failure.ts";
import type { SpecOptions } from "./options.ts";
import { openSpec } from "./spec-file.ts";
import { during } from "./spinner.ts";
import { print, tell } from "./terminal.ts";

export interface InspectOptions extends SpecOptions {
  readonly stage: "spec" | "graph" | "train" | "kernels" | "source";
  readonly format: "text" | "dot" | "json";
  readonly backend: string;
}

export async function inspect(name: string, options: InspectOptions): Promise<void> {
  const { stage, format } = options;
  if (format !== "text" && stage !== "graph" && stage !== "train") {
    throw new UsageError(
      `stage ${stage} has no --format ${format}`,
      "dot and json are for the stages graph and train",
    );
  }
  const { source, spec } = await openSpec(name, options);
  if (stage === "spec") return print(stringify(spec.resolved).trimEnd());
  print(
    await located(source, async () => {
      const silent = options.quiet === true;
      const data = await during("loading data", silent, () => loadData(spec));
      // Faults between layers, losses and data are found here, before graphs are built.
      checkModel(spec, data.train);
      return show(spec, data, options);
    }),
  );
}

async function show(
  spec: Spec,
  data: Dataset<AnySamples>,
  options: InspectOptions,
): Promise<string> {
  const { stage, format, backend } = options;
  switch (stage) {
    case "spec":
      return stringify(spec.resolved).trimEnd();
    case "graph":
      return showGraph(forwardGraph(spec, data), format);
    case "train":
      return showGraph(optimise(planRun(spec, data).train.graphs.graphs[0]!), format);
    case "kernels":
      return showKernels(spec, data, await traitsOf(backend, options));
    case "source":
      return showSource(spec, data, await chosen(backend, options));
    default:
      return stage satisfies never;
  }
}

/** What the model computes from a batch, as it does when it is not trained. */
function forwardGraph(spec: Spec, data: Dataset<AnySamples>): Graph {
  const { outputs } = checkModel(spec, data.train, spec.train.batch_size);
  return {
    name: spec.name,
    updates: spec.model.outputs.map((name) => {
      const value = outputs.get(name)!;
      return { variable: variable({ name, ...value.type }), value };
    }),
  };
}

function showGraph(graph: Graph, format: InspectOptions["format"]): string {
  switch (format) {
    case "text":
      return printGraph(graph);
    case "dot":
      return printGraphDot(graph);
    case "json":
      return JSON.stringify(graphToJson(graph), null, 1);
    default:
      return format satisfies never;
  }
}

/** As the backend computes them, where it can tell; else as the compiler hands them to it. */
async function showKernels(
  spec: Spec,
  data: Dataset<AnySamples>,
  backend: Backend,
): Promise<string> {
  const program = compileRun(planRun(spec, data), backend);
  return (await backend.explain?.(program)) ?? printProgram(program);
}

/** Kernels depend on what a backend is like, not on whether it works here. */
const traitsOf = (name: string, options: InspectOptions): Promise<Backend> =>
  name === "auto" ? chosen(name, options) : loadBackend(name);

async function chosen(name: string, { quiet }: InspectOptions): Promise<Backend> {
  const { backend, why } = await chooseBackend(name);
  if (!quiet) tell(`backend: ${backend.name}, ${why}`);
  return backend;
}

async function showSource(
  spec: Spec,
  data: Dataset<AnySamples>,
  backend: Backend,
): Promise<string> {
  const plan = planRun(spec, data);
  const session = await Session.open(plan, backend, initialWeights(plan.weights, spec.seed));
  try {
    const sources = [...session.executable.sources];
    return sources.map(([name, text]) => `// ==== ${name}\n${text.trimEnd()}`).join("\n\n");
  } finally {
    await session.dispose();
  }
}
