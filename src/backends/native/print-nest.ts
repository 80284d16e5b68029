/**
 * Prints everything that is no product: element by element work, reductions, gathers, copies. Loops around the
 * body that the form has.
 */
import type { Axis } from "../../ir/expr.ts";
import { CodePrinter } from "../../support/code-printer.ts";
import type { Form } from "./form.ts";
import type { PointerOf } from "./print-product.ts";
import { type Units, unitStart } from "./sharing.ts";

type Names = ReadonlyMap<Axis, string>;

/**
 * The function `name`: thread t's share of the nest.
 * @param units how the first loop is shared; undefined: one thread does it all
 */
export function printNest(
  form: Form,
  name: string,
  units: Units | undefined,
  pointerOf: PointerOf,
): string {
  const code = new CodePrinter();
  code.block(`static void ${name}(Context *x, int t, int nt)`, () => {
    if (!units) code.line("if (t != 0) return;");
    const { extent } = form.loops[0]!;
    // The last unit may be smaller than the others.
    const isShort = units && units.size * units.count + units.tall > extent;
    const end = units ? unitStart(units, "(t + 1)") : String(extent);
    const bounds = {
      lo: units ? unitStart(units, "t") : "0",
      hi: isShort ? `MIN(${end}, ${extent})` : end,
    };
    loops(form, form.loops, new Map(), bounds, pointerOf, code);
  });
  return code.toString();
}

interface Bounds {
  readonly lo: string;
  readonly hi: string;
}

function loops(
  form: Form,
  [axis, ...inner]: readonly Axis[],
  names: Names,
  { lo, hi }: Bounds,
  pointerOf: PointerOf,
  code: CodePrinter,
): void {
  const i = `i${names.size}`;
  const named = new Map(names).set(axis!, i);
  if (inner.length > 0) {
    code.block(`for (int32_t ${i} = ${lo}; ${i} < ${hi}; ${i}++)`, () =>
      loops(form, inner, named, { lo: "0", hi: String(inner[0]!.extent) }, pointerOf, code),
    );
  } else if (form.vector) vectorLoop(form, axis!, i, named, { lo, hi }, pointerOf, code);
  else {
    code.line("#pragma GCC ivdep");
    code.block(`for (int32_t ${i} = ${lo}; ${i} < ${hi}; ${i}++)`, () =>
      form.body(named, pointerOf, code),
    );
  }
}

/** Whole vectors; what is left over is done by one that overlaps the last, or one by one. */
function vectorLoop(
  form: Form,
  { extent }: Axis,
  i: string,
  names: Names,
  { lo, hi }: Bounds,
  pointerOf: PointerOf,
  code: CodePrinter,
): void {
  const { width, overlaps, body } = form.vector!;
  if (extent % width === 0) {
    code.block(`for (int32_t ${i} = ${lo}; ${i} < ${hi}; ${i} += ${width})`, () =>
      body(names, pointerOf, code),
    );
  } else if (overlaps) {
    code.block(`for (int32_t v = ${lo}; v < ${hi}; v += ${width})`, () => {
      code.line(`const int32_t ${i} = MIN(v, ${extent - width});`);
      body(names, pointerOf, code);
    });
  } else {
    code.line(`int32_t ${i} = ${lo};`);
    code.block(`for (; ${i} + ${width} <= ${hi}; ${i} += ${width})`, () =>
      body(names, pointerOf, code),
    );
    code.block(`for (; ${i} < ${hi}; ${i}++)`, () => form.body(names, pointerOf, code));
  }
}
