/** Orders of directed graphs, without recursion: the graphs here are deep. */
import { invariant } from "../support/errors.ts";

/** Everything the roots depend on and they themselves, what a node needs before the node. */
export function ordered<T>(roots: Iterable<T>, needs: (node: T) => readonly T[]): readonly T[] {
  const order: T[] = [];
  const state = new Map<T, "open" | "done">();
  const stack = [...roots].reverse();
  while (stack.length > 0) {
    const node = stack.at(-1)!;
    if (state.has(node)) {
      stack.pop();
      if (state.get(node) === "open") {
        state.set(node, "done");
        order.push(node);
      }
      continue;
    }
    state.set(node, "open");
    for (const other of [...needs(node)].reverse()) {
      invariant(state.get(other) !== "open", "a circle in what must have an order");
      if (!state.has(other)) stack.push(other);
    }
  }
  return order;
}

/**
 * The strongly connected components: nodes that need each other stand together (Tarjan 1972). In no particular
 * order; nodes keep the order given.
 */
export function circles<T>(
  nodes: readonly T[],
  needs: (node: T) => readonly T[],
): readonly (readonly T[])[] {
  const reached = new Map<T, { low: number; readonly found: number; open: boolean }>();
  const pending: T[] = [];
  const component = new Map<T, T>();
  for (const root of nodes) {
    if (reached.has(root)) continue;
    const stack: { readonly node: T; readonly left: T[] }[] = [];
    const enter = (node: T) => {
      reached.set(node, { low: reached.size, found: reached.size, open: true });
      pending.push(node);
      stack.push({ node, left: [...needs(node)] });
    };
    enter(root);
    while (stack.length > 0) {
      const { node, left } = stack.at(-1)!;
      const own = reached.get(node)!;
      const next = left.pop();
      if (next !== undefined) {
        const known = reached.get(next);
        if (!known) enter(next);
        else if (known.open) own.low = Math.min(own.low, known.found);
        continue;
      }
      stack.pop();
      const above = stack.at(-1);
      if (above) {
        const outer = reached.get(above.node)!;
        outer.low = Math.min(outer.low, own.low);
      }
      if (own.low !== own.found) continue;
      for (const member of pending.splice(pending.lastIndexOf(node))) {
        reached.get(member)!.open = false;
        component.set(member, node);
      }
    }
  }
  const groups = new Map<T, T[]>();
  for (const node of nodes) {
    const leader = component.get(node)!;
    groups.set(leader, [...(groups.get(leader) ?? []), node]);
  }
  return [...groups.values()];
}
