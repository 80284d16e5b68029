/**
 * The kinds of definitions that a plug-in can add: what one of each kind must have, and which catalogues it joins.
 * A loss is a metric too, and an activation is a layer, as with nnc's own.
 */
import type { z } from "zod";
import type { DataSource } from "../data/dataset.ts";
import { sources } from "../data/sources/index.ts";
import { type Activation, activations } from "../nn/activations.ts";
import type { Callback } from "../nn/callbacks/callback.ts";
import { callbacks } from "../nn/callbacks/index.ts";
import { type Constraint, constraints } from "../nn/constraints.ts";
import { type Definition, extend, namesOf } from "../nn/definition.ts";
import { type Initializer, initializers } from "../nn/initializers.ts";
import { layerOfActivation } from "../nn/layers/activations.ts";
import { layers } from "../nn/layers/index.ts";
import type { Layer } from "../nn/layers/layer.ts";
import { losses } from "../nn/losses/index.ts";
import type { Loss } from "../nn/losses/loss.ts";
import { metrics } from "../nn/metrics/index.ts";
import type { Metric } from "../nn/metrics/metric.ts";
import { metricOfLoss } from "../nn/metrics/regression.ts";
import { optimizers } from "../nn/optimizers/index.ts";
import { common, type Optimizer } from "../nn/optimizers/optimizer.ts";
import { type Regularizer, regularizers } from "../nn/regularizers.ts";
import { type Schedule, schedules } from "../nn/schedules.ts";
import { layerExtras } from "../spec/schema.ts";

/** A place that a definition takes among others of a kind, where its names must be free. */
export interface Membership {
  readonly kind: string;
  readonly taken: readonly string[];
  join(): void;
}

interface KindRules {
  /** Members that it must have beside name, doc and options. */
  readonly members: readonly string[];
  /** Options that all of the kind have. */
  readonly options: readonly string[];
  /** Words that mean something else where its name would stand. */
  readonly reserved: readonly string[];
  readonly memberships: (definition: Definition) => readonly Membership[];
}

/** A new member of a catalogue. */
const joining = <D extends Definition>(
  kind: string,
  catalogue: readonly D[],
  member: D,
): Membership => ({
  kind,
  taken: catalogue.flatMap(namesOf),
  join: () => extend(catalogue, member),
});

function rules<D>(
  members: readonly (keyof D & string)[],
  memberships: (definition: D) => readonly Membership[],
  { options = [], reserved = [] }: Partial<Pick<KindRules, "options" | "reserved">> = {},
): KindRules {
  return { members, options, reserved, memberships: memberships as KindRules["memberships"] };
}

const kinds = {
  layer: rules<Layer>(["takes", "build"], (d) => [joining("layer", layers, d)], {
    reserved: Object.keys(layerExtras),
  }),
  activation: rules<Activation>(["apply"], (d) => [
    joining("activation", activations, d),
    joining("layer", layers, layerOfActivation(d)),
  ]),
  loss: rules<Loss>(["targets", "perSample"], (d) => [
    joining("loss", losses, d),
    joining("metric", metrics, metricOfLoss(d)),
  ]),
  metric: rules<Metric>(["targets", "sums", "finish"], (d) => [joining("metric", metrics, d)]),
  optimizer: rules<Optimizer>(["slots", "update"], (d) => [joining("optimizer", optimizers, d)], {
    options: Object.keys(common(0)),
  }),
  initializer: rules<Initializer>(["fill"], (d) => [joining("initializer", initializers, d)]),
  regularizer: rules<Regularizer>(["penalty"], (d) => [joining("regularizer", regularizers, d)]),
  constraint: rules<Constraint>(["apply"], (d) => [joining("constraint", constraints, d)]),
  schedule: rules<Schedule>(["rate"], (d) => [joining("schedule", schedules, d)]),
  callback: rules<Callback>(["begin"], (d) => [joining("callback", callbacks, d)]),
  "data source": rules<DataSource>(
    ["load"],
    (d) => [
      joining(
        "data source",
        sources as readonly unknown[] as readonly Definition[],
        d as Definition,
      ),
    ],
    { reserved: ["source"] },
  ),
} satisfies Readonly<Record<string, KindRules>>;
export type Kind = keyof typeof kinds;

export const rulesOf = (kind: Kind): KindRules => kinds[kind];

const made = new WeakMap<object, Kind>();

/** A `define…` function that notes of what kind is what it makes. */
export const defining = <F extends (definition: never) => object>(kind: Kind, define: F): F =>
  ((definition) => {
    const result = define(definition);
    made.set(result, kind);
    return result;
  }) as F;

/** A definition that such a function made, and its kind; undefined for anything else. */
export function definitionIn(
  value: unknown,
): { readonly kind: Kind; readonly definition: Definition<z.ZodRawShape> } | undefined {
  const kind = typeof value === "object" && value !== null ? made.get(value) : undefined;
  return kind && { kind, definition: value as Definition };
}
