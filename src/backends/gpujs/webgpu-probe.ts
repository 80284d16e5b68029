/** The process of a probe: whether WebGPU has an adapter here, and which. Writes a `Report`. */
import { writeSync } from "node:fs";
import { noDriver, type Report } from "./webgpu-report.ts";

interface Adapter {
  readonly info: {
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter?: boolean;
  };
}
interface Dawn {
  create(flags: readonly string[]): { requestAdapter(options: object): Promise<Adapter | null> };
}

async function report(): Promise<Report> {
  try {
    const { create } = (await import("webgpu")) as unknown as Dawn;
    const adapter = await create([]).requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return { ok: false, code: "NO_ADAPTER", message: noDriver };
    const { device, description, isFallbackAdapter } = adapter.info;
    return { ok: true, device, description, software: isFallbackAdapter === true };
  } catch (error) {
    const { code, name, message } = error as NodeJS.ErrnoException;
    return { ok: false, code: code ?? name, message: message.split("\n")[0]! };
  }
}

writeSync(1, `${JSON.stringify(await report())}\n`);
// Dawn would hold the process open.
process.exit(0);
