/**
 * What a backend is given, and what it gives back. A program is a set of named arrays that live as long as
 * the executable, and procedures (train, evaluate, predict …) that each say how one step changes them.
 */
import type { Compute, Loop, TensorBuffer } from "./expr.ts";

/** A resident array. `data` is only written from outside (once, if `constant`); steps change `state`. */
export interface Variable extends TensorBuffer {
  readonly kind: "data" | "state";
  readonly constant: boolean;
}

export interface Procedure {
  readonly name: string;
  /** In an order in which each reads only variables and what earlier ones wrote. */
  readonly kernels: readonly (Compute | Loop)[];
  /** After all kernels: every variable takes its next value, all at once. */
  readonly updates: readonly { readonly variable: Variable; readonly next: TensorBuffer }[];
  /** Where temporaries lie in one arena, in elements; buffers that are never alive together overlap. */
  readonly offsets: ReadonlyMap<TensorBuffer, number>;
  readonly arenaSize: number;
  /** Multiply-adds and other arithmetic of one step, counted from the graph. */
  readonly flops: number;
  /** Multiply-adds of the contractions of one step alone, as they are defined; two operations each, in GFLOP/s. */
  readonly multiplyAdds: number;
  /** Those that are done: fast convolutions need fewer. */
  readonly multiplyAddsDone: number;
}

export interface Program {
  readonly variables: readonly Variable[];
  readonly procedures: readonly Procedure[];
  /** All that it says, as a hash (`fingerprint.ts`), if that is known already. */
  readonly fingerprint?: string;
}

/** What the compiler may know of a target. */
export interface Traits {
  /** Most buffers that one kernel may read. */
  readonly maxInputs: number;
  /** Products of matrices are much faster if both operands are contiguous along the summed axis. */
  readonly contiguousSums: boolean;
  /**
   * Whether a convolution is faster by so many multiply-adds, all that it costs besides counted as such, than by so many
   * others; absent: all are computed as they are defined. Either way gives the same numbers but for rounding.
   */
  readonly fastConvolution?: (fast: number, direct: number) => boolean;
  /** Results that it computes side by side, each with one slow thread, if it is made that way: a GPU. */
  readonly atOnce?: number;
}

/** Values as they cross the boundary: row-major, in the variable's storage type or float. */
export type Values = Float32Array | Float64Array | Int32Array | Uint8Array;

export type Availability =
  | { readonly ok: true; readonly device: string; readonly software?: boolean }
  | { readonly ok: false; readonly reason: string; readonly fix: string };

export interface Backend {
  readonly name: string;
  readonly doc: string;
  readonly traits: Traits;
  /** It knows programs again by their fingerprint, and looks at none that it knows. */
  readonly knowsPrograms?: true;
  /** What runs its steps; absent: the cores of the CPU, as many as there are threads. */
  readonly runsOn?: "one core" | "gpu";
  /** Whether it can run here; never throws. */
  probe(): Promise<Availability>;
  /** How it would compute a program, for people; undefined where it cannot tell here. */
  explain?(program: Program): Promise<string | undefined>;
  /** @param constants the values of the program's constant variables, by name; they are lent */
  compile(
    program: Program,
    constants: ReadonlyMap<string, Values>,
    options: CompileOptions,
  ): Promise<Executable>;
}

export interface CompileOptions {
  /** Threads to use; absent: the backend's default. */
  readonly threads?: number | undefined;
  /** Measure how long each kernel takes, where the backend can. */
  readonly timed?: boolean;
}

/** What one kernel, or waiting for other threads, took since the program was loaded. */
export interface Timing {
  readonly name: string;
  readonly seconds: number;
}

/** Bytes of a file. */
export interface ByteRange {
  readonly offset: number;
  readonly bytes: number;
}

/** A file whose bytes a program reads where they are. Whoever maps it closes it, before the program is disposed of. */
export interface FileMap {
  /**
   * Lets a variable hold what lies from a byte on, a multiple of its elements' size, in its type, row-major. Rows that
   * the program takes by number may lie behind the end of its shape.
   */
  lend(variable: string, offset: number): void;
  /** Asks the system for bytes that will be needed: it reads them from the disk meanwhile. */
  ask(ranges: readonly ByteRange[]): Promise<void>;
  /** Before the next steps: puts bytes into memory that they read, and old ones out of it. */
  exchange(old: readonly ByteRange[], next: readonly ByteRange[]): void;
  /** Whether everything that was read was there: a file may shrink, and a disk fail. */
  intact(): boolean;
  close(): void;
}

/** A program ready to run. Its variables begin as zeros. */
export interface Executable {
  /** What really runs, for people: "gpu.js webasm, fused-threaded, 2 threads". */
  readonly description: () => string;
  /** Generated code by procedure. */
  readonly sources: ReadonlyMap<string, string>;
  /** Replaces a variable's values. */
  write(variable: string, values: Values): void;
  /**
   * The same for values that do not change before the variable is written or lent to again: they need not be copied.
   * Where a program reads mapped files there may be more values than the shape has, for rows that it takes by number.
   */
  lend(variable: string, values: Values): void;
  /**
   * Maps a file of so many bytes, so that variables can hold what lies in it; absent where the backend cannot.
   * @returns undefined if the system refuses
   */
  map?(path: string, bytes: number): Promise<FileMap | undefined>;
  /** Runs a procedure for a number of steps; resolves when they are done. */
  run(procedure: string, steps: number): Promise<void>;
  /** A copy of a variable's values after the last step. */
  read(variable: string): Promise<Float32Array | Float64Array>;
  /** With the option `timed`: what took how long; undefined where the backend cannot tell. */
  timings?(): readonly Timing[];
  dispose(): Promise<void>;
}
