/**
 * Equations of `einsum_dense`: `x,kernel->y`, a letter a dimension, the batch first; `...` in front or behind stands
 * for dimensions of x that y has too.
 */
import type { Problem } from "../../support/errors.ts";

/** Letters of the input, the kernel and the result. */
export interface Equation {
  readonly x: string;
  readonly kernel: string;
  readonly y: string;
  /** Where `...` stands. */
  readonly others: "none" | "front" | "behind";
}
const form = /^(\.{3})?([a-zA-Z]+)(\.{3})?,([a-zA-Z]+)->(\.{3})?([a-zA-Z]+)(\.{3})?$/;

/** @returns nothing for what is no equation */
export function parse(text: string): Equation | undefined {
  const found = form.exec(text);
  if (!found) return undefined;
  const [, before, x, after, kernel, yBefore, y, yAfter] = found;
  if (before !== yBefore || after !== yAfter || (before && after)) return undefined;
  return { x: x!, kernel: kernel!, y: y!, others: before ? "front" : after ? "behind" : "none" };
}

const repeated = (letters: string) => [...letters].find((c, i) => letters.indexOf(c) !== i);
const outside = (letters: string, others: string) => [...letters].find((c) => !others.includes(c));

type Misspelling = Omit<Problem, "path" | "received">;

const noEquation: Misspelling = {
  message: "this is no equation of an input, a kernel and a result",
  expected: "x,kernel->y in letters, with ... in front or behind of both x and y: ab,bc->ac",
  fix: "`...x,xy->...y` is a dense layer over the last dimension",
};
const twice = (part: string): Misspelling => ({
  message: `"${repeated(part)}" stands twice in ${part}`,
  expected: "every dimension of a tensor with a letter of its own",
  fix: "name one of them by another letter",
});
const unsized = ({ x, kernel, y }: Equation): Misspelling => ({
  message: `the size of "${outside(kernel, x + y)}" is not known: only the kernel has it`,
  expected: `letters of ${x} or ${y} in the kernel`,
  fix: "leave it out of the kernel, or add it to the result",
});
const unmade = ({ x, kernel, y }: Equation): Misspelling => ({
  message: `"${outside(y, x + kernel)}" comes from nowhere: neither input nor kernel has it`,
  expected: `letters of ${x} or ${kernel} in the result`,
  fix: "add it to the kernel, or leave it out of the result",
});
const strayBatch = ({ x }: Equation): Misspelling => ({
  message: `"${x[0]}" is the batch, which is also first in the result and not in the kernel`,
  expected: `an equation like ${x},…->${x[0]}…`,
  fix: `let the result begin with ${x[0]}, and leave ${x[0]} out of the kernel`,
});

function misspelling(equation: Equation): Misspelling | undefined {
  const { x, kernel, y, others } = equation;
  const part = [x, kernel, y].find((letters) => repeated(letters) !== undefined);
  if (part !== undefined) return twice(part);
  if (outside(kernel, x + y) !== undefined) return unsized(equation);
  if (outside(y, x + kernel) !== undefined) return unmade(equation);
  const hasBatch = others !== "front";
  return hasBatch && (y[0] !== x[0] || kernel.includes(x[0]!)) ? strayBatch(equation) : undefined;
}

/** Which dimensions of the result have a bias of their own. */
function misplaced(axes: string, { y, others }: Equation): Problem | undefined {
  const choice = others === "front" ? y : y.slice(1);
  if (outside(axes, choice) === undefined && repeated(axes) === undefined) return undefined;
  return {
    path: ["bias_axes"],
    message: "a bias has no such dimensions",
    expected: choice ? `letters of ${choice}, each once` : "no bias, as the result is the batch",
    received: axes,
    fix: choice ? `\`bias_axes: ${choice.at(-1)}\` has one number a feature` : "leave it out",
  };
}

/** What is wrong with an equation, and with the letters of a bias, whatever they are applied to. */
export function problemOf(
  text: string,
  equation: Equation | undefined,
  axes: string | null,
): Problem | undefined {
  const wrong = equation ? misspelling(equation) : noEquation;
  if (wrong) return { path: ["equation"], ...wrong, received: text };
  return axes === null ? undefined : misplaced(axes, equation!);
}
