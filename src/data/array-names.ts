/** Names of arrays in an archive, as options give them. */
import { z } from "zod";
import type { SpecPath } from "../support/errors.ts";

const arrayName = z.string().min(1);
/** One array, or one for each of several inputs or targets, by their names. */
export const arrayNames = z.union([arrayName, z.record(z.string().min(1), arrayName)]);
export type ArrayNames = z.output<typeof arrayNames>;

/** @param side what a single one is called */
export const byName = (names: ArrayNames, side: string): readonly (readonly [string, string])[] =>
  typeof names === "string" ? [[side, names]] : Object.entries(names);

/** Where the name of an array stands among the options. */
export const optionPath = (names: ArrayNames, option: string, name: string): SpecPath =>
  typeof names === "string" ? [option] : [option, name];

/** What the test data's arrays are called unless the spec says. */
export const testNames = (names: ArrayNames, single: string): ArrayNames =>
  typeof names === "string"
    ? single
    : Object.fromEntries(Object.entries(names).map(([name, array]) => [name, `${array}_test`]));
