/**
 * Fusion is only the choice of which tensors are materialised, that is, written to memory by a kernel of
 * their own; all others are computed where they are used. Any choice gives the same numbers, so this is a
 * question of cost: a tensor is written when computing it again at every use costs more than a store and
 * the loads, and a reduction never runs inside another.
 */
import { type Graph, isDelay, isVariable, sizeOf, type Tensor } from "../ir/graph.ts";
import { isLoop, sectionsOf } from "../ir/loops.ts";
import type { Traits } from "../ir/program.ts";
import { writeForLoops } from "./in-step.ts";

/** Cost of writing an element and of reading it back, in arithmetic operations. */
const storeCost = 2;
const loadCost = 1;
/** From this many reads of an element on, an op that streams its inputs gets them from memory. */
const worthStreaming = 8;

export function chooseMaterialised(graph: Graph, traits: Traits): ReadonlySet<Tensor> {
  const sections = sectionsOf(graph);
  const order = sections.flatMap((s) => (isLoop(s) ? s.tensors : [s]));
  const facts = factsOf(order);
  const chosen = new Set<Tensor>(graph.updates.map((u) => u.value));
  for (const d of order.filter(isDelay)) chosen.add(d.attrs.knot.value);
  // How often an inlined tensor's users compute each of its elements, and whether inside a reduction.
  const uses = new Map<Tensor, Use>();
  for (const x of [...order].reverse()) {
    const use = useOf(x, facts, uses);
    if (!isLeaf(x) && !isAnothers(x, use, facts) && pays(x, use, facts.cost.get(x)!)) chosen.add(x);
    uses.set(x, chosen.has(x) ? written : use);
  }
  writeCompared(order, chosen);
  separateProducts(order, chosen);
  writeForLoops(sections, chosen, isReduction);
  limitInputs(order, chosen, traits.maxInputs);
  return chosen;
}

/**
 * Where a maximum is compared with the elements it was taken of, these must be written: computed again
 * in another kernel they may be rounded otherwise, and then none of them equals their maximum.
 */
function writeCompared(order: readonly Tensor[], chosen: Set<Tensor>): void {
  for (const y of order.filter((t) => t.op.exact)) {
    const [a, b] = y.inputs.map(origin);
    for (const [x, other] of [[a!, b!] as const, [b!, a!] as const])
      if (!isLeaf(x) && other.inputs.some((i) => origin(i) === x)) chosen.add(x);
  }
}

/** The tensor whose elements these are, before they were only moved. */
function origin(x: Tensor): Tensor {
  return x.inputs.length === 1 && isMoved(x) ? origin(x.inputs[0]!) : x;
}

interface Use {
  readonly reuse: number;
  readonly nested: boolean;
  /** Whether it is read with its dimensions split or joined. */
  readonly regrouped: boolean;
  /** Whether an op that wants its inputs in memory reads it often. */
  readonly streamed: boolean;
  /** Whether it is read outside, where it is zero. */
  readonly padded: boolean;
  /** Whether several read it, each perhaps a part. */
  readonly divided: boolean;
}
/** What is written is computed once, wherever it is read. */
const written: Use = {
  reuse: 1,
  nested: false,
  regrouped: false,
  streamed: false,
  padded: false,
  divided: false,
};
interface Facts {
  readonly users: ReadonlyMap<Tensor, readonly { user: Tensor; input: number }[]>;
  /** Operations an element costs when all but the reductions before it is inlined. */
  readonly cost: ReadonlyMap<Tensor, number>;
}

/** What is in memory already: variables, and what a loop has left of the step before. */
const isLeaf = (x: Tensor) => isVariable(x) || isDelay(x);

const size = (x: Tensor) => sizeOf(x.type.shape);
const readsOf = (y: Tensor): readonly number[] => y.op.reads?.(y) ?? y.inputs.map(() => size(y));
const isReduction = (y: Tensor) => readsOf(y).some((n) => n > size(y));

function factsOf(order: readonly Tensor[]): Facts {
  const users = new Map<Tensor, { user: Tensor; input: number }[]>();
  const costs = new Map<Tensor, number>();
  for (const y of order) {
    const reads = readsOf(y);
    let cost = isLeaf(y) ? 0 : (y.op.work?.(y) ?? 1);
    for (const [input, x] of y.inputs.entries()) {
      const own = users.get(x);
      if (own) own.push({ user: y, input });
      else users.set(x, [{ user: y, input }]);
      if (!isLeaf(y))
        cost += ((isReduction(x) ? loadCost : costs.get(x)!) * reads[input]!) / size(y);
    }
    costs.set(y, cost);
  }
  return { users, cost: costs };
}

