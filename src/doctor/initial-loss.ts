/**
 * What an untrained model loses, beside what it must lose that knows nothing: every class alike, or always the mean of the
 * targets.
 */
import type { OutputSpec } from "../spec/spec.ts";
import { chance } from "./chance.ts";
import { type Check, type Finding, gravest, short } from "./finding.ts";
import { Probe } from "./probe.ts";
import { firstExamples } from "./rows.ts";

const examplesLooked = 500;

export const initialLoss: Check = {
  name: "initial loss",
  doc: "the untrained model's loss against that of a model that knows nothing",
  async examine(patient) {
    const examples = await firstExamples(patient.dataset.train, examplesLooked);
    const { outputs } = patient.spec;
    const probe = await Probe.open(
      patient,
      examples,
      (opened) => ({
        losses: new Map(
          [...opened.each].flatMap(([output, loss]) => [
            [`own/${output.layer}`, loss] as const,
            [`chance/${output.layer}`, chance(opened, output)] as const,
          ]),
        ),
      }),
      // As in the first step: batch normalisation has no averages yet.
      { training: true },
    );
    try {
      await probe.run("losses");
      const findings: Finding[] = [];
      for (const output of outputs) {
        const own = await probe.scalar(`own/${output.layer}`);
        const blind = await probe.scalar(`chance/${output.layer}`);
        findings.push(judge(output, own, blind, outputs.length > 1));
      }
      return gravest(findings);
    } finally {
      await probe.dispose();
    }
  },
};

/** An untrained model may be this many times worse, or better, than one that knows nothing. */
const worse = { probabilities: 1.5, numbers: 20 } as const;
const better = 0.5;

function judge({ layer, loss }: OutputSpec, own: number, blind: number, several: boolean): Finding {
  const { predicts } = loss.definition;
  const of = several ? `${layer}: ` : "";
  const blindly = predicts === "classes" ? "every class alike" : predicts ? "a half" : "the mean";
  const found = `${of}${short(own)}, where predicting ${blindly} costs ${short(blind)}`;
  if (!Number.isFinite(own))
    return {
      verdict: "problem",
      found: `${of}the loss of the untrained model is ${own}`,
      advice:
        "look for NaN or enormous numbers in the data, or bring it to a common scale with `standardize: true`",
    };
  const limit = blind * (predicts ? worse.probabilities : worse.numbers) + 0.1;
  if (own > limit)
    return {
      verdict: "warning",
      found,
      advice: predicts
        ? `its first outputs are far from chance: bring the inputs to a common scale (\`standardize: true\`), or give ${layer} smaller first weights (\`kernel_initializer: { random_normal: { stddev: 0.01 } }\`)`
        : "its first outputs are far from the targets: bring targets and inputs to a common scale",
    };
  if (own < blind * better)
    return {
      verdict: "warning",
      found,
      advice:
        "an untrained model should not know more than chance: look whether an input gives the target away",
    };
  return { verdict: "ok", found };
}
