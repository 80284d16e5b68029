/**
 * Whether validation measures anything: examples that it shares with training, the same example with different targets, and
 * a column of the input that is the target.
 */
import { createHash } from "node:crypto";
import type { Examples, Samples } from "../data/dataset.ts";
import { sizeOf } from "../data/stream/stored.ts";
import { type Check, type Finding, gravest, percent, plural } from "./finding.ts";
import { firstExamples } from "./rows.ts";

const mostExamples = 100_000;
const some = 0.01;
const most = 0.2;
/** Correlation from which on a column is as good as the target. */
const same = 0.9999;

export const leakage: Check = {
  name: "leakage",
  doc: "examples in training and validation both, contradicting targets, inputs that are the target",
  async examine({ dataset }) {
    const train = await firstExamples(dataset.train, mostExamples);
    const validation =
      dataset.validation && (await firstExamples(dataset.validation, mostExamples));
    return gravest([
      ...(validation ? [shared(train, validation)] : []),
      contradictions(train),
      ...copies(train),
    ]);
  },
};

/** A name for each example's part: the same for the same values. */
function names(count: number, arrays: Iterable<Samples>): readonly string[] {
  const parts = [...arrays].map((samples) => {
    const { values } = samples;
    const size = sizeOf(samples);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return { bytes, size: size * values.BYTES_PER_ELEMENT };
  });
  return Array.from({ length: count }, (_, i) => {
    const hash = createHash("md5");
    for (const { bytes, size } of parts) hash.update(bytes.subarray(i * size, (i + 1) * size));
    return hash.digest("base64");
  });
}

function shared(train: Examples, validation: Examples): Finding {
  const known = new Set(names(train.count, train.inputs.values()));
  const twice = names(validation.count, validation.inputs.values()).filter((n) => known.has(n));
  const share = twice.length / Math.max(1, validation.count);
  if (twice.length === 0)
    return {
      verdict: "ok",
      found: `none of ${plural(validation.count, "validation example")} is among ${plural(train.count, "training example")}`,
    };
  const found = `${twice.length.toLocaleString("en-US")} of ${plural(validation.count, "validation example")} are training examples too (${percent(share)})`;
  if (share < some) return { verdict: "ok", found };
  return {
    verdict: share < most ? "warning" : "problem",
    found,
    advice:
      "remove duplicates before the data is split; what validation measures is partly known by heart",
  };
}

function contradictions(train: Examples): Finding {
  const inputs = names(train.count, train.inputs.values());
  const targets = names(train.count, train.targets.values());
  const first = new Map<string, string>();
  let [doubles, against] = [0, 0];
  for (const [i, input] of inputs.entries()) {
    const known = first.get(input);
    if (known === undefined) first.set(input, targets[i]!);
    else {
      doubles++;
      if (known !== targets[i]) against++;
    }
  }
  const found =
    doubles === 0
      ? "no training example occurs twice"
      : `${doubles.toLocaleString("en-US")} of ${plural(train.count, "training example")} repeat another, ${against.toLocaleString("en-US")} with another target`;
  if (against / Math.max(1, train.count) < some) return { verdict: "ok", found };
  return {
    verdict: "warning",
    found,
    advice:
      "look at the labels: a model cannot learn two targets for the same input; a column that tells them apart may be missing",
  };
}

/** Columns of tables that are a target, or are it but for scale. */
function copies(train: Examples): readonly Finding[] {
  return [...train.targets].flatMap(([target, samples]) => {
    if (sizeOf(samples) !== 1) return [];
    return [...train.inputs].flatMap(([input, columns]): readonly Finding[] => {
      if (columns.shape.length !== 1) return [];
      const width = sizeOf(columns);
      const all = Array.from({ length: width }, (_, c) => c);
      const column = (c: number) => (i: number) => columns.values[i * width + c]!;
      const told = (found: readonly number[], verdict: "problem" | "warning", what: string) =>
        found.length === 0
          ? []
          : [
              {
                verdict,
                found: `column ${found.join(", ")} of ${input} is ${what} ${target}`,
                advice,
              },
            ];
      const equal = all.filter((c) => {
        const x = column(c);
        return samples.values.every((y, i) => y === x(i));
      });
      if (equal.length > 0) return told(equal, "problem", "the target");
      // Of a single column that may just be what there is to learn.
      if (width === 1) return [];
      const alike = all.filter(
        (c) => Math.abs(correlation(train.count, column(c), samples.values)) > same,
      );
      return told(alike, "warning", "but for scale the target");
    });
  });
}
const advice = "leave the column out of the inputs: the model needs only to copy it";

/** Pearson's; 0 where one of them never changes. */
function correlation(count: number, x: (i: number) => number, y: ArrayLike<number>): number {
  let [mx, my] = [0, 0];
  for (let i = 0; i < count; i++) {
    mx += x(i) / count;
    my += y[i]! / count;
  }
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const [dx, dy] = [x(i) - mx, y[i]! - my];
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
}
