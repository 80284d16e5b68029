/** Reads a spec: file → text → value, keeping the place of every key and value for errors. */

import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { ProblemError, type SpecPath, UsageError } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";
import { expandModel } from "./expand.ts";
import { applyOverride } from "./overrides.ts";
import { type LocatedProblem, type Place, textPlacer } from "./place.ts";
import { locateIn, type MapTree, type Tree, toPlain } from "./tree.ts";
import { readTree } from "./yaml-tree.ts";

export type { LocatedProblem, OverridePlace, Place, TextPlace } from "./place.ts";

/** A spec as it was read: its value, and where in the text each key and value stands. */
export interface SpecSource {
  /** As the user named it, for messages. */
  readonly file: string;
  /** Absolute; relative paths in the spec start here. */
  readonly directory: string;
  readonly text: string;
  /** Plain JS, overrides applied, the model written out as a list of layers; a mapping. */
  readonly value: unknown;
  /** Other names of the model's layers, and what they stand for. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Where a path stands; the nearest enclosing place if the path itself is not in the text. */
  locate(path: SpecPath, at?: "key" | "value"): Place;
}

/** A spec that could not be read. Its `source` has the text, for frames, but no value. */
export class SourceError extends ProblemError {
  declare readonly problems: readonly LocatedProblem[];
  readonly source: SpecSource;
  constructor(problems: readonly LocatedProblem[], source: SpecSource) {
    super(problems);
    this.source = source;
  }
}

const MAX_BYTES = 4 * 2 ** 20;

/**
 * Reads a spec from a file; `overrides` are `--set` arguments, applied in their order.
 * @throws UsageError if there is no such file or an override fits nowhere; SourceError otherwise
 */
export function readSpec(file: string, overrides: readonly string[] = []): SpecSource {
  const bytes = readBytes(file);
  const directory = dirname(resolve(file));
  return parseSpec(decode(bytes, file, directory), file, directory, overrides);
}

/**
 * Reads a spec from a text.
 * @throws SourceError, UsageError as `readSpec`
 */
export function parseSpec(
  text: string,
  file: string,
  directory: string,
  overrides: readonly string[] = [],
): SpecSource {
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const unread = unreadSource(plain, file, directory);
  try {
    const read = mapping(readTree(plain, textPlacer(plain)), plain);
    const written = overrides.reduce<Tree>(applyOverride, read) as MapTree;
    const { tree, aliases } = expandModel(written);
    const value = toPlain(tree);
    return { ...unread, value, aliases, locate: (path, at = "value") => locateIn(tree, path, at) };
  } catch (error) {
    if (error instanceof ProblemError) throw new SourceError(error.problems, unread);
    throw error;
  }
}

function unreadSource(text: string, file: string, directory: string): SpecSource {
  const place = textPlacer(text)(0, 1);
  return { file, directory, text, value: undefined, aliases: new Map(), locate: () => place };
}

/** The root of a spec, which must be a mapping. */
function mapping(tree: Tree | undefined, text: string): MapTree {
  if (tree?.kind === "map") return tree;
  const expected = "a mapping of keys such as `data`, `model`, `loss`, `optimizer`";
  const wrong = (problem: Omit<LocatedProblem, "path" | "expected">): never => {
    const located: LocatedProblem = { path: [], expected, ...problem };
    throw new ProblemError([located]);
  };
  if (tree === undefined) {
    const message = `the spec is empty${text.trim() === "" ? "" : ": it holds only comments"}`;
    return wrong({ message, fix: "`nnc init NAME` writes a starter spec" });
  }
  if (tree.kind === "list")
    return wrong({
      ...{ place: tree.place, message: "the spec is a list", received: "a list" },
      fix: "if these are the layers, put `model:` above them",
    });
  return wrong({
    ...{ place: tree.place, message: "the spec is a single value", received: `${tree.value}` },
    fix: "write each setting as `key: value`",
  });
}

const unreadable: Readonly<Record<string, readonly [reason: string, fix: string]>> = {
  EACCES: ["you have no permission to read it", "give yourself permission to (chmod u+r)"],
  ELOOP: ["it is a link that leads round in a circle", "let it point to a file"],
  ENAMETOOLONG: ["its name is too long", "name another file"],
};

function readBytes(file: string): Uint8Array {
  try {
    if (statSync(file).isDirectory())
      throw new UsageError(`${file} is a folder, not a spec`, neighbours(file, ""));
    return readAtMost(file, MAX_BYTES + 1);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new UsageError(`there is no file ${file}`, neighbours(dirname(file), basename(file)));
    const [reason, fix] = unreadable[code ?? ""] ?? [message, "name another file"];
    throw new UsageError(`cannot read ${file}: ${reason}`, fix);
  }
}

/** Reads a file or pipe, but no more than so many bytes of it. */
function readAtMost(file: string, limit: number): Uint8Array {
  const buffer = new Uint8Array(limit);
  const handle = openSync(file, "r");
  try {
    let length = 0;
    for (let more = -1; more !== 0; length += more)
      more = readSync(handle, buffer, length, limit - length, null);
    return buffer.subarray(0, length);
  } finally {
    closeSync(handle);
  }
}

/** Advice: the spec in the folder whose name is nearest, or the names of some. */
function neighbours(folder: string, name: string): string | undefined {
  let names: string[];
  try {
    names = readdirSync(folder).filter((entry) => /\.ya?ml$/.test(entry));
  } catch {
    return undefined;
  }
  const near = name === "" ? undefined : suggest(name, names);
  if (near !== undefined) return `did you mean ${near}?`;
  if (names.length === 0) return undefined;
  const some = names.sort().slice(0, 8);
  return `specs in ${folder}: ${some.join(", ")}${names.length > some.length ? ", …" : ""}`;
}

function decode(bytes: Uint8Array, file: string, directory: string): string {
  const refuse = (message: string, fix: string): never => {
    throw new SourceError([{ path: [], message, fix }], unreadSource("", file, directory));
  };
  if (bytes.length > MAX_BYTES)
    refuse(
      `${file} is larger than 4 MB`,
      "keep data in files of its own and name them in the spec",
    );
  const utf16 =
    (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16) refuse(`${file} is UTF-16 text`, "save it as UTF-8");
  if (bytes.includes(0)) refuse(`${file} is a binary file, not a spec`, "name a YAML file");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return badEncoding(new TextDecoder("utf-8").decode(bytes), file, directory);
  }
}

function badEncoding(text: string, file: string, directory: string): never {
  const at = Math.max(0, text.indexOf("\uFFFD"));
  const problem: LocatedProblem = {
    path: [],
    place: textPlacer(text)(at, at + 1),
    message: "this is not UTF-8 text",
    fix: "save the file as UTF-8",
  };
  throw new SourceError([problem], unreadSource(text, file, directory));
}
