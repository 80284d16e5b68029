/**
 * A plan for people: every procedure as groups of tasks between barriers, every task as what it computes and how.
 * `nnc inspect --stage kernels` shows it, and the generated C bears the same lines as comments.
 */

import { type Expr, index, load, type TensorBuffer, walk } from "../../../ir/expr.ts";
import { allKernels } from "../../../ir/kernels.ts";
import { Numbering } from "../../../ir/numbering.ts";
import { printCompute, printType } from "../../../ir/print-expr.ts";
import type { Program } from "../../../ir/program.ts";
import { rewrite } from "../../../ir/rewrite.ts";
import type { Chain } from "../chains.ts";
import type { LayoutOf } from "../layout.ts";
import type { Inversion } from "../nests/inversion.ts";
import type { Nest } from "../nests/nest.ts";
import { runOf, termsOf } from "../nests/runs.ts";
import type { NestTask, Task } from "../order.ts";
import type { GroupLoop, ProgramPlan } from "../plan.ts";
import { accumulator, findProduct } from "../products/product.ts";
import { explainSchedule, explainSharing } from "./schedule.ts";

/** Columns that no line exceeds. */
const columns = 100;
/** Lines that one equation may take. */
const mostLines = 3;
/** Results of a task that are shown. */
const mostStores = 6;

export function explainPlan({ procedures }: Program, plan: ProgramPlan): string {
  const parts = plan.procedures.map(({ name, groups, chains, loops, copies }, p) => {
    const { kernels, flops } = procedures[p]!;
    const tasks = groups.flat().length;
    const barriers = groups.length + (copies.length > 0 ? 1 : 0);
    const head = `procedure ${name}: ${allKernels(kernels).length} kernels in ${tasks} tasks, ${plural(barriers, "barrier")} and ${count(flops)} operations a step`;
    const bodies = groups.map((group, g) => {
      const loop = loops.find((l) => l.first <= g && g < l.end);
      const inner = loop ? (line: string) => indent(indent(line)) : indent;
      const tasks = group.map((t) => {
        const chain = chains.find((c) => c.tasks.length > 1 && c.tasks.includes(t));
        const lines = explainTask(t, plan.layoutOf).map(chain ? (l) => indent(inner(l)) : inner);
        const head = chain?.tasks[0] === t ? [inner(explainChain(chain)), ""] : [];
        return [...head, ...lines].join("\n");
      });
      return [...(loop?.first === g ? [`  ${explainLoop(loop)}`] : []), ...tasks].join("\n\n");
    });
    const last = copies.map(({ from, to }) => `  ${to.name} ← ${from.name}, copied`);
    return [
      head,
      "",
      bodies.join("\n\n  ── barrier ──\n\n"),
      ...(last.length > 0 ? ["", ...last] : []),
    ]
      .join("\n")
      .trimEnd();
  });
  return [...parts, explainLayouts(plan, procedures)].join("\n\n");
}

/** What a loop's groups are repeated for. */
function explainLoop({ steps, reverse, first, end, waits }: GroupLoop): string {
  const order = reverse ? `${steps - 1} … 0` : `0 … ${steps - 1}`;
  const inside = end - first - 1 + (waits ? 1 : 0);
  const waiting = inside > 0 ? `${plural(inside, "barrier")} a step` : "no barrier between steps";
  return `for step s = ${order}, ${waiting}`;
}

const explainChain = ({ tasks, parts }: Chain): string =>
  `for each of ${parts} parts of the rows, what ${tasks.length} tasks hand on staying in the cache:`;

const indent = (line: string) => (line === "" ? "" : `  ${line}`);
const count = (n: number) => Math.round(n).toLocaleString("en-US");
const decimal = (n: number) => (n < 100 ? n.toPrecision(2) : count(n));
const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** What a task computes, then how; indented below. */
export function explainTask(task: Task, layoutOf: LayoutOf): readonly string[] {
  if (task.kind === "inversion") return explainInversion(task.inversion);
  const how =
    task.kind === "product"
      ? explainSchedule(task.schedule, task.nest, layoutOf)
      : [`${loopsOf(task)}, ${explainSharing(task.sharing)}`, ...explainRuns(task.nest)];
  return [...equations(task), ...how.flatMap((line) => wrapped(`    ${line}`, 15, columns - 4))];
}

/** Sums that leave out what their conditions say is zero. */
function explainRuns({ stores }: Nest): readonly string[] {
  const lines = new Set<string>();
  for (const { value } of stores)
    walk(value, (e) => {
      const run = e.kind === "reduce" ? runOf(e) : undefined;
      if (e.kind === "reduce" && run)
        lines.add(
          `the sum walks the ${run.axis.name} of its condition only, on average ${decimal(termsOf(e))} of ${count(run.axis.extent)}`,
        );
    });
  return [...lines];
}

