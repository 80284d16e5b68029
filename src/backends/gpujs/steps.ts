/**
 * The calls of one step of a procedure, in order. gpu.js knows no loops over kernels and writes only whole arrays, so
 * loops are unrolled call by call: the same kernels every time, over one row each. Rows are joined to an array where a
 * kernel reads more than one of them, and cut out of arrays that no loop has made.
 */
import {
  type Axis,
  type Compute,
  call,
  type DType,
  type Expr,
  index,
  int,
  load,
  type TensorBuffer,
} from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { isKernel } from "../../ir/kernels.ts";
import type { Procedure } from "../../ir/program.ts";
import { invariant } from "../../support/errors.ts";
import { isRow, oneStep, outsideLoop } from "../rows.ts";

/** A value in gpu.js's hands. */
type Handle = unknown;
/** Runs a kernel on the values of the buffers it reads. */
export type Run = (kernel: Compute, read: (b: TensorBuffer) => Handle) => Handle;

/** One part of a procedure: a kernel, or what a loop does at each step. */
type Part =
  | { readonly kernel: Compute }
  | { readonly kernels: readonly Compute[]; readonly order: readonly number[] };

/** A procedure's kernels as they run, and those that move rows between them. */
export class Steps {
  readonly #parts: readonly Part[];
  readonly #moves: Moves;

  /** @param maxInputs most arrays that a kernel may read */
  constructor({ kernels }: Procedure, maxInputs: number) {
    this.#moves = new Moves(Math.min(maxInputs, mostJoined));
    this.#parts = kernels.map((part): Part => {
      if (isKernel(part)) return { kernel: outsideLoop(part) };
      const up = Array.from({ length: part.axis.extent }, (_, t) => t);
      return { kernels: oneStep(part), order: part.reverse ? up.reverse() : up };
    });
  }

  /** The program's own kernels, each once. */
  kernels(): readonly Compute[] {
    return this.#parts.flatMap((part) => ("kernel" in part ? [part.kernel] : part.kernels));
  }

  /** How many times kernels are called, those that move rows not counted. */
  get calls(): number {
    const own = (part: Part) => ("kernel" in part ? 1 : part.kernels.length * part.order.length);
    return this.#parts.reduce((n, part) => n + own(part), 0);
  }

  /**
   * Runs them all once.
   * @param variables the values there are before
   * @returns the values there are after
   */
  run(variables: ReadonlyMap<TensorBuffer, Handle>, run: Run): (b: TensorBuffer) => Handle {
    const memory = new Memory(variables, run, this.#moves);
    for (const part of this.#parts) {
      if ("kernel" in part) memory.compute(part.kernel, 0);
      else for (const t of part.order) for (const kernel of part.kernels) memory.compute(kernel, t);
    }
    return (b) => memory.whole(b);
  }
}

/** Values of buffers during one step: of arrays that loops make row by row, the rows. */
class Memory {
  readonly #whole: Map<TensorBuffer, Handle>;
  readonly #rows = new Map<TensorBuffer, Map<number, Handle>>();
  readonly #numbers: Handle[] = [];
  readonly #run: Run;
  readonly #moves: Moves;
  constructor(variables: ReadonlyMap<TensorBuffer, Handle>, run: Run, moves: Moves) {
    this.#whole = new Map(variables);
    this.#run = run;
    this.#moves = moves;
  }

  /** @param t the step of the loop, if it is in one */
  compute(kernel: Compute, t: number): void {
    const at = ({ offset, moves }: { offset: number; moves: boolean }) => offset + (moves ? t : 0);
    const value = this.#run(kernel, (b) => (isRow(b) ? this.#row(b.of, at(b)) : this.whole(b)));
    const { output } = kernel;
    if (!isRow(output)) {
      this.#whole.set(output, value);
      return;
    }
    const rows = this.#rows.get(output.of) ?? new Map<number, Handle>();
    this.#rows.set(output.of, rows.set(at(output), value));
  }

