/**
 * Algebra of index expressions: ranges, and a normal form `constant + Σ coefficient·atom` in which
 * division and remainder by constants cancel where the ranges of the axes allow it. It turns the index
 * maps of views (reshape, transpose, pad …) into the strides a person would have written.
 */
import { internal } from "../support/errors.ts";
import { type Access, type Call, call, constant, type Expr, int, load, typeOf } from "./expr.ts";
import { Numbering } from "./numbering.ts";
import { rewrite } from "./rewrite.ts";

/** Smallest and largest value, both included. */
export type Range = readonly [number, number];
const anything: Range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** The range of an integer expression over all values of its axes. */
export function rangeOf(e: Expr): Range {
  switch (e.kind) {
    case "const":
      return [e.value, e.value];
    case "index":
      return [0, e.axis.extent - 1];
    case "load":
      return e.buffer.dtype === "u8" ? [0, 255] : anything;
    case "reduce":
      return anything;
    case "call":
      return callRange(e.fn, e.args.map(rangeOf));
    default:
      return e satisfies never;
  }
}

function callRange(fn: string, args: readonly Range[]): Range {
  const [[a, b], [c, d]] = [args[0] ?? anything, args[1] ?? anything];
  switch (fn) {
    case "add":
      return [a + c, b + d];
    case "sub":
      return [a - d, b - c];
    case "neg":
      return [-b, -a];
    case "mul": {
      const products = [a * c, a * d, b * c, b * d].map((x) => (Number.isNaN(x) ? 0 : x));
      return [Math.min(...products), Math.max(...products)];
    }
    case "min":
      return [Math.min(a, c), Math.min(b, d)];
    case "max":
      return [Math.max(a, c), Math.max(b, d)];
    case "idiv":
      return c === d ? [Math.floor(a / c), Math.floor(b / c)] : anything;
    case "mod":
      return c === d ? (a >= 0 && b < c ? [a, b] : [0, c - 1]) : anything;
    case "select": {
      const [e, f] = args[2] ?? anything;
      return [Math.min(c, e), Math.max(d, f)];
    }
    default:
      return anything;
  }
}

/** `constant + Σ coefficient·atom`; an atom is anything but a sum or a multiple. */
export interface Linear {
  readonly constant: number;
  readonly terms: readonly Term[];
}
export interface Term {
  readonly atom: Expr;
  readonly coefficient: number;
}

const multiple = (e: Expr, k: number): Expr =>
  k === 1 ? e : k === -1 ? call("neg", e) : call("mul", e, int(k));

/** The expression of a normal form, positive terms first. */
export function fromLinear({ constant, terms }: Linear): Expr {
  const parts = [...terms].sort((a, b) => Number(b.coefficient > 0) - Number(a.coefficient > 0));
  let sum: Expr | undefined;
  for (const { atom, coefficient } of parts) {
    if (sum === undefined) sum = multiple(atom, coefficient);
    else if (coefficient > 0) sum = call("add", sum, multiple(atom, coefficient));
    else sum = call("sub", sum, multiple(atom, -coefficient));
  }
  if (sum === undefined) return int(constant);
  if (constant === 0) return sum;
  return constant > 0 ? call("add", sum, int(constant)) : call("sub", sum, int(-constant));
}

/** Simplifies index expressions; one instance serves one kernel and remembers what it has seen. */
export class IndexAlgebra {
  readonly #numbering: Numbering;
  readonly #known = new Map<number, Linear>();
  constructor(numbering = new Numbering()) {
    this.#numbering = numbering;
  }

  /** An equal expression in normal form. */
  simplify(e: Expr): Expr {
    return fromLinear(this.linear(e));
  }

  linear(e: Expr): Linear {
    const id = this.#numbering.of(e);
    const known = this.#known.get(id);
    if (known) return known;
    const result = this.#normalise(e);
    this.#known.set(id, result);
    return result;
  }

