/** `nnc backends`: which of them work here, with their device, and what the others need. */
import { backendNames, chooseBackend, loadBackend } from "../backends/index.ts";
import type { Availability } from "../ir/program.ts";
import type { JsonOption } from "./options.ts";
import { during } from "./spinner.ts";
import { hasColor, type Paint, painter, print } from "./terminal.ts";

export type BackendsOptions = JsonOption;

interface Row {
  readonly name: string;
  readonly doc: string;
  readonly found: Availability;
  /** It is what `--backend auto` takes. */
  readonly auto: boolean;
}

export async function backends(options: BackendsOptions): Promise<void> {
  const rows = await during("trying the backends", options.json === true, probeAll);
  if (options.json) print(JSON.stringify(rows.map(asData)));
  else print(table(rows, painter(hasColor(process.stdout))));
}

async function probeAll(): Promise<readonly Row[]> {
  const chosen = (await chooseBackend("auto")).backend.name;
  const rows: Row[] = [];
  // One after the other: two GPU contexts at a time can disturb each other.
  for (const name of backendNames) {
    const backend = await loadBackend(name);
    rows.push({ name, doc: backend.doc, found: await backend.probe(), auto: name === chosen });
  }
  return rows;
}

const asData = ({ name, doc, found: { ok, ...found }, auto }: Row) => ({
  name,
  works: ok,
  auto,
  ...found,
  doc,
});

/** Plain columns: device and reasons are too long for a frame. */
function table(rows: readonly Row[], paint: Paint): string {
  const width = Math.max(...rows.map((r) => r.name.length)) + 2;
  const lines = rows.flatMap(({ name, found, auto }) => {
    const head = `${auto ? paint("cyan", "*") : " "} ${name.padEnd(width)}`;
    if (found.ok) {
      const software = found.software ? ", software" : "";
      return [`${head}${paint("green", "works")}  ${found.device}${software}`];
    }
    const indent = " ".repeat(width + 9);
    return [
      `${head}${paint("yellow", "no   ")}  ${found.reason}`,
      `${indent}${paint("dim", `to have it: ${found.fix}`)}`,
    ];
  });
  return [...lines, "", "* is what --backend auto takes"].join("\n");
}
