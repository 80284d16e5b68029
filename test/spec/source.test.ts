import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { renderProblems } from "../../src/spec/diagnostics.ts";
import { parseSpec, readSpec, SourceError, type SpecSource } from "../../src/spec/source.ts";
import { type SpecPath, UsageError } from "../../src/support/errors.ts";
import { dump, pathsOf, pick, randomFrom, randomMap, type Value, valueAt } from "./random-yaml.ts";

const read = (text: string) => parseSpec(text, "mlp.yaml", "/specs");

function problemOf(make: () => unknown): SourceError {
  try {
    make();
  } catch (error) {
    if (error instanceof SourceError) return error;
    throw error;
  }
  throw new Error("no SourceError was thrown");
}

/** The messages of a broken text, each with `line:column` where it has a place. */
function complaints(text: string): string[] {
  return problemOf(() => read(text)).problems.map(({ place, message }) => {
    return place?.kind === "text" ? `${place.line}:${place.column} ${message}` : message;
  });
}

function placed(source: SpecSource, path: SpecPath, at: "key" | "value" = "value"): string {
  const place = source.locate(path, at);
  if (place.kind === "override") return place.text.slice(place.column - 1).slice(0, place.length);
  const line = source.text.split(/\r?\n/)[place.line - 1]!;
  return `${place.line}: ${line.slice(place.column - 1).slice(0, place.length)}`;
}

test("a value and its places", () => {
  const source = read("name: x\nmodel:\n  - flatten\n  - dense: { units: 3 } # last\n");
  assert.equal(source.value, {
    name: "x",
    model: [
      { flatten: {}, name: "flatten" },
      { dense: { units: 3 }, name: "dense" },
    ],
  });
  assert.is(placed(source, ["model", 1, "dense"]), "4: { units: 3 }");
  assert.is(placed(source, ["model", 1, "dense"], "key"), "4: dense");
  assert.is(placed(source, ["model", 1, "dense", "units"]), "4: 3");
  assert.is(placed(source, ["model", 0], "key"), "3: flatten");
  assert.is(placed(source, ["model"]), "3: -");
});

test("what is not in the text stands at the nearest place around it", () => {
  const source = read("model:\n  - dense:\n      bias: 1\n  - dense: { x: 1 }\nopt: adam\nloss:\n");
  assert.is(placed(source, ["model", 0, "dense", "units"]), "2: dense");
  assert.is(placed(source, ["model", 1, "dense", "units", "deeper"]), "4: { x: 1 }");
  assert.is(placed(source, ["model", 7]), "1: model");
  assert.is(placed(source, ["opt", "adam", "rate"]), "5: adam");
  assert.is(placed(source, ["loss"]), "6: loss");
  assert.is(placed(source, ["data"]), "1: m");
  assert.is(placed(source, []), "1: m");
});

test("byte order mark, CRLF, document marks, JSON with tabs, JSON style brackets", () => {
  const source = read("\uFEFF---\r\na: 1\r\nb:\r\n  - x\r\n...\r\n");
  assert.equal(source.value, { a: 1, b: ["x"] });
  assert.is(placed(source, ["b", 0]), "4: x");
  assert.equal(read('{\n\t"a": [\n\t\t1\n\t]\n}\n').value, { a: [1] });
  assert.equal(read("a: [\n  x,\n  y\n]\nb: {\n}\n").value, { a: ["x", "y"], b: {} });
});

test("YAML 1.2 scalars", () => {
  const text = "a: yes\nb: 1e-3\nc: 0o17\nd: .inf\ne: 1_000\nf: ~\ng: |\n  x\n  y\nh: !!str 3\n";
  const value = { a: "yes", b: 1e-3, c: 15, d: Infinity, e: "1_000", f: null, g: "x\ny\n", h: "3" };
  assert.equal(read(text).value, value);
});

