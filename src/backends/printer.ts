/**
 * The printer that all targets share: turns a kernel's body into statements, computing every value once,
 * in the outermost loop that it does not depend on. What differs between targets is a small dialect.
 */
import {
  type Axis,
  type Call,
  type Const,
  children,
  type Expr,
  type Load,
  type Reduce,
  type ReduceOp,
  type ScalarType,
  typeOf,
} from "../ir/expr.ts";
import { Numbering } from "../ir/numbering.ts";

/** How a target writes what every target has. Arguments are printed already. */
export interface Dialect {
  constant(e: Const): string;
  call(e: Call, args: readonly string[]): string;
  load(e: Load, at: readonly string[]): string;
  /** Whether a value must be declared, even where it is used once only. */
  declares?(e: Call | Load): boolean;
  /** `const name = value` */
  declare(name: string, type: ScalarType, value: string, e: Expr): string;
  /** The accumulator of a reduction, before its loops. */
  start(name: string, op: ReduceOp, type: ScalarType, e: Expr): string;
  /** One step of a reduction. */
  accumulate(name: string, op: ReduceOp, value: string, e: Expr): string;
  /** The run outside which a reduction's terms are zero, where the target's loops can have such bounds. */
  runOf?(e: Reduce): Run | undefined;
  /** Lines that open a loop over an axis, or over a run of its values, and those that close it. */
  loop(
    index: string,
    axis: Axis,
    run?: { readonly from: string; readonly to: string },
  ): { readonly open: readonly string[]; readonly close: readonly string[] };
}

/** Neighbouring values of an axis, `to` not included, and what is reduced over them. */
export interface Run {
  readonly axis: Axis;
  readonly from: Expr;
  readonly to: Expr;
  readonly body: Expr;
}

/** Statements, and the expression that is the kernel's value after them. */
export interface PrintedBody {
  readonly statements: readonly string[];
  readonly result: string;
}

/**
 * @param names what the output axes are called in this target, by axis
 * @param prefix of the names of local values, where several bodies share a function
 */
export function printBody(
  body: Expr,
  names: ReadonlyMap<Axis, string>,
  dialect: Dialect,
  prefix = "t",
): PrintedBody {
  const { statements, results } = printBodies([body], names, dialect, prefix);
  return { statements, result: results[0]! };
}

/** Several bodies over the same axes; what they have in common is computed once. */
export function printBodies(
  bodies: readonly Expr[],
  names: ReadonlyMap<Axis, string>,
  dialect: Dialect,
  prefix = "t",
): { readonly statements: readonly string[]; readonly results: readonly string[] } {
  const printer = new BodyPrinter(bodies, names, dialect, prefix);
  const results = bodies.map((body) => printer.print(body));
  return { statements: printer.root.lines, results };
}

interface Scope {
  readonly axes: ReadonlySet<Axis>;
  readonly lines: string[];
  readonly locals: Map<number, string>;
}

class BodyPrinter {
  readonly root: Scope = { axes: new Set(), lines: [], locals: new Map() };
  readonly #dialect: Dialect;
  readonly #names: Map<Axis, string>;
  readonly #numbering = new Numbering();
  readonly #uses: ReadonlyMap<number, number>;
  readonly #free = new Map<Expr, ReadonlySet<Axis>>();
  /** Open loops, outside in; the root first. */
  readonly #scopes: Scope[] = [this.root];
  #counter = 0;

  readonly #prefix: string;
  constructor(
    bodies: readonly Expr[],
    names: ReadonlyMap<Axis, string>,
    dialect: Dialect,
    prefix: string,
  ) {
    this.#prefix = prefix;
    this.#dialect = dialect;
    this.#names = new Map(names);
    this.#uses = countUses(bodies, this.#numbering);
  }

