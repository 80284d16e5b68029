/**
 * The JSON Schema of a spec (draft 2020-12), for editors. What the catalogues say of their entries, and zod
 * of options, becomes one definition a kind of thing: `#/$defs/layer`, `#/$defs/activation` …
 */
import { z } from "zod";
import { type Definition, inputForms, namesOf } from "../nn/definition.ts";
import { lossOption } from "../nn/losses/index.ts";
import { metricOption } from "../nn/metrics/index.ts";
import { layerNames } from "./entry.ts";
import { layerExtras, specShape } from "./schema.ts";

export type Json = { [key: string]: unknown };

export function specJsonSchema(): Json {
  const writer = new Writer();
  const root = writer.object(specShape);
  const properties = root["properties"] as Json;
  const loss = writer.of(lossOption());
  const metric = writer.of(metricOption());
  const metrics = { anyOf: [metric, { type: "array", items: metric }] };
  // Which form these have depends on the outputs, so the parser takes them as they come.
  Object.assign(properties["loss"] as Json, orByOutput(loss));
  Object.assign(properties["metrics"] as Json, orByOutput(metrics));
  const { properties: _, required, ...rest } = root;
  const { description, items, ...list } = properties["model"] as Json;
  properties["model"] = { description, type: "array" };
  const beside = writer.object(layerExtras);
  const once = [items, { ...beside, required: ["reuse"] }];
  const model = (...of: unknown[]) => ({
    properties: { model: { ...list, items: { anyOf: of } } },
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "nnc spec",
    description: "A neural network, its data and its training. `nnc train SPEC` runs it.",
    ...rest,
    properties,
    // The names of blocks are the spec's own: where it has some, any name may be one.
    if: { required: ["blocks"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: model(...once, ...useOfBlock(beside)),
    else: model(...once),
    required: [...new Set([...(required as string[]), "loss"])],
    $defs: writer.definitions,
  };
}

/** The thing itself, or one for each output of the model. */
const orByOutput = (schema: Json): Json => ({
  anyOf: [schema, { type: "object", additionalProperties: schema }],
});

/** What may be the use of a block: any name that is no layer's. */
function useOfBlock({ properties }: Json): readonly Json[] {
  const own = { not: { enum: layerNames() } };
  return [
    { type: "string", ...own },
    { type: "object", properties, propertyNames: own, minProperties: 1 },
  ];
}

/** Largest number zod takes for whole; it says so of every one, which helps nobody. */
const largest = Number.MAX_SAFE_INTEGER;

class Writer {
  readonly definitions: Json = {};

  /** A mapping with these keys and no others. */
  object(shape: z.ZodRawShape): Json {
    return this.of(z.strictObject(shape));
  }

  of(schema: z.ZodType): Json {
    const { $schema, ...json } = z.toJSONSchema(schema, {
      io: "input",
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema }) =>
        this.#complete(zodSchema as unknown as z.ZodType, jsonSchema),
    }) as Json;
    return json;
  }

  #complete(schema: z.ZodType, json: Json): void {
    if (json["maximum"] === largest) delete json["maximum"];
    if (json["minimum"] === -largest) delete json["minimum"];
    const form = formOf(schema)?.();
    if (!form) return;
    switch (form.form) {
      case "named":
        Object.assign(json, this.#reference(form.kind, form.definitions, form.extras));
        break;
      case "section":
        Object.assign(json, this.object(form.shape));
        break;
      case "either":
        Object.assign(json, { anyOf: form.of.map((part) => this.of(part)) });
        break;
      default:
        form satisfies never;
    }
  }

  /** A catalogue's things: `layer`, or `layer_entry` with what may stand beside them in a list. */
  #reference(kind: string, definitions: readonly Definition[], extras: z.ZodRawShape): Json {
    const key = kind.replaceAll(" ", "_");
    const alone = Object.keys(extras).length === 0;
    return this.#define(alone ? key : `${key}_entry`, () =>
      this.#catalogue(kind, key, definitions, extras),
    );
  }

  /** A definition made once. */
  #define(key: string, make: () => Json): Json {
    if (!(key in this.definitions)) {
      // Reserved before it is made: a wrapper's options refer to its own kind.
      this.definitions[key] = {};
      this.definitions[key] = make();
    }
    return { $ref: `#/$defs/${key}` };
  }

  /** A name, for those that need no options, or `name: {options}` with what may stand beside it. */
  #catalogue(
    kind: string,
    key: string,
    definitions: readonly Definition[],
    extras: z.ZodRawShape,
  ): Json {
    const names = definitions.flatMap(namesOf);
    const bare = definitions.filter(needsNothing);
    const beside = (this.object(extras)["properties"] ?? {}) as Json;
    const own = definitions.flatMap((d) => {
      const entry = this.#define(`${key}.${d.name}`, () => this.#entry(d));
      return namesOf(d).map((name) => [name, entry] as const);
    });
    return {
      anyOf: [
        ...(bare.length > 0
          ? [{ enum: bare.flatMap(namesOf), description: `The name of the ${kind}.` }]
          : []),
        {
          type: "object",
          properties: { ...Object.fromEntries(own), ...beside },
          additionalProperties: false,
          ...(Object.keys(beside).length > 0
            ? { oneOf: names.map((name) => ({ required: [name] })) }
            : { minProperties: 1, maxProperties: 1 }),
        },
      ],
    };
  }

  /** An entry's options, which may be left out where none is needed. */
  #entry(definition: Definition): Json {
    const options = this.object(definition.options);
    return {
      description: definition.doc,
      ...options,
      ...(needsNothing(definition) ? { type: ["object", "null"] } : {}),
    };
  }
}

const needsNothing = ({ options }: Definition): boolean => z.object(options).safeParse({}).success;

/** A described schema is a copy, which knows what it was made from. */
function formOf(schema: z.ZodType): ReturnType<typeof inputForms.get> {
  for (let s: z.ZodType | undefined = schema; s; s = s._zod.parent as z.ZodType | undefined) {
    const form = inputForms.get(s);
    if (form) return form;
  }
  return undefined;
}
