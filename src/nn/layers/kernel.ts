/** A kernel and a bias: their options, and what these say of the weights. */
import type { z } from "zod";
import { constraintOption } from "../constraints.ts";
import { initializerOption } from "../initializers.ts";
import { regularizerOption } from "../regularizers.ts";
import type { WeightOptions } from "./layer.ts";

export const kernelOptions = {
  kernel_initializer: initializerOption().prefault("glorot_uniform").describe("First W."),
  kernel_regularizer: regularizerOption().optional().describe("Penalty on W."),
  kernel_constraint: constraintOption().optional().describe("What W must satisfy."),
};
export const biasOptions = {
  bias_initializer: initializerOption().prefault("zeros").describe("First b."),
  bias_regularizer: regularizerOption().optional().describe("Penalty on b."),
  bias_constraint: constraintOption().optional().describe("What b must satisfy."),
};
export type KernelOptions = z.output<z.ZodObject<typeof kernelOptions>>;
export type BiasOptions = z.output<z.ZodObject<typeof biasOptions>>;

export const ofKernel = (options: KernelOptions): WeightOptions => ({
  initializer: options.kernel_initializer,
  regularizer: options.kernel_regularizer,
  constraint: options.kernel_constraint,
});
export const ofBias = (options: BiasOptions): WeightOptions => ({
  initializer: options.bias_initializer,
  regularizer: options.bias_regularizer,
  constraint: options.bias_constraint,
});
