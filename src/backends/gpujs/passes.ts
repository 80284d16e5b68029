/**
 * One compute pass for all kernels of a plan. gpu.js opens a pass for each, and each costs as much as its kernel where
 * kernels are short; in one pass every dispatch still sees what those before it wrote (WebGPU, "Synchronization":
 * each dispatch is a usage scope of its own).
 */
export interface ComputePass {
  setPipeline(pipeline: unknown): void;
  setBindGroup(index: number, group: unknown): void;
  dispatchWorkgroups(x: number, y?: number, z?: number): void;
  end(): void;
}
export interface CommandEncoder {
  beginComputePass(descriptor?: object): ComputePass;
  copyBufferToBuffer(...args: unknown[]): void;
  finish(descriptor?: object): unknown;
}

/** What gpu.js records with, begun passes being continued until something else is to be done. */
export function joinPasses(encoder: CommandEncoder): CommandEncoder {
  let pass: ComputePass | undefined;
  let current: unknown;
  const end = () => {
    pass?.end();
    pass = undefined;
    current = undefined;
  };
  const joined: ComputePass = {
    setPipeline(pipeline) {
      if (pipeline !== current) pass!.setPipeline(pipeline);
      current = pipeline;
    },
    setBindGroup: (index, group) => pass!.setBindGroup(index, group),
    dispatchWorkgroups: (x, y, z) => pass!.dispatchWorkgroups(x, y, z),
    // What ends it is the next thing that is not a kernel.
    end() {},
  };
  return {
    beginComputePass(descriptor) {
      pass ??= encoder.beginComputePass(descriptor);
      return joined;
    },
    copyBufferToBuffer(...args) {
      end();
      encoder.copyBufferToBuffer(...args);
    },
    finish(descriptor) {
      end();
      return encoder.finish(descriptor);
    },
  };
}
