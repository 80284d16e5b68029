/** A program as native code: compiled, loaded, its memory read and written in place. */
import type { DType } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import type { Executable, FileMap, Timing, Values, Variable } from "../../ir/program.ts";
import { internal, RunError } from "../../support/errors.ts";
import type { Generated } from "./generated.ts";
import { called, loadKoffi, type Native } from "./koffi.ts";
import { addressOf, isPlain, type Layout, readAhead } from "./layout.ts";
import { MappedFile } from "./mapped-file.ts";
import type { Built, Toolchain } from "./toolchain.ts";

type Memory = Float32Array | Int32Array | Uint8Array;

interface Slot {
  readonly index: number;
  readonly dtype: DType;
  /** Of the program's own memory for it. */
  readonly address: unknown;
  /** That memory: only of what is written or read, for V8 collects garbage as if it were its own. */
  view?: Memory;
  /** Somebody else's, which the program reads instead; a part of a file has no view. */
  lent: Memory | "file" | undefined;
  readonly layout: Layout;
  readonly shape: readonly number[];
}

const arrayOf = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const;

/** Bytes from which on a copy takes noticeable time; V8 itself moves very small arrays about. */
const worthLending = 2 ** 16;

interface Loading {
  readonly toolchain: Toolchain;
  readonly threads: number;
  readonly timed?: boolean | undefined;
}

export class NativeExecutable implements Executable {
  readonly #source: () => string;
  readonly #toolchain: Toolchain;
  readonly #context: unknown;
  readonly #library: { unload(): void };
  readonly #run: Native;
  readonly #close: Native;
  readonly #threads: number;
  readonly #lend: Native;
  readonly #before: Native;
  /** The file whose pages threads exchange when they begin. */
  #exchanging: MappedFile | undefined;
  readonly #slots = new Map<string, Slot>();
  readonly #procedures: readonly string[];
  readonly #built: Built;
  /** Views of the program's timers, with the names of what they time. */
  readonly #timers: readonly { name: string; seconds: Float64Array }[] = [];

  constructor(
    variables: readonly Variable[],
    { interface: own, built, source }: Generated,
    { toolchain, threads, timed = false }: Loading,
  ) {
    this.#toolchain = toolchain;
    const koffi = loadKoffi();
    const library = koffi.load(built.path);
    const open = library.func("void *nnc_open(int)") as unknown as Native;
    const address = library.func("void *nnc_memory(void *, int)") as unknown as Native;
    const count = library.func("int nnc_threads(void *)") as unknown as Native;
    this.#run = library.func("void nnc_run(void *, int, int)") as unknown as Native;
    this.#close = library.func("void nnc_close(void *)") as unknown as Native;
    this.#lend = library.func("void nnc_lend(void *, int, void *)") as unknown as Native;
    this.#before = library.func("void nnc_before(void *, void *)") as unknown as Native;
    this.#library = library;
    this.#built = built;
    this.#context = open(threads);
    if (!this.#context)
      throw new RunError("not enough memory for the model", "use a smaller batch_size");
    this.#threads = Number(count(this.#context));
    for (const [i, v] of variables.entries()) {
      const layout = own.layouts[i]!;
      const { dtype, shape } = v;
      const place = address(this.#context, i);
      this.#slots.set(v.name, { index: i, dtype, address: place, lent: undefined, layout, shape });
    }
    this.#procedures = own.procedures;
    this.#source = source;
    if (timed) {
      const spent = library.func("void *nnc_spent(void)") as unknown as Native;
      const times = koffi.view(spent(), 8 * (own.tasks.length + 1)) as ArrayBuffer;
      this.#timers = [...own.tasks, "waiting"].map((name, i) => {
        return { name, seconds: new Float64Array(times, 8 * i, 1) };
      });
    }
  }

