/**
 * Words letter by letter with the sounds that each letter stands for, from the Carnegie Mellon Pronouncing
 * Dictionary (http://www.speech.cs.cmu.edu/cgi-bin/cmudict), in the npm package `cmu-pronouncing-dictionary`.
 * The dictionary says how a word sounds, not which letter makes which sound: `Aligner` finds that.
 */
import { z } from "zod";
import { permutation, randomStream } from "../../support/random.ts";
import { defineSource } from "../dataset.ts";
import { readPackageFile } from "../package-file.ts";
import { checkLimit } from "../split.ts";
import { Aligner, type Spoken } from "../text/align.ts";
import { textDataset } from "../text/dataset.ts";

const PACKAGE = "cmu-pronouncing-dictionary";
const FILE = { name: "index.js", crc: 0x2b12720f };

/** Words that the aligner learns from: more change nothing, and take longer. */
const LEARNED = 8000;
/** What a silent letter is called. */
const SILENT = "_";

/** `x`: int32 [length], letters; `y`: int32 [length], the number of what each stands for; 0 is padding. */
export const cmudict = defineSource({
  name: "cmudict",
  doc:
    "English words and how they sound, letter by letter, for tagging: `x` are letters, `y` for each letter " +
    "its sound in ARPAbet, two sounds (`K S` for x) or `_` where it is silent; 0 is padding in both. " +
    "117490 words of the CMU Pronouncing Dictionary, in a random order that is always the same.",
  options: {
    limit: z.int().positive().default(20000).describe("Use only so many words."),
  },
  async load({ limit }) {
    const words = await readWords();
    checkLimit(limit, words.length, "words");
    const aligner = new Aligner(words.slice(0, LEARNED));
    const found = words.slice(0, limit).flatMap((spoken) => {
      const sounds = aligner.align(spoken);
      // Abbreviations, mostly: no letter of "bbq" is said as it is elsewhere.
      return sounds ? [{ word: spoken.word, sounds: sounds.map((s) => s || SILENT) }] : [];
    });
    return textDataset({
      train: {
        place: { path: [], name: PACKAGE },
        texts: found.map(({ word }) => word),
        targets: new Map(),
        tags: found.map(({ sounds }) => sounds),
        at: (i) => found[i]!.word,
      },
      options: { standardize: "none", split: "character", padding: "post", truncating: "post" },
    });
  },
});

/** Words of letters only, by their first pronunciation, without the stress of vowels. */
async function readWords(): Promise<readonly Spoken[]> {
  const content = await readPackageFile(PACKAGE, FILE.name, FILE.crc);
  const text = content.toString("utf8");
  const dictionary: Record<string, string> = JSON.parse(text.slice(text.indexOf("= {") + 2));
  const all = Object.entries(dictionary)
    .filter(([word]) => /^[a-z]+$/.test(word))
    .map(([word, sounds]) => ({ word, sounds: sounds.replaceAll(/\d/g, "").split(" ") }));
  return [...permutation(all.length, randomStream(0, "cmudict"))].map((i) => all[i]!);
}
