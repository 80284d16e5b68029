/** `nnc init`: a starter spec with comments, and what to do with it. */
import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { RunError, UsageError } from "../support/errors.ts";
import { print, tell } from "./terminal.ts";

const starter = (
  name: string,
) => `# What nnc trains, and how. Every thing is written as its name, or as name: { options }.
# For completion in an editor: \`nnc schema > nnc.schema.json\`, and this as the first line:
# yaml-language-server: $schema=./nnc.schema.json
name: ${name}
seed: 1

# Where the examples come from. A table of your own:
#   data: { source: { csv: { path: my.csv, target: species } }, validation_split: 0.2 }
data: mnist

# A list is a stack: every layer reads the one above it. \`nnc summary ${name}.yaml\` prints the table.
model:
  - flatten
  - dense: { units: 128, activation: relu }
  - dropout: { rate: 0.2 }
  - dense: { units: 10, activation: softmax }

# For classes by number; for numbers to predict, take mse.
loss: sparse_categorical_crossentropy
optimizer: { adam: { learning_rate: 0.001 } }
metrics: [accuracy]
train: { epochs: 3, batch_size: 100 }

# What must hold at the end; if it does not, nnc exits with code 1.
expect: { val_accuracy: ">= 0.96" }
`;

/** @throws UsageError if the name cannot be one, or the file is there already */
export function init(given: string): void {
  const path = given.replace(/\.ya?ml$/, "");
  const name = basename(path);
  if (!/^[A-Za-z0-9_.-]*[A-Za-z0-9_-]$/.test(name)) {
    throw new UsageError(
      `"${given}" cannot be the name of a spec`,
      "use letters, digits, _ . and -, as in my-model",
    );
  }
  const file = `${path}.yaml`;
  try {
    writeFileSync(file, starter(name), { flag: "wx" });
  } catch (error) {
    throw refusal(error as NodeJS.ErrnoException, file);
  }
  print(`wrote ${file}`);
  tell(`next: nnc summary ${file}\n      nnc train ${file}`);
}

function refusal({ code, message }: NodeJS.ErrnoException, file: string): Error {
  switch (code) {
    case "EEXIST":
      return new UsageError(
        `${file} exists already`,
        "choose another name, or remove the file first",
      );
    case "ENOENT":
    case "ENOTDIR":
      return new UsageError(`there is no folder for ${file}`, "make it first");
    default:
      return new RunError(`cannot write ${file}: ${message}`);
  }
}
