/** Temporaries share memory only while nobody needs them: the verifier objects to every wrong place. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { placeBuffers } from "../../src/backends/native/arena.ts";
import { native } from "../../src/backends/native/index.ts";
import { writesOf } from "../../src/backends/native/order.ts";
import { type ProgramPlan, planProgram } from "../../src/backends/native/plan.ts";
import { avx2 } from "../../src/backends/native/target.ts";
import { verifyArena } from "../../src/backends/native/verify/arena.ts";
import type { TensorBuffer } from "../../src/ir/expr.ts";
import { compileRun } from "../../src/train/session.ts";
import { planOfText, smallSpecs } from "../support/sessions.ts";

/** Variables first, then what tasks write. */
function buffersOf(plan: ProgramPlan, variables: readonly TensorBuffer[]): readonly TensorBuffer[] {
  const tasks = plan.procedures.flatMap((p) => p.groups.flat());
  return [...new Set([...variables, ...tasks.flatMap(writesOf)])];
}

for (const [name, text] of Object.entries(smallSpecs)) {
  const program = compileRun(planOfText(text), native);
  const plan = planProgram(program, avx2);
  const buffers = buffersOf(plan, program.variables);
  const arena = placeBuffers(buffers, plan);

  test(`${name}: memory is shared, and nothing is overwritten before it is read`, () => {
    verifyArena(arena, plan);
    const total = buffers.reduce((n, b) => n + 4 * plan.layoutOf(b).size, 0);
    assert.ok(arena.size < total + 1000 * buffers.length);
  });

  test(`${name}: two buffers in one place are noticed`, () => {
    const { groups } = plan.procedures[0]!;
    const written = groups
      .flat()
      .flatMap((t) =>
        writesOf(t).map((b) => ({ b, group: groups.findIndex((g) => g.includes(t)) })),
      );
    const temporaries = written.filter(({ b }) => !("kind" in b));
    let noticed = 0;
    for (const { b, group } of temporaries) {
      // Made between two barriers with another: both are there at once.
      const other = temporaries.find((o) => o.b !== b && o.group === group);
      if (!other) continue;
      const offsets = new Map(arena.offsets).set(b, arena.offsets.get(other.b)!);
      assert.throws(() => verifyArena({ ...arena, offsets }, plan), /internal: /);
      noticed++;
    }
    const [weight] = program.variables.filter((v) => v.kind === "state");
    const offsets = new Map(arena.offsets).set(weight!, arena.offsets.get(temporaries[0]!.b)!);
    assert.throws(
      () => verifyArena({ ...arena, offsets }, plan),
      /shares memory that it must keep/,
    );
    assert.ok(noticed > 2);
  });
}

test.run();
