/** The same table for people, or as Markdown (https://github.github.com/gfm/#tables-extension-). */
import { columns } from "./columns.ts";
import type { Paint } from "./terminal.ts";

export interface TableOptions {
  readonly md?: boolean;
}

/** @param head titles; rows are as long */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { md = false }: TableOptions,
  paint: Paint,
): string {
  if (!md) {
    const [title, ...body] = columns([head, ...rows]);
    return [paint("bold", title!), ...body].join("\n");
  }
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const escaped = (cell: string): string => cell.replaceAll("|", "\\|").replaceAll("\n", " ");
