/**
 * From tensors to kernels: every materialised tensor becomes one kernel, whose body holds the expressions
 * of all tensors that were not. Index expressions come out in normal form.
 */
import {
  type Access,
  type Axis,
  type Compute,
  type Expr,
  index,
  load,
  type TensorBuffer,
} from "../ir/expr.ts";
import { type Graph, graphTensors, isVariable, sizeOf, type Tensor } from "../ir/graph.ts";
import { IndexAlgebra } from "../ir/index-algebra.ts";
import { Numbering } from "../ir/numbering.ts";
import type { Procedure, Variable } from "../ir/program.ts";
import { internal } from "../support/errors.ts";

export type Lowered = Pick<Procedure, "name" | "kernels" | "updates" | "flops" | "multiplyAdds">;

const axisNames = ["i", "j", "k", "l", "m", "n"];
const axesOf = (shape: readonly number[]): readonly Axis[] =>
  shape.map((extent, d) => ({ name: axisNames[d] ?? `i${d}`, extent }));

export function lower(graph: Graph, chosen: ReadonlySet<Tensor>, variables: Variables): Lowered {
  const buffers = new Map<Tensor, TensorBuffer>();
  const kernels: Compute[] = [];
  const names = new UniqueNames();
  const emit = (x: Tensor, name: string): TensorBuffer => {
    const { shape, dtype } = x.type;
    const output: TensorBuffer = { name: names.take(name), shape, dtype };
    const axes = axesOf(shape);
    const body = new Lowering(buffers).element(x, axes.map(index));
    kernels.push({ name: output.name, output, axes, body });
    return output;
  };
  const copy = (source: TensorBuffer, name: string): TensorBuffer => {
    const { shape, dtype } = source;
    const output: TensorBuffer = { name: names.take(name), shape, dtype };
    const axes = axesOf(shape);
    kernels.push({ name: output.name, output, axes, body: load(source, axes.map(index)) });
    return output;
  };
  for (const x of graphTensors(graph)) {
    if (isVariable(x)) buffers.set(x, variables.get(x));
    else if (chosen.has(x)) buffers.set(x, emit(x, kernelName(x, graph)));
  }
  const taken = new Set<Tensor>();
  const updates = graph.updates.map(({ variable, value }) => {
    // A variable that takes another's value, or two that take one, need a copy to be independent.
    const isShared = isVariable(value) || taken.has(value);
    taken.add(value);
    const own = `${variable.attrs.name}.next`;
    const next = isShared ? copy(buffers.get(value)!, own) : buffers.get(value)!;
    return { variable: variables.get(variable), next };
  });
  const total = (count: (x: Tensor) => number) =>
    graphTensors(graph).reduce((n, x) => n + count(x), 0);
  const flops = total(flopsOf);
  const multiplyAdds = total((x) => x.op.multiplyAdds?.(x) ?? 0);
  return { name: graph.name, kernels, updates, flops, multiplyAdds };
}

const flopsOf = (x: Tensor) => (isVariable(x) ? 0 : (x.op.work?.(x) ?? 1) * sizeOf(x.type.shape));

function kernelName(x: Tensor, graph: Graph): string {
  const update = graph.updates.find((u) => u.value === x);
  return update ? `${update.variable.attrs.name}.next` : `${x.scope || graph.name}.${x.op.name}`;
}

/** The variables of all graphs of a program, one buffer a name. */
export class Variables {
  readonly #byName = new Map<string, Variable>();
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
  readonly #buffers: ReadonlyMap<Tensor, TensorBuffer>;
  readonly #numbering = new Numbering();
  readonly #algebra = new IndexAlgebra(this.#numbering);
  readonly #known = new Map<Tensor, Map<string, Expr>>();
  constructor(buffers: ReadonlyMap<Tensor, TensorBuffer>) {
    this.#buffers = buffers;
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
    const buffer = this.#buffers.get(x);
    if (buffer) return load(buffer, at);
    if (!x.op.lower) throw internal(`op ${x.op.name} cannot be lowered`);
    const inputs = x.inputs.map((input): Access => {
      const read = (i: readonly Expr[]) => this.element(input, i);
      const buffer = this.#buffers.get(input);
      if (!buffer) return read;
      const padded = (i: readonly Expr[]): Expr => ({
        kind: "load",
        buffer,
        at: i.map((e) => this.#algebra.simplify(e)),
        padded: true,
      });
      return Object.assign(read, { padded });
    });
    return x.op.lower(inputs, at, x);
  }
}
