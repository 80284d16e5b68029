/** Every data source. A new one is a file beside this and a name here. */
import type { DataSource } from "../dataset.ts";
import { csv } from "./csv.ts";
import { mnist } from "./mnist.ts";
import { npz } from "./npz.ts";

export const sources = [mnist, csv, npz] as const satisfies readonly DataSource[];
