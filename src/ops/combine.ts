/**
 * A fixed linear map along one dimension: each element of the result is a combination of the elements along a
 * dimension of the input, with coefficients known when the program is compiled. A target writes them out.
 */
import { call, constant, type Expr, int } from "../ir/expr.ts";
import { defineOp, type Op, sizeOf, type Tensor } from "../ir/graph.ts";
import { invariant } from "../support/errors.ts";

/** Row q has the coefficients of element q of the result. */
export type Matrix = readonly (readonly number[])[];
interface CombineAttrs {
  readonly matrix: Matrix;
  /** The dimension of the input that is combined. */
  readonly from: number;
  /** Where the result has the dimension that takes its place. */
  readonly to: number;
}

export const transposed = (m: Matrix): Matrix => m[0]!.map((_, s) => m.map((row) => row[s]!));
const nonZero = (m: Matrix) => m.flat().filter((c) => c !== 0).length;

// y[… q …] = Σ s: matrix[q][s]·x[… s …]
const combineOp: Op<CombineAttrs> = {
  name: "combine",
  infer([x], { matrix, from, to }) {
    invariant(
      matrix.every((row) => row.length === x!.shape[from]),
      "combine: columns of the matrix",
    );
    return { shape: x!.shape.toSpliced(from, 1).toSpliced(to, 0, matrix.length), dtype: "f32" };
  },
  lower([x], at, { attrs: { matrix, from, to } }) {
    const others = at.toSpliced(to, 1);
    const values = combinations(matrix, (s) => x!(others.toSpliced(from, 0, int(s))));
    const q = at[to]!;
    if (q.kind === "const") return values[q.value]!;
    return values.reduceRight((rest, value, i) =>
      call("select", call("eq", q, int(i)), value, rest),
    );
  },
  grad: (dy, { attrs: { matrix, from, to } }) => [combine(dy, transposed(matrix), to, from)],
  reads: (y) => [perElement(y) * nonZero(y.attrs.matrix)],
  work: ({ attrs: { matrix } }) => (2 * nonZero(matrix)) / matrix.length,
};
const perElement = ({ attrs: { matrix }, type: { shape } }: Tensor<CombineAttrs>) =>
  sizeOf(shape) / matrix.length;
const apply = defineOp(combineOp);

/**
 * y[… q …] = Σ s: matrix[q][s]·x[… s …], where s is at dimension `from` of x and q at `to` of y.
 * @param matrix [q][s]
 */
export const combine = (x: Tensor, matrix: Matrix, from: number, to: number): Tensor =>
  apply([x], { matrix, from, to });

/**
 * The rows' sums. Rows that are alike but for signs, as those of points ±a, share the terms in which they agree and
 * those in which they do not.
 */
function combinations(matrix: Matrix, read: (s: number) => Expr): readonly Expr[] {
  const values: (Expr | undefined)[] = matrix.map(() => undefined);
  const all = matrix[0]!.map((_, s) => s);
  for (const [q, row] of matrix.entries()) {
    if (values[q]) continue;
    const twin = matrix.findIndex((other, i) => i > q && !values[i] && mirrors(row, other));
    if (twin < 0) {
      values[q] = total(row, all, read);
      continue;
    }
    const agrees = (s: number) => row[s] === matrix[twin]![s];
    const same = total(row, all.filter(agrees), read);
    const opposite = total(
      row,
      all.filter((s) => !agrees(s)),
      read,
    );
    values[q] = call("add", same, opposite);
    values[twin] = call("sub", same, opposite);
  }
  return values as Expr[];
}

/** Whether two rows differ in signs alone, in some elements but not all, and share enough to be worth it. */
function mirrors(p: readonly number[], q: readonly number[]): boolean {
  if (!p.every((c, s) => Math.abs(c) === Math.abs(q[s]!))) return false;
  const terms = p.filter((c) => c !== 0).length;
  const equal = p.filter((c, s) => c !== 0 && c === q[s]).length;
  return equal > 0 && equal < terms && terms > 2;
}

function total(row: readonly number[], places: readonly number[], read: (s: number) => Expr): Expr {
  const terms = places.filter((s) => row[s] !== 0);
  // First what is added: a sum that begins with a difference needs a negation.
  const ordered = [...terms].sort((p, q) => Number(row[q]! > 0) - Number(row[p]! > 0));
  let sum: Expr | undefined;
  for (const s of ordered) {
    const c = row[s]!;
    const size = Math.abs(c);
    const term = size === 1 ? read(s) : call("mul", read(s), constant(size));
    if (!sum) sum = c > 0 ? term : call("neg", term);
    else sum = call(c > 0 ? "add" : "sub", sum, term);
  }
  return sum ?? constant(0);
}
