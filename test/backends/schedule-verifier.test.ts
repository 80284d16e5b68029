/**
 * The verifier of schedules passes every plan, and objects to every harmful change of one decision: in the plans
 * of real models and of random contractions.
 */
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { native } from "../../src/backends/native/index.ts";
import { nameOf, type Task, writesOf } from "../../src/backends/native/order.ts";
import { type ProgramPlan, planProgram } from "../../src/backends/native/plan.ts";
import { byModel, type Decide } from "../../src/backends/native/products/decisions.ts";
import { avx2 } from "../../src/backends/native/target.ts";
import { verifyOrder, verifyPlan } from "../../src/backends/native/verify/plan.ts";
import { compile } from "../../src/compiler/compile.ts";
import { sizeOf } from "../../src/ir/graph.ts";
import { readSpec } from "../../src/spec/source.ts";
import { resolveSpec } from "../../src/spec/spec.ts";
import { loadData } from "../../src/train/load.ts";
import { compileRun, planRun } from "../../src/train/session.ts";
import { drawContractions } from "../support/contractions.ts";
import { random } from "../support/evaluate.ts";
import { mutations } from "../support/mutations.ts";
import { planOfText, smallSpecs } from "../support/sessions.ts";

const folder = fileURLToPath(new URL("../../../specs", import.meta.url));

async function planOfSpec(name: string): Promise<ProgramPlan> {
  const spec = resolveSpec(readSpec(`${folder}/${name}.yaml`));
  return planProgram(compileRun(planRun(spec, await loadData(spec)), native), avx2);
}

/** A quarter of the decisions as models have them, the others at random. */
function planOfContractions(seed: number): ProgramPlan {
  const r = random(seed);
  const dice: Decide = (_, chosen, valid) => (r.uniform() < 0.25 ? chosen : r.pick(valid()));
  const program = compile([drawContractions(seed, 20).graph], native.traits);
  return planProgram(program, avx2, seed % 3 === 0 ? byModel : dice);
}

const plans = new Map<string, ProgramPlan>();
for (const name of ["mlp", "cnn", "cnn-tf"]) plans.set(name, await planOfSpec(name));
for (const [name, text] of Object.entries(smallSpecs))
  plans.set(`small ${name}`, planProgram(compileRun(planOfText(text), native), avx2));
for (let seed = 1; seed <= 8; seed++) plans.set(`random ${seed}`, planOfContractions(seed));

const objects = (check: () => unknown): boolean => {
  try {
    check();
    return false;
  } catch (error) {
    assert.match(String(error), /^Error: internal: /);
    return true;
  }
};

/** The plan with one task put in place of another. */
const replaced = (plan: ProgramPlan, old: Task, by: Task): ProgramPlan => ({
  ...plan,
  procedures: plan.procedures.map((p) => ({
    ...p,
    groups: p.groups.map((g) => g.map((t) => (t === old ? by : t))),
  })),
});
/** Whether a task reads copies: the order of groups takes it to read what was copied, too. */
const readsCopies = (t: Task) =>
  t.kind === "product" && (t.schedule.a.copy ?? t.schedule.b.copy) !== undefined;
const tasksOf = (plan: ProgramPlan) => plan.procedures.flatMap((p) => p.groups.flat());

test("plans as they are made are sound", () => {
  for (const plan of plans.values()) verifyPlan(plan, avx2);
});

for (const { name, change } of mutations) {
  test(`objects to ${name}`, () => {
    let applied = 0;
    const passed: string[] = [];
    for (const [model, plan] of plans) {
      for (const task of tasksOf(plan)) {
        const schedule = task.kind === "product" ? change(task.schedule) : undefined;
        if (!schedule) continue;
        applied++;
        const alone = replaced(plan, task, { ...task, schedule } as Task);
        if (!objects(() => verifyPlan(alone, avx2))) passed.push(`${model}: ${nameOf(task)}`);
      }
    }
    assert.ok(applied > 0, "it applies nowhere");
    assert.equal(passed, []);
  });
}

test("objects to a barrier that is taken away", () => {
  for (const [model, plan] of plans) {
    for (const procedure of plan.procedures) {
      for (let i = 1; i < procedure.groups.length; i++) {
        if (
          procedure.groups
            .slice(i - 1, i + 1)
            .flat()
            .some(readsCopies)
        )
          continue;
        const merged = [...procedure.groups];
        merged.splice(i - 1, 2, [...merged[i - 1]!, ...merged[i]!]);
        const procedures = [{ ...procedure, groups: merged }];
        assert.ok(
          objects(() => verifyPlan({ ...plan, procedures }, avx2)),
          `${model}: groups ${i - 1} and ${i} of ${procedure.name}`,
        );
      }
    }
  }
});

test("objects to groups in another order, and to a task left out", () => {
  for (const [model, { procedures }] of plans) {
    for (const { name, groups } of procedures) {
      const tasks = groups.flat();
      verifyOrder(name, tasks, groups);
      for (let i = 1; i < groups.length; i++) {
        if (
          groups
            .slice(i - 1, i + 1)
            .flat()
            .some(readsCopies)
        )
          continue;
        const turned = [...groups];
        turned.splice(i - 1, 2, groups[i]!, groups[i - 1]!);
        assert.ok(
          objects(() => verifyOrder(name, tasks, turned)),
          `${model}: ${name} ${i}`,
        );
      }
      assert.ok(objects(() => verifyOrder(name, tasks, groups.slice(1))));
    }
  }
});

test("objects to a copy made after it is read, and to one of an older value", () => {
  let late = 0;
  for (const [model, plan] of plans) {
    for (const procedure of plan.procedures) {
      const tasks = procedure.groups.flat();
      for (const task of tasks) {
        const copy = task.kind === "product" && (task.schedule.a.copy ?? task.schedule.b.copy);
        if (!copy) continue;
        const maker = tasks.find((t) => writesOf(t)[0] === copy.target)!;
        const groups = [...procedure.groups.map((g) => g.filter((t) => t !== maker)), [maker]];
        const procedures = [{ ...procedure, groups }];
        assert.ok(
          objects(() => verifyPlan({ ...plan, procedures }, avx2)),
          `${model}: ${copy.target.name}`,
        );
        late++;
      }
    }
  }
  assert.ok(late > 10);
});

test("objects to memory that is too small", () => {
  for (const [model, plan] of plans) {
    for (const task of tasksOf(plan)) {
      if (task.kind !== "product") continue;
      const written = task.nest.stores[0]!.buffer;
      // There may be room that is not written: a last block, or space after rows.
      if (plan.layoutOf(written).size !== sizeOf(written.shape)) continue;
      const layoutOf: ProgramPlan["layoutOf"] = (b) => {
        const layout = plan.layoutOf(b);
        return b === written ? { ...layout, size: layout.size - 1 } : layout;
      };
      assert.ok(
        objects(() => verifyPlan({ ...plan, layoutOf }, avx2)),
        `${model}: ${written.name}`,
      );
    }
  }
});

test("objects to shares that are not the whole", () => {
  for (const plan of plans.values()) {
    for (const task of tasksOf(plan)) {
      const { sharing } = task;
      if (sharing.by === "one" || (task.kind === "product" && sharing.by === "other")) continue;
      const units = { ...sharing.units, count: sharing.units.count - 1 };
      const changed = replaced(plan, task, { ...task, sharing: { ...sharing, units } } as Task);
      assert.ok(
        objects(() => verifyPlan(changed, avx2)),
        nameOf(task),
      );
    }
  }
});

test.run();
