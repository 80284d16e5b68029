/**
 * A counting sort in C: how many positions each row has, where its last ends, then the positions from the last to
 * the first, each before those of its row that are there.
 */
import type { Axis } from "../../../ir/expr.ts";
import { sizeOf } from "../../../ir/graph.ts";
import { expandPadding } from "../../../ir/index-algebra.ts";
import { CodePrinter } from "../../../support/code-printer.ts";
import { printBody } from "../../printer.ts";
import { scalarDialect } from "../c.ts";
import type { LayoutOf, PointerOf } from "../layout.ts";
import { addressText } from "./form.ts";
import type { Inversion } from "./inversion.ts";

/** The function `name`, in which one thread does it all. */
export function printInversion(
  { positions, key, rows, starts, order }: Inversion,
  head: string,
  layoutOf: LayoutOf,
  pointerOf: PointerOf,
): string {
  const code = new CodePrinter();
  const names = new Map(positions.map((axis, d): [Axis, string] => [axis, `i${d}`]));
  const dialect = scalarDialect(
    (e, at) => `${pointerOf(e.buffer)}[${addressText(layoutOf(e.buffer), at)}]`,
  );
  const { statements, result } = printBody(expandPadding(key), names, dialect);
  const each = (header: (i: string, extent: number) => string, actions: readonly string[]) => {
    const inside = ([axis, ...inner]: readonly Axis[]): void => {
      if (axis) code.block(header(names.get(axis)!, axis.extent), () => inside(inner));
      else code.lines([...statements, `const int32_t key = ${result};`, ...actions]);
    };
    inside(positions);
  };
  const isRow = `(uint32_t)key < ${rows}`;
  code.block(head, () => {
    code.line("if (t != 0) return;");
    code.line(`int32_t *starts = ${pointerOf(starts)}, *order = ${pointerOf(order)};`);
    code.line(`memset(starts, 0, ${rows + 1} * sizeof(int32_t));`);
    each(
      (i, extent) => `for (int32_t ${i} = 0; ${i} < ${extent}; ${i}++)`,
      [`if (${isRow}) starts[key]++;`],
    );
    code.line(
      `for (int32_t row = 0, n = 0; row <= ${rows}; row++) starts[row] = n += starts[row];`,
    );
    code.line(`int32_t position = ${sizeOf(positions.map((a) => a.extent))};`);
    each(
      (i, extent) => `for (int32_t ${i} = ${extent - 1}; ${i} >= 0; ${i}--)`,
      ["position--;", `if (${isRow}) order[--starts[key]] = position;`],
    );
  });
  return code.toString();
}