  #normalise(e: Expr): Linear {
    if (e.kind === "const") return { constant: e.value, terms: [] };
    if (e.kind === "index" && e.axis.extent === 1) return { constant: 0, terms: [] };
    if (e.kind !== "call") return { constant: 0, terms: [{ atom: e, coefficient: 1 }] };
    const [a, b] = e.args;
    switch (e.fn) {
      case "add":
        return this.#sum(this.linear(a!), this.linear(b!), 1);
      case "sub":
        return this.#sum(this.linear(a!), this.linear(b!), -1);
      case "neg":
        return this.#sum({ constant: 0, terms: [] }, this.linear(a!), -1);
      case "mul":
        return this.#product(e, this.linear(a!), this.linear(b!));
      case "idiv":
        return this.#divide(this.linear(a!), constantOf(this.linear(b!)));
      case "mod":
        return this.#remainder(this.linear(a!), constantOf(this.linear(b!)));
      default:
        return { constant: 0, terms: [{ atom: this.#inner(e), coefficient: 1 }] };
    }
  }

  /** A call that is no sum, with its whole-number arguments in normal form. */
  #inner(e: Call): Expr {
    return call(e.fn, ...e.args.map((a) => (typeOf(a) === "int" ? this.simplify(a) : a)));
  }

  #product(e: Expr, a: Linear, b: Linear): Linear {
    const zero: Linear = { constant: 0, terms: [] };
    if (a.terms.length === 0) return this.#sum(zero, b, a.constant);
    if (b.terms.length === 0) return this.#sum(zero, a, b.constant);
    return { constant: 0, terms: [{ atom: e, coefficient: 1 }] };
  }

  /** a + k·b, collecting equal atoms and rejoining quotients with their remainders. */
  #sum(a: Linear, b: Linear, k: number): Linear {
    const byAtom = new Map<number, Term>();
    const push = (t: Term, scale: number) => {
      const id = this.#numbering.of(t.atom);
      const coefficient = (byAtom.get(id)?.coefficient ?? 0) + t.coefficient * scale;
      if (coefficient === 0) byAtom.delete(id);
      else byAtom.set(id, { atom: byAtom.get(id)?.atom ?? t.atom, coefficient });
    };
    for (const t of a.terms) push(t, 1);
    for (const t of b.terms) push(t, k);
    return this.#rejoin({ constant: a.constant + k * b.constant, terms: [...byAtom.values()] });
  }

  /** c·n·(x div n) + c·(x mod n) = c·x. */
  #rejoin(sum: Linear): Linear {
    const part = (t: Term, fn: "idiv" | "mod") =>
      t.atom.kind === "call" && t.atom.fn === fn ? t.atom.args : undefined;
    for (const rest of sum.terms) {
      const modulus = part(rest, "mod");
      if (!modulus) continue;
      const n = constantOf(this.linear(modulus[1]!));
      const quotient = sum.terms.find((t) => {
        const q = part(t, "idiv");
        return (
          q !== undefined &&
          t.coefficient === rest.coefficient * n &&
          constantOf(this.linear(q[1]!)) === n &&
          this.#numbering.of(q[0]!) === this.#numbering.of(modulus[0]!)
        );
      });
      if (!quotient) continue;
      const others = sum.terms.filter((t) => t !== rest && t !== quotient);
      const whole = this.linear(modulus[0]!);
      return this.#sum({ constant: sum.constant, terms: others }, whole, rest.coefficient);
    }
    return sum;
  }

  /** Splits x = n·q + r: what n divides goes to q, as does enough of the constant to keep r ≥ 0. */
  #split(x: Linear, n: number): { q: Linear; r: Linear } {
    const divisible = (t: Term) => t.coefficient % n === 0;
    const rest = x.terms.filter((t) => !divisible(t));
    const low = ((x.constant % n) + n) % n;
    const [least] = rangeOf(fromLinear({ constant: low, terms: rest }));
    const lift = Number.isFinite(least) ? n * Math.max(0, Math.ceil(-least / n)) : 0;
    return {
      q: {
        constant: (x.constant - low - lift) / n,
        terms: x.terms.filter(divisible).map((t) => ({ ...t, coefficient: t.coefficient / n })),
      },
      r: { constant: low + lift, terms: rest },
    };
  }

  #divide(x: Linear, n: number): Linear {
    if (n === 1) return x;
    const { q, r } = this.#split(x, n);
    const [lo, hi] = rangeOf(fromLinear(r)).map((v) => Math.floor(v / n)) as [number, number];
    if (lo === hi) return this.#sum(q, { constant: lo, terms: [] }, 1);
    const rest: Term = { atom: call("idiv", fromLinear(r), int(n)), coefficient: 1 };
    return this.#sum(q, { constant: 0, terms: [rest] }, 1);
  }

  #remainder(x: Linear, n: number): Linear {
    if (n === 1) return { constant: 0, terms: [] };
    const { r } = this.#split(x, n);
    const [lo, hi] = rangeOf(fromLinear(r)).map((v) => Math.floor(v / n)) as [number, number];
    if (lo === hi) return this.#sum(r, { constant: -lo * n, terms: [] }, 1);
    return {
      constant: 0,
      terms: [{ atom: call("mod", fromLinear(r), int(n)), coefficient: 1 }],
    };
  }
}

