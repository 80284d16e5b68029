/** What the figures were taken on; nothing that names the machine or its folders. */
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import type { Peak } from "../src/backends/native/peak.ts";
import { findToolchain } from "../src/backends/native/toolchain.ts";

export interface Machine {
  /** ISO 8601, without the time. */
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  /** In units of 1024³ bytes. */
  readonly memory: number;
  readonly system: string;
  readonly node: string;
  readonly compiler: string;
  /** Load averages over 1, 5 and 15 minutes before anything was measured. */
  readonly load: readonly number[];
}

/** Load average over a minute below which nothing else runs to speak of. */
const quiet = 0.5;

export async function describeMachine(): Promise<Machine> {
  const toolchain = await findToolchain();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split("-")[0]}, ${process.arch}`,
    node: process.version,
    compiler: toolchain?.version ?? "none",
    load: loadavg(),
  };
}

export function machineLines(m: Machine, peak: Peak | undefined, threads: number): string {
  const load = m.load.map((n) => n.toFixed(2)).join(", ");
  const most = peak
    ? `${peak.gflops.toFixed(0)} GFLOP/s on ${threads} threads, vectors of ${peak.width} floats`
    : "unknown: there is no C compiler";
  const rows = [
    ["date", m.date],
    ["processor", `${m.cpu}, ${m.cores} cores available`],
    ["memory", `${m.memory} GB`],
    ["system", m.system],
    ["Node", m.node],
    ["C compiler", m.compiler],
    ["FMA peak, measured", most],
    ["load average at the start (1, 5, 15 minutes)", load],
  ];
  const lines = rows.map(([what, is]) => `- ${what}: ${is}`).join("\n");
  if (m.load[0]! < quiet) return lines;
  return `${lines}\n\n**Other programs were running: these figures are no measure of anything but the tool.**`;
}
