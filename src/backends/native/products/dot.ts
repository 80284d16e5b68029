/**
 * Products with few columns. They would leave most lanes of a vector empty, so vectors lie along the sum instead, in both
 * operands, and the lanes are summed at its end.
 */
import type { Axis } from "../../../ir/expr.ts";
import type { IndexAlgebra } from "../../../ir/index-algebra.ts";
import type { CodePrinter } from "../../../support/code-printer.ts";
import type { Layout } from "../layout.ts";
import type { Target } from "../target.ts";
import { columnsOf, type Product, panelsFor, type Strided, stridesIn } from "./product.ts";

export interface Dot {
  readonly columns: number;
  /** From one column of B to the next; a column lies in blocks, as the sum walks it. */
  readonly step: number;
  readonly block: { readonly width: number; readonly stride: number };
  /** Rows that are summed at a time. */
  readonly rows: number;
}

/** Vectors of a sum that are worth adding up their lanes. */
const longSum = 12;

/** Whether so many columns leave a quarter of a vector or more empty, and the sum is a long one of whole panels. */
export const suitsDot = (depth: number, columns: number, { width }: Target): boolean =>
  width > 1 && 4 * columns <= 3 * width && depth >= longSum * width && depth % (2 * width) === 0;

/** B of such a product: its layout, which is that of a copy if it is not what is stored. */
export interface DotOperand {
  readonly layout: Layout;
  readonly at: Strided;
}

/**
 * @param a strides of A in memory
 * @param stored how B lies
 * @returns undefined if the sum is no single walk along whole vectors in both
 */
export function dotOperand(
  { summed }: Product,
  vector: Axis,
  a: Strided | undefined,
  load: Product["b"],
  stored: Layout,
  target: Target,
  algebra: IndexAlgebra,
): DotOperand | undefined {
  const [k, ...others] = summed.filter((x) => x.extent > 1);
  if (!k || others.length > 0 || !suitsDot(k.extent, vector.extent, target)) return undefined;
  const along = columnsOf(load, k, algebra);
  if (a?.strides.get(k) !== 1 || along?.first !== 0) return undefined;
  const isStored = stored.block?.dim === along.dim && stored.block.width % target.width === 0;
  const layout = isStored ? stored : panelsFor(load, along.dim, 2 * target.width);
  const at = stridesIn(load.at, load.buffer.shape, layout, k, algebra);
  return at && k.extent % layout.block!.width === 0 ? { layout, at } : undefined;
}

/** Registers that so many rows take: their sums, themselves, and a vector of B. */
export const dotRegisters = (rows: number, columns: number): number => rows * (columns + 1) + 1;

/** As many rows as fit the registers. */
export function dotRows(columns: number, { registers }: Pick<Target, "registers">): number {
  let rows = 1;
  while (dotRegisters(rows + 1, columns) < registers) rows++;
  return rows;
}

/**
 * Sums rows of A, each into a vector whose lanes are the columns.
 * @param depth terms of the sum
 * @param row elements from one row of A to the next
 */
export function printDot(
  { columns, step, block, rows: together }: Dot,
  {
    width,
    rows,
    row,
    depth,
  }: {
    readonly width: number;
    readonly rows: number;
    readonly row: number;
    readonly depth: number;
  },
  code: CodePrinter,
): void {
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const each = range(0, columns);
  for (let first = 0; first < rows; first += together) {
    const own = range(first, Math.min(rows, first + together));
    code.block("", () => {
      code.line(`vf ${own.flatMap((i) => each.map((j) => `d${i}_${j} = {}`)).join(", ")};`);
      code.line("const float *p = a, *q = b;");
      code.block(
        `for (long n = 0; n < ${depth / block.width}; n++, p += ${block.width}, q += ${block.stride})`,
        () => {
          for (const lane of range(0, block.width / width).map((v) => v * width)) {
            const rowsText = own.map((i) => `vf a${i} = LD(p + ${i * row + lane});`);
            code.line(`{ ${rowsText.join(" ")} vf y;`);
            for (const j of each)
              code.line(
                `  y = LD(q + ${j * step + lane}); ${own.map((i) => `d${i}_${j} += a${i} * y;`).join(" ")}`,
              );
            code.line("}");
          }
        },
      );
      for (const i of own)
        code.line(`c${i}_0 = (vf){${each.map((j) => `lanes_sum(d${i}_${j})`).join(", ")}};`);
    });
  }
}
