/**
 * Reading a file that a data source's option names, with one set of complaints for all sources:
 * missing, a folder, unreadable, too large, damaged.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fail, type Problem, type SpecPath } from "../support/errors.ts";
import { suggest } from "../support/suggest.ts";

/** Where some bytes came from, for messages. */
export interface Place {
  /** The option that names the file. */
  readonly path: SpecPath;
  /** What people call it: `iris.csv`, `data.npz: array "x"`. */
  readonly name: string;
  /** How to mend it, where that is always the same (`run npm ci`). */
  readonly fix?: string;
  /** What leads there, if no option does: `named at list.csv:3`. */
  readonly note?: string;
}

/**
 * A file to read: its place, whose `name` is the path as the spec writes it, and where that starts.
 */
export interface FilePlace extends Place {
  readonly directory: string;
}

/** 4 GiB, what one typed array holds on every supported Node. */
export const LARGEST = 2 ** 32;

/** Some systems refuse to read 2 GiB or more at once. */
const CHUNK = 2 ** 30;

/** Throws a problem at `place`: "`name` message". A fix of the place's own has precedence. */
export function damaged(place: Place, message: string, details: Partial<Problem> = {}): never {
  const fix = place.fix ?? details.fix;
  const notes = [...(details.notes ?? []), ...(place.note === undefined ? [] : [place.note])];
  fail({
    path: place.path,
    ...details,
    ...(notes.length > 0 ? { notes } : {}),
    message: `${place.name} ${message}`,
    ...(fix === undefined ? {} : { fix }),
  });
}

export interface Reading {
  /** Most bytes the file may have. */
  readonly largest?: number;
  /** Gets the parts of the file in their order, each while the next one is being read. */
  readonly seen?: (part: Uint8Array) => void;
}

/**
 * Reads a whole file into memory of its own.
 * @throws ProblemError if it is missing, a folder, no plain file, unreadable or larger than
 *   `largest` bytes
 */
export async function readDataFile(
  place: FilePlace,
  { largest = LARGEST, seen }: Reading = {},
): Promise<Buffer> {
  return await withDataFile(place, (file, { size }) => {
    if (size > largest) {
      return damaged(place, "is too large to hold in memory", {
        expected: `at most ${bytes(largest)}`,
        received: bytes(size),
        fix: "make a smaller file of it, with fewer examples",
      });
    }
    return readWhole(file, size, seen);
  });
}

/**
 * Opens a file for as long as `body` takes.
 * @throws ProblemError if it is missing, a folder, no plain file or unreadable
 */
