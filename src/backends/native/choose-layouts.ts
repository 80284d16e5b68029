/** Which buffers do not lie in plain rows: weights in panels, temporaries whose rows must not crowd a cache's sets. */
import type { TensorBuffer } from "../../ir/expr.ts";
import { sizeOf } from "../../ir/graph.ts";
import { wholeOf } from "../rows.ts";
import { type Layout, panels, spaced } from "./layout.ts";
import { loadsOf, type Nest, rowsOf, windowedBy } from "./nests/nest.ts";
import { type Decide, validPanels } from "./products/decisions.ts";
import { suitsDot } from "./products/dot.ts";
import { panelWidth } from "./products/operands.ts";
import { columnsOf, findProduct, type Product, reductionOf } from "./products/product.ts";
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
  const made = madeOfState(nests);
  const wanted = new Map<TensorBuffer, number[]>();
  for (const nest of nests) {
    const product = findProduct(nest);
    for (const { weight, first } of product ? vectorWeights(product, made) : [])
      wanted.set(weight, [...(wanted.get(weight) ?? []), first]);
  }
  const linked = (b: TensorBuffer) =>
    nests
      .filter((n) => n.stores.some((s) => s.buffer === b))
      .flatMap((n) => [...n.stores.map((s) => s.buffer), ...ownLoads(n)]);
  const rows = [...rowsOf(nests)].flatMap((row): TensorBuffer[] => [row, row.of]);
  const inParts = (dim: number) => new Set([...rows, ...windowedBy(nests, dim)]);
  for (const [weight, starts] of wanted) {
    const last = weight.shape.length - 1;
    const dim = isNarrow(weight.shape, target) ? last - 1 : last;
    const best = panelWidth(weight.shape[dim]!, target);
    const width = decide("panel", best, () => validPanels(target));
    // Who reads columns from within a panel on could not use it.
    if (starts.some((first) => first % width !== 0)) continue;
    const layout = panels(weight.shape, dim, width);
    const cut = inParts(dim);
    for (const b of [weight, ...linked(weight)]) {
      const isAlike = b.shape.join() === weight.shape.join() && b.dtype === "f32";
      if (isAlike && !cut.has(b)) layouts.set(b, layout);
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

const isState = (b: TensorBuffer) => "kind" in b && b.kind === "state";

/** What is made of state alone, element by element: weights in another form. */
function madeOfState(nests: readonly Nest[]): ReadonlySet<TensorBuffer> {
  const found = new Set<TensorBuffer>();
  for (const nest of nests) {
    const read = [...loadsOf(nest)];
    if (read.length > 0 && read.every(isState) && !nest.loop && !reductionOf(nest))
      for (const { buffer } of nest.stores) if (!isState(buffer)) found.add(wholeOf(buffer));
  }
  return found;
}

/** Weights that a product reads as vectors along their last dimension, and the first column of them. */
function vectorWeights(
  { nest, a, b }: Product,
  made: ReadonlySet<TensorBuffer>,
): readonly { weight: TensorBuffer; first: number }[] {
  const vector = nest.axes.at(-1);
  if (!vector) return [];
  return [a, b].flatMap(({ buffer, at }) => {
    const isWeight = isState(buffer) || made.has(buffer);
    const last = at.length - 1;
    const columns = columnsOf({ at }, vector);
    const fits = isWeight && last > 0 && columns?.dim === last;
    return fits ? [{ weight: buffer, first: columns!.first }] : [];
  });
}

const ownLoads = (nest: Nest): readonly TensorBuffer[] =>
  [...loadsOf(nest)].filter((b) => b.shape.join() === nest.axes.map((a) => a.extent).join());
