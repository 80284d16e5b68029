/** Texts with a label or with tags as a dataset whose vocabulary is that of the part that trains. */
import type { Examples, Loaded, Parts, Samples } from "../dataset.ts";
import type { Description } from "../description.ts";
import { bytes, damaged, LARGEST, type Place } from "../read-file.ts";
import { Corpus } from "./corpus.ts";
import {
  type EncodingOptions,
  place as placeSequence,
  type TextEncoding,
  UNKNOWN,
  vocabularyOf,
} from "./encoding.ts";

/** Texts of one file or folder. */
export interface TextPart {
  readonly place: Place;
  readonly texts: readonly string[];
  /** One target a text; empty where texts have tags. */
  readonly targets: ReadonlyMap<string, Samples>;
  /** A tag for every token of every text. */
  readonly tags?: readonly (readonly string[])[];
  /** `reviews.csv:36` for text 34. */
  at(text: number): string;
}

export interface TextData {
  readonly train: TextPart;
  readonly test?: TextPart;
  /** Names of the classes of a label; those of tags are found here. */
  readonly classes?: readonly string[];
  readonly options: EncodingOptions;
  /** The column that the texts are from, if they are from a table. */
  readonly column?: string;
  /** Data that a model was trained on, whose vocabulary and tags it knows. */
  readonly earlier?: Description | undefined;
}

/**
 * `x`: int32 [length], numbers of tokens. `y`: the target as given; or int32 [length] with a tag for each token,
 * 0 where there is padding.
 */
export function textDataset({ train, test, options, column, earlier, ...rest }: TextData): Loaded {
  const corpus = new Corpus(options);
  const parts = [train, ...(test ? [test] : [])];
  const tagged = train.tags !== undefined;
  const classes = tagged ? (earlier?.classes ?? tagClasses(train)) : rest.classes;
  const kept = earlier?.encodings["x"];
  const tags = tagged ? new Tags(classes!) : undefined;
  for (const part of parts) {
    part.texts.forEach((text, i) => {
      const count = corpus.add(text);
      tags?.add(part, i, count);
    });
  }
  const of = (part: TextPart, first: number): Examples => ({
    count: part.texts.length,
    inputs: new Map([["x", rows(first, part.texts.length)]]),
    targets: part.targets,
  });
  const shared = classes ? { classes } : {};
  return {
    train: of(train, 0),
    ...(test ? { validation: of(test, train.texts.length) } : {}),
    ...shared,
    summary: `${corpus.count} texts`,
    fit(found) {
      const encoding: TextEncoding =
        kept?.kind === "text"
          ? kept
          : {
              ...fitEncoding(corpus, found.train, options, train.place),
              ...(column === undefined ? {} : { column }),
            };
      const encode = (examples: Examples) => encoded(examples, corpus, encoding, tags);
      return {
        train: encode(found.train),
        ...(found.validation ? { validation: encode(found.validation) } : {}),
        ...shared,
        encodings: new Map([["x", encoding]]),
        summary: summary(corpus, found, encoding, classes, tagged),
      };
    },
  };
}

/** Until it is fitted, an example is the number of its text. */
const rows = (first: number, count: number): Samples => ({
  shape: [],
  values: Int32Array.from({ length: count }, (_, i) => first + i),
});
const textsOf = ({ inputs }: Examples): Int32Array => inputs.get("x")!.values as Int32Array;

/** Class 0 is padding. */
function tagClasses({ tags }: TextPart): readonly string[] {
  return ["", ...[...new Set(tags!.flat())].sort()];
}

class Tags {
  /** By text of the corpus. */
  readonly #sequences: Int32Array[] = [];
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(classes: readonly string[]) {
    this.#numbers = new Map(classes.map((tag, number) => [tag, number]));
  }

