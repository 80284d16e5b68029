/** A spec, checked and complete: what the rest of nnc works with. */
import { z } from "zod";
import type { Named } from "../nn/definition.ts";
import { lossOption } from "../nn/losses/index.ts";
import type { Loss } from "../nn/losses/loss.ts";
import { metricOption } from "../nn/metrics/index.ts";
import type { Metric } from "../nn/metrics/metric.ts";
import type { Model } from "../nn/model.ts";
import type { CommonOptions, Optimizer } from "../nn/optimizers/optimizer.ts";
import { type LayerEntry, wire } from "../nn/wiring.ts";
import { invariant, type Problem, ProblemError, type SpecPath } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import { type CallbackSpec, resolveCallbacks } from "./callbacks.ts";
import { type DataSpec, dataOf } from "./data-section.ts";
import { type Expectation, parseExpectation } from "./expectation.ts";
import { problemsFrom } from "./problems.ts";
import { expectableNames, noMetric } from "./reported.ts";
import { type ParsedSpec, specSchema } from "./schema.ts";
import type { SpecSource } from "./source.ts";

/** The optimizer of a spec: every one has the common options. */
export type ChosenOptimizer = Omit<Named<Optimizer>, "options"> & {
  readonly options: CommonOptions & Named["options"];
};
/** One output of the model and what it is held to. */
export interface OutputSpec {
  readonly layer: string;
  readonly loss: Named<Loss>;
  readonly lossPath: SpecPath;
  /** Where the loss's options stand. */
  readonly lossOptions: SpecPath;
  readonly weight: number;
  readonly metrics: readonly ReportedMetric[];
}
export interface ReportedMetric {
  /** The name the spec has for it; a second `mse` is `mse_1`, and with several outputs theirs come first. */
  readonly name: string;
  readonly metric: Named<Metric>;
  readonly path: SpecPath;
  /** Where its options stand. */
  readonly optionsPath: SpecPath;
}
export interface Spec {
  readonly name: string;
  readonly seed: number;
  readonly data: DataSpec;
  readonly model: Model;
  readonly outputs: readonly OutputSpec[];
  readonly optimizer: ChosenOptimizer;
  readonly callbacks: readonly CallbackSpec[];
  readonly train: ParsedSpec["train"];
  /** Batches whose gradients are averaged for one step of the optimizer. */
  readonly accumulate: number;
  readonly expect: readonly Expectation[];
  /** Folder that relative paths start from. */
  readonly directory: string;
  /** The spec as plain data, every default filled in. */
  readonly resolved: Readonly<Record<string, unknown>>;
}

/** @throws ProblemError with everything that is wrong */
export function resolveSpec(source: SpecSource): Spec {
  const value = source.value as Record<string, unknown>;
  const parsed = check(specSchema, value, "the spec", []);
  const entries = parsed.model.map(({ extras, ...layer }): LayerEntry => {
    const { name, from, trainable, reuse } = extras;
    invariant(name !== undefined, "a layer without a name");
    return { layer, name, from, trainable, reuse };
  });
  const name = parsed.name ?? defaultName(source.file);
  const model = wire(name, entries, parsed.outputs, source.aliases);
  const outputs = resolveOutputs(parsed, model.outputs);
  return {
    name,
    seed: parsed.seed,
    data: dataOf(parsed, value["data"]),
    model,
    outputs,
    optimizer: parsed.optimizer as Named<Optimizer> as ChosenOptimizer,
    callbacks: callbacksOf(parsed, value["callbacks"], outputs),
    train: parsed.train,
    accumulate: accumulation(parsed),
    expect: expectations(parsed, outputs),
    directory: source.directory,
    resolved: plain({ ...parsed, name, model: resolvedModel(parsed, model) }) as Record<
      string,
      unknown
    >,
  };
}

/** The layers as they are listed; what they read by the names of layers, where that is said. */
const resolvedModel = ({ model }: ParsedSpec, { layers }: Model) =>
  model.map((entry, i) => {
    if (entry.extras.from === undefined) return entry;
    // Where an entry stands for several layers all read the same.
    const reads = layers.find(({ path }) => path[1] === i)!.from;
    return { ...entry, extras: { ...entry.extras, from: reads.length === 1 ? reads[0] : reads } };
  });

function check<T>(schema: z.ZodType<T>, value: unknown, owner: string, at: SpecPath): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = problemsFrom(result.error, value, owner);
  throw new ProblemError(problems.map((p) => ({ ...p, path: [...at, ...p.path] })));
}

/** `mlp` for `specs/mlp.yaml`. */
const defaultName = (file: string) =>
  file
    .replace(/^.*[\\/]/, "")
    .replace(/\.[^.]*$/, "")
    .replaceAll(/[^A-Za-z0-9_.-]/g, "-") || "model";

