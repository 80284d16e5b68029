/** Chains: tasks done for some rows at a time give the same bits, and the verifier knows what is none. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileFor, native } from "../../src/backends/native/index.ts";
import { type ProgramPlan, planProgram } from "../../src/backends/native/plan.ts";
import type { Decide } from "../../src/backends/native/products/decisions.ts";
import { avx2 } from "../../src/backends/native/target.ts";
import { findToolchain } from "../../src/backends/native/toolchain.ts";
import { verifyPlan } from "../../src/backends/native/verify/plan.ts";
import type { Backend } from "../../src/ir/program.ts";
import { compileRun } from "../../src/train/session.ts";
import { openSession, planOfText, smallSpecs, trainSteps } from "../support/sessions.ts";

const cache = mkdtempSync(join(tmpdir(), "nnc-cache-"));
process.env["NNC_CACHE"] = cache;
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

/** Batches whose rows are cut into several units. */
const texts = {
  convolutional: smallSpecs.convolutional.replace("batch_size: 9", "batch_size: 60"),
  quickened: `
data: mnist
loss: sparse_categorical_crossentropy
model:
  - input: { shape: [8, 8, 1] }
  - conv2d: { filters: 32, kernel_size: 3, padding: same, activation: relu }
  - conv2d: { filters: 48, kernel_size: 3, activation: relu }
  - max_pooling2d
  - flatten
  - dense: { units: 5, activation: softmax }
optimizer: adam
train: { batch_size: 60 }
`,
};
/** A second cache so small that nothing fits. */
const tiny = 1 << 9;
const planOf = (text: string, l2: number) =>
  planProgram(compileRun(planOfText(text), native), { ...avx2, l2 });
/** Whatever can be packed is: into memory that each thread has once. */
const packing: Decide = (decision, chosen, valid) =>
  decision === "pack" ? valid().at(0)! : chosen;
const chainsOf = ({ procedures }: ProgramPlan) => procedures.flatMap((p) => p.chains);

for (const [name, text] of Object.entries(texts)) {
  test(`${name}: chains where the second cache is small, none where all fits`, () => {
    assert.equal(chainsOf(planOf(text, 1 << 28)), []);
    const chains = chainsOf(planOf(text, tiny));
    assert.ok(chains.some((c) => c.tasks.length > 2));
    assert.ok(chains.every((c) => c.parts > 1));
  });

  test(`${name}: another division, a task less or one of another group is noticed`, () => {
    const plan = planOf(text, tiny);
    const long = chainsOf(plan).find((c) => c.tasks.length > 2)!;
    const others = plan.procedures.flatMap((p) => p.groups.flat());
    const stranger = others.find((t) => !long.tasks.includes(t) && t.sharing.by !== "rows")!;
    const withChain = (chain: typeof long): ProgramPlan => ({
      ...plan,
      procedures: plan.procedures.map((p) => ({
        ...p,
        chains: p.chains.map((c) => (c === long ? chain : c)),
      })),
    });
    verifyPlan(withChain(long), avx2);
    for (const wrong of [
      { ...long, tasks: long.tasks.toReversed() },
      { ...long, tasks: long.tasks.filter((_, i) => i !== 1) },
      { ...long, tasks: long.tasks.slice(1) },
      { ...long, tasks: [...long.tasks, stranger] },
      { ...long, parts: 0 },
    ])
      assert.throws(() => verifyPlan(withChain(wrong), avx2), /chain/);
  });

  test(`${name}: the same bits with chains and without, for any number of threads`, async () => {
    const toolchain = await findToolchain();
    if (!toolchain) return;
    const weights = async (l2: number, threads: number) => {
      const backend: Backend = {
        ...native,
        compile: (program, constants, options) =>
          compileFor(
            program,
            constants,
            options,
            { ...toolchain, target: { ...toolchain.target, l2 } },
            packing,
          ),
      };
      const session = await openSession(text, backend, threads);
      await trainSteps(session, 5);
      const found = [...(await session.weights()).values()].map((v) => Buffer.from(v.buffer));
      await session.dispose();
      return Buffer.concat(found).toString("base64");
    };
    const want = await weights(1 << 28, 1);
    for (const threads of [1, 2, 3]) assert.is(await weights(tiny, threads), want, `${threads}`);
  });
}

test.run();
