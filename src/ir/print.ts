/**
 * Every stage of the compiler as text: graphs (also as DOT and JSON) and procedures. Tests compare these
 * texts, and `nnc inspect` shows them.
 */

import type { Axis, Compute } from "./expr.ts";
import {
  type DelayAttrs,
  type Graph,
  graphTensors,
  isDelay,
  isVariable,
  sizeOf,
  type Tensor,
} from "./graph.ts";
import { allKernels, isKernel } from "./kernels.ts";
import { printCompute, printType } from "./print-expr.ts";
import type { Procedure, Program } from "./program.ts";

export { printCompute, printExpr, printType } from "./print-expr.ts";

/**
 * A graph, one tensor a line, under a heading wherever another part of the model begins:
 *
 *     dense
 *       %7 = contract(%3, %4) f32[100, 256]  C[i, o] = Σ A[i, k]·B[k, o]
 */
export function printGraph(graph: Graph): string {
  const order = graphTensors(graph);
  const ids = numbered(order);
  const ref = (x: Tensor) => `%${ids.get(x)}`;
  const lines = [`graph ${graph.name}: ${order.length} tensors`];
  const variables = order.filter(isVariable);
  if (variables.length > 0) lines.push("", "variables");
  for (const x of variables) {
    const kind = x.attrs.constant ? "constant data" : x.attrs.kind;
    lines.push(`  ${ref(x)} = ${x.attrs.name} ${printType(x.type)}  ${kind}`);
  }
  let scope: string | undefined;
  for (const y of order) {
    if (isVariable(y)) continue;
    if (y.scope !== scope) lines.push("", y.scope || graph.name);
    scope = y.scope;
    const about = isDelay(y) ? printDelay(y, ref) : printAttrs(y.attrs);
    lines.push(
      `  ${ref(y)} = ${y.op.name}(${y.inputs.map(ref).join(", ")}) ${printType(y.type)}${about && `  ${about}`}`,
    );
  }
  lines.push("", "updates");
  for (const { variable, value } of graph.updates)
    lines.push(`  ${variable.attrs.name} ← ${ref(value)}`);
  return lines.join("\n");
}

const printDelay = ({ attrs }: Tensor<DelayAttrs>, ref: (x: Tensor) => string) =>
  `${ref(attrs.knot.value)} one step before, ${attrs.reverse ? "down from" : "in"} ${attrs.steps}`;

const numbered = (order: readonly Tensor[]) => new Map(order.map((x, i) => [x, i]));

/** For Graphviz: variables as boxes, data flowing down, one colour a part of the model. */
export function printGraphDot(graph: Graph): string {
  const order = graphTensors(graph);
  const ids = numbered(order);
  const scopes = [...new Set(order.map(partOf))];
  const lines = [`digraph ${quote(graph.name)} {`, "  node [style=filled, fontname=Helvetica];"];
  for (const x of order) {
    const title = isVariable(x) ? x.attrs.name : x.op.name;
    const hue = (scopes.indexOf(partOf(x)) / scopes.length).toFixed(3);
    const look = isVariable(x) ? `shape=box, fillcolor="#eeeeee"` : `fillcolor="${hue} 0.2 1.0"`;
    const tip = x.scope && !isVariable(x) ? `${x.scope}\n` : "";
    lines.push(
      `  n${ids.get(x)} [label=${quote(`${tip}${title}\n${printType(x.type)}`)}, ${look}];`,
    );
    for (const input of x.inputs) lines.push(`  n${ids.get(input)} -> n${ids.get(x)};`);
    if (isDelay(x)) {
      const value = ids.get(x.attrs.knot.value);
      lines.push(`  n${value} -> n${ids.get(x)} [style=dashed, constraint=false];`);
    }
  }
  for (const { variable, value } of graph.updates)
    lines.push(`  n${ids.get(value)} -> n${ids.get(variable)} [style=dashed, constraint=false];`);
  return [...lines, "}"].join("\n");
}

/** `dense` of `dense/update`. */
const partOf = (x: Tensor) => x.scope.split("/")[0]!;
const quote = (text: string) => JSON.stringify(text);

