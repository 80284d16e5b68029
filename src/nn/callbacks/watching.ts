/** Callbacks that follow one metric: the end of a run, its best weights, a smaller learning rate. */
import { z } from "zod";
import { type Callback, defineCallback, improves, minDelta, watching } from "./callback.ts";
import { fileOption, fillIn } from "./file-name.ts";

const patience = (initial: number) =>
  z.int().min(0).default(initial).describe("Epochs without improvement before it acts.");

const earlyStopping = defineCallback({
  name: "early_stopping",
  doc: "Ends the run when a metric has stopped improving",
  options: {
    ...watching,
    min_delta: minDelta(0),
    patience: patience(0),
    baseline: z
      .number()
      .nullable()
      .default(null)
      .describe("Patience starts anew only with values better than this."),
    restore_best_weights: z
      .boolean()
      .default(false)
      .describe("model.safetensors holds the weights of the best epoch, whatever ended the run."),
    restore_best: z.boolean().default(false).describe("The same as restore_best_weights."),
    start_from_epoch: z.int().min(0).default(0).describe("Epochs to let pass before it watches."),
  },
  begin: { wait: 0, best: null as number | null, kept: false as boolean },
  keepsBest: (o) => o.restore_best_weights || o.restore_best,
  epochEnd(report, memory, o) {
    if (report.epoch <= o.start_from_epoch) return { memory, actions: [] };
    const wait = memory.wait + 1;
    if (improves(report, memory.best, o.min_delta)) {
      const enough = o.baseline === null || improves(report, o.baseline, o.min_delta);
      const best = { wait: enough ? 0 : wait, best: report.value, kept: true };
      return { memory: best, actions: [{ action: "keep weights" }] };
    }
    // As in Keras the first weights are the best as long as no others are.
    const first = memory.kept ? [] : [{ action: "keep weights" } as const];
    const over = wait >= o.patience && report.epoch > 1;
    const why = `early_stopping: ${o.monitor} has not improved for ${wait} epoch${wait === 1 ? "" : "s"}`;
    return {
      memory: { ...memory, wait, kept: true },
      actions: over ? [...first, { action: "stop", why }] : first,
    };
  },
});

const modelCheckpoint = defineCallback({
  name: "model_checkpoint",
  doc: "model.safetensors holds the weights of the best epoch; with filepath, also a file an epoch",
  options: {
    ...watching,
    filepath: fileOption(".safetensors")
      .nullable()
      .default(null)
      .describe(
        "A file for each epoch's weights, as weights-{epoch:02d}-{val_loss:.4f}.safetensors.",
      ),
    save_best_only: z
      .boolean()
      .default(false)
      .describe("Such a file only for epochs that are the best so far."),
    initial_value_threshold: z
      .number()
      .nullable()
      .default(null)
      .describe("Only values better than this can be the best."),
  },
  begin: { best: null as number | null },
  keepsBest: () => true,
  epochEnd(report, memory, { filepath, save_best_only, initial_value_threshold }) {
    const better = improves(report, memory.best ?? initial_value_threshold);
    const file = filepath !== null && (better || !save_best_only);
    return {
      memory: better ? { best: report.value } : memory,
      actions: [
        ...(better ? [{ action: "keep weights" } as const] : []),
        ...(file ? [{ action: "save weights", file: fillIn(filepath, report) } as const] : []),
      ],
    };
  },
});

const reduceOnPlateau = defineCallback({
  name: "reduce_lr_on_plateau",
  doc: "Multiplies the learning rate by `factor` when a metric has stopped improving",
  options: {
    ...watching,
    factor: z.number().gt(0).lt(1).default(0.1).describe("What the rate is multiplied by."),
    patience: patience(10),
    min_delta: minDelta(1e-4),
    cooldown: z.int().min(0).default(0).describe("Epochs to wait after it has acted."),
    min_lr: z.number().min(0).default(0).describe("Smallest rate."),
  },
  setsRate: true,
  begin: { wait: 0, cooldown: 0, best: null as number | null },
  epochEnd(report, memory, o) {
    const cooldown = Math.max(0, memory.cooldown - 1);
    const rested = memory.cooldown > 0 ? 0 : memory.wait;
    if (improves(report, memory.best, o.min_delta))
      return { memory: { wait: 0, cooldown, best: report.value }, actions: [] };
    if (cooldown > 0) return { memory: { ...memory, wait: rested, cooldown }, actions: [] };
    const wait = rested + 1;
    const smaller = Math.max(report.learningRate * o.factor, o.min_lr);
    if (wait < o.patience || report.learningRate <= Math.fround(o.min_lr))
      return { memory: { ...memory, wait, cooldown }, actions: [] };
    return {
      memory: { ...memory, wait: 0, cooldown: o.cooldown },
      actions: [{ action: "set learning rate", value: smaller }],
    };
  },
});

export const watchers: readonly Callback[] = [earlyStopping, modelCheckpoint, reduceOnPlateau];
