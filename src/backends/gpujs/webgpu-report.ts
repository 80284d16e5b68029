/** What the process of a probe says of WebGPU here, as a line of JSON. */
export type Report =
  | { ok: true; device: string; description: string; software: boolean }
  | { ok: false; code: string; message: string };

export const noDriver = "no usable Vulkan, Metal or D3D12 driver";
