/**
 * WebGPU in Node, by Dawn's binding (the package `webgpu`), which gpu.js expects as `navigator.gpu`. What is
 * opened must be closed, or the process hangs at its end.
 */
import { fileURLToPath } from "node:url";
import type { Availability } from "../../ir/program.ts";
import { RunError } from "../../support/errors.ts";
import { type GpuModule, loadGpuJs } from "./executable.ts";
import { type CommandEncoder, joinPasses } from "./passes.ts";
import { noDriver, type Report } from "./webgpu-report.ts";

const driverFix =
  "install a Vulkan driver (Debian: libvulkan1 and mesa-vulkan-drivers 25 or newer, or the GPU maker's driver)";

/** Asked in a process of its own: a driver may crash, and Dawn writes to stderr by itself. */
const probe = fileURLToPath(new URL("./webgpu-probe.js", import.meta.url));
const probeTimeout = 15_000;

export async function probeWebGpu(): Promise<Availability> {
  const report = await runProbe();
  if (report.ok) {
    const device = report.description || report.device;
    return { ok: true, device, software: report.software };
  }
  const missing = report.code.includes("MODULE_NOT_FOUND");
  const reason = missing
    ? "the package `webgpu` is not installed for this platform"
    : report.message;
  const fix = missing
    ? "npm install webgpu"
    : report.code === "ERR_DLOPEN_FAILED"
      ? "a newer system library"
      : driverFix;
  return { ok: false, reason, fix };
}

async function runProbe(): Promise<Report> {
  // Where nothing has to be asked, nothing has to be loaded.
  const { spawn } = await import("node:child_process");
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [probe], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: probeTimeout,
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    const failed = (message: string) => resolve({ ok: false, code: "PROBE_FAILED", message });
    child.on("error", (error) => failed(error.message));
    child.on("close", (_, signal) => {
      const line = text.split("\n").find((l) => l.startsWith("{"));
      if (line) resolve(JSON.parse(line) as Report);
      else failed(signal ? `the driver crashed (${signal})` : "the driver gave no answer");
    });
  });
}

interface Adapter {
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(descriptor?: { requiredLimits?: Record<string, number> }): Promise<Device>;
}
interface Device {
  createCommandEncoder(descriptor?: object): CommandEncoder;
}
interface NativeGpu {
  requestAdapter(options?: object): Promise<Adapter | null>;
}

/**
 * Dawn, once in a process and for as long as it lives: were it collected as garbage after a run, an event
 * that Dawn has still to process would read what is gone, and crash.
 */
let dawn: NativeGpu | undefined;

export interface OpenGpu {
  readonly module: GpuModule;
  /** Most bytes that one array may have. */
  readonly mostBytes: number;
  /** Gives everything back. */
  readonly close: () => Promise<void>;
}

/** Opens the GPU for gpu.js. */
export async function openWebGpu(): Promise<OpenGpu> {
  const { create } = (await import("webgpu")) as unknown as { create(flags: string[]): NativeGpu };
  dawn ??= create([]);
  const native = dawn;
  const options = { powerPreference: "high-performance" };
  const first = await native.requestAdapter(options);
  if (!first) throw new RunError(`webgpu: ${noDriver}`, driverFix);
  const { maxStorageBufferBindingSize, maxBufferSize } = first.limits;
  const mostBytes = Math.min(maxStorageBufferBindingSize!, maxBufferSize!);
  const gpu = {
    requestAdapter: async (asked?: object) => {
      const adapter = await native.requestAdapter({ ...options, ...asked });
      if (adapter) prepare(adapter);
      return adapter;
    },
  };
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", {
    value: { gpu },
    configurable: true,
    writable: true,
  });
  const module = loadGpuJs();
  const close = async () => {
    const { WebGPUContext } = module as unknown as { WebGPUContext: { destroy(): Promise<void> } };
    await WebGPUContext.destroy();
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else Reflect.deleteProperty(globalThis, "navigator");
  };
  return { module, mostBytes, close };
}

/** gpu.js asks for the least that WebGPU guarantees; we want what the device can do, and one pass for many kernels. */
function prepare(adapter: Adapter): void {
  const request = adapter.requestDevice.bind(adapter);
  const names = [
    "maxStorageBufferBindingSize",
    "maxBufferSize",
    "maxComputeWorkgroupsPerDimension",
  ];
  const wanted = Object.fromEntries(names.map((n) => [n, adapter.limits[n]!]));
  adapter.requestDevice = async (descriptor = {}) => {
    const requiredLimits = { ...descriptor.requiredLimits, ...wanted };
    const device = await request({ ...descriptor, requiredLimits });
    const create = device.createCommandEncoder.bind(device);
    device.createCommandEncoder = (options) => joinPasses(create(options));
    return device;
  };
}