/** What is sorted and what comes of it. */
function explainInversion(x: Inversion): readonly string[] {
  const output = { ...x.order, name: "key", shape: x.positions.map((a) => a.extent) };
  const [key, ...where] = printCompute({
    name: "key",
    output,
    axes: x.positions,
    body: x.key,
  }).split("\n");
  const what = [
    `${x.order.name} = positions of ${key}, in the order of their keys  ${printType(x.order)}`,
    `${x.starts.name}[i] = where those with key i begin  ${printType(x.starts)}`,
  ];
  const size = `${count(x.order.shape[0]!)} positions by ${count(x.rows)} keys`;
  return [
    ...equation("", [what[0]!, ...where]),
    ...equation("", [what[1]!]),
    ...wrapped(`    counting sort of ${size}: one thread`, 15, columns - 4),
  ];
}

function loopsOf(task: Task & { kind: "nest" }): string {
  if (task.form.loops.every(({ axis }) => axis.extent === 1)) return "one element";
  const loops = task.form.loops.map(({ axis, step }) =>
    step === 1 ? `${axis.name}<${axis.extent}` : `${axis.name}<${axis.extent} by ${step}`,
  );
  return `loops ${loops.join(", ")}`;
}

/** Results as equations. The sum of a product, and results that others use, are named and not repeated. */
function equations(task: NestTask): readonly string[] {
  const { nest } = task;
  const product = findProduct(nest);
  const stores = product?.epilogue ?? nest.stores;
  const own = nest.axes.map((a) => index(a));
  const numbering = new Numbering();
  const known = new Map<number, Expr>();
  const print = (output: TensorBuffer, body: Expr) =>
    printCompute({ name: output.name, output, axes: nest.axes, body }).split("\n");
  const lines: (readonly string[])[] = [];
  if (product && stores.some(({ value }) => value.kind !== "load")) {
    const sum = { kind: "reduce", op: "sum", axes: product.summed } as const;
    const body: Expr = { ...sum, body: { kind: "call", fn: "mul", args: [product.a, product.b] } };
    lines.push(print(accumulator, body));
  }
  for (const { buffer, value } of stores) {
    const body = rewrite(value, (e) => known.get(numbering.of(e)) ?? e);
    const isWhole = product && body.kind === "load" && body.buffer === accumulator;
    const shown = { ...buffer, name: `${buffer.name}${loads(value, buffer) ? "′" : ""}` };
    lines.push(print(shown, isWhole ? sumOf(task) : body));
    if (value.kind === "call") known.set(numbering.of(value), load(shown, own));
  }
  const type = printType(nest.stores[0]!.buffer);
  const left = lines.length - mostStores;
  const texts = lines
    .slice(0, mostStores)
    .flatMap((text, i) => equation(i === 0 ? type : "", text));
  return left > 0 ? [...texts, `  … and ${plural(left, "result")} more`] : texts;
}

/** The reduction of a product that stores nothing else. */
const sumOf = ({ nest }: NestTask): Expr =>
  nest.stores.find((s) => s.value.kind === "reduce")!.value;

function loads(value: Expr, buffer: TensorBuffer): boolean {
  let found = false;
  rewrite(value, (e) => {
    if (e.kind === "load" && e.buffer === buffer) found = true;
    return e;
  });
  return found;
}

/** An equation and the names it uses, each in a few lines. */
function equation(type: string, [first, ...where]: readonly string[]): readonly string[] {
  return [
    ...wrapped(type ? `${first}  ${type}` : first!, 4, columns - 4).slice(0, mostLines + 1),
    ...where.flatMap((w) => wrapped(w, 8, columns - 4)),
  ];
}

/** Lines of at most `width` columns, cut at spaces; what goes on is indented by `by`, what is too long ends in … */
function wrapped(text: string, by: number, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const cut = placeToCut(rest, by + 8, width);
    lines.push(rest.slice(0, cut).trimEnd());
    rest = " ".repeat(by) + rest.slice(cut).trim();
    if (lines.length === mostLines) return [...lines.slice(0, -1), `${lines.at(-1)} …`];
  }
  return [...lines, rest];
}

/** The last space outside brackets if there is one, then any. */
function placeToCut(text: string, least: number, width: number): number {
  let depth = 0;
  let best = 0;
  for (let i = 0; i <= width; i++) {
    if (text[i] === "[") depth++;
    if (text[i] === "]") depth--;
    if (text[i] === " " && depth === 0 && i > least) best = i;
  }
  if (best > 0) return best;
  const any = text.lastIndexOf(" ", width);
  return any > least ? any : width;
}

/** Variables that do not lie in rows. */
function explainLayouts({ layoutOf }: ProgramPlan, procedures: Program["procedures"]): string {
  const all = new Set(procedures.flatMap((p) => p.updates.map((u) => u.variable)));
  const lines = [...all].flatMap((v) => {
    const { block, size } = layoutOf(v);
    if (!block) return [];
    const inner = v.shape.filter((_, d) => d !== block.dim).map((n) => `[${n}]`);
    const blocks = Math.ceil(v.shape[block.dim]! / block.width);
    return [`  ${v.name}  [${blocks}]${inner.join("")}[${block.width}], ${count(size)} elements`];
  });
  return lines.length > 0
    ? ["in panels, as products read them, for the whole run", ...lines].join("\n")
    : "all variables lie in rows";
}

/** The same as a comment in C. */
export function commentOn(task: Task, layoutOf: LayoutOf): string {
  const lines = explainTask(task, layoutOf).map((line) => line.replaceAll("*/", "* /"));
  return `/* ${lines.join("\n * ")} */\n`;
}
