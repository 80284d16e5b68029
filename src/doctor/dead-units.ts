/** Units that are 0 for every example: no gradient reaches what is behind them, so they stay so. */
import type { Tensor } from "../ir/graph.ts";
import { isInput } from "../nn/model.ts";
import { abs } from "../ops/pointwise.ts";
import { max } from "../ops/reduce.ts";
import { type Check, type Finding, gravest, percent, plural } from "./finding.ts";
import { Probe } from "./probe.ts";
import { firstExamples } from "./rows.ts";

const examplesLooked = 200;
/** relu leaves a quarter of a wide layer unused without harm. */
const many = 0.4;
const most = 0.75;

export const deadUnits: Check = {
  name: "dead units",
  doc: "units that are 0 for every example after some training",
  async examine(patient) {
    const examples = await firstExamples(patient.dataset.train, examplesLooked);
    const { weights, steps } = await patient.trained();
    const probe = await Probe.open(
      patient,
      examples,
      ({ built }) => ({ units: largest(built.outputs) }),
      { training: false },
    );
    try {
      for (const [name, values] of weights) probe.write(name, values);
      await probe.run("units");
      const dead = new Map<string, { readonly count: number; readonly of: number }>();
      for (const { name } of patient.spec.model.layers) {
        const units = probe.has(`probe/${name}`) ? await probe.read(name) : [];
        dead.set(name, { count: units.filter((v) => v === 0).length, of: units.length });
      }
      const share = (name: string) => dead.get(name)!.count / Math.max(1, dead.get(name)!.of);
      const makers = new Set(patient.weights.map((w) => w.layer));
      const own = patient.spec.model.layers.filter((l) => {
        // What only arranges others' values has no units of its own, and what it hands on was dead before.
        const hasUnits =
          makers.has(l.owner) || l.from.every((n) => dead.get(n)?.of === dead.get(l.name)!.of);
        return !isInput(l) && hasUnits && share(l.name) > Math.max(...l.from.map(share)) + 1e-9;
      });
      const findings = own.map(({ name }): Finding => {
        const { count, of } = dead.get(name)!;
        const found = `${name}: ${count} of ${plural(of, "unit")} are 0 for all of ${examples.count} examples after ${plural(steps, "step")} (${percent(count / of)})`;
        if (share(name) < many) return { verdict: "ok", found };
        return { verdict: share(name) < most ? "warning" : "problem", found, advice };
      });
      if (findings.length > 0) return gravest(findings);
      return {
        verdict: "ok",
        found: `none: every unit is above 0 for some of ${examples.count} examples after ${plural(steps, "step")}`,
      };
    } finally {
      await probe.dispose();
    }
  },
};

const advice =
  "lower the learning rate, use `kernel_initializer: he_normal` with relu, or `activation: leaky_relu`; fewer units may do as well";

/** The largest size of each unit (a position of the last dimension) over all examples and places. */
function largest(outputs: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const [name, y] of outputs) {
    const { shape, dtype } = y.type;
    if (shape.length < 2 || dtype !== "f32") continue;
    const others = shape.slice(0, -1).map((_, d) => d);
    found.set(name, max(abs(y), others, false));
  }
  return found;
}