function useOf(x: Tensor, facts: Facts, uses: ReadonlyMap<Tensor, Use>): Use {
  let reads = 0;
  let nested = false;
  let regrouped = false;
  let streamed = false;
  let padded = false;
  const users = facts.users.get(x) ?? [];
  let divided = users.length > 1;
  for (const { user, input } of users) {
    const outer = uses.get(user)!;
    const own = readsOf(user)[input]! * outer.reuse;
    reads += own;
    streamed ||= outer.streamed || (user.op.streams === true && own >= worthStreaming * size(x));
    padded ||= user.op.pads?.(user)[input] === true || (isMoved(user) && outer.padded);
    nested ||= isReduction(user) || outer.nested;
    regrouped ||= regroups(user) || (isMoved(user) && outer.regrouped);
    divided ||= outer.divided;
  }
  return { reuse: reads / size(x), nested, regrouped, streamed, padded, divided };
}

/** Whether it is as well to write the tensor it is made of, which others read too. A product wants its own dimensions. */
const isAnothers = (x: Tensor, { padded }: Use, { users }: Facts): boolean =>
  x.op.keepsOrder === true &&
  !padded &&
  (users.get(x.inputs[0]!) ?? []).length > 1 &&
  !(users.get(x) ?? []).some(({ user }) => user.op.streams);

/** Whether a tensor is another with its dimensions split or joined: then no loop runs along those of both. */
function regroups(y: Tensor): boolean {
  const [x] = y.inputs;
  if (!x || !isMoved(y) || size(x) !== size(y)) return false;
  const extents = (t: Tensor) =>
    t.type.shape
      .filter((n) => n > 1)
      .sort((a, b) => a - b)
      .join();
  return extents(x) !== extents(y);
}

function pays(x: Tensor, use: Use, cost: number): boolean {
  const { reuse, nested, regrouped, streamed, padded, divided } = use;
  // The loops of a reduction must be those of its own dimensions to be any good, and one is better than several.
  if (isReduction(x)) return reuse > 1 || nested || regrouped || divided;
  if (padded && !x.op.lowerPadded) return true;
  if (x.op.repeats) return false;
  if (streamed && !isMoved(x)) return true;
  // Windows over a tensor are larger than the tensor: that is what is written, if anything.
  if (isMoved(x) && x.inputs.some((i) => size(i) < size(x))) return false;
  return cost * reuse > cost + storeCost + loadCost * reuse;
}

/** Whether its elements are others' as they are: then those are as good to read. */
const isMoved = (x: Tensor) =>
  x.op.work?.(x) === 0 && x.inputs.every((i) => i.type.dtype === x.type.dtype);

/** A kernel holds one product at most: only so can a backend compute it as such. */
function separateProducts(order: readonly Tensor[], chosen: Set<Tensor>): void {
  const inside = new Map<Tensor, ReadonlySet<Tensor>>();
  const none = new Set<Tensor>();
  for (const y of order) {
    const found = new Set<Tensor>(y.op.streams ? [y] : []);
    for (const x of y.inputs) for (const p of chosen.has(x) ? none : inside.get(x)!) found.add(p);
    if (found.size > 1) for (const p of [...found].slice(0, -1)) chosen.add(p);
    inside.set(y, new Set([...found].filter((p) => !chosen.has(p))));
  }
}

/** Materialises inputs of kernels that would read too many buffers, the one with most buffers first. */
function limitInputs(order: readonly Tensor[], chosen: Set<Tensor>, maxInputs: number): void {
  if (maxInputs === Number.POSITIVE_INFINITY) return;
  const buffers = new Map<Tensor, ReadonlySet<Tensor>>();
  const seen = (x: Tensor): ReadonlySet<Tensor> =>
    chosen.has(x) || isLeaf(x) ? new Set([x]) : buffers.get(x)!;
  for (const y of order) {
    const union = () => new Set(y.inputs.flatMap((x) => [...seen(x)]));
    while (union().size > maxInputs) {
      const widest = [...y.inputs].sort((a, b) => seen(b).size - seen(a).size)[0]!;
      if (seen(widest).size <= 1) break;
      chosen.add(widest);
    }
    buffers.set(y, union());
  }
}