  whole(b: TensorBuffer): Handle {
    const rows = this.#rows.get(b);
    const known = this.#whole.get(b);
    // Constants are no arguments: kernels that read them have them.
    if (known !== undefined || !rows) return known;
    invariant(rows.size === b.shape[0], () => `${b.name} has ${rows.size} of ${b.shape[0]} rows`);
    const size = sizeOf(b.shape.slice(1));
    let parts = [...rows].sort(([i], [j]) => i - j).map(([, value]) => ({ value, rows: 1 }));
    while (parts.length > 1) {
      const joined: typeof parts = [];
      for (let i = 0; i < parts.length; i += this.#moves.most) {
        const own = parts.slice(i, i + this.#moves.most);
        const counts = own.map((p) => p.rows);
        const { kernel, inputs } = this.#moves.join(counts, size, b.dtype);
        const value = this.#run(kernel, (input) => own[inputs.indexOf(input)]!.value);
        joined.push({ value, rows: counts.reduce((a, n) => a + n, 0) });
      }
      parts = joined;
    }
    this.#whole.set(b, parts[0]!.value);
    return parts[0]!.value;
  }

  #row(array: TensorBuffer, row: number): Handle {
    const rows = this.#rows.get(array) ?? new Map<number, Handle>();
    const known = rows.get(row);
    if (known !== undefined) return known;
    const { kernel, number } = this.#moves.cut(array);
    const value = this.#run(kernel, (b) => (b === number ? this.#number(row) : this.whole(b)));
    return value;
  }

  /** A row's number as a value: counted, as a kernel cannot be called with numbers of its own. */
  #number(row: number): Handle {
    const { first, next, before } = this.#moves.count;
    for (let n = this.#numbers.length; n <= row; n++) {
      const last = this.#numbers[n - 1];
      this.#numbers.push(
        n === 0 ? this.#run(first, () => undefined) : this.#run(next, (b) => b === before && last),
      );
    }
    return this.#numbers[row];
  }
}

/** Most arrays that one kernel joins. */
const mostJoined = 8;

/** Kernels that move rows, each made once, so that it is compiled once. */
class Moves {
  readonly most: number;
  readonly count = countKernels();
  readonly #joins = new Map<string, ReturnType<typeof joinKernel>>();
  readonly #cuts = new Map<TensorBuffer, { kernel: Compute; number: TensorBuffer }>();
  constructor(most: number) {
    this.most = most;
  }

  /** Arrays of so many rows each, one after another. @param size elements of a row */
  join(counts: readonly number[], size: number, dtype: DType) {
    const key = `${counts}:${size}:${dtype}`;
    const known = this.#joins.get(key) ?? joinKernel(counts, size, dtype);
    this.#joins.set(key, known);
    return known;
  }

  /** The row of an array that `number` tells. */
  cut(array: TensorBuffer) {
    const known = this.#cuts.get(array) ?? cutKernel(array);
    this.#cuts.set(array, known);
    return known;
  }
}

const axesOf = (shape: readonly number[]): readonly Axis[] =>
  shape.map((extent, d) => ({ name: "ijklmn"[d] ?? `i${d}`, extent }));

function joinKernel(counts: readonly number[], size: number, dtype: DType) {
  const inputs = counts.map(
    (n, i): TensorBuffer => ({ name: `part${i}`, shape: [n, size], dtype }),
  );
  const total = counts.reduce((a, n) => a + n, 0);
  const axes = axesOf([total, size]);
  const [row, column] = axes.map((a) => index(a)) as [Expr, Expr];
  let body: Expr | undefined;
  for (let i = counts.length - 1, start = total; i >= 0; i--) {
    const end = start;
    start -= counts[i]!;
    const own = call("sub", row, int(start));
    const inside = call("max", call("min", own, int(counts[i]! - 1)), int(0));
    const value = load(inputs[i]!, [inside, column]);
    body = body ? call("select", call("lt", row, int(end)), value, body) : value;
  }
  const output: TensorBuffer = { name: "joined", shape: [total, size], dtype };
  const kernel: Compute = { name: "join", output, axes, body: body! };
  return { kernel, inputs };
}

function cutKernel(array: TensorBuffer) {
  const number: TensorBuffer = { name: "row", shape: [1], dtype: "i32" };
  const shape = array.shape.slice(1);
  const axes = axesOf(shape);
  const body = load(array, [load(number, [int(0)]), ...axes.map((a) => index(a))]);
  const output: TensorBuffer = { name: `${array.name}.row`, shape, dtype: array.dtype };
  return { kernel: { name: output.name, output, axes, body }, number };
}

/** 0, and one more than `before`. */
function countKernels() {
  const buffer = (name: string): TensorBuffer => ({ name, shape: [1], dtype: "i32" });
  const before = buffer("before");
  const axes = axesOf([1]);
  const first: Compute = { name: "zero", output: buffer("zero"), axes, body: int(0) };
  const body = call("add", load(before, [int(0)]), int(1));
  const next: Compute = { name: "next", output: buffer("next"), axes, body };
  return { first, next, before };
}
