/**
 * What a loop reads at each step has to be rows of arrays, or the same at every step. Tensors outside a loop may
 * still be computed inside it, where they are used, if that holds for what they read in turn.
 */
import { type Axis, constant, type Expr, index, load, walk } from "../ir/expr.ts";
import { isDelay, isVariable, type Tensor } from "../ir/graph.ts";
import { IndexAlgebra } from "../ir/index-algebra.ts";
import { type GraphLoop, isLoop, type Section } from "../ir/loops.ts";
import { invariant } from "../support/errors.ts";

/** How an element at step t uses an input: the same for all t, step t of it, or in some other way. */
type Use = "always" | "step" | "mixed";

/**
 * Materialises what loops need in memory.
 * @param isBetterOutside what is computed before the loop even if it could be inside
 */
export function writeForLoops(
  sections: readonly Section[],
  chosen: Set<Tensor>,
  isBetterOutside: (x: Tensor) => boolean = () => false,
): void {
  for (const loop of sections.filter(isLoop)) {
    const own = new Set(loop.tensors);
    const seen = new Set<Tensor>();
    for (const d of loop.delays) chosen.add(d.attrs.knot.value);
    const reach = (x: Tensor): void => {
      if (own.has(x) || chosen.has(x) || isVariable(x) || isDelay(x) || seen.has(x)) return;
      seen.add(x);
      const { uses, tells } = usesOf(x, loop);
      if (tells || isBetterOutside(x) || uses.includes("mixed")) chosen.add(x);
      else stepInputs(x, uses).forEach(reach);
    };
    for (const x of loop.tensors) {
      if (isDelay(x)) continue;
      const { uses, tells } = usesOf(x, loop);
      const fits = !tells && !uses.includes("mixed");
      invariant(fits, () => `${x.scope}: ${x.op.name} mixes the steps of a loop`);
      stepInputs(x, uses).forEach(reach);
    }
  }
}

const stepInputs = (x: Tensor, uses: readonly Use[]) =>
  x.inputs.filter((_, i) => uses[i] === "step");

/** @returns how `x` uses each input, and whether its elements tell by themselves which step it is */
function usesOf(x: Tensor, { steps }: GraphLoop): { uses: readonly Use[]; tells: boolean } {
  const algebra = new IndexAlgebra();
  const time: Axis = { name: "t", extent: steps };
  const uses = x.inputs.map((): Use => "always");
  const inputs = x.inputs.map((input, i) => (at: readonly Expr[]): Expr => {
    const indices = at.map((e) => algebra.simplify(e));
    uses[i] = worse(uses[i]!, useOf(indices, time));
    return load({ name: "input", shape: [], dtype: input.type.dtype }, []);
  });
  const at = x.type.shape.map((extent, d) => index(d === 0 ? time : { name: `i${d}`, extent }));
  const element = x.op.lower?.(inputs, at, x) ?? constant(0);
  return { uses, tells: mentions(element, time) };
}

function useOf([row, ...rest]: readonly Expr[], time: Axis): Use {
  if (rest.some((e) => mentions(e, time))) return "mixed";
  if (!row || !mentions(row, time)) return "always";
  return row.kind === "index" ? "step" : "mixed";
}

const order: readonly Use[] = ["always", "step", "mixed"];
const worse = (a: Use, b: Use): Use => order[Math.max(order.indexOf(a), order.indexOf(b))]!;

function mentions(e: Expr, axis: Axis): boolean {
  let found = false;
  walk(e, (x) => {
    if (x.kind === "index" && x.axis === axis) found = true;
  });
  return found;
}