  print(e: Expr): string {
    if (e.kind === "const") return this.#dialect.constant(e);
    if (e.kind === "index") return this.#names.get(e.axis)!;
    const number = this.#numbering.of(e);
    for (const scope of this.#scopes) {
      const known = scope.locals.get(number);
      if (known !== undefined) return known;
    }
    const home = this.#homeOf(e);
    if (e.kind === "reduce") return this.#reduce(e, home, number);
    const shared = (this.#uses.get(number) ?? 0) > 1;
    const invariantHere = home !== this.#scopes.at(-1);
    const declared = shared || invariantHere || this.#dialect.declares?.(e);
    if (!declared || typeOf(e) === "bool") return this.#value(e);
    return this.#within(home, () => {
      const value = this.#value(e);
      return this.#local(home, number, e, value);
    });
  }

  #value(e: Call | Load): string {
    const args = children(e).map((c) => this.print(c));
    return e.kind === "call" ? this.#dialect.call(e, args) : this.#dialect.load(e, args);
  }

  #local(home: Scope, number: number, e: Expr, value: string): string {
    const name = `${this.#prefix}${this.#counter++}`;
    home.lines.push(this.#dialect.declare(name, typeOf(e), value, e));
    home.locals.set(number, name);
    return name;
  }

  #reduce(e: Reduce, home: Scope, number: number): string {
    return this.#within(home, () => {
      const name = `${this.#prefix}${this.#counter++}`;
      const indices = e.axes.map((axis) => {
        const index = `${this.#prefix}${axis.name}${this.#counter++}`;
        this.#names.set(axis, index);
        return index;
      });
      const run = this.#dialect.runOf?.(e);
      const bounds = run && { from: this.print(run.from), to: this.print(run.to) };
      const inner: Scope = { axes: new Set(e.axes), lines: [], locals: new Map() };
      this.#scopes.push(inner);
      inner.lines.push(this.#dialect.accumulate(name, e.op, this.print((run ?? e).body), e));
      this.#scopes.pop();
      const loops = e.axes.map((a, i) =>
        this.#dialect.loop(indices[i]!, a, a === run?.axis ? bounds : undefined),
      );
      home.lines.push(
        this.#dialect.start(name, e.op, typeOf(e.body), e),
        ...nest(loops, inner.lines),
      );
      home.locals.set(number, name);
      return name;
    });
  }

  /** Runs `print` as if the loops inside `home` were not open yet. */
  #within<T>(home: Scope, print: () => T): T {
    const inner = this.#scopes.splice(this.#scopes.indexOf(home) + 1);
    const result = print();
    this.#scopes.push(...inner);
    return result;
  }

  /** The innermost open scope on whose axes the value depends. */
  #homeOf(e: Expr): Scope {
    const free = this.#freeAxes(e);
    for (let i = this.#scopes.length - 1; i > 0; i--) {
      const scope = this.#scopes[i]!;
      for (const axis of scope.axes) if (free.has(axis)) return scope;
    }
    return this.root;
  }

  #freeAxes(e: Expr): ReadonlySet<Axis> {
    const known = this.#free.get(e);
    if (known) return known;
    const free = new Set<Axis>(e.kind === "index" ? [e.axis] : []);
    for (const child of children(e)) for (const a of this.#freeAxes(child)) free.add(a);
    if (e.kind === "reduce") for (const a of e.axes) free.delete(a);
    this.#free.set(e, free);
    return free;
  }
}

/** Lines inside loops, indented. */
function nest(
  loops: readonly ReturnType<Dialect["loop"]>[],
  lines: readonly string[],
): readonly string[] {
  const [first, ...rest] = loops;
  if (!first) return lines;
  const { open, close } = first;
  const head = open.at(-1)!;
  const tail = close.at(-1)!;
  const indented = [...nest(rest, lines), ...close.slice(0, -1)].map((line) => `  ${line}`);
  return [...open.slice(0, -1), head, ...indented, tail];
}

/** How many places of the bodies use each value. */
function countUses(bodies: readonly Expr[], numbering: Numbering): ReadonlyMap<number, number> {
  const uses = new Map<number, number>();
  const seen = new Set<number>();
  const visit = (e: Expr) => {
    const number = numbering.of(e);
    uses.set(number, (uses.get(number) ?? 0) + 1);
    if (seen.has(number)) return;
    seen.add(number);
    for (const child of children(e)) visit(child);
  };
  for (const body of bodies) visit(body);
  return uses;
}
