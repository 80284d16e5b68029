/**
 * The checksums of a Parquet file's pages, of which hyparquet takes no notice. A page header may hold a CRC-32 of the
 * page as it lies in the file, packed and behind its header (`PageHeader.crc` in parquet-format's parquet.thrift).
 */
import type { ColumnChunk, FileMetaData } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { crc32 } from "../crc32.ts";

/** A page that is not what it was when it was written. */
export interface DamagedPage {
  /** The table's column; of what is within it, lists and their elements, the whole. */
  readonly column: string;
  /** Rows of the row group that it belongs to, from 1. */
  readonly rows: readonly [first: number, last: number];
  /** Where its content begins in the file, in bytes. */
  readonly at: number;
  readonly length: number;
  /** The checksum that its header has, and that of the page. */
  readonly expected: number;
  readonly received: number;
}

/**
 * The first page whose checksum is wrong. Pages without one are taken as they are.
 * @throws Error of hyparquet's, or RangeError, where what should be a page header is none
 */
export function damagedPage(
  file: ArrayBuffer,
  { row_groups }: FileMetaData,
): DamagedPage | undefined {
  let row = 0;
  for (const { columns, num_rows } of row_groups) {
    const rows = [row + 1, row + Number(num_rows)] as const;
    for (const chunk of columns) {
      const found = damagedIn(file, chunk);
      if (found) return { ...found, rows };
    }
    row += Number(num_rows);
  }
  return undefined;
}

function damagedIn(
  file: ArrayBuffer,
  { meta_data }: ColumnChunk,
): Omit<DamagedPage, "rows"> | undefined {
  if (!meta_data) return undefined;
  const { dictionary_page_offset, data_page_offset, total_compressed_size } = meta_data;
  // Where there is no dictionary some write 0.
  const start = Number(dictionary_page_offset || data_page_offset);
  const reader = { view: new DataView(file, start, Number(total_compressed_size)), offset: 0 };
  // Behind the last page there may be something else.
  for (let left = Number(meta_data.num_values); left > 0; ) {
    const header = parquetHeader(reader);
    const length = header.compressed_page_size;
    const values = (header.data_page_header ?? header.data_page_header_v2)?.num_values ?? 0;
    // What is not there would be NaN, and no end of it.
    if (!(length >= 0 && values >= 0)) throw new Error("a page without a size");
    const page = new Uint8Array(file, start + reader.offset, length);
    if (header.crc !== undefined) {
      const [expected, received] = [header.crc >>> 0, crc32(page)];
      const column = meta_data.path_in_schema[0]!;
      if (expected !== received)
        return { column, at: start + reader.offset, length, expected, received };
    }
    reader.offset += length;
    left -= values;
  }
  return undefined;
}
