/** JSON and JSON Lines as a table: a list of objects, or an object a line. */
import type { JSONVisitor } from "jsonc-parser";
import { damaged, type Place } from "../read-file.ts";
import { textOf } from "../text-file.ts";
import { type FileRecord, recordFile } from "./records.ts";
import type { TableFile } from "./table.ts";

const FIX = "pandas writes such a file by df.to_json(path, orient='records', lines=True)";

/** @throws ProblemError with the line and column of what is no JSON, or no object */
export async function jsonFile(content: Buffer, place: Place): Promise<TableFile> {
  const wanted = { expected: "text: JSON, or JSON Lines", fix: "export it as JSON in UTF-8" };
  const text = textOf(content, place, wanted).replace(/^\ufeff/, "");
  if (text.trim() === "") damaged(place, "is empty", { expected: "records", fix: FIX });
  return /^\s*\[/.test(text) ? whole(text, place) : lines(text, place);
}

async function whole(text: string, place: Place): Promise<TableFile> {
  const list = (await parse(text, place, 1)) as readonly unknown[];
  const at = (row: number) => `record ${row + 1} of ${place.name}`;
  const records = list.map((value, row) => asRecord(value, place, at(row)));
  return recordFile(records, place, at);
}

async function lines(text: string, place: Place): Promise<TableFile> {
  const numbers: number[] = [];
  const records: FileRecord[] = [];
  const at = (line: number) => `${place.name}:${line}`;
  for (const [i, row] of text.split("\n").entries()) {
    if (row.trim() === "") continue;
    numbers.push(i + 1);
    records.push(asRecord(await parse(row, place, i + 1), place, at(i + 1)));
  }
  return recordFile(records, place, (row) => at(numbers[row]!));
}

function asRecord(value: unknown, place: Place, at: string): FileRecord {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as FileRecord;
  }
  return damaged(place, "has something that is no record", {
    expected: 'an object, such as {"text": "…", "label": "…"}',
    received: `${JSON.stringify(value).slice(0, 60)} at ${at}`,
    fix: FIX,
  });
}

/** @param line number of the text's first line */
async function parse(text: string, place: Place, line: number): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    const fault = await faultIn(text, place, line);
    return damaged(place, "is no JSON", {
      expected: "JSON (a list of objects), or JSON Lines (an object a line)",
      ...fault,
    });
  }
}

/**
 * Where a text stops being JSON, and what may be done about it, which `JSON.parse` does not tell in every version of Node.
 * @param line number of the text's first line
 */
export async function faultIn(
  text: string,
  place: Place,
  line: number,
): Promise<{ readonly received: string; readonly fix: string }> {
  const { visit } = await import("jsonc-parser");
  let first: Awaited<ReturnType<typeof faultIn>> | undefined;
  const onError: JSONVisitor["onError"] = (_error, offset, _length, row, column) => {
    const rest = text.slice(offset, offset + 20);
    const what = rest === "" ? "its end" : JSON.stringify(rest);
    const received = `${what} at ${place.name}:${line + row}:${column + 1}`;
    first ??= { received, fix: remedy(rest) };
  };
  try {
    visit(text, { onError }, { disallowComments: true });
  } catch (error) {
    // It goes down by recursion, which `JSON.parse` does not.
    if (!(error instanceof RangeError)) throw error;
  }
  return first ?? { received: "lists or objects nested too deeply", fix: FIX };
}

/** @param rest what stands where JSON ends */
function remedy(rest: string): string {
  if (rest === "") return "it may be cut short: copy it again; each { and [ needs its } or ]";
  if (/^-?(NaN|Infinity|inf)/i.test(rest))
    return "JSON has no such number: correct it, or leave the record out";
  if (/^(None|True|False)/.test(rest))
    return "JSON has null, true and false: write it by json.dump";
  if (rest.startsWith("'")) return `JSON has texts in double quotes: write it by json.dump`;
  return FIX;
}
