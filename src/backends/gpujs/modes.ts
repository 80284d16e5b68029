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
  /** Most terms of a sum computed in one turn of its loop. */
  readonly unrolls: number;
  /** Functions it lacks or computes badly. */
  readonly expands: readonly ScalarFunction[];
  /** Steps of training recorded into one plan: a plan for each number, the largest that fits first. */
  readonly stepsPerCall: readonly number[];
  /** Most kernel calls that one plan holds, if a step has not more: plans take time to make, and memory. */
  readonly mostCalls: number;
}

export const modes: Readonly<Record<Mode, ModeTraits>> = {
  webgpu: {
    gpuMode: "webgpu",
    ran: { backend: "webgpu", executors: ["fused-encoder"] },
    outputs: "grid",
    integers: true,
    tiles: false,
    unrolls: 8,
    contiguousSums: false,
    expands: ["erf", "tanh"],
    atOnce: 2 ** 17,
    // WebGPU guarantees eight storage buffers a kernel, one of which is its output.
    maxInputs: 7,
    // State goes to the GPU and back at every call, which takes as long as several steps.
    stepsPerCall: [50, 10],
    mostCalls: 5000,
  },
  headlessgl: {
    gpuMode: "headlessgl",
    ran: { backend: "gpu", executors: ["generic"] },
    outputs: "line",
    integers: false,
    tiles: false,
    unrolls: 1,
    contiguousSums: false,
    // Its tanh is NaN from 45 on.
    expands: ["erf", "tanh"],
    // With 33 arrays it gives wrong numbers without a word.
    maxInputs: 31,
    stepsPerCall: [4],
    mostCalls: 1000,
  },
  webasm: {
    gpuMode: "webasm",
    ran: { backend: "webasm", executors: ["fused-sync", "fused-threaded"] },
    outputs: "grid",
    integers: true,
    tiles: true,
    unrolls: 1,
    contiguousSums: true,
    expands: ["erf"],
    maxInputs: 48,
    stepsPerCall: [10],
    mostCalls: 1000,
  },
  js: {
    gpuMode: "cpu",
    ran: { backend: "cpu", executors: ["generic"] },
    outputs: "line",
    integers: true,
    tiles: false,
    unrolls: 1,
    contiguousSums: true,
    expands: ["erf"],
    maxInputs: 48,
    stepsPerCall: [4],
    mostCalls: 1000,
  },
};
