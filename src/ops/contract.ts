/**
 * Contraction: out[o…] = Σ Π operandₖ[mapₖ(axes)], every index an affine function of the axes, and a read
 * outside an operand zero. Matrix products, tensor products, convolutions with strides, dilation, padding
 * and groups, and the gradients of all of these are values of this one op: the gradient with respect to an
 * operand is again a contraction, in which that operand and the output have changed places.
 */
import { type Axis, call, type Expr, index, int, reduce } from "../ir/expr.ts";
import {
  defineOp,
  type Folding,
  type Op,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorType,
} from "../ir/graph.ts";
import { rangeOf, readOrZero } from "../ir/index-algebra.ts";
import { internal, invariant } from "../support/errors.ts";
import {
  type Affine,
  affine,
  axisIndex,
  type ContractAttrs,
  compact,
  substitute,
} from "./affine.ts";
import { mul } from "./pointwise.ts";
import { countTerms, mayMiss, splitDivisors, sumOverIndices } from "./residues.ts";
import { fill, fillValue, reshape, slice, transpose } from "./view.ts";

const contractOp: Op<ContractAttrs> = {
  name: "contract",
  streams: true,
  infer: checkedType,
  lower(inputs, at, { attrs, inputs: operands }) {
    const fresh = attrs.axes.map((a): Axis => ({ name: a.name, extent: a.extent }));
    const where = fresh.map((a, i) =>
      attrs.out.includes(i) ? at[attrs.out.indexOf(i)]! : index(a),
    );
    const factors = attrs.maps.map((map, k) =>
      read(inputs[k]!, map, operands[k]!.type.shape, where),
    );
    const summed = fresh.filter((_, i) => !attrs.out.includes(i));
    return reduce(
      "sum",
      summed,
      factors.reduce((a, b) => call("mul", a, b)),
    );
  },
  grad: (dy, y) => y.inputs.map((_, k) => gradient(dy, y, k)),
  // One factor less than operands: of a plain sum none. What is read outside an operand is zero and not counted.
  multiplyAdds: (y) => termsOf(y) * (y.inputs.length - 1),
  reads: (y) => y.inputs.map(() => sizeOf(y.attrs.axes.map((a) => a.extent))),
  pads: ({ attrs: { axes, maps }, inputs }) =>
    maps.map((map, k) => map.some((e, d) => mayMiss(e, axes, inputs[k]!.type.shape[d]!))),
  work: (y) => (2 * termsOf(y)) / sizeOf(y.type.shape),
  simplify: (y) =>
    y.inputs.some((x) => fillValue(x) === 0) ? fill(0, y.type.shape) : withoutDivisors(y),
  absorb,
};
const shapesOf = (y: Tensor) => y.inputs.map((x) => x.type.shape);
/** Several passes ask for it, and it takes a while to count. */
const counted = new WeakMap<Tensor, number>();
function termsOf(y: Tensor<ContractAttrs>): number {
  const terms = counted.get(y) ?? countTerms(y.attrs, shapesOf(y));
  counted.set(y, terms);
  return terms;
}
const apply = defineOp(contractOp);
/** The tensor as a contraction, if it is one. */
export const asContraction = (y: Tensor): Tensor<ContractAttrs> | undefined =>
  y.op === (contractOp as Op) ? (y as Tensor<ContractAttrs>) : undefined;
export const contract = (operands: readonly Tensor[], attrs: ContractAttrs): Tensor =>
  apply(operands, attrs);

/** The same as a sum over indices, or by remainders, side by side in a larger tensor of which the output is a part. */
function withoutDivisors(y: Tensor<ContractAttrs>): Tensor | undefined {
  const summed = sumOverIndices(y.attrs, shapesOf(y));
  if (summed) return contract(y.inputs, summed);
  const split = splitDivisors(y.attrs, shapesOf(y));
  if (!split) return undefined;
  const all = contract(y.inputs, split.attrs);
  const joined = split.dims.map(({ extents }) => sizeOf(extents));
  return slice(
    reshape(all, joined),
    split.dims.map((d) => d.start),
    y.type.shape,
  );
}

