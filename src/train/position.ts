/** Where a run stands: what is not in the state of its program. */
import { z } from "zod";

/** JSON has no NaN; null stands for it. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

/** Where a run stands between two steps. */
export const positionSchema = z.object({
  /** The epoch under way, from 1. */
  epoch: z.int().positive(),
  /** Steps done in it, the last smaller batch among them. */
  step: z.int().min(0),
  /** Steps done in all. */
  steps: z.int().min(0),
  /** Seconds of training in all, and in the epoch under way. */
  seconds: z.number(),
  epoch_seconds: z.number(),
  /** Of the last whole epoch. */
  metrics: z.record(z.string(), number),
  /** Of all whole epochs, each by itself. */
  best: z.record(z.string(), number),
});
export type Position = z.output<typeof positionSchema>;
export const beginning: Position = {
  epoch: 1,
  step: 0,
  steps: 0,
  seconds: 0,
  epoch_seconds: 0,
  metrics: {},
  best: {},
};
