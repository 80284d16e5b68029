/**
 * Products whose vectors lie along the sum, in both operands; the lanes are summed at its end. Those with few columns,
 * which would leave most lanes of a vector empty otherwise; and those with one row, such as a convolution to a single
 * channel, whose columns lie apart in memory, while the terms of a sum lie side by side.
 */
import type { Axis } from "../../../ir/expr.ts";
import type { IndexAlgebra } from "../../../ir/index-algebra.ts";
import type { CodePrinter } from "../../../support/code-printer.ts";
import type { Layout } from "../layout.ts";
import type { Target } from "../target.ts";
import {
  columnsOf,
  outside,
  type Product,
  paddedFor,
  panelsFor,
  type Strided,
  stridesIn,
} from "./product.ts";

export interface Dot {
  /** At most a vector of sums; more are in panels. */
  readonly columns: number;
  /** From one column of B to the next; a column lies in blocks, as the sum walks it. */
  readonly step: number;
  readonly block: { readonly width: number; readonly stride: number };
  /** Rows that are summed at a time. */
  readonly rows: number;
}

/** Vectors of a sum that are worth adding up their lanes. */
const longSum = 12;

/** The same where nothing else comes near. */
const longRow = 4;

/** Whether so many columns leave a quarter of a vector or more empty, and the sum is a long one. */
export const suitsDot = (depth: number, columns: number, { width }: Target): boolean =>
  width > 1 && 4 * columns <= 3 * width && depth >= longSum * width && depth % width === 0;

/** B of such a product: its layout, which is that of a copy if it is not what is stored. */
export interface DotOperand {
  readonly layout: Layout;
  readonly at: Strided;
  /** The summed axis that vectors lie along. */
  readonly along: Axis;
}

/** What there is to decide on. */
export interface DotRoles {
  readonly product: Product;
  readonly vector: Axis;
  /** Strides of A in memory. */
  readonly a: Strided;
  readonly b: Product["b"];
  /** How B lies. */
  readonly stored: Layout;
  /** Whether B is read inside only. */
  readonly inside: boolean;
  /** Whether B has its columns side by side, a product's usual form. */
  readonly usable: boolean;
  /** Whether all panels must have their columns in B. */
  readonly whole: boolean;
}

/** @returns undefined unless the product is one of these, and some summed axis a walk along whole vectors in both */
export function dotOperand(
  roles: DotRoles,
  target: Target,
  algebra: IndexAlgebra,
): DotOperand | undefined {
  const depth = roles.product.summed.reduce((n, x) => n * x.extent, 1);
  return (
    (roles.inside ? ofFewColumns(roles, depth, target, algebra) : undefined) ??
    (roles.usable ? undefined : ofOneRow(roles, depth, target, algebra))
  );
}

/** Elements of a column side by side: what the sum takes at a turn. */
export const walkWidth = (along: Axis, { width }: Target): number =>
  along.extent % (2 * width) === 0 ? 2 * width : width;

function ofFewColumns(
  { product, vector, a, b, stored }: DotRoles,
  depth: number,
  target: Target,
  algebra: IndexAlgebra,
): DotOperand | undefined {
  const along = product.summed.find((x) => x.extent > 1 && a.strides.get(x) === 1);
  if (!along || !suitsDot(depth, vector.extent, target)) return undefined;
  const { dim, first } = columnsOf(b, along, algebra) ?? {};
  if (dim === undefined || first !== 0) return undefined;
  const isStored = stored.block?.dim === dim && stored.block.width % target.width === 0;
  const layout = isStored ? stored : panelsFor(b, dim, walkWidth(along, target));
  const at = stridesIn(b.at, b.buffer.shape, layout, along, algebra);
  return at && along.extent % layout.block!.width === 0 ? { layout, at, along } : undefined;
}

function ofOneRow(
  { product: { nest, summed }, vector, a, b, stored, whole }: DotRoles,
  depth: number,
  { width }: Target,
  algebra: IndexAlgebra,
): DotOperand | undefined {
  const isRow = nest.axes.every((x) => (a.strides.get(x) ?? 0) === 0);
  if (width === 1 || !isRow || depth < longRow * width || (whole && vector.extent % width !== 0))
    return undefined;
  const layout = stored.block || outside(b) ? paddedFor(b) : stored;
  const at = stridesIn(b.at, b.buffer.shape, layout, vector, algebra);
  const isWalk = (x: Axis) =>
    x.extent % width === 0 && a.strides.get(x) === 1 && at?.strides.get(x) === 1;
  const along = summed.find(isWalk);
  return at && along ? { layout, at, along } : undefined;
}

/** Registers that so many rows take: their sums, themselves, and a vector of B. */
export const dotRegisters = (rows: number, columns: number): number => rows * (columns + 1) + 1;

/** As many rows as fit the registers. */
export function dotRows(columns: number, { registers }: Pick<Target, "registers">): number {
  let rows = 1;
  while (dotRegisters(rows + 1, columns) < registers) rows++;
  return rows;
}

/** What a tile sums. */
export interface DotTile {
  /** Lanes of a vector. */
  readonly width: number;
  readonly rows: number;
  /** Elements from one row of A to the next. */
  readonly row: number;
  /** Whether the last panel has only `valid` columns. */
  readonly tail: boolean;
  /** Loops of the sum, outside in; vectors lie along the last. */
  readonly k: readonly { readonly extent: number; readonly a: number; readonly b: number }[];
}

/** Sums rows of A, each into a vector whose lanes are the columns. */
export function printDot(
  { columns, step, block, rows: together }: Dot,
  { width, rows, row, tail, k }: DotTile,
  code: CodePrinter,
): void {
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const each = range(0, columns);
  const outer = k.slice(0, -1);
  const depth = k.at(-1)!.extent;
  const cut = tail && columns === width;
  /** A column that does not exist is the last one once more. */
  const column = (j: number) => (cut ? `j${j}` : `${j * step}`);
  if (cut)
    code.line(
      `const long ${each.map((j) => `j${j} = ${step}L * (${j} < valid ? ${j} : valid - 1)`).join(", ")};`,
    );
  const moved = (pointer: string, side: "a" | "b") =>
    [pointer, ...outer.map((x, i) => `o${i} * ${x[side]}`)].join(" + ");
  for (let first = 0; first < rows; first += together) {
    const own = range(first, Math.min(rows, first + together));
    const walk = () => {
      code.line(`const float *p = ${moved("a", "a")}, *q = ${moved("b", "b")};`);
      code.block(
        `for (long n = 0; n < ${depth / block.width}; n++, p += ${block.width}, q += ${block.stride})`,
        () => {
          for (const lane of range(0, block.width / width).map((v) => v * width)) {
            const rowsText = own.map((i) => `vf a${i} = LD(p + ${i * row + lane});`);
            code.line(`{ ${rowsText.join(" ")} vf y;`);
            for (const j of each)
              code.line(
                `  y = LD(q + ${column(j)} + ${lane}); ${own.map((i) => `d${i}_${j} += a${i} * y;`).join(" ")}`,
              );
            code.line("}");
          }
        },
      );
    };
    const loops = outer.reduceRight(
      (body, x, i) => () => code.block(`for (long o${i} = 0; o${i} < ${x.extent}; o${i}++)`, body),
      walk,
    );
    code.block("", () => {
      code.line(`vf ${own.flatMap((i) => each.map((j) => `d${i}_${j} = {}`)).join(", ")};`);
      loops();
      for (const i of own)
        code.line(`c${i}_0 = (vf){${each.map((j) => `lanes_sum(d${i}_${j})`).join(", ")}};`);
    });
  }
}