function checkedType(
  inputs: readonly TensorType[],
  { axes, out, maps }: ContractAttrs,
): TensorType {
  invariant(inputs.length === maps.length, "contract: one index map an operand");
  invariant(new Set(out).size === out.length, "contract: an axis appears twice in the output");
  maps.forEach((map, k) => {
    invariant(map.length === inputs[k]!.shape.length, `contract: rank of operand ${k}`);
    const plain = map.flatMap((e) => (e.terms.length === 1 ? [e.terms[0]![0]] : []));
    invariant(new Set(plain).size === plain.length, `contract: operand ${k} repeats an index`);
  });
  return { shape: out.map((i) => axes[i]!.extent), dtype: "f32" };
}

/** An operand's element at the given values of the axes. */
function read(
  access: (at: readonly Expr[]) => Expr,
  map: readonly Affine[],
  shape: Shape,
  where: readonly Expr[],
): Expr {
  const whole: Expr[] = [];
  const at = map.map(({ constant: c, terms, divisor }, d) => {
    const parts = terms.map(([a, k]) => (k === 1 ? where[a]! : call("mul", where[a]!, int(k))));
    const sum = [...parts, ...(c !== 0 || parts.length === 0 ? [int(c)] : [])];
    const numerator = sum.reduce((a, b) => call("add", a, b));
    if (divisor === 1) return numerator;
    const [lo, hi] = rangeOf(numerator);
    // Lifted by a multiple of the divisor, so that division sees no negative number.
    const lift = lo < 0 ? Math.ceil(-lo / divisor) : 0;
    const lifted = lift ? call("add", numerator, int(lift * divisor)) : numerator;
    whole.push(call("eq", call("mod", lifted, int(divisor)), int(0)));
    const quotient = call("sub", call("idiv", lifted, int(divisor)), int(lift));
    invariant(Number.isFinite(hi), `contract: unbounded index in dimension ${d}`);
    return quotient;
  });
  const condition = whole.length > 0 ? whole.reduce((a, b) => call("and", a, b)) : undefined;
  return readOrZero(access, at, shape, condition);
}

/**
 * scale[o…]·Σ x·w = Σ x·(scale·w), if w never changes and has an index for every axis that the scale varies
 * along: so batch normalisation becomes part of the weights.
 */
function absorb(y: Tensor<ContractAttrs>, scale: Tensor, { isInvariant }: Folding) {
  const { axes, out, maps } = y.attrs;
  const varying = out.filter((_, d) => scale.type.shape[d] !== 1);
  /** The axis that a dimension of an operand runs over from its first element to its last. */
  const axisOf = ({ terms, constant, divisor }: Affine, extent: number) => {
    const [[axis, coefficient] = [-1, 0]] = terms;
    const plain = terms.length === 1 && coefficient === 1 && constant === 0 && divisor === 1;
    return plain && axes[axis]!.extent === extent ? axis : -1;
  };
  const axesOf = (k: number) => maps[k]!.map((e, d) => axisOf(e, y.inputs[k]!.type.shape[d]!));
  const k = y.inputs.findIndex(
    (x, i) => isInvariant(x) && varying.every((a) => axesOf(i).includes(a)),
  );
  if (k < 0) return undefined;
  const own = axesOf(k);
  const dense = reshape(
    scale,
    varying.map((a) => axes[a]!.extent),
  );
  const inOrder = own.filter((a) => varying.includes(a));
  const factor = reshape(
    transpose(
      dense,
      inOrder.map((a) => varying.indexOf(a)),
    ),
    own.map((a) => (varying.includes(a) ? axes[a]!.extent : 1)),
  );
  return contract(
    y.inputs.map((x, i) => (i === k ? mul(x, factor) : x)),
    y.attrs,
  );
}

/**
 * d/dxₖ: sum dy times the other operands over all axes for which mapₖ(axes) is the index asked for. Each
 * dimension's equation `i = (c + Σ k·a)/m` is solved for one of its axes, which it replaces everywhere.
 */
