/** Every data source. A new one is a file beside this and a name here. */
import type { DataSource } from "../dataset.ts";
import { cmudict } from "./cmudict.ts";
import { csv } from "./csv.ts";
import { firstNames } from "./first-names.ts";
import { blobs, linear, sine, spirals } from "./generated.ts";
import { idx } from "./idx.ts";
import { images } from "./images.ts";
import { json } from "./json.ts";
import { mnist } from "./mnist.ts";
import { npy } from "./npy.ts";
import { npz } from "./npz.ts";
import { parquet } from "./parquet.ts";
import { text } from "./text.ts";

export const sources = [
  mnist,
  csv,
  json,
  parquet,
  npz,
  npy,
  idx,
  images,
  text,
  firstNames,
  cmudict,
  blobs,
  spirals,
  linear,
  sine,
] as const satisfies readonly DataSource[];
