/** A folder for each class, with a file for each example: the usual form of texts and images on disk. */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { permutation, randomStream } from "../support/random.ts";
import { damaged, type FilePlace } from "./read-file.ts";

export interface ClassFolder {
  /** Names of the classes, sorted: the folders' names. */
  readonly classes: readonly string[];
  readonly files: readonly ClassFile[];
}

export interface ClassFile {
  /** Path as the spec begins it. */
  readonly name: string;
  readonly label: number;
}

export async function isFolder({ directory, name }: FilePlace): Promise<boolean> {
  try {
    return (await stat(resolve(directory, name))).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Files in the folders of a folder. They come in a random order that is always the same: sorted, as a disk
 * has them, `validation_split` would put nothing but the last class into the validation part.
 * @param extensions with their dots, in lower case
 * @param classes those of the training folder, where this one is to validate with
 */
export async function readClassFolder(
  place: FilePlace,
  extensions: readonly string[],
  classes?: readonly string[],
): Promise<ClassFolder> {
  const folders = (await entries(place, "")).filter((e) => e.isFolder).map((e) => e.name);
  const found = folders.filter((name) => !name.startsWith(".")).sort();
  const stray = classes && found.find((name) => !classes.includes(name));
  if (found.length === 0 || stray !== undefined) {
    damaged(place, stray === undefined ? "has no folders in it" : `has a class of its own`, {
      expected: classes
        ? `the classes of training: ${classes.join(", ")}`
        : "a folder for each class",
      received: stray ?? "none",
      fix: "put the files of each class into a folder with its name",
    });
  }
  const names = classes ?? found;
  const files: ClassFile[] = [];
  for (const folder of found) {
    const inside = (await entries(place, folder))
      .filter((e) => !e.isFolder && extensions.some((end) => e.name.toLowerCase().endsWith(end)))
      .map((e) => e.name)
      .sort();
    if (inside.length === 0) {
      damaged({ ...place, name: join(place.name, folder) }, "has no files of the kind wanted", {
        expected: `files that end in ${extensions.join(", ")}`,
        fix: "put the files of the class into it, or remove the folder",
      });
    }
    const label = names.indexOf(folder);
    for (const file of inside) files.push({ name: join(place.name, folder, file), label });
  }
  const order = permutation(files.length, randomStream(0, "folder"));
  return { classes: names, files: [...order].map((i) => files[i]!) };
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** What links lead to counts; a link to nothing is a file, and whoever reads it says so. */
async function entries(place: FilePlace, folder: string): Promise<readonly Entry[]> {
  const path = resolve(place.directory, place.name, folder);
  const isFolderAt = async (entry: Dirent): Promise<boolean> =>
    entry.isSymbolicLink()
      ? await isFolder({ ...place, name: join(place.name, folder, entry.name) })
      : entry.isDirectory();
  try {
    const found = await readdir(path, { withFileTypes: true });
    return await Promise.all(
      found.map(async (entry) => ({ name: entry.name, isFolder: await isFolderAt(entry) })),
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const at = { ...place, name: join(place.name, folder) };
    if (code === "EACCES" || code === "EPERM") {
      return damaged(at, "may not be read by you", {
        notes: [`at ${path}`],
        fix: "give yourself permission to read the folder (chmod u+rx)",
      });
    }
    return damaged(at, `cannot be read as a folder (${code})`, {
      fix: "correct the path; it starts from the spec's folder",
    });
  }
}