  get sources(): ReadonlyMap<string, string> {
    return new Map([["program.c", this.#source()]]);
  }

  readonly description = (): string =>
    `native code, ${this.#threads} thread${this.#threads === 1 ? "" : "s"}${this.#built.cached ? ", from the cache" : ""}`;

  write(variable: string, values: Values): void {
    const slot = this.#slot(variable);
    const { index, address, layout, shape } = slot;
    if (values.length !== sizeOf(shape)) throw internal(`${variable}: ${values.length} values`);
    if (slot.lent) this.#lend(this.#context, index, address);
    slot.lent = undefined;
    const memory = viewOf(slot);
    if (isPlain(layout, shape)) memory.set(values);
    else
      eachRow(layout, shape, (start, row, offsets) => {
        for (let i = 0; i < offsets.length; i++) memory[start + offsets[i]!] = values[row + i]!;
      });
  }

  /** Vectors may read beyond the end of the values: without room there they are copied. */
  lend(variable: string, values: Values): void {
    const slot = this.#slot(variable);
    const { index, dtype, layout, shape } = slot;
    const end = values.byteOffset + values.byteLength;
    const room = values.buffer.byteLength - end >= readAhead * values.BYTES_PER_ELEMENT;
    // A Buffer is a Uint8Array, too.
    const same = values instanceof arrayOf[dtype] && isPlain(layout, shape);
    const more = values.length > sizeOf(shape);
    if (
      room &&
      same &&
      (more || (values.byteLength >= worthLending && values.length === sizeOf(shape)))
    ) {
      this.#lend(this.#context, index, values);
      // Which also keeps it from being collected.
      slot.lent = values as Memory;
    } else this.write(variable, values);
  }

  async map(path: string, bytes: number): Promise<FileMap | undefined> {
    const file = await MappedFile.open(path, bytes, this.#toolchain);
    if (!file) return undefined;
    return {
      lend: (variable, offset) => {
        const slot = this.#slot(variable);
        if (!isPlain(slot.layout, slot.shape))
          throw internal(`${variable} does not lie as files do`);
        this.#lend(this.#context, slot.index, file.address(offset));
        slot.lent = "file";
      },
      ask: (ranges) => file.ask(ranges),
      exchange: (old, next) => {
        this.#before(this.#context, file.exchange(old, next));
        this.#exchanging = file;
      },
      intact: () => file.intact(),
      close: () => file.close(),
    };
  }

  /** Whole numbers come in double precision, which holds all of them. */
  async read(variable: string): Promise<Float32Array | Float64Array> {
    const slot = this.#slot(variable);
    const { lent, layout, shape } = slot;
    if (lent === "file") throw internal(`${variable} lies in a file`);
    const memory = lent ?? viewOf(slot);
    const size = sizeOf(shape);
    const values = memory instanceof Int32Array ? new Float64Array(size) : new Float32Array(size);
    if (isPlain(layout, shape)) {
      values.set(memory.subarray(0, size));
      return values;
    }
    eachRow(layout, shape, (start, row, offsets) => {
      for (let i = 0; i < offsets.length; i++) values[row + i] = memory[start + offsets[i]!]!;
    });
    return values;
  }

  /** Off the main thread, so that progress and Ctrl-C stay alive. */
  async run(procedure: string, steps: number): Promise<void> {
    const index = this.#procedures.indexOf(procedure);
    if (index < 0) throw internal(`no procedure ${procedure}`);
    await called(this.#run, this.#context, index, steps);
    this.#exchanging?.exchanged();
    this.#exchanging = undefined;
  }

  timings(): readonly Timing[] {
    return this.#timers.map(({ name, seconds }) => ({ name, seconds: seconds[0]! }));
  }

  async dispose(): Promise<void> {
    this.#close(this.#context);
    this.#slots.clear();
    this.#library.unload();
    this.#built.release();
  }

  #slot(variable: string): Slot {
    const found = this.#slots.get(variable);
    if (!found) throw internal(`no variable ${variable}`);
    return found;
  }
}

function viewOf(slot: Slot): Memory {
  const array = arrayOf[slot.dtype];
  const bytes = slot.layout.size * array.BYTES_PER_ELEMENT;
  slot.view ??= new array(loadKoffi().view(slot.address as bigint, bytes) as ArrayBuffer);
  return slot.view;
}

/**
 * The elements along the last dimension, row by row: where the first lies in memory, its number, and how far from it
 * the others lie. An address is a sum over the dimensions.
 */
function eachRow(
  layout: Layout,
  shape: readonly number[],
  visit: (start: number, row: number, offsets: Int32Array) => void,
): void {
  const last = Math.max(0, shape.length - 1);
  const at = shape.map(() => 0);
  const origin = addressOf(layout, at);
  const offsets = Int32Array.from(
    { length: shape[last] ?? 1 },
    (_, i) => addressOf(layout, at.with(last, i)) - origin,
  );
  const total = sizeOf(shape);
  for (let row = 0; row < total; row += offsets.length) {
    visit(addressOf(layout, at), row, offsets);
    for (let d = last - 1; d >= 0 && ++at[d]! >= shape[d]!; d--) at[d] = 0;
  }
}