/** A graph as plain data; ids are positions in `tensors`. */
export function graphToJson(graph: Graph) {
  const order = graphTensors(graph);
  const ids = numbered(order);
  return {
    name: graph.name,
    tensors: order.map((x, id) => ({
      id,
      op: x.op.name,
      scope: x.scope,
      shape: x.type.shape,
      dtype: x.type.dtype,
      inputs: x.inputs.map((input) => ids.get(input)!),
      ...(x.attrs === undefined ? {} : { attrs: x.attrs }),
      ...(isDelay(x) ? { delays: ids.get(x.attrs.knot.value)! } : {}),
    })),
    updates: graph.updates.map(({ variable, value }) => ({
      variable: variable.attrs.name,
      value: ids.get(value)!,
    })),
  };
}

export const printProgram = ({ procedures }: Program): string =>
  procedures.map(printProcedure).join("\n\n");

/** A procedure's kernels as equations, what each variable becomes, and where temporaries lie. */
export function printProcedure(procedure: Procedure): string {
  const { name, kernels, updates, arenaSize, flops } = procedure;
  const head = `procedure ${name}: ${allKernels(kernels).length} kernels, ${count(flops)} operations a step`;
  const texts = kernels.flatMap((part) => {
    if (isKernel(part)) return [printKernel(part, "  ")];
    const { extent } = part.axis;
    const order = part.reverse ? `${extent - 1} … 0` : `0 … ${extent - 1}`;
    return [`  for t = ${order}`, ...part.kernels.map((k) => printKernel(k, "    ", [part.axis]))];
  });
  const next = updates.map((u) => `  ${u.variable.name} ← ${u.next.name}`);
  const arena = `memory: an arena of ${count(arenaSize)} elements`;
  return [head, ...texts, "", "updates", ...next, "", arena, ...memoryLines(procedure)].join("\n");
}

function printKernel(kernel: Compute, indent: string, outer: readonly Axis[] = []): string {
  const [equation, ...where] = printCompute(kernel, outer).split("\n");
  return [
    `${indent}${printType(kernel.output)} ${equation}`,
    ...where.map((w) => `${indent}${w}`),
  ].join("\n");
}

/** Temporaries by their place; places overlap where the buffers are never alive together. */
function memoryLines({ offsets }: Procedure): readonly string[] {
  const rows = [...offsets].sort(([a, x], [b, y]) => x - y || (a.name < b.name ? -1 : 1));
  const width = Math.max(0, ...rows.map(([, start]) => count(start).length));
  return rows.map(
    ([buffer, start]) =>
      `  ${count(start).padStart(width)} + ${count(sizeOf(buffer.shape))}  ${buffer.name}`,
  );
}

const count = (n: number) => Math.round(n).toLocaleString("en-US");

interface AffineIndex {
  readonly constant: number;
  readonly terms: readonly (readonly [axis: number, coefficient: number])[];
  readonly divisor: number;
}
/** What attributes that describe sums over index maps have, whichever op they belong to. */
interface IndexMaps {
  readonly axes: readonly { readonly name: string }[];
  readonly out: readonly number[];
  readonly maps: readonly (readonly AffineIndex[])[];
}

const hasIndexMaps = (attrs: object): attrs is IndexMaps =>
  "axes" in attrs && "out" in attrs && "maps" in attrs;

/** What the type does not say already. */
function printAttrs(attrs: unknown): string {
  if (typeof attrs !== "object" || attrs === null) return "";
  if (hasIndexMaps(attrs)) return printIndexMaps(attrs);
  return Object.entries(attrs)
    .filter(([key]) => key !== "shape" && key !== "dtype")
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(" ");
}

/** `C[i, o] = Σ A[i, k]·B[k, o]` */
function printIndexMaps({ axes, out, maps }: IndexMaps): string {
  const names = axes.map(({ name }, i) =>
    axes.findIndex((a) => a.name === name) === i ? name : `${name}${i}`,
  );
  const affine = ({ constant, terms, divisor }: AffineIndex) => {
    const parts = [
      ...terms.map(([a, c]) => (c === 1 ? names[a]! : `${c}${names[a]}`)),
      ...(constant !== 0 || terms.length === 0 ? [String(constant)] : []),
    ];
    const sum = parts.join(" + ").replaceAll("+ -", "- ");
    return divisor === 1 ? sum : `(${sum}) / ${divisor}`;
  };
  const factors = maps.map(
    (map, k) => `${String.fromCharCode(65 + k)}[${map.map(affine).join(", ")}]`,
  );
  const result = String.fromCharCode(65 + maps.length);
  const sign = out.length < axes.length ? "Σ " : "";
  return `${result}[${out.map((i) => names[i]).join(", ")}] = ${sign}${factors.join("·")}`;
}