  add({ tags, at, place }: TextPart, text: number, tokens: number): void {
    const own = tags![text]!;
    if (own.length !== tokens) {
      damaged(place, "has a text with another number of tokens than tags", {
        expected: `${tokens} tags, one a token`,
        received: `${own.length} at ${at(text)}`,
        fix: "give every token a tag; `standardize: none` keeps tokens that are punctuation",
      });
    }
    const sequence = Int32Array.from(own, (tag) => this.#numbers.get(tag) ?? -1);
    const unknown = sequence.indexOf(-1);
    if (unknown >= 0) {
      damaged(place, "has a tag that training never saw", {
        expected: `one of ${[...this.#numbers.keys()].slice(1, 21).join(", ")}`,
        received: `${own[unknown]} at ${at(text)}`,
        fix: "correct it, remove the text, or put such texts into the training file too",
      });
    }
    this.#sequences.push(sequence);
  }

  of(text: number): Int32Array {
    return this.#sequences[text]!;
  }
}

function fitEncoding(
  corpus: Corpus,
  train: Examples,
  options: EncodingOptions,
  place: Place,
): TextEncoding {
  const texts = textsOf(train);
  const counts = corpus.counts(texts);
  const vocabulary = vocabularyOf(
    corpus.tokens.map((token, i) => [token, counts[i]!] as const),
    options.max_tokens,
  );
  const longest = texts.reduce((most, text) => Math.max(most, corpus.text(text).length), 0);
  if (longest === 0) {
    damaged(place, "has training texts without a single token", {
      expected: "texts of words or characters",
      fix: "look whether the right column is named; `standardize: none` keeps punctuation",
    });
  }
  const length = options.output_sequence_length ?? longest;
  const size = train.count * length * 4;
  if (size > LARGEST) {
    damaged(place, "is too large to hold in memory as tokens", {
      expected: `at most ${bytes(LARGEST)}`,
      received: `${train.count} texts of ${length} tokens: ${bytes(size)}`,
      fix: "set `output_sequence_length`",
    });
  }
  const { standardize, split, padding, truncating } = options;
  const rules = { standardize, split, padding, truncating };
  return { kind: "text", ...rules, vocabulary, length };
}

function encoded(
  examples: Examples,
  corpus: Corpus,
  encoding: TextEncoding,
  tags: Tags | undefined,
): Examples {
  const numbers = new Map(encoding.vocabulary.map((token, number) => [token, number]));
  const numberOf = Int32Array.from(corpus.tokens, (token) => numbers.get(token) ?? UNKNOWN);
  const { length } = encoding;
  const matrix = (sequence: (text: number) => ArrayLike<number>): Samples => {
    const values = new Int32Array(examples.count * length);
    textsOf(examples).forEach((text, i) => {
      placeSequence(sequence(text), values, i * length, encoding);
    });
    return { shape: [length], values };
  };
  return {
    ...examples,
    inputs: new Map([["x", matrix((text) => corpus.text(text).map((token) => numberOf[token]!))]]),
    ...(tags ? { targets: new Map([["y", matrix((text) => tags.of(text))]]) } : {}),
  };
}

function summary(
  corpus: Corpus,
  { train, validation }: Parts,
  { vocabulary, length }: TextEncoding,
  classes: readonly string[] | undefined,
  tagged: boolean,
): string {
  const lengths = [...textsOf(train)].map((text) => corpus.text(text).length);
  const mean = lengths.reduce((sum, n) => sum + n, 0) / lengths.length;
  const longest = lengths.reduce((most, n) => Math.max(most, n), 0);
  const known = new Set(vocabulary);
  const counts = corpus.counts(textsOf(validation ?? train));
  let [unknown, all] = [0, 0];
  counts.forEach((count, token) => {
    all += count;
    if (!known.has(corpus.tokens[token]!)) unknown += count;
  });
  const share = `${((100 * unknown) / Math.max(1, all)).toFixed(1)} %`;
  const kinds = tagged ? `${classes!.length - 1} tags` : `${classes?.length} classes`;
  return [
    `${train.count} training${validation ? ` and ${validation.count} validation` : ""} texts`,
    `${length} tokens each (they have ${mean.toFixed(1)} on average, at most ${longest})`,
    `vocabulary of ${vocabulary.length} (${share} of ${validation ? "validation" : "training"} tokens unknown)`,
    ...(classes ? [kinds] : []),
  ].join(", ");
}
