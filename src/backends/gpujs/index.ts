/** gpu.js's modes as backends. */
import type { Availability, Backend } from "../../ir/program.ts";
import { GpuExecutable, loadGpuJs } from "./executable.ts";
import { modes } from "./modes.ts";
import { checkSizes } from "./sizes.ts";
import { openWebGpu, probeWebGpu } from "./webgpu.ts";

export const webgpu: Backend = {
  name: "webgpu",
  doc: "gpu.js on WebGPU: any GPU with a Vulkan, Metal or D3D12 driver.",
  traits: modes.webgpu,
  runsOn: "gpu",
  probe: probeWebGpu,
  async compile(program, constants, options) {
    const { module, mostBytes, close } = await openWebGpu();
    try {
      checkSizes(program, constants, mostBytes);
    } catch (error) {
      await close();
      throw error;
    }
    return new GpuExecutable("webgpu", program, constants, options, module, close);
  },
};

export const headlessgl: Backend = {
  name: "headlessgl",
  doc: "gpu.js on OpenGL without a window, by the package gl, which you add yourself.",
  traits: modes.headlessgl,
  runsOn: "gpu",
  async probe(): Promise<Availability> {
    const { GPU } = loadGpuJs();
    if (GPU.isHeadlessGLSupported)
      return { ok: true, device: "OpenGL by headless-gl", software: true };
    return {
      ok: false,
      reason: "the package gl is not installed, or there is no display",
      fix: "npm install --no-save gl@8.1.6, and run under X (xvfb-run nnc …)",
    };
  },
  compile: async (program, constants, options) =>
    new GpuExecutable("headlessgl", program, constants, options, loadGpuJs()),
};

export const webasm: Backend = {
  name: "webasm",
  doc: "gpu.js's WebAssembly with SIMD and threads; works everywhere.",
  traits: modes.webasm,
  probe: async () => ({ ok: true, device: "WebAssembly SIMD" }),
  compile: async (program, constants, options) =>
    new GpuExecutable("webasm", program, constants, options, loadGpuJs()),
};

export const js: Backend = {
  name: "js",
  doc: "gpu.js's plain JavaScript mode; works everywhere, slow.",
  traits: modes.js,
  runsOn: "one core",
  probe: async () => ({ ok: true, device: "JavaScript, one thread" }),
  compile: async (program, constants, options) =>
    new GpuExecutable("js", program, constants, options, loadGpuJs()),
};