export async function withDataFile<T>(
  place: FilePlace,
  body: (file: FileHandle, stat: Stats) => Promise<T>,
): Promise<T> {
  const absolute = resolve(place.directory, place.name);
  let file: FileHandle | undefined;
  try {
    // Without waiting for whoever writes into it, should it be a pipe; Windows has no such flag.
    file = await open(absolute, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = await file.stat();
    if (stat.isDirectory()) return await complainOfFolder(place, absolute);
    // A pipe or device has no size to read by, and may never end.
    if (!stat.isFile()) {
      return damaged(place, "is no plain file", {
        expected: "a file",
        received: stat.isFIFO() ? "a pipe" : "a device",
        fix: "write what comes out of it into a file first",
      });
    }
    return await body(file, stat);
  } catch (error) {
    return await complain(error, place, absolute);
  } finally {
    await file?.close();
  }
}

/** A size for people: `47.0 MB`. */
export function bytes(count: number): string {
  if (count < 1e4) return `${count} bytes`;
  return count < 1e9 ? `${(count / 1e6).toFixed(2)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

/** Bytes behind the end, which vector instructions may read: so a backend can use the memory as it is. */
const ROOM = 256;
/** Bytes of a part. */
const PART = 2 ** 22;
/** Parts on their way at a time: copying what the system has in memory already takes a processor, too. */
const AHEAD = 2;

async function readWhole(
  file: FileHandle,
  size: number,
  seen: Reading["seen"] = () => undefined,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(size + ROOM).subarray(0, size);
  const place = (i: number) => buffer.subarray(i * PART, (i + 1) * PART);
  const coming: Promise<number>[] = [];
  const ask = (i: number) => {
    if (i * PART >= size) return;
    coming[i] = readAt(file, i * PART, place(i));
    // Whoever waits for it hears of a failure; when one before it has failed, nobody does.
    coming[i].catch(() => undefined);
  };
  for (let i = 0; i < AHEAD; i++) ask(i);
  for (let i = 0; i * PART < size; i++) {
    const length = await coming[i]!;
    ask(i + AHEAD);
    seen(place(i).subarray(0, length));
    // The file has shrunk meanwhile: its reader will find it truncated.
    if (length < place(i).length) return buffer.subarray(0, i * PART + length);
  }
  return buffer;
}

/** Fills a buffer from a place in a file. @returns how many bytes there were */
export async function readAt(
  file: FileHandle,
  position: number,
  into: Uint8Array,
): Promise<number> {
  let read = 0;
  while (read < into.length) {
    const length = Math.min(into.length - read, CHUNK);
    const { bytesRead } = await file.read(into, read, length, position + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return read;
}

async function complain(error: unknown, place: FilePlace, absolute: string): Promise<never> {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return complainOfMissing(place, absolute);
    case "EISDIR":
      return complainOfFolder(place, absolute);
    case "EACCES":
    case "EPERM":
      return damaged(place, "may not be read by you", {
        notes: [`at ${absolute}`],
        fix: "give yourself permission to read it (chmod u+r)",
      });
    case "ELOOP":
      return damaged(place, "is a link that leads round in a circle", {
        notes: [`at ${absolute}`],
        fix: "let it point to a file, or put the file there",
      });
    case "ENAMETOOLONG":
    case "EIO":
    case "ERR_INVALID_ARG_VALUE": // A NUL character in the name.
      return damaged(place, `cannot be read (${code})`, { notes: [`at ${absolute}`] });
    default:
      throw error;
  }
}

async function complainOfMissing(place: FilePlace, absolute: string): Promise<never> {
  if (await isLink(absolute)) {
    damaged(place, "is a link to what does not exist", {
      notes: [`at ${absolute}`],
      fix: "let it point to a file, or put the file there",
    });
  }
  const near = await nearest(absolute);
  const there = await list(dirname(absolute));
  const folder = there ? [] : [`there is no folder ${dirname(absolute)}`];
  damaged(place, "does not exist", {
    // Without an option that names it, the file was named on the command line.
    expected: place.path.length > 0 ? "a file; paths start from the spec's folder" : "a file",
    fix: near
      ? `did you mean ${relativeTo(place, near)}?`
      : "correct the path, or put the file there",
    notes: [`looked for ${absolute}`, ...folder],
  });
}

/** What a path to nothing may have meant: the last folder on it that is there has something of a similar name. */
async function nearest(absolute: string): Promise<string | undefined> {
  const parent = dirname(absolute);
  const there = await list(parent);
  if (there === undefined) return parent === absolute ? undefined : await nearest(parent);
  const near = suggest(basename(absolute), there);
  return near && join(parent, near);
}

/** As the place's name was written. */
const relativeTo = ({ directory, name }: FilePlace, path: string): string =>
  isAbsolute(name) ? path : relative(resolve(directory), path) || path;

const isLink = (path: string): Promise<boolean> =>
  lstat(path).then(
    (stat) => stat.isSymbolicLink(),
    () => false,
  );

async function complainOfFolder(place: FilePlace, absolute: string): Promise<never> {
  const files = (await list(absolute)) ?? [];
  const some = files.slice(0, 8).join(", ");
  damaged(place, "is a folder", {
    expected: "a file",
    received: "a folder",
    fix: files.length > 0 ? `name a file in it: ${some}` : "name a file",
  });
}

async function list(folder: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return undefined;
  }
}