function constantOf(x: Linear): number {
  if (x.terms.length > 0) throw internal("an index is divided by something that varies");
  return x.constant;
}

/** Row-major position of a multi-index. */
export function flatten(at: readonly Expr[], shape: readonly number[]): Expr {
  return at.reduce<Expr>(
    (flat, i, d) => (d === 0 ? i : call("add", call("mul", flat, int(shape[d]!)), i)),
    int(0),
  );
}

/** The multi-index of a row-major position. */
export function unflatten(flat: Expr, shape: readonly number[]): Expr[] {
  const at: Expr[] = [];
  let rest = flat;
  for (let d = shape.length - 1; d > 0; d--) {
    at.unshift(call("mod", rest, int(shape[d]!)));
    rest = call("idiv", rest, int(shape[d]!));
  }
  if (shape.length > 0) at.unshift(rest);
  return at;
}

/**
 * Reads a place that may lie outside a shape, where the value is zero (or another constant): a padded load if
 * what is read lies in memory, else a test, with the indices clamped as well, so that a backend may evaluate
 * both branches.
 */
export function readOrZero(
  read: Access,
  at: readonly Expr[],
  shape: readonly number[],
  condition?: Expr,
  outside: Expr = constant(0),
): Expr {
  const inside = at.every((i, d) => rangeOf(i)[0] >= 0 && rangeOf(i)[1] < shape[d]!);
  if (inside && !condition) return read(at);
  const isZero = outside.kind === "const" && outside.value === 0;
  const padded = condition || !isZero ? undefined : read.padded?.(at);
  return padded ?? guarded(read, at, shape, condition, outside);
}

function guarded(
  read: (at: readonly Expr[]) => Expr,
  at: readonly Expr[],
  shape: readonly number[],
  condition: Expr | undefined,
  outside: Expr,
): Expr {
  const tests: Expr[] = condition ? [condition] : [];
  const clamped = at.map((i, d) => {
    const size = shape[d]!;
    const [lo, hi] = rangeOf(i);
    if (lo < 0) tests.push(call("le", int(0), i));
    if (hi >= size) tests.push(call("lt", i, int(size)));
    const floored = lo < 0 ? call("max", i, int(0)) : i;
    return hi >= size ? call("min", floored, int(size - 1)) : floored;
  });
  if (tests.length === 0) return read(at);
  const test = tests.reduce((a, b) => call("and", a, b));
  return call("select", test, read(clamped), outside);
}

/** Padded loads as tests and plain loads, for targets that know no others. */
export const expandPadding = (body: Expr): Expr =>
  rewrite(body, (e) => {
    if (e.kind !== "load" || !e.padded) return e;
    return guarded((at) => load(e.buffer, at), e.at, e.buffer.shape, undefined, constant(0));
  });
