/**
 * Tensors, ops and graphs. A tensor is a node: the op that makes it, its inputs, its attributes. Shapes
 * are static. A graph is a set of variables with their next values: training, evaluation and prediction
 * are all "what the state becomes after one step". Time inside a step is a dimension like others, and a delay
 * along it may close a circle: then it is a loop (`loops.ts`).
 */
import { invariant } from "../support/errors.ts";
import type { Access, DType, Expr } from "./expr.ts";
import { ordered } from "./order.ts";

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
  /** Of a view: the same where an index may lie outside and the element is zero then, as a padded load, if it is one. */
  lowerPadded?(inputs: readonly Access[], at: readonly Expr[], y: Tensor<A>): Expr | undefined;
  /** Vector-Jacobian product: the cotangent of each input, given that of the result. */
  grad?(dy: Tensor, y: Tensor<A>): readonly (Tensor | undefined)[];
  /** How often all elements of each input together are read; by default once an output element. */
  reads?(y: Tensor<A>): readonly number[];
  /** Which inputs it reads outside too, where they are zero: in memory there can be zeros. */
  pads?(y: Tensor<A>): readonly boolean[];
  /** Multiply-adds of the whole result, none for what is zero as it lies outside; absent: none at all. */
  multiplyAdds?(y: Tensor<A>): number;
  /** Arithmetic operations an output element costs, beside its inputs. 0: the op only moves data. */
  work?(y: Tensor<A>): number;
  /** Its elements are its input's, each several times: reading the input is as good. */
  readonly repeats?: boolean;
  /** Its elements are its input's in their order: it is as well to write the one or the other. */
  readonly keepsOrder?: boolean;
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

/**
 * What a delay is late by one: tied once its value exists, as that depends on the delay itself. Tensors and
 * graphs are immutable but for this one knot.
 */
export class Knot {
  static #count = 0;
  readonly #id = Knot.#count++;
  #value: Tensor | undefined;
  get value(): Tensor {
    invariant(this.#value, "a delay without a value");
    return this.#value;
  }
  tie(value: Tensor): void {
    invariant(!this.#value, "a delay with two values");
    this.#value = value;
  }
  /** For texts, where no two knots are alike. */
  toJSON(): number {
    return this.#id;
  }
}

/** Steps go up, or down if `reverse`: what came before step t is then step t + 1. */
export interface DelayAttrs {
  readonly steps: number;
  readonly reverse: boolean;
  readonly knot: Knot;
}

const delayOp: Op<DelayAttrs> = {
  name: "delay",
  infer: ([initial], { steps }) => ({ ...initial!, shape: [steps, ...initial!.shape] }),
  reads: ({ inputs }) => inputs.map((x) => sizeOf(x.type.shape)),
  work: () => 0,
};

/**
 * What the knot's value, [steps, …], was one step before; `initial`, […], where there is none. Its value has to
 * be tied before the graph is complete.
 */
export const delay = (initial: Tensor, attrs: DelayAttrs): Tensor<DelayAttrs> =>
  makeTensor(delayOp, [initial], attrs, currentScope);

export const isDelay = (x: Tensor): x is Tensor<DelayAttrs> => x.op === (delayOp as Op);

/** Replaces tensors by others throughout a graph, whose delays get knots of their own. */
export class Retied {
  readonly #delays: Tensor<DelayAttrs>[] = [];
  readonly #fresh = new Map<Tensor, Knot>();

  /** The same op over other inputs. */
  over(y: Tensor, inputs: readonly Tensor[]): Tensor {
    if (!isDelay(y)) return withInputs(y, inputs);
    const knot = new Knot();
    this.#delays.push(y);
    this.#fresh.set(y, knot);
    return makeTensor(y.op, inputs, { ...y.attrs, knot }, y.scope);
  }
  /** After everything was replaced: ties what delays have become to what their values have. */
  tie(image: (x: Tensor) => Tensor): void {
    for (const y of this.#delays) this.#fresh.get(y)!.tie(image(y.attrs.knot.value));
  }
}

/** Every tensor the given ones depend on, inputs before users; what delays delay, anywhere. */
export function topologicalOrder(roots: readonly Tensor[]): readonly Tensor[] {
  const all = [...roots];
  for (;;) {
    const order = ordered(all, (x) => x.inputs);
    const known = new Set(order);
    const values = order.filter(isDelay).map((d) => d.attrs.knot.value);
    const missing = values.filter((v) => !known.has(v));
    if (missing.length === 0) return order;
    all.push(...missing);
  }
}

export const graphTensors = (graph: Graph): readonly Tensor[] =>
  topologicalOrder(graph.updates.flatMap((u) => [u.variable, u.value]));

/**
 * Rebuilds a graph with every tensor replaced.
 * @param rewrite of a tensor over rewritten inputs, and of what it was
 */
export function mapGraph(graph: Graph, rewrite: (y: Tensor, was: Tensor) => Tensor): Graph {
  const images = new Map<Tensor, Tensor>();
  const image = (x: Tensor) => images.get(x)!;
  const retied = new Retied();
  for (const y of graphTensors(graph)) {
    const own = retied.over(y, y.inputs.map(image));
    images.set(y, isDelay(own) ? own : rewrite(own, y));
  }
  retied.tie(image);
  return {
    name: graph.name,
    updates: graph.updates.map(({ variable, value }) => ({ variable, value: image(value) })),
  };
}
