/**
 * Tensors, ops and graphs. A tensor is a node: the op that makes it, its inputs, its attributes. Shapes
 * are static. A graph is a set of variables with their next values: training, evaluation and prediction
 * are all "what the state becomes after one step".
 */
import { invariant } from "../support/errors.ts";
import type { Access, DType, Expr } from "./expr.ts";

export type Shape = readonly number[];
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** An operation on whole tensors, complete in one object. */
export interface Op<A = unknown> {
  readonly name: string;
  /** Type of the result; throws `internal:` for inputs that do not fit. */
  infer(inputs: readonly TensorType[], attrs: A): TensorType;
  /** The element at `at` of the result. Ops without it are leaves. */
  lower?(inputs: readonly Access[], at: readonly Expr[], y: Tensor<A>): Expr;
  /** Vector-Jacobian product: the cotangent of each input, given that of the result. */
  grad?(dy: Tensor, y: Tensor<A>): readonly (Tensor | undefined)[];
  /** How often all elements of each input together are read; by default once an output element. */
  reads?(y: Tensor<A>): readonly number[];
  /** Multiply-adds of the whole result, none for what is zero as it lies outside; absent: none at all. */
  multiplyAdds?(y: Tensor<A>): number;
  /** Arithmetic operations an output element costs, beside its inputs. 0: the op only moves data. */
  work?(y: Tensor<A>): number;
  /** It is as fast as it can be only if its inputs lie in memory as floats. */
  readonly streams?: boolean;
  /** The last bit of its inputs decides its result: see `writeCompared` in the fusion pass. */
  readonly exact?: boolean;
  /** An equal, simpler tensor, if there is one. */
  simplify?(y: Tensor<A>): Tensor | undefined;
  /** Its result as scale·core + shift, from those of its inputs, if that says more than `core: y`. */
  scaleShift?(inputs: readonly ScaleShift[], y: Tensor<A>): ScaleShift | undefined;
  /** y·scale without a multiplication of its own, by scaling an input that never changes. */
  absorb?(y: Tensor<A>, scale: Tensor, folding: Folding): Tensor | undefined;
}

/**
 * A tensor as scale·core + shift, where scale and shift never change from step to step. They have the rank of
 * the core and repeat along dimensions of extent 1. Absent, scale is 1 and shift 0; without a core the tensor
 * is its shift and never changes.
 */
export interface ScaleShift {
  readonly core?: Tensor;
  readonly scale?: Tensor | undefined;
  readonly shift?: Tensor | undefined;
}
/** What an op may ask when it absorbs a factor. */
export interface Folding {
  readonly isInvariant: (x: Tensor) => boolean;
  /** x·scale absorbed further down, if x has no other user and its op knows how. */
  readonly absorb: (x: Tensor, scale: Tensor) => Tensor | undefined;
}

export interface Tensor<A = unknown> {
  readonly op: Op<A>;
  readonly inputs: readonly Tensor[];
  readonly attrs: A;
  readonly type: TensorType;
  /** The part of the model it belongs to (`dense_1`, `dense_1/grad`), for names and messages. */
  readonly scope: string;
}

/** One variable and what it becomes after a step. All updates happen at once, from the old values. */
export interface Update {
  readonly variable: Tensor<VariableAttrs>;
  readonly value: Tensor;
}
export interface Graph {
  readonly name: string;
  readonly updates: readonly Update[];
}

let currentScope = "";

/** Tensors made inside `build` carry this scope. */
export function scoped<T>(scope: string, build: () => T): T {
  const outer = currentScope;
  currentScope = scope;
  try {
    return build();
  } finally {
    currentScope = outer;
  }
}

/** Makes an op's constructor from its definition. */
export function defineOp<A>(op: Op<A>): (inputs: readonly Tensor[], attrs: A) => Tensor<A> {
  return (inputs, attrs) => makeTensor(op, inputs, attrs, currentScope);
}

export function makeTensor<A>(
  op: Op<A>,
  inputs: readonly Tensor[],
  attrs: A,
  scope: string,
): Tensor<A> {
  const type = op.infer(
    inputs.map((x) => x.type),
    attrs,
  );
  return Object.freeze({ op, inputs, attrs, type, scope });
}

/** The same op and attributes over other inputs. */
export const withInputs = (y: Tensor, inputs: readonly Tensor[]): Tensor =>
  inputs.every((x, i) => x === y.inputs[i]) ? y : makeTensor(y.op, inputs, y.attrs, y.scope);

/**
 * `data` is written from outside and never changed by a step; with `constant` it is also written only
 * once, before the first step. `state` is what steps change: parameters, slots, counters, metrics.
 */
export interface VariableAttrs {
  readonly name: string;
  readonly kind: "data" | "state";
  readonly constant: boolean;
  readonly shape: Shape;
  readonly dtype: DType;
}

const variableOp: Op<VariableAttrs> = {
  name: "variable",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
};

/** A named array that lives outside the step. Graphs that use the same name share it. */
export function variable(attrs: {
  name: string;
  shape: Shape;
  kind?: "data" | "state";
  constant?: boolean;
  dtype?: DType;
}): Tensor<VariableAttrs> {
  const { name, shape, kind = "state", constant = false, dtype = "f32" } = attrs;
  return makeTensor(variableOp, [], { name, kind, constant, shape, dtype }, name);
}

export const isVariable = (x: Tensor): x is Tensor<VariableAttrs> => x.op === (variableOp as Op);

export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);
export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** Every tensor the given ones depend on, inputs before users; without recursion, graphs are deep. */
export function topologicalOrder(roots: readonly Tensor[]): readonly Tensor[] {
  const order: Tensor[] = [];
  const state = new Map<Tensor, "open" | "done">();
  const stack = [...roots].reverse();
  while (stack.length > 0) {
    const x = stack.at(-1)!;
    if (state.has(x)) {
      stack.pop();
      if (state.get(x) === "open") {
        state.set(x, "done");
        order.push(x);
      }
      continue;
    }
    state.set(x, "open");
    for (const input of [...x.inputs].reverse()) {
      invariant(state.get(input) !== "open", () => `cycle through ${input.op.name}`);
      if (!state.has(input)) stack.push(input);
    }
  }
  return order;
}

export const graphTensors = (graph: Graph): readonly Tensor[] =>
  topologicalOrder(graph.updates.flatMap((u) => [u.variable, u.value]));

/** Rebuilds a graph with every tensor replaced by `rewrite(tensor over rewritten inputs)`. */
export function mapGraph(graph: Graph, rewrite: (y: Tensor) => Tensor): Graph {
  const image = new Map<Tensor, Tensor>();
  for (const y of graphTensors(graph)) {
    image.set(
      y,
      rewrite(
        withInputs(
          y,
          y.inputs.map((x) => image.get(x)!),
        ),
      ),
    );
  }
  return {
    name: graph.name,
    updates: graph.updates.map(({ variable, value }) => ({ variable, value: image.get(value)! })),
  };
}
