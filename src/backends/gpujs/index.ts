/** gpu.js's modes as backends. */
import type { Backend } from "../../ir/program.ts";
import { GpuExecutable, loadGpuJs } from "./executable.ts";
import { modes } from "./modes.ts";

export const webasm: Backend = {
  name: "webasm",
  doc: "gpu.js's WebAssembly with SIMD and threads; works everywhere.",
  traits: modes.webasm,
  probe: async () => ({ ok: true, device: "WebAssembly SIMD, threads by worker pool" }),
  compile: async (program, constants, options) =>
    new GpuExecutable("webasm", program, constants, options, loadGpuJs()),
};

export const js: Backend = {
  name: "js",
  doc: "gpu.js's plain JavaScript mode; works everywhere, slow.",
  traits: modes.js,
  probe: async () => ({ ok: true, device: "JavaScript, one thread" }),
  compile: async (program, constants, options) =>
    new GpuExecutable("js", program, constants, options, loadGpuJs()),
};
