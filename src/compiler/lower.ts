/**
 * From tensors to kernels: every materialised tensor becomes one kernel, whose body holds the expressions
 * of all tensors that were not. Index expressions come out in normal form.
 */
import {
  type Access,
  type Axis,
  type Compute,
  call,
  type Expr,
  index,
  int,
  type Loop,
  load,
  type TensorBuffer,
} from "../ir/expr.ts";
import {
  type Graph,
  graphTensors,
  isVariable,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
} from "../ir/graph.ts";
import { IndexAlgebra, rangeOf } from "../ir/index-algebra.ts";
import { type GraphLoop, isLoop, sectionsOf } from "../ir/loops.ts";
import { Numbering } from "../ir/numbering.ts";
import type { Procedure, Variable } from "../ir/program.ts";
import { internal } from "../support/errors.ts";
import { writeForLoops } from "./in-step.ts";
import { keepSteps } from "./steps.ts";

export type Lowered = Pick<Procedure, "name" | "kernels" | "updates" | "flops" | Products>;
type Products = "multiplyAdds" | "multiplyAddsDone";

const axisNames = ["i", "j", "k", "l", "m", "n"];
const axesOf = (shape: readonly number[]): readonly Axis[] =>
  shape.map((extent, d) => ({ name: axisNames[d] ?? `i${d}`, extent }));

/** Where a tensor's elements lie: from this row of a buffer on. */
interface Place {
  readonly buffer: TensorBuffer;
  readonly first: number;
}
type Places = Map<Tensor, Place>;

/** @param choice the tensors to write to memory; what loops need there besides is added */
export function lower(graph: Graph, choice: ReadonlySet<Tensor>, variables: Variables): Lowered {
  const sections = sectionsOf(graph);
  const chosen = new Set(choice);
  writeForLoops(sections, chosen);
  const places: Places = new Map();
  const kernels: (Compute | Loop)[] = [];
  const names = new UniqueNames();
  const emit = (x: Tensor, name: string): TensorBuffer => {
    const output: TensorBuffer = { ...x.type, name: names.take(name) };
    const axes = axesOf(output.shape);
    const body = new Lowering(places).element(x, axes.map(index));
    kernels.push({ name: output.name, output, axes, body });
    return output;
  };
  for (const section of sections) {
    if (isLoop(section)) {
      kernels.push(...lowerLoop(section, chosen, places, (x) => names.take(kernelName(x, graph))));
    } else if (isVariable(section)) {
      places.set(section, { buffer: variables.get(section), first: 0 });
    } else if (chosen.has(section)) {
      places.set(section, { buffer: emit(section, kernelName(section, graph)), first: 0 });
    }
  }
  const taken = new Set<Tensor>();
  const inLoops = new Set(sections.filter(isLoop).flatMap((loop) => loop.tensors));
  const updates = graph.updates.map(({ variable, value }) => {
    // A variable that takes another's value, or two that take one, need a copy to be independent.
    const isShared = isVariable(value) || taken.has(value) || inLoops.has(value);
    taken.add(value);
    const own = `${variable.attrs.name}.next`;
    const next = isShared ? emit(value, own) : places.get(value)!.buffer;
    return { variable: variables.get(variable), next };
  });
  return keepSteps({ name: graph.name, kernels, updates, ...workOf(graph) });
}

/** What a graph's tensors cost, all together. */
export function workOf(graph: Graph): Pick<Procedure, "flops" | Products> {
  const total = (count: (x: Tensor) => number) =>
    graphTensors(graph).reduce((n, x) => n + count(x), 0);
  const multiplyAdds = total((x) => x.op.multiplyAdds?.(x) ?? 0);
  return { flops: total(flopsOf), multiplyAdds, multiplyAddsDone: multiplyAdds };
}

/**
 * A loop's kernels write a row each time. What is delayed lies in an array of one row more, where the state before
 * the first step comes first, or last if time runs down: before it and after it are then the same array.
 */
function lowerLoop(
  { steps, reverse, tensors, delays }: GraphLoop,
  chosen: ReadonlySet<Tensor>,
  places: Places,
  nameOf: (x: Tensor) => string,
): readonly (Compute | Loop)[] {
  const axis: Axis = { name: "t", extent: steps };
  const begin = delays.map((d): Compute => {
    const value = d.attrs.knot.value;
    const [, ...rest] = value.type.shape;
    const name = nameOf(value);
    const output: TensorBuffer = { name, shape: [steps + 1, ...rest], dtype: value.type.dtype };
    places.set(d, { buffer: output, first: reverse ? 1 : 0 });
    places.set(value, { buffer: output, first: reverse ? 0 : 1 });
    const axes = axesOf(rest);
    const body = new Lowering(places).element(d.inputs[0]!, axes.map(index));
    return { name: `${name}.initial`, output, row: int(reverse ? steps : 0), axes, body };
  });
  const kernels = tensors
    .filter((x) => chosen.has(x))
    .map((x): Compute => {
      const axes = axesOf(x.type.shape.slice(1));
      const body = new Lowering(places).computed(x, [index(axis), ...axes.map(index)]);
      const own = places.get(x) ?? { buffer: { ...x.type, name: nameOf(x) }, first: 0 };
      places.set(x, own);
      const row = own.first === 0 ? index(axis) : call("add", index(axis), int(own.first));
      return { name: own.buffer.name, output: own.buffer, row, axes, body };
    });
  const name = `${tensors.at(-1)!.scope}.loop`;
  return [...begin, { name, axis, reverse, kernels }];
}

