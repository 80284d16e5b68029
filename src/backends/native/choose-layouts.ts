/** Which buffers do not lie in plain rows: weights in panels, temporaries whose rows must not crowd a cache's sets. */
import type { TensorBuffer } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { type Layout, panels, spaced } from "./layout.ts";
import { loadsOf, type Nest, rowsOf, windowedBy } from "./nests/nest.ts";
import { type Decide, validPanels } from "./products/decisions.ts";
import { suitsDot } from "./products/dot.ts";
import { panelWidth } from "./products/operands.ts";
import { columnsOf, findProduct, type Product } from "./products/product.ts";
import type { Target } from "./target.ts";

/**
 * Weights that products read as vectors live in panels for the whole run, and so does whatever shares a nest
 * with them element by element: gradients and slots.
 */
export function choosePanels(
  nests: readonly Nest[],
  target: Target,
  layouts: Map<TensorBuffer, Layout>,
  decide: Decide,
): void {
  const wanted = new Map<TensorBuffer, number[]>();
  for (const nest of nests) {
    const product = findProduct(nest);
    for (const { weight, first } of product ? vectorWeights(product) : [])
      wanted.set(weight, [...(wanted.get(weight) ?? []), first]);
  }
  const linked = (b: TensorBuffer) =>
    nests
      .filter((n) => n.stores.some((s) => s.buffer === b))
      .flatMap((n) => [...n.stores.map((s) => s.buffer), ...ownLoads(n)]);
  const rows = [...rowsOf(nests)].flatMap((row): TensorBuffer[] => [row, row.of]);
  const inParts = new Set([...rows, ...windowedBy(nests)]);
  for (const [weight, starts] of wanted) {
    const last = weight.shape.length - 1;
    const dim = isNarrow(weight.shape, target) ? last - 1 : last;
    const best = panelWidth(weight.shape[dim]!, target);
    const width = decide("panel", best, () => validPanels(target));
    // Who reads columns from within a panel on could not use it.
    if (starts.some((first) => first % width !== 0)) continue;
    const layout = panels(weight.shape, dim, width);
    for (const b of [weight, ...linked(weight)]) {
      const isAlike = b.shape.join() === weight.shape.join() && b.dtype === "f32";
      if (isAlike && !inParts.has(b)) layouts.set(b, layout);
    }
  }
}

/** A matrix of few columns: in panels along its rows, products sum along them in lanes, and gradients fill vectors. */
function isNarrow(shape: readonly number[], target: Target): boolean {
  const [rows, columns, ...others] = shape;
  return others.length === 0 && suitsDot(rows!, columns!, target);
}

/** Elements of room after each row: a cache line of 64 bytes. */
const room = 16;
/** Bytes apart from which on rows fall into too few of the first cache's sets for a sum that walks them. */
const crowded = 512;

/** A sum that walks the rows of a temporary gets them into different cache sets. */
export function spaceRows(
  nests: readonly Nest[],
  copied: ReadonlySet<TensorBuffer>,
  layouts: Map<TensorBuffer, Layout>,
): void {
  const written = new Set(nests.flatMap((n) => n.stores.map((s) => s.buffer)));
  for (const nest of nests) {
    const product = findProduct(nest);
    if (!product) continue;
    for (const { buffer, at } of [product.a, product.b]) {
      const [row] = at;
      const walks = row?.kind === "index" && product.summed.includes(row.axis);
      const isOwn = written.has(buffer) && !("kind" in buffer) && !copied.has(buffer);
      const bytes = 4 * sizeOf(buffer.shape.slice(1));
      if (walks && isOwn && !layouts.has(buffer) && bytes % crowded === 0)
        layouts.set(buffer, spaced(buffer.shape, room));
    }
  }
}

/** State that a product reads as vectors along its last dimension, and the first column of it. */
function vectorWeights({
  nest,
  a,
  b,
}: Product): readonly { weight: TensorBuffer; first: number }[] {
  const vector = nest.axes.at(-1);
  if (!vector) return [];
  return [a, b].flatMap(({ buffer, at }) => {
    const isState = "kind" in buffer && buffer.kind === "state";
    const last = at.length - 1;
    const columns = columnsOf({ at }, vector);
    const fits = isState && last > 0 && columns?.dim === last;
    return fits ? [{ weight: buffer, first: columns!.first }] : [];
  });
}

const ownLoads = (nest: Nest): readonly TensorBuffer[] =>
  [...loadsOf(nest)].filter((b) => b.shape.join() === nest.axes.map((a) => a.extent).join());