test("anchors and aliases: fresh values, placed at the alias and in the anchored text", () => {
  const source = read("a: &a { u: 1 }\nb: *a\nc: [*a, *a]\n");
  assert.equal(source.value, { a: { u: 1 }, b: { u: 1 }, c: [{ u: 1 }, { u: 1 }] });
  const { a, b } = source.value as { a: object; b: object };
  assert.is.not(a, b);
  assert.is(placed(source, ["b"]), "2: *a");
  assert.is(placed(source, ["b", "u"]), "1: 1");
});

const BROKEN: readonly (readonly [string, ...string[]])[] = [
  ["", "the spec is empty"],
  [" \n\n", "the spec is empty"],
  ["# only\n# this\n", "the spec is empty: it holds only comments"],
  ["- flatten\n", "1:1 the spec is a list"],
  ["hello\n", "1:1 the spec is a single value"],
  ["name:x\n", "1:1 a space is missing after the colon"],
  ["a: 1\n---\nb: 2\n", "2:1 a second YAML document begins here"],
  ["%YAML 1.1\n---\na: yes\n", "1:1 this file asks for YAML 1.1"],
  ["%FOO\n---\na: 1\n", "1:1 a spec has no use for YAML directives"],
  ["a: 1\nb: 2\na: 3\n", "3:1 the key `a` is written twice"],
  ["a:\n\tb: 1\n", "2:1 a tab is used as indentation"],
  ["a: 1\nb:2\nc: 3\n", "2:1 a space is missing after the colon"],
  ["a: { b:2 }\n", "1:6 a space is missing after the colon"],
  ["train:\n  epochs:3\n", "2:3 a space is missing after the colon"],
  ["model:\n  -flatten\n  -dense\n", "2:3 a space is missing after the dash"],
  ["model:\n  - flatten\n  -dense\n", "3:3 a space is missing after the dash"],
  ["a: [1, 2\nb: 3\n", "1:4 this `[` is never closed"],
  ["a: { b: [1, 2 }\n", "1:9 this `[` is never closed"],
  ["a: [1]]\nb: 2\n", "1:7 this `]` closes nothing"],
  ["a: 'x\nb: 2\n", "1:4 the text that begins here has no closing quote '"],
  ['a: "C:\\data"\n', "1:7 `\\d` means nothing within double quotes"],
  ["a:\n  b: 1\n c: 2\n", "3:2 this line's indentation fits nothing above it"],
  ["a:\n  - b\n - c\n", "3:2 this line's indentation fits nothing above it"],
  ["a: b: c\n", "1:4 one line holds two keys"],
  ["a: 1\n  b: 2\n", "1:4 this key has a value, and lines indented under it too"],
  ["a: - b\n", "1:4 a list cannot begin on the line of its key"],
  ["a: {b: 1 c: 2}\n", "1:8 a comma is missing within these brackets"],
  ["a: {\n  b: 1\n  c: 2\n}\n", "2:6 a comma is missing within these brackets"],
  ["name: x\nmodel\nloss: mse\n", "2:1 this line is no `key: value`"],
  ["a: 1\n- b\n", "2:1 a list item stands among keys"],
  ["a: @x\n", "1:4 a value cannot begin with `@`"],
  ["expect: { loss: >= 0.9 }\n", "1:17 a value cannot begin with `>`"],
  ["expect:\n  loss: >= 0.9\nx: 1\n", "2:9 a value cannot begin with `>`"],
  ["a: [1]#c\n", "1:7 a comment needs a space before its `#`"],
  ["a: !foo 1\n", "1:4 the tag `!foo` does not fit here"],
  ["a: !!binary aGk=\n", "1:4 the tag `!!binary` does not fit here"],
  ["a: [1,, 2]\n", "1:7 nothing stands before this comma"],
  ["a: 'it's'\n", "1:8 this stands behind a value that is complete"],
  ["a: | x\n", "1:6 text follows `|` or `>` on its own line"],
  ["'x'\"y\": 1\n", "1:4 this does not fit here"],
  ["a: * b\n", "1:4 this anchor, alias or tag does not fit here"],
  ["a: *b\n", "1:4 there is no anchor `&b` above the alias `*b`"],
  ["a: &a [*a]\n", "1:8 the alias `*a` stands within its own anchor"],
  ["a: &a { b: 1 }\nc:\n  <<: *a\n", "3:3 merge keys (`<<`) are not part of YAML 1.2"],
  ["1: 2\nnull: 3\n", "1:1 a key must be a word", "2:1 a key must be a word"],
  ["a: {{ x }}\n", "1:5 a key must be a word"],
  [": 1\n", "1:1 a key is missing before this colon"],
  ["__proto__: { x: 1 }\n", "1:1 `__proto__` cannot be a key"],
  [
    '"__proto__": 1\nb: 1\nb: 2\n',
    "1:1 `__proto__` cannot be a key",
    "3:1 the key `b` is written twice",
  ],
];

