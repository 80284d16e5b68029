/**
 * YAML 1.2 text → tree. A spec is less than YAML: one document, keys that are words, no tags, no
 * merge keys, and nothing that lets a small file grow large or deep. Whatever else the text holds
 * is a problem with its place; all the problems of a well-formed text are found at once.
 */

import type { Alias, CST, ParsedNode, Scalar, YAMLMap } from "yaml";
import { Composer, Document, isAlias, isMap, isScalar, Lexer, Parser } from "yaml";
import { fail, ProblemError } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";
import type { LocatedProblem, Place, Placer } from "./place.ts";
import type { Entry, Tree } from "./tree.ts";
import { syntaxProblem } from "./yaml-errors.ts";
import { missingSpace } from "./yaml-slips.ts";

/** Deeper than any sensible spec, and shallow enough for recursive functions. */
const MAX_DEPTH = 200;
/** How many values aliases may repeat in all: enough for shared options, too few for a bomb. */
const MAX_REPEATED = 10_000;

/**
 * Reads YAML text. Undefined if it holds nothing but space and comments.
 * @throws ProblemError whose problems are `LocatedProblem`s
 */
export function readTree(text: string, place: Placer): Tree | undefined {
  const [document, second] = composeDocuments(text, place);
  if (document === undefined) return undefined;
  const wrong = syntaxProblem(document, text, place);
  if (wrong !== undefined) fail(wrong);
  if (second !== undefined) failAt(place(...lineOf(text, second.range[0])), SECOND_DOCUMENT);
  if (document.directives.yaml.version === "1.1") failAt(place(...lineOf(text, 0)), OLD_VERSION);
  const root = document.contents;
  if (root === null || (isScalar(root) && root.source === "" && root.range[0] === root.range[1]))
    return undefined;
  return new TreeReader(text, place).read(root);
}

const SECOND_DOCUMENT = {
  message: "a second YAML document begins here",
  expected: "one document in a file",
  fix: "remove the line `---`, or put what follows into a file of its own",
};
const OLD_VERSION = {
  message: "this file asks for YAML 1.1",
  expected: "YAML 1.2",
  fix: "remove the line `%YAML 1.1`",
};

type ParsedDocument = Document.Parsed<ParsedNode>;

/** The parser works without recursion, the composer does not: the depth is checked between them. */
function composeDocuments(text: string, place: Placer): ParsedDocument[] {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH)
      failAt(place(parser.offset - 1, parser.offset), {
        message: `the spec is nested more than ${MAX_DEPTH} levels deep here`,
        fix: "look for brackets that are never closed",
      });
  }
  tokens.push(...parser.end());
  const options = { prettyErrors: false, uniqueKeys: false, schema: "core" } as const;
  const composer = new Composer<ParsedNode>({ ...options, resolveKnownTags: false });
  const documents = composer.compose(tokens, true, text.length);
  return [...documents].filter((document) => document instanceof Document) as ParsedDocument[];
}

function failAt(place: Place, problem: Omit<LocatedProblem, "path" | "place">): never {
  const located: LocatedProblem = { path: [], place, ...problem };
  return fail(located);
}

function lineOf(text: string, offset: number): [number, number] {
  const end = text.indexOf("\n", offset);
  return [offset, end < 0 ? text.length : end];
}

/** Walks the nodes of one document, in the order of the text: an alias finds the latest anchor. */
class TreeReader {
  readonly #text: string;
  readonly #place: Placer;
  readonly #problems: LocatedProblem[] = [];
  /** The tree of each anchor and its number of values; null while the anchored value is read. */
  readonly #anchors = new Map<string, { readonly tree: Tree; readonly size: number } | null>();
  #size = 0;
  #repeated = 0;

  constructor(text: string, place: Placer) {
    this.#text = text;
    this.#place = place;
  }

  read(root: ParsedNode): Tree {
    const tree = this.#node(root);
    if (this.#problems.length > 0) throw new ProblemError(this.#problems);
    return tree;
  }

  /** `key` is where an empty value is said to stand: it has no text of its own. */
  #node(node: ParsedNode, key?: Place): Tree {
    if (isAlias(node)) return this.#alias(node);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, null);
    const before = this.#size++;
    const tree = this.#value(node, key);
    if (node.anchor !== undefined)
      this.#anchors.set(node.anchor, { tree, size: this.#size - before });
    return tree;
  }

