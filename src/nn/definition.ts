/**
 * What every entry of a catalogue has (layers, activations, losses, optimizers …), and the one rule by which
 * a spec names them: its name, or `name: {options}`. The same definition gives the parser, the errors, the
 * JSON Schema and the documentation.
 */
import { z } from "zod";
import type { Problem } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import { describeIssue, headline, type IssueParams, needs, show } from "./issues.ts";
import { insteadOfName } from "./keras-names.ts";
import { insteadOf, insteadOfValue } from "./keras-options.ts";

export interface Definition<S extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string;
  /** Other names it goes by. */
  readonly aliases?: readonly string[];
  /** One line for people, with the formula. */
  readonly doc: string;
  readonly options: S;
  /** What is wrong with the options together, if anything; the path starts at them. */
  check?(options: z.output<z.ZodObject<S>>): Problem | undefined;
}

/** A definition chosen in a spec, with its options checked and completed by defaults. */
export interface Named<D extends Definition = Definition> {
  readonly definition: D;
  readonly options: Readonly<Record<string, unknown>>;
}

/** How the input of a schema looks, for the JSON Schema export; set by `named` and `section`. */
export const inputForms = new WeakMap<z.ZodType, () => InputForm>();
export type InputForm =
  | {
      readonly form: "named";
      readonly kind: string;
      readonly definitions: readonly Definition[];
      readonly extras: z.ZodRawShape;
    }
  | { readonly form: "section"; readonly name: string; readonly shape: z.ZodRawShape }
  | { readonly form: "either"; readonly of: readonly z.ZodType[] };

type Issue = (path: PropertyKey[], message: string, params: IssueParams) => void;

/**
 * A reference to a definition: `relu`, or `leaky_relu: { negative_slope: 0.1 }`.
 * @param kind what it is, for messages: "activation"
 * @param extras further keys that may stand beside the definition's own
 */
export function named<D extends Definition, E extends z.ZodRawShape = Record<never, never>>(
  kind: string,
  definitions: () => readonly D[],
  extras: E = {} as E,
): z.ZodType<Named<D> & { readonly extras: z.output<z.ZodObject<E>> }> {
  const schema = z.unknown().transform((value, ctx) => {
    const issue: Issue = (path, message, params) =>
      ctx.addIssue({ code: "custom", path, message, params: { ...params }, input: value });
    const chosen = choose(kind, definitions(), Object.keys(extras), value, issue);
    if (!chosen) return z.NEVER;
    const { definition, key, raw, rest } = chosen;
    const own = parseShape(
      definition.options,
      raw ?? {},
      `${kind} ${definition.name}`,
      [key],
      issue,
    );
    const more = parseShape(extras, rest, kind, [], issue);
    if (!own || !more) return z.NEVER;
    const { path = [], message, ...params } = definition.check?.(own) ?? {};
    if (message !== undefined) {
      issue([key, ...path], message, params);
      return z.NEVER;
    }
    return { definition, options: own, extras: more as z.output<z.ZodObject<E>> };
  });
  inputForms.set(schema, () => ({ form: "named", kind, definitions: definitions(), extras }));
  return schema;
}

/**
 * Adds to a catalogue, which is otherwise only read. It must be done before a spec is: nobody looks twice.
 */
export function extend<D extends Definition>(catalogue: readonly D[], definition: D): void {
  (catalogue as D[]).push(definition);
}

export const namesOf = (d: Definition): readonly string[] => [d.name, ...(d.aliases ?? [])];

interface Choice<D> {
  readonly definition: D;
  /** The name as the spec has it. */
  readonly key: string;
  readonly raw: unknown;
  readonly rest: Record<string, unknown>;
}

function choose<D extends Definition>(
  kind: string,
  definitions: readonly D[],
  extras: readonly string[],
  value: unknown,
  issue: Issue,
): Choice<D> | undefined {
  const names = definitions.flatMap(namesOf);
  const find = (name: string, path: PropertyKey[], at: "key" | "value") => {
    const definition = definitions.find((d) => namesOf(d).includes(name));
    if (!definition)
      issue(path, `there is no ${kind} "${name}"`, { at, ...unknownName(kind, name, names) });
    return definition;
  };
  if (typeof value === "string") {
    const definition = find(value, [], "value");
    return definition && { definition, key: value, raw: {}, rest: {} };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const params = {
      expected: `the name of ${article(kind)}, or "name: { options }"`,
      received: show(value),
    };
    issue([], `this is not ${article(kind)}`, params);
    return undefined;
  }
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record).filter((k) => !extras.includes(k));
  if (keys.length !== 1) {
    const known = ownNames(keys, definitions);
    const stray = known.length === 1 ? keys.find((k) => k !== known[0]) : keys[1];
    issue(stray === undefined ? [] : [stray], severalKeys(kind, known, stray), {
      at: stray === undefined ? "value" : "key",
      expected: `one name of ${article(kind)}${extras.length ? ` and, beside it, ${extras.join(", ")}` : ""}`,
      received: keys.length === 0 ? "none" : keys.join(", "),
      fix:
        known.length === 1 ? strayFix(stray!, known[0]!, definitions, extras) : "keep one of them",
    });
    return undefined;
  }
  const name = keys[0]!;
  const definition = find(name, [name], "key");
  const rest = Object.fromEntries(extras.filter((k) => k in record).map((k) => [k, record[k]]));
  return definition && { definition, key: name, raw: record[name], rest };
}

/** Keys that name a definition; an option of the first is none, though something may be called so too. */
function ownNames(keys: readonly string[], definitions: readonly Definition[]): readonly string[] {
  const find = (key: string) => definitions.find((d) => namesOf(d).includes(key));
  const named = keys.filter(find);
  const options = Object.keys(find(named[0] ?? "")?.options ?? {});
  return named.filter((key) => !options.includes(key));
}