for (const [text, ...want] of BROKEN)
  test(`broken: ${JSON.stringify(text)}`, () => assert.equal(complaints(text), want));

test("YAML bombs", () => {
  const level = (c: string, i: number) => `${c}: &${c} [${`*${"abcdefgh"[i]},`.repeat(10)}]\n`;
  const bomb = `a: &a [${"x,".repeat(10)}]\n${[..."bcdefgh"].map(level).join("")}`;
  assert.match(complaints(bomb)[0]!, /^4:\d+ aliases make this spec grow too large$/);
});

test("deep nesting", () => {
  const deep = /nested more than 200 levels deep/;
  assert.match(complaints(`a: ${"[".repeat(10_000)}`)[0]!, deep);
  assert.match(complaints(`a: ${"[".repeat(10_000)}${"]".repeat(10_000)}`)[0]!, deep);
  assert.match(complaints(`a: ${"{a: ".repeat(10_000)}`)[0]!, deep);
  assert.match(complaints(`a:\n${"- ".repeat(10_000)}x`)[0]!, deep);
});

test("no prototype is touched", () => {
  problemOf(() => read("a: { __proto__: { polluted: 1 } }"));
  const own = '{"constructor":{"prototype":{"polluted":1}}}';
  assert.is(JSON.stringify(read(own).value), own);
  assert.is(({} as Record<string, unknown>)["polluted"], undefined);
});

