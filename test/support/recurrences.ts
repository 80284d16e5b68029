/** Random recurrent networks and a training step of each, in shapes that have vectors, tails and ranges. */
import { gradients } from "../../src/compiler/autodiff.ts";
import { sizeOf, type Tensor, type Update, variable } from "../../src/ir/graph.ts";
import { sum } from "../../src/ops/broadcast.ts";
import { einsum } from "../../src/ops/contract.ts";
import { convolve } from "../../src/ops/convolve.ts";
import { scan } from "../../src/ops/loop.ts";
import * as p from "../../src/ops/pointwise.ts";
import { fill, flip, slice, transpose } from "../../src/ops/view.ts";
import type { Contractions } from "./contractions.ts";
import { random } from "./evaluate.ts";

export interface Shape {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly units: number;
}
interface Network extends Shape {
  readonly name: string;
  readonly gated: boolean;
  /** Places of a step, with convolutions over three of them in place of products; none: 0. */
  readonly places: number;
  readonly reverse: boolean;
  /** What the loss looks at: all steps, the last, or all in reverse order. */
  readonly sees: "all" | "last" | "flipped";
}

/** One step of gradient descent on Σ h² for a network's weights, from given states. */
function step(net: Network): { updates: readonly Update[]; feed: readonly Tensor[] } {
  const { name, steps, batch, inputs, units, gated, places, reverse, sees } = net;
  const wide = places > 0 ? [places] : [];
  const slide = { size: 3, stride: 1, dilation: 1, before: 1, out: places };
  const times = (y: Tensor, weight: Tensor) =>
    places > 0 ? convolve(y, weight, [slide]) : einsum("tbk,kn->tbn", y, weight);
  const window = places > 0 ? [3] : [];
  const gates = gated ? 4 * units : units;
  const of = (what: string, shape: readonly number[]) =>
    variable({ name: `${name}/${what}`, shape });
  const x = of("x", [batch, steps, ...wide, inputs]);
  const start = of("start", [batch, ...wide, units]);
  const weights = [
    of("w", [...window, inputs, gates]),
    of("r", [...window, units, gates]),
    of("b", [gates]),
  ] as const;
  const [w, r, b] = weights;
  const inTime = transpose(x, [1, 0, 2, 3].slice(0, x.type.shape.length));
  const z = p.add(places > 0 ? times(inTime, w) : einsum("btk,kn->tbn", x, w), b);
  const from = (first: number, column: number) => [first, 0, ...wide.map(() => 0), column];
  const part = (t: Tensor, k: number) =>
    slice(t, from(0, k * units), [steps, batch, ...wide, units]);
  const simple = ([h]: readonly Tensor[]) => [p.tanh(p.add(z, times(h!, r)))];
  const lstm = ([h, c]: readonly Tensor[]) => {
    const all = p.add(z, times(h!, r));
    const [i, f, o] = [0, 1, 3].map((k) => p.sigmoid(part(all, k)));
    const next = p.add(p.mul(f!, c!), p.mul(i!, p.tanh(part(all, 2))));
    return [p.mul(o!, p.tanh(next)), next];
  };
  const initial = gated ? [start, fill(0, [batch, ...wide, units])] : [start];
  const [h] = scan(initial, gated ? lstm : simple, { steps, reverse });
  const last = () => slice(h!, from(reverse ? 0 : steps - 1, 0), [1, batch, ...wide, units]);
  const seen = sees === "all" ? h! : sees === "last" ? last() : flip(h!, 0);
  const scale = fill(1 / sizeOf(seen.type.shape), []);
  const loss = p.mul(sum(p.mul(seen, seen), undefined, false), scale);
  const trained = [...weights, start, x];
  const slopes = gradients(loss, trained);
  const updates = trained.map((variable, i) => ({
    variable,
    value: p.sub(variable, slopes[i]!),
  }));
  const out = variable({ name: `${name}/loss`, shape: [] });
  return { updates: [...updates, { variable: out, value: loss }], feed: trained };
}

/** Several networks as one graph. */
export function drawRecurrences(seed: number, count: number): Contractions {
  const [r, places] = [random(seed), random(seed + 1000)];
  const networks = Array.from(
    { length: count },
    (_, i): Network => ({
      name: `n${i}`,
      steps: r.int(1, 6),
      batch: r.pick([1, 2, 7, 13, 20]),
      inputs: r.int(1, 20),
      units: r.pick([1, 3, 8, 16, 19, 32, 40]),
      gated: r.uniform() < 0.6,
      places: places.pick([0, 0, 0, 4]),
      reverse: r.uniform() < 0.4,
      sees: r.pick(["all", "last", "flipped"]),
    }),
  );
  return graphOf(networks, r);
}

/** One network as a graph. */
export const recurrence = (shape: Shape): Contractions =>
  graphOf(
    [{ ...shape, name: "lstm", gated: true, places: 0, reverse: false, sees: "last" }],
    random(1),
  );

function graphOf(networks: readonly Network[], r: ReturnType<typeof random>): Contractions {
  const parts = networks.map((net) => ({ net, ...step(net) }));
  const updates = parts.flatMap((part) => part.updates);
  const start = new Map(
    parts.flatMap(({ feed }) =>
      feed.map((x) => [nameOf(x), r.array(sizeOf(x.type.shape), -0.6, 0.6)] as const),
    ),
  );
  const results = new Map(
    parts.flatMap(({ net, updates }) =>
      updates.map((u) => [u.variable.attrs.name, JSON.stringify(net)] as const),
    ),
  );
  return { graph: { name: "test", updates }, start, results };
}

const nameOf = (x: Tensor) => (x.attrs as { readonly name: string }).name;
