/** What `peers/peers.py` measured elsewhere, read and checked. */
import { readFileSync } from "node:fs";
import { z } from "zod";

const figure = z.object({
  case: z.string(),
  peer: z.string(),
  /** Median, least and most. */
  ms: z.number(),
  ms_min: z.number(),
  ms_max: z.number(),
});
const form = z.object({
  date: z.string(),
  cpu: z.string(),
  threads: z.number(),
  python: z.string(),
  load_average: z.array(z.number()),
  /** A step each. */
  training: z.array(figure),
  /** All examples of a case. */
  inference: z.array(figure),
});
export type PeerFigure = z.infer<typeof figure>;
export type Peers = z.infer<typeof form>;

/** @throws if the file cannot be read or is not what `peers.py` writes */
export const readPeers = (file: string): Peers =>
  form.parse(JSON.parse(readFileSync(file, "utf8")));

/** Those of a case, fastest first. */
export const figuresOf = (figures: readonly PeerFigure[], name: string): readonly PeerFigure[] =>
  figures.filter((f) => f.case === name).sort((a, b) => a.ms - b.ms);