function severalKeys(kind: string, known: readonly string[], stray: string | undefined): string {
  if (stray === undefined) return `the name of the ${kind} is missing`;
  return known.length === 1
    ? `"${stray}" stands beside ${kind} ${known[0]}, where it means nothing`
    : `several names where one ${kind} belongs`;
}

/** What other tools call that which stands beside a name here. */
const calledElsewhere: Readonly<Record<string, string>> = { inputs: "from", input: "from" };

/** What to do with a key beside a name, where it means nothing. */
function strayFix(
  stray: string,
  name: string,
  definitions: readonly Definition[],
  extras: readonly string[],
): string {
  const isOption = definitions.some((d) => namesOf(d).includes(name) && stray in d.options);
  if (isOption) return `indent \`${stray}\` under \`${name}\`: it is an option of it`;
  const other = calledElsewhere[stray];
  const near = other !== undefined && extras.includes(other) ? other : suggest(stray, extras);
  return near
    ? `did you mean \`${near}\`?`
    : `take it out, or indent it under \`${name}\` if it belongs to an option of it`;
}

/** What to do about a name that is near to none. */
export const elsewhere = "one of your own needs `--plugin FILE`, which defines it";

function unknownName(kind: string, name: string, names: readonly string[]): IssueParams {
  const near = suggest(name, names);
  const fix = insteadOfName(kind, name) ?? (near ? `did you mean \`${near}\`?` : elsewhere);
  return { expected: oneOf(names), received: name, fix };
}

/**
 * An object whose unknown keys are errors with a suggestion.
 * @param owner what it is, for messages: "train"
 */
export function section<S extends z.ZodRawShape>(
  owner: string,
  shape: S,
): z.ZodType<z.output<z.ZodObject<S>>> {
  const schema = z.unknown().transform((value, ctx) => {
    const issue: Issue = (path, message, params) =>
      ctx.addIssue({ code: "custom", path, message, params: { ...params }, input: value });
    const parsed = parseShape(shape, value, owner, [], issue);
    return parsed ? (parsed as z.output<z.ZodObject<S>>) : z.NEVER;
  });
  inputForms.set(schema, () => ({ form: "section", name: owner, shape }));
  return schema;
}

function parseShape(
  shape: z.ZodRawShape,
  value: unknown,
  owner: string,
  path: readonly PropertyKey[],
  issue: Issue,
): Record<string, unknown> | undefined {
  const known = Object.keys(shape);
  const keys = isMapping(value) ? Object.keys(value) : [];
  const unknown = keys.filter((k) => !known.includes(k));
  const only = shorthand(shape, value);
  // A mapping may be what the only option should be: a layer in place of `layer: …`.
  if (
    !isMapping(value) ||
    (only !== undefined && keys.length > 0 && unknown.length === keys.length)
  ) {
    const name = path.map((key) => `${String(key)}: `).join("");
    issue(
      [...path],
      isMapping(value) ? needs(owner, only!) : `the options of ${owner} are not a mapping`,
      {
        expected: known.length > 0 ? `a mapping of options (${known.join(", ")})` : "no options",
        received: show(value),
        ...(only === undefined ? {} : { fix: `write \`${name}{ ${only}: ${bare(value)} }\`` }),
      },
    );
    return undefined;
  }
  const meant = unknown.map((key) => reportUnknown(key, known, owner, path, issue));
  const result = z.object(shape).safeParse(value);
  for (const e of result.error?.issues ?? []) {
    const [key = ""] = e.path;
    const missing = e.path.length === 1 && value[key] === undefined;
    // An option that is missing because it is misspelt has been reported already.
    if (missing && meant.includes(String(key))) continue;
    const params = "params" in e ? (e.params as IssueParams) : described(e, value);
    if (missing) issue([...path, key], needs(owner, key), { ...params, received: "nothing" });
    else issue([...path, ...e.path], e.code === "custom" ? e.message : headline(e, owner), params);
  }
  return result.success && unknown.length === 0 ? result.data : undefined;
}

function described(e: z.core.$ZodIssue, options: Record<PropertyKey, unknown>): IssueParams {
  const [key] = e.path;
  const keras = e.path.length === 1 ? insteadOfValue(String(key), options[key!]) : undefined;
  return { ...describeIssue(e, options), ...(keras ? { fix: keras } : {}) };
}

const isMapping = (value: unknown): value is Record<PropertyKey, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The only option that has to be given, if something given in place of all options fits it. */
function shorthand(shape: z.ZodRawShape, value: unknown): string | undefined {
  const needed = Object.keys(shape).filter((key) => !z.safeParse(shape[key]!, undefined).success);
  const [only] = needed;
  const fits = needed.length === 1 && z.safeParse(shape[only!]!, value).success;
  return fits && value !== undefined ? only : undefined;
}
/** A value as one would write it. */
const bare = (value: unknown) =>
  typeof value === "string" && /^[A-Za-z_][\w.-]*$/.test(value) ? value : show(value);

/** @returns the option that was probably meant */
function reportUnknown(
  key: string,
  known: readonly string[],
  owner: string,
  path: readonly PropertyKey[],
  issue: Issue,
): string | undefined {
  const near = suggest(key, known);
  const keras = insteadOf(key, owner);
  const fix = keras ?? (near && `did you mean \`${near}\`?`);
  const expected = known.length > 0 ? oneOf(known) : "no options";
  issue([...path, key], `unknown option "${key}" of ${owner}`, {
    at: "key",
    expected,
    received: key,
    ...(fix ? { fix } : {}),
  });
  return keras === undefined ? near : undefined;
}

const article = (noun: string) => `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