function resolveOutputs(parsed: ParsedSpec, names: readonly string[]): readonly OutputSpec[] {
  const single = names.length === 1 && !isByOutput(parsed.loss, names);
  if (parsed.loss === undefined) {
    throw new ProblemError([
      {
        path: ["loss"],
        message: "the spec needs `loss`",
        expected: single ? "the name of a loss" : `one for each of ${names.join(", ")}`,
        received: "nothing",
        fix: "for classes: `loss: sparse_categorical_crossentropy`; for numbers: `loss: mse`",
      },
    ]);
  }
  const problems: Problem[] = [];
  const collect = <T>(run: () => T): T | undefined => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  if (!single) checkKeys(parsed, names);
  const outputs = names.map((layer) =>
    collect((): OutputSpec => {
      const lossPath: SpecPath = single ? ["loss"] : ["loss", layer];
      const forAll = Array.isArray(parsed.metrics) || typeof parsed.metrics === "string";
      const metricsPath: SpecPath = single || forAll ? ["metrics"] : ["metrics", layer];
      const prefix = names.length > 1 ? `${layer}_` : "";
      const loss = check(lossOption(), at(parsed, lossPath), "the loss", lossPath);
      return {
        layer,
        loss,
        lossPath,
        lossOptions: optionsPath(at(parsed, lossPath), lossPath),
        weight: parsed.loss_weights?.[layer] ?? 1,
        metrics: metricsOf(at(parsed, metricsPath), metricsPath, prefix),
      };
    }),
  );
  if (problems.length > 0) throw new ProblemError(problems);
  return outputs as OutputSpec[];
}

function metricsOf(value: unknown, path: SpecPath, prefix: string): readonly ReportedMetric[] {
  if (value === undefined || value === null) return [];
  const metric = metricOption();
  const schema = z.union([z.array(metric), metric.transform((m) => [m])]);
  const list = check(Array.isArray(value) ? z.array(metric) : schema, value, "metrics", path);
  const used = new Map<string, number>();
  return list.map((metric, i) => {
    const own: SpecPath = Array.isArray(value) ? [...path, i] : path;
    const raw = Array.isArray(value) ? value[i] : value;
    const base = `${prefix}${typeof raw === "string" ? raw : Object.keys(raw)[0]}`;
    const before = used.get(base) ?? 0;
    used.set(base, before + 1);
    const name = before === 0 ? base : `${base}_${before}`;
    return { name, metric, path: own, optionsPath: optionsPath(raw, own) };
  });
}

function callbacksOf(
  { callbacks, optimizer }: ParsedSpec,
  raw: unknown,
  outputs: readonly OutputSpec[],
): readonly CallbackSpec[] {
  const given = callbacks.map((callback, i) => {
    const path = ["callbacks", i];
    return { ...callback, path, optionsPath: optionsPath((raw as unknown[])[i], path) };
  });
  return resolveCallbacks(given, outputs, typeof optimizer.options["learning_rate"] !== "number");
}

/** Where the options of `name` or `name: {options}` stand, whichever of its names it goes by. */
const optionsPath = (value: unknown, path: SpecPath): SpecPath =>
  typeof value === "object" && value !== null ? [...path, Object.keys(value)[0]!] : path;

/** Whether a mapping is `output: …` and not `name: {options}`. */
const isByOutput = (value: unknown, outputs: readonly string[]) =>
  typeof value === "object" &&
  value !== null &&
  Object.keys(value).some((k) => outputs.includes(k));

const at = (root: unknown, path: SpecPath): unknown =>
  path.reduce<unknown>(
    (v, key) => (v as Record<string | number, unknown> | undefined)?.[key],
    root,
  );

/** With several outputs: a loss for each, and nothing for what is no output. */
function checkKeys(parsed: ParsedSpec, names: readonly string[]): void {
  const problems: Problem[] = [];
  if (typeof parsed.loss !== "object" || parsed.loss === null) {
    const message = `the model has ${names.length} outputs, and each needs a loss`;
    problems.push({
      path: ["loss"],
      message,
      fix: `write \`loss: { ${names.map((n) => `${n}: …`).join(", ")} }\``,
    });
  } else {
    for (const name of names) {
      if (!(name in parsed.loss))
        problems.push({
          path: ["loss"],
          message: `output ${name} has no loss`,
          fix: `add \`${name}:\``,
        });
    }
  }
  for (const section of ["loss", "loss_weights", "metrics"] as const) {
    const value = parsed[section];
    if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
    for (const key of Object.keys(value)) {
      if (names.includes(key)) continue;
      const near = suggest(key, names);
      problems.push({
        path: [section, key],
        at: "key",
        message: `${section}: "${key}" is no output of the model`,
        expected: oneOf(names),
        received: key,
        ...(near ? { fix: `did you mean \`${near}\`?` } : {}),
      });
    }
  }
  if (problems.length > 0) throw new ProblemError(problems);
}

/** Batches to a step of the optimizer: `train.accumulate`, or Keras's option of the optimizer. */
function accumulation({ train, optimizer }: ParsedSpec): number {
  const own = optimizer.options["gradient_accumulation_steps"] as number | null;
  if (train.accumulate !== undefined && own !== null && train.accumulate !== own) {
    const problem: Problem = {
      path: ["train", "accumulate"],
      message: "the optimizer says something else of accumulation",
      expected: `${own}, as gradient_accumulation_steps says`,
      received: `${train.accumulate}`,
      fix: "keep one of the two",
    };
    throw new ProblemError([problem]);
  }
  return train.accumulate ?? own ?? 1;
}

function expectations(parsed: ParsedSpec, outputs: readonly OutputSpec[]): readonly Expectation[] {
  const known = expectableNames(outputs);
  const entries = Object.entries(parsed.expect ?? {});
  const problems = entries.flatMap(([name]): Problem[] =>
    known.includes(name) ? [] : [{ ...noMetric(name, known), path: ["expect", name], at: "key" }],
  );
  if (problems.length > 0) throw new ProblemError(problems);
  return entries.map(([name, want]) => parseExpectation(name, want));
}

/** Definitions as the spec writes them: `name: {options}`. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("definition" in value && "options" in value) {
    const { definition, options, extras } = value as Named & { extras?: object };
    return { [definition.name]: plain(options), ...(plain(extras ?? {}) as object) };
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => [k, plain(v)]),
  );
}
