/**
 * Random options for any definition, from its schema: what is drawn for layers by hand says what fits a shape, and
 * this adds the rest. Numbers are multiples of a 64th, which single precision holds exactly: Keras casts many of its
 * options to it.
 */
import { z } from "zod";
import { activations } from "../../src/nn/activations.ts";
import { constraints } from "../../src/nn/constraints.ts";
import type { Definition } from "../../src/nn/definition.ts";
import { initializers } from "../../src/nn/initializers.ts";
import { regularizers } from "../../src/nn/regularizers.ts";
import type { Options } from "./keras.ts";
import type { Random } from "./layer-case.ts";

/** Every number that is not whole as the nearest multiple of a 64th, though not 0. */
export function tidy<T>(value: T): T {
  if (typeof value === "number" && !Number.isInteger(value)) {
    return ((Math.round(64 * value) || Math.sign(value)) / 64) as T;
  }
  if (Array.isArray(value)) return value.map(tidy) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, tidy(v)])) as T;
}

interface OptionSchema {
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly OptionSchema[];
  readonly type?: string;
}

/** Values of an option that its schema takes; none where it is something else than a choice or a number. */
function candidates(schema: z.ZodType): readonly unknown[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as OptionSchema;
  const choices = [json, ...(json.anyOf ?? [])].flatMap((s) => s.enum ?? []);
  const all = [...choices, true, false, 0.25, 0.375, 0.75, 1, 1.5, 2];
  return all.filter((value) => schema.safeParse(value).success);
}

/** What must be given of a definition's options, and some of the others. */
export function someOptions(
  r: Random,
  { options }: Definition,
  except: readonly string[] = [],
): Options {
  const drawn = Object.entries(options).flatMap(([key, schema]) => {
    const own = schema as z.ZodType;
    const values = except.includes(key) ? [] : candidates(own);
    const must = !own.safeParse(undefined).success;
    return values.length > 0 && (must || r.uniform() < 0.5) ? [[key, r.pick(values)] as const] : [];
  });
  return Object.fromEntries(drawn);
}

/** Options that are an activation by its name, some of them with options of its own. */
export function someActivations(r: Random, options: Options): Options {
  const drawn = Object.entries(options).map(([key, value]) => {
    const isActivation = key === "function" || key.endsWith("activation");
    const definition = isActivation ? activations.find((a) => a.name === value) : undefined;
    const chosen = definition && r.uniform() < 0.5;
    return [key, chosen ? { [definition.name]: someOptions(r, definition, ["axis"]) } : value];
  });
  return Object.fromEntries(drawn);
}

/** What may be written for options by the end of their name; initializers are such as draw no numbers. */
const parts: readonly (readonly [string, readonly Definition[]])[] = [
  ["_regularizer", regularizers.filter((d) => !("unfit" in d && d.unfit))],
  ["_constraint", constraints],
  ["_initializer", initializers.filter((d) => ["zeros", "ones", "constant"].includes(d.name))],
];

/** Regularizers, constraints and constant initializers for some of the options that take them. */
export function someParts(r: Random, { options }: Definition, share: number): Options {
  const drawn = Object.keys(options).flatMap((key) => {
    const [, choices] = parts.find(([ending]) => key.endsWith(ending)) ?? [];
    if (!choices || r.uniform() >= share) return [];
    const choice = r.pick(choices);
    const own = someOptions(r, choice, ["axis"]);
    const unfit = choice.check?.(z.object(choice.options).parse(own)) !== undefined;
    return [[key, { [choice.name]: unfit ? {} : own }] as const];
  });
  return Object.fromEntries(drawn);
}
