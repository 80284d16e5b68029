/** Callbacks that write down every epoch: CSV, and event files for TensorBoard. */
import { z } from "zod";
import { type Callback, defineCallback } from "./callback.ts";
import { scalarEvent, versionEvent } from "./event-file.ts";
import { fileOption } from "./file-name.ts";

const csvLog = defineCallback({
  name: "csv_log",
  aliases: ["csv_logger"],
  doc: "A CSV file with a line an epoch: its number, from 0 as in Keras, and all metrics by name",
  options: {
    filename: fileOption().default("log.csv").describe("Inside the run's folder."),
    separator: z.string().min(1).default(",").describe("Between two columns."),
  },
  begin: { header: false as boolean },
  epochEnd({ epoch, metrics }, { header }, { filename, separator }) {
    const names = Object.keys(metrics).sort();
    const line = (cells: readonly (string | number)[]) => `${cells.join(separator)}\n`;
    const row = line([epoch - 1, ...names.map((name) => metrics[name]!)]);
    const content = header ? row : line(["epoch", ...names]) + row;
    return {
      memory: { header: true },
      actions: [{ action: "append", file: filename, content }],
    };
  },
});

const tensorboard = defineCallback({
  name: "tensorboard",
  doc: "Event files for TensorBoard, in Keras's form: epoch_loss and the like, for train and validation",
  options: { log_dir: fileOption().default("tensorboard").describe("Inside the run's folder.") },
  begin: { begun: false as boolean },
  epochEnd({ epoch, metrics, time }, { begun }, { log_dir }) {
    const parts = { train: false, validation: true };
    const actions = Object.entries(parts).flatMap(([part, validating]) => {
      const own = Object.entries(metrics).filter(
        ([name]) => name.startsWith("val_") === validating,
      );
      if (own.length === 0) return [];
      const records = own.map(([name, value]) =>
        scalarEvent(`epoch_${name.replace(/^val_/, "")}`, value, epoch - 1, time),
      );
      const first = begun ? [] : [versionEvent(time)];
      // Always the same name: a run that begins again writes over what it left when it was killed.
      const file = `${log_dir}/${part}/events.out.tfevents.nnc`;
      const content = Buffer.concat([...first, ...records]);
      return [{ action: "append", file, content } as const];
    });
    return { memory: { begun: true }, actions };
  },
});

export const logs: readonly Callback[] = [csvLog, tensorboard];
