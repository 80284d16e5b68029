/**
 * Runs every test file as a process of its own, two at a time, and sums up what uvu reports. Output is shown
 * only of files that fail; a line that begins with `skipped:` is always shown.
 *
 *     node dist/test/run.js [part of a file name …]
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const atOnce = 2;
/** Longest a file may take, in ms. */
const patience = 15 * 60_000;

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const wanted = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();

const sum = { passed: 0, failed: 0, skipped: 0 };
const waiting = [...files];
await Promise.all(Array.from({ length: atOnce }, work));
if (files.length === 0) process.stdout.write(`no test file matches ${wanted.join(" ")}\n`);
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : "";
process.stdout.write(`\n${sum.passed} passed, ${sum.failed} failed${skipped}\n`);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;

async function work(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const start = performance.now();
    const { output, ending } = await execute(join(root, file));
    const outcome = judge(output, ending);
    sum.passed += outcome.passed;
    sum.failed += outcome.failed;
    sum.skipped += outcome.skipped;
    report(file, outcome, output, ending, (performance.now() - start) / 1000);
  }
}

/** @returns what the file printed, and how it ended where that was not well */
function execute(file: string): Promise<{ output: string; ending: string | undefined }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ["--enable-source-maps", file], {
      env: { ...process.env, FORCE_COLOR: "0" },
      timeout: patience,
      killSignal: "SIGKILL",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.on("error", (error) => done({ output, ending: error.message }));
    child.on("close", (code, signal) => {
      const ending = signal === null ? `exit code ${code}` : `killed by ${signal}`;
      done({ output, ending: code === 0 ? undefined : ending });
    });
  });
}

/** uvu's summary; a file without one, or that ends badly for another reason, is a failure of its own. */
function judge(output: string, ending: string | undefined): Outcome {
  const number = (label: string) =>
    [...output.matchAll(new RegExp(`^ {2}${label}: +(\\d+)`, "gm"))].reduce(
      (n, match) => n + Number(match[1]),
      0,
    );
  const [total, passed, skipped] = [number("Total"), number("Passed"), number("Skipped")];
  const failed = total - passed;
  const broken = total + skipped === 0 || (ending !== undefined && failed === 0);
  return { passed, failed: failed + (broken ? 1 : 0), skipped };
}

function report(
  file: string,
  { passed, failed, skipped }: Outcome,
  output: string,
  ending: string | undefined,
  seconds: number,
): void {
  const counts = [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(", ");
  const lines = [`${failed > 0 ? "FAIL" : "ok  "} ${file}  ${counts}, ${seconds.toFixed(1)} s`];
  lines.push(...output.split("\n").filter((line) => line.startsWith("skipped:")));
  if (failed > 0) lines.push(output.trimEnd(), ...(ending === undefined ? [] : [`(${ending})`]));
  process.stdout.write(`${lines.join("\n")}\n`);
}
