/** What the figures were taken on; nothing that names the machine or its folders. */
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { setTimeout } from "node:timers/promises";
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
  /** Processors that others kept busy in the second before anything was measured. */
  readonly busy: number;
}

/** Below it nothing else runs to speak of. */
const quiet = 0.1;

/** Measured, as a load average still counts what has ended minutes ago. */
async function busyNow(): Promise<number> {
  const idle = () => cpus().reduce((sum, c) => sum + c.times.idle, 0);
  const [start, before] = [performance.now(), idle()];
  await setTimeout(1000);
  const share = (idle() - before) / (performance.now() - start);
  return Math.max(0, cpus().length - share);
}

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
    busy: await busyNow(),
  };
}

export function machineLines(m: Machine, peak: Peak | undefined, threads: number): string {
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
    ["processors busy with other things at the start", m.busy.toFixed(2)],
  ];
  const lines = rows.map(([what, is]) => `- ${what}: ${is}`).join("\n");
  if (m.busy < quiet) return lines;
  return `${lines}\n\n**Other programs were running: these figures are no measure of anything but the tool.**`;
}
