/** An array in NumPy's format that is written piece by piece, before it is known how many there will be. */
import { type FileHandle, open } from "node:fs/promises";
import type { Samples } from "../dataset.ts";
import { npyHeader, writtenHeader } from "../npy.ts";
import { typeOf } from "./stored.ts";

export class ArrayFile {
  readonly #file: FileHandle;
  #last: Samples | undefined;
  /** Bytes of its elements so far. */
  bytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<ArrayFile> {
    return new ArrayFile(await open(path, "wx"));
  }

  /** Adds examples, all of the same form. */
  async append(samples: Samples): Promise<void> {
    const { buffer, byteOffset, byteLength } = samples.values;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let done = 0; done < bytes.length; ) {
      const at = writtenHeader + this.bytes + done;
      done += (await this.#file.write(bytes, done, bytes.length - done, at)).bytesWritten;
    }
    this.bytes += bytes.length;
    this.#last = samples;
  }

  /** Completes it, on the disk too. */
  async finish(count: number): Promise<void> {
    const form = this.#last!;
    await this.#file.write(npyHeader(typeOf(form), [count, ...form.shape]), 0, writtenHeader, 0);
    await this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