  #value(node: Exclude<ParsedNode, Alias.Parsed>, key?: Place): Tree {
    const place = this.#placeOf(node, key);
    if (isScalar(node)) return { kind: "scalar", place, value: this.#scalar(node, place) };
    const spread = !node.flow || this.#written(node).includes("\n");
    if (isMap(node)) return { kind: "map", place, spread, entries: this.#entries(node) };
    const items = (node.items as ParsedNode[]).map((item) => this.#node(item));
    return { kind: "list", place, spread, items };
  }

  #scalar(node: Scalar.Parsed, place: Place): string | number | boolean | null {
    const { value } = node;
    const slip = node.type === "PLAIN" ? missingSpace(this.#written(node)) : undefined;
    if (slip !== undefined && this.#opensLine(node.range[0])) this.#report(place, slip);
    if (value === null || typeof value === "number" || typeof value === "boolean") return value;
    return String(value);
  }

  /** Alone on its line, `units:3` was meant as a key; elsewhere `a:b` may be a text. */
  #opensLine(offset: number): boolean {
    return this.#text.slice(this.#text.lastIndexOf("\n", offset) + 1, offset).trim() === "";
  }

  #entries(node: YAMLMap.Parsed): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>();
    for (const { key, value } of node.items) {
      const place = this.#placeOf(key);
      const name = this.#key(key, place);
      const tree: Tree =
        value === null ? { kind: "scalar", place, value: null } : this.#node(value, place);
      const earlier = name === undefined ? undefined : entries.get(name);
      if (earlier !== undefined) this.#duplicate(name!, place, earlier.key);
      else if (name !== undefined) entries.set(name, { key: place, value: tree });
    }
    return entries;
  }

  /** The word a key is; undefined once it has been reported as no good key. */
  #key(node: ParsedNode | null, place: Place): string | undefined {
    if (!isScalar(node) || typeof node.value !== "string") {
      const fix =
        isScalar(node) && node.source ? `write it in quotes: "${node.source}"` : undefined;
      const written = this.#written(node);
      return this.#report(place, {
        message: written === "" ? "a key is missing before this colon" : "a key must be a word",
        expected: "a name",
        ...(written !== "" && { received: written }),
        ...(fix !== undefined && { fix }),
      });
    }
    if (node.anchor !== undefined) this.#node(node as Scalar.Parsed);
    const slip = node.type === "PLAIN" ? missingSpace(node.value) : undefined;
    if (slip !== undefined) return this.#report(place, slip);
    if (node.value === "__proto__")
      return this.#report(place, { message: "`__proto__` cannot be a key", fix: "rename it" });
    if (node.value === "<<" && node.type === "PLAIN")
      return this.#report(place, {
        message: "merge keys (`<<`) are not part of YAML 1.2",
        fix: "write the merged keys out, or share a whole value with an anchor and an alias",
      });
    return node.value;
  }

  #duplicate(name: string, place: Place, earlier: Place): void {
    const where = earlier.kind === "text" ? ` on line ${earlier.line}` : "";
    this.#report(place, {
      message: `the key \`${name}\` is written twice`,
      fix: "keep one of the two",
      notes: [`\`${name}\` stands first${where}`],
    });
  }

  #alias(node: Alias.Parsed): Tree {
    const place = this.#placeOf(node);
    const anchor = this.#anchors.get(node.source);
    if (!anchor) {
      this.#report(place, this.#noAnchor(node.source, anchor === null));
      return { kind: "scalar", place, value: null };
    }
    this.#size += anchor.size;
    this.#repeated += anchor.size;
    if (this.#repeated > MAX_REPEATED)
      failAt(place, {
        message: "aliases make this spec grow too large",
        expected: `at most ${MAX_REPEATED} values repeated by aliases`,
        fix: "use fewer aliases, and none of values that are full of aliases themselves",
      });
    return { ...anchor.tree, place };
  }

  #noAnchor(name: string, open: boolean): Omit<LocatedProblem, "path" | "place"> {
    if (open)
      return { message: `the alias \`*${name}\` stands within its own anchor`, fix: "remove it" };
    const names = [...this.#anchors.keys()];
    const meant = suggest(name, names);
    return {
      message: `there is no anchor \`&${name}\` above the alias \`*${name}\``,
      ...(names.length > 0 && { expected: oneOf(names.map((known) => `*${known}`)) }),
      fix: meant ? `did you mean \`*${meant}\`?` : `put the text in quotes: "*${name}"`,
    };
  }

  #placeOf(node: ParsedNode | null, key?: Place): Place {
    const [start, end] = node?.range ?? [0, 0];
    const written = this.#text.slice(start, end).trimEnd();
    if (written === "") {
      // Nothing is written: the key stands for it, or the list's dash, or the map's colon.
      const sign = Math.max(0, this.#text.slice(0, start).trimEnd().length - 1);
      return key ?? this.#place(sign, sign + 1);
    }
    const long = !isScalar(node) && written.includes("\n");
    return this.#place(start, long ? start + 1 : start + written.length);
  }

  #written(node: ParsedNode | null): string {
    return node === null ? "" : this.#text.slice(node.range[0], node.range[1]).trim();
  }

  #report(place: Place, problem: Omit<LocatedProblem, "path" | "place">): undefined {
    this.#problems.push({ path: [], place, ...problem });
  }
}
