/** Products on their own: each shape as a tiny program with the product and both its gradients. */
import { chooseBackend } from "../src/backends/index.ts";
import { gradients } from "../src/compiler/autodiff.ts";
import { compile } from "../src/compiler/compile.ts";
import { type Graph, sizeOf, type Tensor, variable } from "../src/ir/graph.ts";
import type { Executable, Program } from "../src/ir/program.ts";
import { sum } from "../src/ops/broadcast.ts";
import { einsum } from "../src/ops/contract.ts";
import { convolve } from "../src/ops/convolve.ts";
import { mul } from "../src/ops/pointwise.ts";
import { median } from "../src/train/measure.ts";
import type { Shape } from "./cases.ts";

/** 10⁹ operations a second. */
export interface Speeds {
  readonly forward: number;
  /** The gradients with respect to the input and to the weights. */
  readonly input: number;
  readonly weights: number;
}

const repeats = 5;
/** What a timed run of the same product should take, in ms. */
const duration = 40;

export async function measureShape(shape: Shape, backendName: string, threads?: number) {
  const { backend } = await chooseBackend(backendName);
  const program = compile(graphsOf(shape), backend.traits);
  const options = threads === undefined ? {} : { threads };
  const executable = await backend.compile(program, new Map(), options);
  try {
    for (const v of program.variables.filter((v) => v.kind === "data" || v.name === "w")) {
      const values = Float32Array.from({ length: sizeOf(v.shape) }, (_, i) => Math.sin(i));
      executable.write(v.name, values);
    }
    const speed = (name: keyof Speeds) => measure(program, executable, name);
    const forward = await speed("forward");
    return { forward, input: await speed("input"), weights: await speed("weights") };
  } finally {
    await executable.dispose();
  }
}

/** Three procedures that leave a product each in a variable. */
function graphsOf(shape: Shape): readonly Graph[] {
  const { x, w, y } = productOf(shape);
  const dy = variable({ name: "dy", kind: "data", shape: y.type.shape });
  const [dx, dw] = gradients(sum(mul(y, dy), undefined, false), [x, w]);
  const values = { forward: y, input: dx!, weights: dw! } satisfies Record<keyof Speeds, Tensor>;
  return Object.entries(values).map(([name, value]) => {
    const result = variable({ name: `result ${name}`, shape: value.type.shape });
    // A gradient lies as the weights do: it takes their place.
    return { name, updates: [{ variable: name === "weights" ? w : result, value }] };
  });
}

function productOf(shape: Shape) {
  const data = (name: string, ...of: readonly number[]) =>
    variable({ name, kind: "data", shape: of });
  const weights = (...of: readonly number[]) => variable({ name: "w", shape: of });
  switch (shape.kind) {
    case "dense": {
      const x = data("x", shape.batch, shape.inputs);
      const w = weights(shape.inputs, shape.units);
      return { x, w, y: einsum("bi,io->bo", x, w) };
    }
    case "conv": {
      const { batch, size, channels, filters, kernel, stride, padding } = shape;
      const x = data("x", batch, size, size, channels);
      const w = weights(kernel, kernel, channels, filters);
      const out =
        padding === "same" ? Math.ceil(size / stride) : Math.ceil((size - kernel + 1) / stride);
      // Keras puts the odd pixel of the padding at the end.
      const before = Math.floor(Math.max(0, (out - 1) * stride + kernel - size) / 2);
      const slide = { size: kernel, stride, dilation: 1, before, out };
      return { x, w, y: convolve(x, w, [slide, slide]) };
    }
    default:
      return shape satisfies never;
  }
}

/** The median of several runs. */
async function measure(program: Program, executable: Executable, name: string): Promise<number> {
  const { multiplyAdds } = program.procedures.find((p) => p.name === name)!;
  const timed = async (steps: number) => {
    const start = performance.now();
    await executable.run(name, steps);
    return (performance.now() - start) / steps;
  };
  await timed(1);
  const steps = Math.max(1, Math.round(duration / (await timed(3))));
  const ms: number[] = [];
  for (let k = 0; k < repeats; k++) ms.push(await timed(steps));
  return (2 * multiplyAdds) / median(ms.sort((a, b) => a - b)) / 1e6;
}
