/** What a file is by its first bytes, for messages about one that is something else. */

/** How files begin that people take for others. */
const kinds: readonly (readonly [string, string])[] = [
  ["\x89PNG", "a PNG picture"],
  ["\xff\xd8\xff", "a JPEG picture"],
  ["RIFF", "WebP or another RIFF file"],
  ["GIF8", "GIF"],
  ["BM", "BMP"],
  ["II*\0", "TIFF"],
  ["MM\0*", "TIFF"],
  ["\x93NUMPY", "a NumPy array (.npy)"],
  ["PK\x03\x04", "a ZIP archive (.npz and spreadsheets are such)"],
  ["PAR1", "a Parquet file"],
  ["\x89HDF", "an HDF5 file"],
  ["%PDF", "a PDF document"],
  ["version https://git-lfs", "a pointer of Git LFS to the file (git lfs pull fetches it)"],
  ["\x1f\x8b", "a file packed by gzip"],
  ["\x28\xb5\x2f\xfd", "a file packed by Zstandard"],
];

export function beginning(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const text = Buffer.from(bytes.subarray(0, 24)).toString("latin1");
  const known = kinds.find(([magic]) => text.startsWith(magic))?.[1];
  if (known) return known;
  if (/^[\t\r\n\x20-\x7e]*$/.test(text)) return `text: ${JSON.stringify(text)}`;
  return `bytes ${Buffer.from(bytes.subarray(0, 8)).toString("hex")}`;
}
