/**
 * Reads a Parquet file on a thread of its own, which can be stopped: hyparquet trusts the counts that it finds, and a
 * damaged one is a loop of 2³¹ turns, or an array without end. Answers with the rows, or with the page that is damaged.
 */
import { parentPort, workerData } from "node:worker_threads";
import { gunzipSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { type DamagedPage, damagedPage } from "./parquet-pages.ts";

export type Answer =
  | { readonly rows: readonly Readonly<Record<string, unknown>>[] }
  | { readonly page: DamagedPage };

/** Node's looks at the checksum. */
const GZIP = (packed: Uint8Array) => gunzipSync(packed);

async function read(file: ArrayBuffer): Promise<Answer> {
  const metadata = parquetMetadata(file);
  const page = damagedPage(file, metadata);
  if (page) return { page };
  return {
    rows: await parquetReadObjects({ file, metadata, compressors: { ...compressors, GZIP } }),
  };
}

parentPort!.postMessage(await read((workerData as { readonly file: ArrayBuffer }).file));
