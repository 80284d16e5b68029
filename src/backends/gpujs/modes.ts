/** What gpu.js's modes have in common and where they differ. */
import type { ScalarFunction } from "../../ir/expr.ts";
import type { Traits } from "../../ir/program.ts";

export type Mode = "webgpu" | "headlessgl" | "webasm" | "js";

export interface ModeTraits extends Traits {
  /** How gpu.js calls the mode. */
  readonly gpuMode: string;
  /** What it must report to have run, or it fell back to something slower. */
  readonly ran: { readonly backend: string; readonly executors: readonly string[] };
  /** `line`: only one-dimensional outputs can be read by flat index. */
  readonly outputs: "line" | "grid";
  /** Whether variables can be whole numbers of 32 bits. */
  readonly integers: boolean;
  /** Use the form for products of matrices. */
  readonly tiles: boolean;
  /** Functions it lacks or computes badly. */
  readonly expands: readonly ScalarFunction[];
  /** Steps of training recorded into one plan. */
  readonly stepsPerCall: number;
}

export const modes: Readonly<Record<Mode, ModeTraits>> = {
  webgpu: {
    gpuMode: "webgpu",
    ran: { backend: "webgpu", executors: ["fused-encoder"] },
    outputs: "grid",
    integers: true,
    tiles: false,
    contiguousSums: false,
    expands: ["erf", "tanh"],
    // WebGPU guarantees eight storage buffers a kernel, one of which is its output.
    maxInputs: 7,
    stepsPerCall: 10,
  },
  headlessgl: {
    gpuMode: "headlessgl",
    ran: { backend: "gpu", executors: ["generic"] },
    outputs: "line",
    integers: false,
    tiles: false,
    contiguousSums: false,
    // Its tanh is NaN from 45 on.
    expands: ["erf", "tanh"],
    // With 33 arrays it gives wrong numbers without a word.
    maxInputs: 31,
    stepsPerCall: 4,
  },
  webasm: {
    gpuMode: "webasm",
    ran: { backend: "webasm", executors: ["fused-sync", "fused-threaded"] },
    outputs: "grid",
    integers: true,
    tiles: true,
    contiguousSums: true,
    expands: ["erf"],
    maxInputs: 48,
    stepsPerCall: 10,
  },
  js: {
    gpuMode: "cpu",
    ran: { backend: "cpu", executors: ["generic"] },
    outputs: "line",
    integers: true,
    tiles: false,
    contiguousSums: true,
    expands: ["erf"],
    maxInputs: 48,
    stepsPerCall: 4,
  },
};