function gradient(dy: Tensor, y: Tensor<ContractAttrs>, k: number): Tensor {
  const { axes, out, maps } = y.attrs;
  const others = y.inputs.flatMap((x, j) => (j === k ? [] : [{ tensor: x, map: maps[j]! }]));
  let factors = [{ tensor: dy, map: out.map(axisIndex) }, ...others];
  const { shape } = y.inputs[k]!.type;
  const newAxes: Axis[] = axes.map((a) => a);
  const newOut: number[] = [];
  const removed = new Set<number>();
  maps[k]!.forEach((e, d) => {
    const target = newAxes.length;
    newAxes.push({ name: `i${d}`, extent: shape[d]! });
    newOut.push(target);
    const solved = chooseAxis(e, factors, axes, removed, shape[d]!);
    const rest = e.terms.filter(([a]) => a !== solved.axis);
    removed.add(solved.axis);
    // a = (m·i − c − Σ rest)/coefficient
    const value = affine(
      [[target, e.divisor], ...rest.map(([a, c]) => [a, -c] as const)],
      -e.constant,
      solved.coefficient,
    );
    factors = factors.map((f) => ({
      ...f,
      map: f.map.map((x) => substitute(x, solved.axis, value)),
    }));
  });
  return contract(
    factors.map((f) => f.tensor),
    compact({ axes: newAxes, out: newOut, maps: factors.map((f) => f.map) }),
  );
}

/**
 * The axis to solve for. Its own bounds must be kept by what remains: it has to be a plain index of another
 * factor over that factor's whole dimension, where a value outside its range reads zero, or the index of all
 * of this dimension. The largest such axis goes, as the others are summed.
 */
function chooseAxis(
  e: Affine,
  factors: readonly { tensor: Tensor; map: readonly Affine[] }[],
  axes: readonly Axis[],
  removed: ReadonlySet<number>,
  extent: number,
) {
  const isBounded = (axis: number) =>
    factors.some(({ tensor, map }) =>
      map.some(
        (m, d) =>
          m.terms.length === 1 &&
          m.terms[0]![0] === axis &&
          m.terms[0]![1] === 1 &&
          m.constant === 0 &&
          m.divisor === 1 &&
          tensor.type.shape[d] === axes[axis]!.extent,
      ),
    );
  const largestFirst = [...e.terms].sort(([a], [b]) => axes[b]!.extent - axes[a]!.extent);
  const candidates = largestFirst.filter(([a, c]) => c > 0 && !removed.has(a));
  const whole = ([a, c]: readonly [number, number]) =>
    c === 1 && e.terms.length === 1 && e.constant === 0 && axes[a]!.extent === extent;
  const found = candidates.find(([a]) => isBounded(a)) ?? candidates.find(whole);
  if (!found) throw internal("contract: no axis of an operand's index can be solved for");
  return { axis: found[0], coefficient: found[1] };
}

/**
 * A product in Einstein's notation: `einsum("bi,io->bo", x, w)`. Indices that are not in the output are
 * summed. No index may be repeated within one operand.
 */
export function einsum(subscripts: string, ...operands: readonly Tensor[]): Tensor {
  const [left, right] = subscripts.split("->") as [string, string];
  const inputs = left.split(",");
  const names = [...new Set(left.replaceAll(",", ""))];
  invariant(inputs.length === operands.length, `einsum "${subscripts}": number of operands`);
  const axes = names.map((name): Axis => {
    const extents = inputs.flatMap((s, k) =>
      [...s].flatMap((c, d) => (c === name ? [operands[k]!.type.shape[d]!] : [])),
    );
    invariant(new Set(extents).size === 1, `einsum "${subscripts}": index ${name} is ${extents}`);
    return { name, extent: extents[0]! };
  });
  const position = (c: string) => names.indexOf(c);
  return contract(operands, {
    axes,
    out: [...right].map(position),
    maps: inputs.map((s) => [...s].map((c) => axisIndex(position(c)))),
  });
}
