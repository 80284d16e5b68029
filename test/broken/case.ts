/**
 * Specs with something wrong in them, as tables. What the frames must underline stands between ⟦ and ⟧ in the
 * spec, so that a case shows where its errors belong; a spec is a small good one with some keys replaced.
 */

export interface BrokenSpec {
  readonly name: string;
  /** The spec with its marks. */
  readonly text: string;
  /** `--set` arguments, with their marks. */
  readonly set: readonly string[];
  /** What the frames must say, in words of the message, the expected line or the help. */
  readonly says: readonly RegExp[];
}

/** Keys of a spec and their values as YAML text; a value that begins with a line break is a block. */
export type Parts = Readonly<Record<string, string | undefined>>;

const good: Parts = {
  data: "{ csv: { path: points.csv, target: y } }",
  model: "\n  - dense: { units: 3 }\n  - dense: { units: 1 }",
  loss: "mse",
  optimizer: "sgd",
};

/** A good spec but for the parts given; `undefined` leaves a part out, a marked key replaces its plain self. */
export function broken(name: string, parts: Parts, ...says: readonly RegExp[]): BrokenSpec {
  const entries = Object.entries({ ...good, ...parts }).filter(([, value]) => value !== undefined);
  const line = ([key, value]: readonly [string, string | undefined]) =>
    `${key}:${value!.startsWith("\n") ? "" : " "}${value}\n`;
  return { name, text: entries.map(line).join(""), set: [], says };
}

/** Any text at all. */
export const text = (name: string, all: string, ...says: readonly RegExp[]): BrokenSpec => ({
  name,
  text: all,
  set: [],
  says,
});

/** A good spec, and a command line that spoils it. */
export const override = (
  name: string,
  set: readonly string[],
  ...says: readonly RegExp[]
): BrokenSpec => ({ ...broken(name, {}, ...says), set });

/** The files the specs name: 4 features and a number; 2 features and a class of three. */
export const files: Readonly<Record<string, string>> = {
  "points.csv": "a,b,c,d,y\n1,2,3,4,5\n2,3,4,5,6\n3,4,5,6,7\n4,5,6,7,8\n",
  "classes.csv": "p,q,kind\n1,2,ant\n2,3,bee\n3,4,cow\n4,5,bee\n",
  "negative.csv": "p,q,kind\n1,2,-1\n2,3,0\n3,4,1\n4,5,0\n",
  "halves.csv": "p,q,kind\n1,2,0\n2,3,0.5\n3,4,1\n4,5,0\n",
  "slip.jsonl": '{"a":1,"y":2}\n{"a":1,,"y":2}\n',
  "dots.csv": "text,y\n... .,1 2\n! ?,1\n",
  "holes.csv": "a,b,y\n1,2,3\n1,,3\n1,2,3\n",
};