test("files", () => {
  const folder = mkdtempSync(join(tmpdir(), "nnc-spec-"));
  const write = (name: string, data: string | Uint8Array) => {
    writeFileSync(join(folder, name), data);
    return () => readSpec(join(folder, name));
  };
  const usage = (name: string): UsageError => {
    try {
      readSpec(join(folder, name));
    } catch (error) {
      if (error instanceof UsageError) return error;
    }
    throw new Error("no UsageError was thrown");
  };
  try {
    mkdirSync(join(folder, "sub"));
    const good = write("mlp.yaml", "a: 1\n")();
    assert.equal(good.value, { a: 1 });
    assert.is(good.directory, folder);
    assert.is(usage("mpl.yaml").fix, "did you mean mlp.yaml?");
    assert.match(usage("nothing-like").fix!, /^specs in .*: mlp\.yaml$/);
    assert.match(usage("mpl.yaml").message, /^there is no file .*mpl\.yaml$/);
    assert.match(usage("sub").message, /is a folder, not a spec/);
    assert.match(usage("no/such.yaml").message, /there is no file/);
    const bad = (make: () => unknown) => problemOf(make).problems[0]!;
    assert.match(bad(write("b", new Uint8Array([97, 0, 1]))).message, /binary file/);
    assert.match(bad(write("u", Buffer.from("\uFEFFa: 1", "utf16le"))).message, /UTF-16/);
    assert.match(bad(write("h", "x".repeat(4 * 2 ** 20 + 1))).message, /larger than 4 MB/);
    const latin = bad(write("l", Buffer.from("a: 1\nb: caf\xe9\n", "latin1")));
    assert.is(latin.message, "this is not UTF-8 text");
    assert.equal(latin.place, { kind: "text", line: 2, column: 7, length: 1 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** The text of a value that begins at a place: that line, and those below that are no less deep. */
function textFrom(source: SpecSource, line: number, column: number): string {
  const [first, ...rest] = source.text.split(/\r?\n/).slice(line - 1);
  const end = rest.findIndex((row) => row.trim() !== "" && row.search(/\S/) < column - 1);
  const own = end < 0 ? rest : rest.slice(0, end);
  return [" ".repeat(column - 1) + first!.slice(column - 1), ...own].join("\n");
}

test("property: every path's place holds its key and its value", () => {
  for (let seed = 0; seed < 400; seed++) {
    const random = randomFrom(seed);
    const value = randomMap(random, 4, 4);
    if (Object.keys(value as object).length === 0) continue;
    const newline = pick(random, ["\n", "\r\n"]);
    const source = read(`# head\n${dump(value, random)}\n`.replaceAll("\n", newline));
    assert.equal(source.value, value, source.text);
    for (const path of pathsOf(value)) checkPath(source, value, path);
  }
});

function checkPath(source: SpecSource, root: Value, path: readonly (string | number)[]): void {
  const value = valueAt(root, path);
  const place = source.locate(path);
  const hint = `${path.join(".")} in\n${source.text}`;
  if (place.kind !== "text") throw new Error("not in the text");
  const line = source.text.split(/\r?\n/)[place.line - 1]!;
  const stretch = line.slice(place.column - 1, place.column - 1 + place.length);
  const inBrackets = /^[[{]$/.test(stretch);
  // A bracket whose partner is on a later line may have more after it: the first sign must do.
  if (inBrackets) assert.ok(value !== null && typeof value === "object", hint);
  else if (value !== null && typeof value === "object" && !/^[[{]/.test(stretch))
    assert.equal(parse(textFrom(source, place.line, place.column)), value, hint);
  else assert.equal(parse(stretch), value, hint);
  const last = path.at(-1);
  if (typeof last === "string") {
    const key = source.locate(path, "key");
    if (key.kind !== "text") throw new Error("not in the text");
    const keyLine = source.text.split(/\r?\n/)[key.line - 1]!;
    assert.is(parse(keyLine.slice(key.column - 1, key.column - 1 + key.length)), last, hint);
  }
}

test("fuzz: a damaged spec is read, or refused with places in the text", () => {
  const random = randomFrom(1);
  const signs = [..."[]{}:,-#&*!|>'\"%@` \n\t\0\u001b\u202eé日:: -  ", "<<: ", "---\n", "\r"];
  const spec =
    "name: mlp\nmodel:\n  - flatten\n  - dense: { units: 2, use: [a, 'b'] }\n  - dense:\n" +
    '      units: 10\nopt: { adam: { rate: 0.1 } }\nexpect: { loss: "<= 1" }\n';
  for (let i = 0; i < 3000; i++) {
    let text = spec;
    for (let n = Math.floor(random() * 4); n >= 0; n--) {
      const at = Math.floor(random() * text.length);
      text = text.slice(0, at) + pick(random, signs) + text.slice(at + Math.floor(random() * 3));
    }
    try {
      read(text);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      const lines = text.split("\n");
      for (const { place } of error.problems)
        if (place?.kind !== "text" || place.column > (lines[place.line - 1]?.length ?? -1) + 1)
          throw new Error(`no place for ${error.message} in ${JSON.stringify(text)}`);
      const shown = renderProblems(error.problems, error.source, { color: false, width: 60 });
      assert.ok(
        !/[\p{Cc}\u202e]/u.test(shown.replaceAll("\n", "")),
        "an unseen character is shown",
      );
    }
  }
});

test.run();
