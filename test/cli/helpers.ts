/** The built command line, run as its users run it: as a process, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The compiled tests lie in dist/test/cli. */
export const program = fileURLToPath(new URL("../../app/nnc.js", import.meta.url));
export const repository = fileURLToPath(new URL("../../..", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Settings {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on standard input. */
  readonly input?: string;
  /** Ends it by SIGKILL after so many ms, if it has not ended by then. */
  readonly killAfter?: number;
  /** Called with everything that came on stdout, and on stderr, so far. */
  readonly watch?: (stdout: string, child: ChildProcess, stderr: string) => void;
}

export function nnc(
  args: readonly string[],
  { cwd, env = {}, input, killAfter, watch }: Settings,
): Promise<Outcome> {
  const { NO_COLOR, FORCE_COLOR, ...inherited } = process.env;
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...inherited, ...env } });
  const end =
    killAfter === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfter);
  if (input !== undefined) child.stdin.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    watch?.(stdout, child, stderr);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    watch?.(stdout, child, stderr);
  });
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => {
      clearTimeout(end);
      done({ code, stdout, stderr });
    });
  });
}

/** y = 2x + 1 on ten rows: a spec that trains in milliseconds. */
export const tinySpec = `name: tiny
data: { source: { csv: { path: tiny.csv, target: y } }, validation_split: 0.2 }
model:
  - dense: { units: 1 }
loss: mse
optimizer: { sgd: { learning_rate: 0.01 } }
metrics: [mae]
train: { epochs: 3, batch_size: 3 }
`;
const tinyData = `x,y\n${Array.from({ length: 10 }, (_, i) => `${i / 10},${2 * (i / 10) + 1}`).join("\n")}\n`;

/** Runs `body` in a folder with `tiny.yaml`, its data and further files, and removes it. */
export async function inFolder(
  body: (cwd: string) => Promise<void>,
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "nnc-cli-"));
  try {
    for (const [name, content] of Object.entries({
      "tiny.yaml": tinySpec,
      "tiny.csv": tinyData,
      ...files,
    }))
      writeFileSync(join(folder, name), content);
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Plain JavaScript: starts fastest, and is there everywhere. */
export const fast = ["--backend", "js"] as const;

export const lines = (text: string): readonly string[] =>
  text.split("\n").filter((line) => line !== "");
