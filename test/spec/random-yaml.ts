/** Random values and random ways to write them in YAML, from a seed; to test the reader. */

export type Value = string | number | boolean | null | readonly Value[] | { [key: string]: Value };

/** Numbers in [0, 1) (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

const WORDS = [
  "units",
  "dense",
  "adam",
  "a b",
  "it's",
  "x: y",
  "#1",
  "日本語",
  "é",
  "- z",
  "[q",
  '"',
];
const SCALARS: readonly Value[] = [...WORDS, 0, 7, -1.5, 1e-3, true, false, null, "", "null", "12"];

export function randomValue(random: () => number, depth: number): Value {
  const kind = random();
  if (depth === 0 || kind < 0.3) return pick(random, SCALARS);
  const size = Math.floor(random() * 4);
  if (kind < 0.6) return Array.from({ length: size }, () => randomValue(random, depth - 1));
  return randomMap(random, depth, size);
}

export function randomMap(random: () => number, depth: number, size: number): Value {
  const entries = Array.from({ length: size }, () => {
    return [pick(random, WORDS), randomValue(random, depth - 1)] as const;
  });
  return Object.fromEntries(entries);
}

/** Every path into a value, its own (empty) one first. */
export function pathsOf(value: Value): (string | number)[][] {
  if (value === null || typeof value !== "object") return [[]];
  const children: [string | number, Value][] = Array.isArray(value)
    ? value.map((item, i) => [i, item])
    : Object.entries(value);
  return [[], ...children.flatMap(([k, v]) => pathsOf(v).map((path) => [k, ...path]))];
}

export function valueAt(value: Value, path: readonly (string | number)[]): Value {
  return path.reduce<Value>((v, step) => (v as Record<string, Value>)[step] as Value, value);
}

/** Block or flow style, comments, blank lines and quotes at random. Ends without a newline. */
export function dump(value: Value, random: () => number, indent = 0): string {
  if (value === null || typeof value !== "object" || Object.keys(value).length === 0)
    return flow(value, random);
  if (indent > 0 && random() < 0.35) return flow(value, random);
  const gap = () => (random() < 0.1 ? `\n${" ".repeat(indent)}# é: 1` : random() < 0.1 ? "\n" : "");
  const line = `\n${" ".repeat(indent)}`;
  if (Array.isArray(value))
    return value
      .map((item: Value, i) => {
        const inner = dump(item, random, indent + 2);
        return `${i > 0 ? gap() + line : ""}- ${inner}`;
      })
      .join("");
  return Object.entries(value)
    .map(([key, item], i) => {
      const deeper = indent + 1 + Math.floor(random() * 3);
      const inner = dump(item, random, deeper);
      // A list or mapping in block style stands below its key; all else beside it.
      const below = !/^[[{]/.test(inner) && isCollection(item);
      const comment = random() < 0.1 ? " # note" : "";
      const tail = below ? `${comment}\n${" ".repeat(deeper)}${inner}` : ` ${inner}${comment}`;
      return `${i > 0 ? gap() + line : ""}${scalar(key, random)}:${tail}`;
    })
    .join("");
}

function isCollection(value: Value): value is readonly Value[] | { [key: string]: Value } {
  return value !== null && typeof value === "object";
}

function flow(value: Value, random: () => number): string {
  if (!isCollection(value)) return scalar(value, random);
  const space = random() < 0.5 ? " " : "";
  const comma = random() < 0.1 ? `,\n${" ".repeat(60)}` : ", ";
  if (Array.isArray(value))
    return `[${space}${value.map((item: Value) => flow(item, random)).join(comma)}${space}]`;
  const entries = Object.entries(value).map(
    ([key, item]) => `${scalar(key, random)}: ${flow(item, random)}`,
  );
  return `{${space}${entries.join(comma)}${space}}`;
}

function scalar(value: string | number | boolean | null, random: () => number): string {
  if (typeof value !== "string") return value === null && random() < 0.5 ? "~" : String(value);
  if (/^[a-zé日本語]+( [a-z]+)?$/.test(value) && value !== "null" && random() < 0.6) return value;
  return random() < 0.5 ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`;
}
