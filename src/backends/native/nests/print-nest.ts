/**
 * Prints everything that is no product: element by element work, reductions, gathers, copies. Loops around the
 * body that the form has.
 */

import type { Axis } from "../../../ir/expr.ts";
import { CodePrinter } from "../../../support/code-printer.ts";
import { invariant } from "../../../support/errors.ts";
import type { PointerOf } from "../layout.ts";
import type { Form, FormLoop } from "./form.ts";
import { type Units, unitStart } from "./sharing.ts";

type Names = ReadonlyMap<Axis, string>;

/**
 * The function with this head: thread t's share of the nest.
 * @param units how the first loop is shared; undefined: one thread does it all
 */
export function printNest(
  form: Form,
  head: string,
  units: Units | undefined,
  pointerOf: PointerOf,
): string {
  const code = new CodePrinter();
  code.block(head, () => {
    if (!units) code.line("if (t != 0) return;");
    const { extent } = form.loops[0]!.axis;
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
  [loop, ...inner]: readonly FormLoop[],
  names: Names,
  { lo, hi }: Bounds,
  pointerOf: PointerOf,
  code: CodePrinter,
): void {
  const { axis, step } = loop!;
  const i = `i${names.size}`;
  const named = new Map(names).set(axis, i);
  const next = inner[0];
  const body = () => {
    if (inner.length === 1) form.before?.(named, pointerOf, code);
    if (next) loops(form, inner, named, { lo: "0", hi: String(next.axis.extent) }, pointerOf, code);
    else form.body(named, pointerOf, code);
  };
  if (axis.extent % step !== 0 || form.uneven)
    leftOver(form, loop!, i, named, { lo, hi }, pointerOf, code);
  else {
    if (!next && step === 1) code.line("#pragma GCC ivdep");
    const move = step === 1 ? `${i}++` : `${i} += ${step}`;
    code.block(`for (int32_t ${i} = ${lo}; ${i} < ${hi}; ${move})`, body);
  }
}

/** An innermost loop whose last step does not fit. */
function leftOver(
  { body, rest }: Form,
  { axis, step }: FormLoop,
  i: string,
  names: Names,
  { lo, hi }: Bounds,
  pointerOf: PointerOf,
  code: CodePrinter,
): void {
  invariant(rest, "nothing is said of what a loop leaves over");
  if (rest === "overlap") {
    code.block(`for (int32_t v = ${lo}; v < ${hi}; v += ${step})`, () => {
      code.line(`const int32_t ${i} = MIN(v, ${axis.extent - step});`);
      body(names, pointerOf, code);
    });
    return;
  }
  code.line(`int32_t ${i} = ${lo};`);
  code.block(`for (; ${i} + ${step} <= ${hi}; ${i} += ${step})`, () =>
    body(names, pointerOf, code),
  );
  code.block(`for (; ${i} < ${hi}; ${i}++)`, () => rest(names, pointerOf, code));
}
