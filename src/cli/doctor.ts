/** `nnc doctor`: looks for what commonly goes wrong in training, and says what to change. */
import { loadBackend } from "../backends/index.ts";
import { admit, type Check, checks, type Finding } from "../doctor/index.ts";
import { exitStatus } from "./exit-status.ts";
import { located } from "./failure.ts";
import type { JsonOption, SpecOptions } from "./options.ts";
import { prepare } from "./prepare.ts";
import { openSpec } from "./spec-file.ts";
import { during } from "./spinner.ts";
import { hasColor, painter, print, type Tone, tell } from "./terminal.ts";

export interface DoctorOptions extends SpecOptions, JsonOption {
  readonly backend: string;
  readonly threads?: number;
}

/** @returns the exit code: 1 if a check found a problem */
export async function doctor(name: string, options: DoctorOptions): Promise<number> {
  const { source, spec } = await openSpec(name, options);
  return located(source, async () => {
    const silent = options.quiet === true || options.json === true;
    const { data, choice } = prepare(spec, options.backend, silent);
    const dataset = await data;
    const { threads } = options;
    const { backend, device, why } = await choice();
    const interpreter = await loadBackend("reference");
    const patient = admit({ spec, dataset, backend, interpreter, threads });
    if (!silent) tell(`backend: ${backend.name} (${device}), ${why}`);
    if (!options.json && !options.quiet) print(paint("bold", `Doctor: "${spec.name}"`));
    const found: Finding[] = [];
    for (const check of checks) {
      const finding = await during(check.doc, silent, () => check.examine(patient));
      found.push(finding);
      report(check, finding, options);
    }
    return conclude(found, options);
  });
}

const paint = painter(hasColor(process.stdout));
const tones: Readonly<Record<Finding["verdict"], Tone>> = {
  ok: "green",
  warning: "yellow",
  problem: "red",
  skipped: "dim",
};
const widest = Math.max(...checks.map((c) => c.name.length));
const indent = " ".repeat(11 + widest + 2);

function report(check: Check, finding: Finding, { json, quiet }: DoctorOptions): void {
  const { verdict, found, advice, details = [] } = finding;
  if (json) {
    print(JSON.stringify({ event: "check", check: check.name, ...finding }));
    return;
  }
  if (quiet && (verdict === "ok" || verdict === "skipped")) return;
  print(`  ${paint(tones[verdict], verdict.padEnd(9))}${check.name.padEnd(widest)}  ${found}`);
  for (const line of details) print(`${indent}${paint("dim", line)}`);
  if (advice !== undefined) print(`${indent}→ ${advice}`);
}

function conclude(found: readonly Finding[], { json, quiet }: DoctorOptions): number {
  const count = (verdict: Finding["verdict"]) => found.filter((f) => f.verdict === verdict).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  if (json) print(JSON.stringify({ event: "end", checks: found.length, problems, warnings }));
  else if (!quiet) print(verdictOn(problems, warnings));
  return problems > 0 ? exitStatus.failed : exitStatus.fine;
}

function verdictOn(problems: number, warnings: number): string {
  const several = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
  if (problems + warnings === 0)
    return paint("green", "✓ nothing that would keep it from learning");
  const parts = [
    ...(problems > 0 ? [several(problems, "problem")] : []),
    ...(warnings > 0 ? [several(warnings, "warning")] : []),
  ];
  return paint(problems > 0 ? "red" : "yellow", parts.join(", "));
}