const flopsOf = (x: Tensor) => (isVariable(x) ? 0 : (x.op.work?.(x) ?? 1) * sizeOf(x.type.shape));

function kernelName(x: Tensor, graph: Graph): string {
  const update = graph.updates.find((u) => u.value === x);
  return update ? `${update.variable.attrs.name}.next` : `${x.scope || graph.name}.${x.op.name}`;
}

/** The variables of all graphs of a program, one buffer a name. */
export class Variables {
  readonly #byName: Map<string, Variable>;
  constructor(known: readonly Variable[] = []) {
    this.#byName = new Map(known.map((v) => [v.name, v]));
  }
  get(x: Tensor): Variable {
    if (!isVariable(x)) throw internal(`${x.op.name} is no variable`);
    const { name, shape, dtype, kind, constant } = x.attrs;
    const known = this.#byName.get(name);
    if (known) {
      const same = known.shape.join() === shape.join() && known.dtype === dtype;
      if (!same) throw internal(`variable ${name} is [${known.shape}] here and [${shape}] there`);
      return known;
    }
    const made: Variable = { name, shape, dtype, kind, constant };
    this.#byName.set(name, made);
    return made;
  }
  all(): readonly Variable[] {
    return [...this.#byName.values()];
  }
}

class UniqueNames {
  readonly #count = new Map<string, number>();
  take(name: string): string {
    const n = this.#count.get(name) ?? 0;
    this.#count.set(name, n + 1);
    return n === 0 ? name : this.take(`${name}${n + 1}`);
  }
}

/** Builds one kernel's body; the same element of a tensor is always the same expression. */
class Lowering {
  readonly #places: ReadonlyMap<Tensor, Place>;
  readonly #numbering = new Numbering();
  readonly #algebra = new IndexAlgebra(this.#numbering);
  readonly #known = new Map<Tensor, Map<string, Expr>>();
  constructor(places: ReadonlyMap<Tensor, Place>) {
    this.#places = places;
  }

  element(x: Tensor, indices: readonly Expr[]): Expr {
    const at = indices.map((i) => this.#algebra.simplify(i));
    const key = at.map((i) => this.#numbering.of(i)).join();
    const known = this.#known.get(x) ?? new Map<string, Expr>();
    this.#known.set(x, known);
    const found = known.get(key);
    if (found) return found;
    const e = this.#make(x, at);
    known.set(key, e);
    return e;
  }

  #make(x: Tensor, at: readonly Expr[]): Expr {
    const place = this.#places.get(x);
    return place ? this.#load(place, at) : this.computed(x, at);
  }

  /** An element as it is computed, wherever it may lie. */
  computed(x: Tensor, at: readonly Expr[]): Expr {
    if (!x.op.lower) throw internal(`op ${x.op.name} cannot be lowered`);
    return x.op.lower(
      x.inputs.map((input) => this.#access(input)),
      at,
      x,
    );
  }

  #access(x: Tensor): Access {
    const read = (at: readonly Expr[]) => this.element(x, at);
    const place = this.#places.get(x);
    if (place) return Object.assign(read, { padded: this.#padded(place, x.type.shape) });
    if (!x.op.lowerPadded) return read;
    const inputs = x.inputs.map((input) => this.#access(input));
    return Object.assign(read, {
      padded: (at: readonly Expr[]) => x.op.lowerPadded!(inputs, at, x),
    });
  }

  /** Reads with zeros around them; around a tensor of some rows of a buffer there are others, no zeros. */
  #padded({ buffer, first }: Place, shape: Shape): NonNullable<Access["padded"]> {
    const isWhole = sameShape(buffer.shape, shape);
    const isRows = sameShape(buffer.shape.slice(1), shape.slice(1));
    return (at) => {
      const [row, ...rest] = at.map((e) => this.#algebra.simplify(e));
      const staysInside = row && rangeOf(row)[0] >= 0 && rangeOf(row)[1] < shape[0]!;
      if (!isWhole && !(isRows && staysInside)) return undefined;
      const own = first === 0 || !row ? row : this.#algebra.simplify(call("add", row, int(first)));
      return { kind: "load", buffer, at: own ? [own, ...rest] : rest, padded: true };
    };
  }

  #load({ buffer, first }: Place, at: readonly Expr[]): Expr {
    if (first === 0) return load(buffer, at);
    const [row, ...rest] = at;
    return load(buffer, [this.#algebra.simplify(call("add", row!, int(first))), ...rest]);
  }
}
