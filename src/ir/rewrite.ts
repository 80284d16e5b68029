/** Rewriting of expressions, with sharing kept. */
import { call, children, type Expr, reduce } from "./expr.ts";

/**
 * Replaces every node by `change(node over changed children)`; equal objects stay equal objects.
 */
export function rewrite(root: Expr, change: (e: Expr) => Expr): Expr {
  const done = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    const known = done.get(e);
    if (known) return known;
    const result = change(withChildren(e, children(e).map(visit)));
    done.set(e, result);
    return result;
  };
  return visit(root);
}

function withChildren(e: Expr, parts: readonly Expr[]): Expr {
  if (children(e).every((c, i) => c === parts[i])) return e;
  switch (e.kind) {
    case "const":
    case "index":
      return e;
    case "load":
      return { ...e, at: parts };
    case "call":
      return call(e.fn, ...parts);
    case "reduce":
      return reduce(e.op, e.axes, parts[0]!);
    default:
      return e satisfies never;
  }
}
