/** What the command line shows of a broken spec, and where its carets stand. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { located } from "../../src/cli/failure.ts";
import { renderProblems } from "../../src/spec/diagnostics.ts";
import { readSpec, SourceError } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { loadData } from "../../src/train/load.ts";
import { checkModel } from "../../src/train/prepare.ts";
import { type BrokenSpec, files } from "./case.ts";

export const folder = mkdtempSync(join(tmpdir(), "nnc-broken-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);

/** `2:5 units`: line, column and the text underlined. */
type Spot = string;

export const plain = (marked: string): string => marked.replaceAll(/[⟦⟧]/g, "");

/** Writes the spec, without its marks, where its data files are. */
export function write({ text }: BrokenSpec): string {
  const file = join(folder, "broken.yaml");
  writeFileSync(file, plain(text));
  return file;
}

/** All the frames, as `nnc validate` prints them but for the folder. */
export async function reportOf(spec: BrokenSpec): Promise<string> {
  const file = write(spec);
  try {
    const source = readSpec(file, spec.set.map(plain));
    await located(source, async () => {
      const resolved = resolveSpec(source);
      checkModel(resolved, (await loadData(resolved)).train);
    });
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const style = { color: false, width: Number.POSITIVE_INFINITY };
    return renderProblems(error.problems, error.source, style).replaceAll(`${folder}/`, "");
  }
  throw new Error(`${spec.name}: nothing was found wrong`);
}

/** Where a spec's marks stand. */
export function marked({ text, set }: BrokenSpec): readonly Spot[] {
  const spots = (all: string, line: (n: number) => string) =>
    all.split("\n").flatMap((row, i) =>
      [...row.matchAll(/⟦([^⟧]*)⟧/g)].map((match) => {
        const column = plain(row.slice(0, match.index)).length + 1;
        return `${line(i + 1)}:${column} ${match[1]!.replaceAll("\t", "    ")}`;
      }),
    );
  return [...spots(text, (n) => `${n}`), ...set.flatMap((s) => spots(`--set ${s}`, () => "set"))];
}

/** Where the frames' carets stand; a frame without an excerpt has none. */
export function underlined(report: string): readonly Spot[] {
  const rows = report.split("\n");
  return rows.flatMap((row, i) => {
    const match = /^( +\| )( *)(\^+)$/.exec(row);
    if (!match) return [];
    const shown = rows[i - 1]!.slice(match[1]!.length);
    const text = shown.slice(match[2]!.length, match[2]!.length + match[3]!.length);
    const head = rows.slice(0, i).findLast((r) => r.includes("-->"))!;
    const [, line, column] = /:(\d+):(\d+)$/.exec(head) ?? [];
    return [line ? `${line}:${column} ${text}` : `set:${match[2]!.length + 1} ${text}`];
  });
}
