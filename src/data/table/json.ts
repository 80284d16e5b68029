/** JSON and JSON Lines as a table: a list of objects, or an object a line. */
import { checkUtf8, damaged, type Place } from "../read-file.ts";
import { jsonFault } from "./json-fault.ts";
import { type FileRecord, recordFile } from "./records.ts";
import type { TableFile } from "./table.ts";

const FIX = "pandas writes such a file by df.to_json(path, orient='records', lines=True)";

/** @throws ProblemError with the line and column of what is no JSON, or no object */
export function jsonFile(content: Buffer, place: Place): TableFile {
  checkUtf8(content, place, "text: JSON, or JSON Lines", "export it as JSON in UTF-8");
  const text = content.toString("utf8").replace(/^\ufeff/, "");
  if (text.trim() === "") damaged(place, "is empty", { expected: "records", fix: FIX });
  return /^\s*\[/.test(text) ? whole(text, place) : lines(text, place);
}

function whole(text: string, place: Place): TableFile {
  const list = parse(text, place, 1) as readonly unknown[];
  const at = (row: number) => `record ${row + 1} of ${place.name}`;
  const records = list.map((value, row) => asRecord(value, place, at(row)));
  return recordFile(records, place, at);
}

function lines(text: string, place: Place): TableFile {
  const numbers: number[] = [];
  const records: FileRecord[] = [];
  const at = (line: number) => `${place.name}:${line}`;
  text.split("\n").forEach((row, i) => {
    if (row.trim() === "") return;
    numbers.push(i + 1);
    records.push(asRecord(parse(row, place, i + 1), place, at(i + 1)));
  });
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

function parse(text: string, place: Place, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const position = jsonFault(text);
    const before = text.slice(0, position).split("\n");
    const at = `${place.name}:${line + before.length - 1}:${before.at(-1)!.length + 1}`;
    return damaged(place, "is no JSON", {
      expected: "JSON (a list of objects), or JSON Lines (an object a line)",
      received: `${position < text.length ? JSON.stringify(text.slice(position, position + 20)) : "its end"} at ${at}`,
      fix: FIX,
    });
  }
}
