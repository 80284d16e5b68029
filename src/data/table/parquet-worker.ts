/**
 * Reads a Parquet file on a thread of its own, which can be stopped: hyparquet trusts the counts that it finds, and a
 * damaged one is a loop of 2³¹ turns, or an array without end. Answers with the rows.
 */
import { parentPort, workerData } from "node:worker_threads";
import { gunzipSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";

/** Node's looks at the checksum. */
const GZIP = (packed: Uint8Array) => gunzipSync(packed);

const { file } = workerData as { readonly file: ArrayBuffer };
parentPort!.postMessage(await parquetReadObjects({ file, compressors: { ...compressors, GZIP } }));
