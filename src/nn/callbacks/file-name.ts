/** Names of files that callbacks write, with the numbers of an epoch in them, as Keras's `filepath` has them. */
import { z } from "zod";
import type { EpochReport } from "./callback.ts";

const field = /\{([A-Za-z0-9_.-]+)(?::(0?)(\d*)(?:\.(\d+)([fe]))?(d?))?\}/g;
const withFields = new RegExp(`^([^{}]|${field.source})*$`);
const inside = /^(?![\\/]|[A-Za-z]:)(?!(.*[\\/])?\.\.([\\/]|$))/;

/** A path inside the run's folder. */
export const fileOption = (ending = "") =>
  z
    .string()
    .min(1)
    .regex(new RegExp(`${ending.replaceAll(".", "\\.")}$`), `a file name that ends with ${ending}`)
    .regex(inside, "a path inside the run's folder")
    .regex(withFields, "a file name with fields such as {epoch:02d}");

/** `weights-{epoch:02d}-{val_loss:.2f}` with the numbers of an epoch; what it does not report stays as it is. */
export function fillIn(name: string, { epoch, metrics }: EpochReport): string {
  return name.replaceAll(field, (whole, key: string, zero, width, digits, form) => {
    const value = key === "epoch" ? epoch : metrics[key];
    if (value === undefined) return whole;
    const text =
      form === "e"
        ? value.toExponential(Number(digits))
        : form === "f"
          ? value.toFixed(Number(digits))
          : String(value);
    return text.padStart(Number(width || 0), zero === "0" ? "0" : " ");
  });
}
