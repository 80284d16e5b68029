/** A file that is read in pieces while a run lasts, and must stay what it was when the run began. */
import { type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { ProblemError, RunError } from "../../support/errors.ts";
import { type FilePlace, readAt, withDataFile } from "../read-file.ts";

export class DataFile {
  readonly place: FilePlace;
  readonly size: number;
  readonly #changed: number;

  private constructor(place: FilePlace, { size, mtimeMs }: Stats) {
    this.place = place;
    this.size = size;
    this.#changed = mtimeMs;
  }

  /** @throws ProblemError if it is missing, a folder, no plain file or unreadable */
  static open(place: FilePlace): Promise<DataFile> {
    return withDataFile(place, async (_, stat) => new DataFile(place, stat));
  }

  /** Where it is. */
  get path(): string {
    return resolve(this.place.directory, this.place.name);
  }

  /**
   * Fills a buffer from a place in the file. It is open for that long only: nobody has to close it.
   * @throws RunError if it has changed
   */
  async read(position: number, into: Uint8Array): Promise<void> {
    const whole = await withDataFile(
      this.place,
      async (file, stat) =>
        this.#isAs(stat) && (await readAt(file, position, into)) === into.length,
    ).catch((error: unknown) => {
      if (error instanceof ProblemError) return false; // It was there, and could be read.
      throw error;
    });
    if (!whole) this.complainOfChange();
  }

  /** @throws RunError if it has changed */
  check(): void {
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (!now || !this.#isAs(now)) this.complainOfChange();
  }

  complainOfChange(): never {
    throw new RunError(
      `${this.place.name} has changed while it was read`,
      "leave data alone while a run reads it, and start again",
    );
  }

  #isAs({ size, mtimeMs }: Stats): boolean {
    return size === this.size && mtimeMs === this.#changed;
  }

  /** Its beginning, or all of it if it is shorter. */
  async head(length: number): Promise<Buffer> {
    const start = Buffer.alloc(Math.min(length, this.size));
    await this.read(0, start);
    return start;
  }
}
