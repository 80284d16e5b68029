import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Dataset } from "../../src/data/dataset.ts";
import { npz } from "../../src/data/sources/npz.ts";
import type { ProblemError } from "../../src/support/errors.ts";
import { archive, bytes, floats, labels, type Spec } from "./encode-npy.ts";
import { inFolder, load, random } from "./helpers.ts";

function loadBytes(content: Uint8Array, options = {}): Promise<Dataset> {
  return inFolder({ "a.npz": content }, (folder) =>
    load(npz, { path: "a.npz", ...options }, folder),
  );
}

for (const level of [0, 6] as const) {
  test(`x and y, with and without test data, ${level ? "deflated" : "stored"}`, async () => {
    const data = await loadBytes(archive({ x: bytes, y: labels }, level), { scale: 0.5 });
    const x = data.train.inputs.get("x")!;
    assert.instance(x.values, Uint8Array);
    assert.equal([[...x.values], x.shape, x.scale], [bytes.values, [2, 2], 0.5]);
    const y = data.train.targets.get("y")!;
    assert.instance(y.values, Int32Array);
    assert.equal([[...y.values], y.shape], [[7, 3], []]);
    assert.is(data.validation, undefined);
    assert.is(data.summary, "2 training examples of shape 2×2, from 0 to 127.5");

    const one = { x_test: { ...floats, shape: [1, 3], values: [7, 8, 9] } };
    const y_test: Spec = { descr: "|u1", shape: [1], values: [5] };
    const both = await loadBytes(archive({ x: floats, y: labels, ...one, y_test }, level));
    assert.equal([...both.validation!.inputs.get("x")!.values], [7, 8, 9]);
    assert.equal([...both.validation!.targets.get("y")!.values], [5]);
    assert.is(both.train.inputs.get("x")!.scale, undefined);
    assert.is(both.summary, "2 training and 1 test examples of shape 3, from 1 to 6");
  });
}

test("several arrays by name, and their test data", async () => {
  const more = { ...floats, shape: [2, 1, 3] };
  const test = { ...floats, shape: [1, 3], values: [7, 8, 9] };
  const one: Spec = { descr: "|u1", shape: [1], values: [5] };
  const parts = { p: floats, q: more, y: labels, p_test: test, y_test: one };
  const names = { x: { left: "p", right: "q" }, y: { t: "y", u: "y" } };
  const all = archive({ ...parts, q_test: { ...test, shape: [1, 1, 3] } });
  const { train, validation, summary } = await loadBytes(all, names);
  assert.equal([train.count, validation!.count], [2, 1]);
  assert.equal(train.inputs.get("right")!.shape, [1, 3]);
  assert.equal([...train.inputs.keys(), ...train.targets.keys()], ["left", "right", "t", "u"]);
  assert.equal([...validation!.inputs.get("left")!.values], [7, 8, 9]);
  assert.is(summary, "2 training and 1 test examples of shape 3, from 1 to 6 and 1×3, from 1 to 6");
  const without = archive({ p: floats, q: more, y: labels });
  assert.is((await loadBytes(without, names)).validation, undefined);
  const refused = async (content: Uint8Array, options: object, path: string, says: RegExp) => {
    const [problem] = await loadBytes(content, options).then(
      () => [],
      (error: ProblemError) => error.problems,
    );
    assert.is(problem?.path.join("."), path);
    assert.match(Object.values(problem!).join(" "), says);
  };
  await refused(without, { ...names, x: { left: "p", right: "r" } }, "x.right", /no array "r"/);
  await refused(archive(parts), names, "x_test.right", /no array "q_test"/);
  await refused(all, { ...names, x_test: { left: "p_test" } }, "x_test", /under other names/);
  const short = archive({ p: floats, q: { ...floats, shape: [1, 6] }, y: labels });
  await refused(short, names, "x.right", /another length/);
});

test("arrays of other names; regression targets; a trailing 1; rank 1", async () => {
  const train_x: Spec = { descr: "<f8", shape: [2], values: [0.5, 1.5] };
  const train_y: Spec = { descr: ">f8", shape: [2, 1], values: [0.25, 0.75] };
  const data = await loadBytes(archive({ train_x, train_y }), { x: "train_x", y: "train_y" });
  assert.equal(data.train.inputs.get("x")!.shape, [1]);
  assert.equal(data.train.targets.get("y")!.shape, [1]);
  assert.equal(data.train.targets.get("y")!.values, Float32Array.of(0.25, 0.75));
});

test("no damage to an archive is anything but a problem, or harmless", async () => {
  const next = random(11);
  const values = Array.from({ length: 300 }, () => Math.floor(next() * 256));
  const x: Spec = { descr: "|u1", shape: [100, 3], values };
  const y: Spec = { descr: "<i4", shape: [100], values: values.slice(0, 100) };
  for (const level of [0, 6] as const) {
    const whole = archive({ x, y }, level);
    for (let i = 0; i < 150; i++) {
      const file = Buffer.from(whole);
      file[Math.floor(next() * file.length)]! ^= 1 << Math.floor(next() * 8);
      const cut = next() < 0.2 ? file.subarray(0, Math.floor(next() * file.length)) : file;
      try {
        const { train } = await loadBytes(cut);
        assert.equal([...train.inputs.get("x")!.values], values);
        assert.equal([...train.targets.get("y")!.values], y.values);
      } catch (error) {
        assert.is((error as Error).name, "ProblemError", `${(error as Error).stack}`);
      }
    }
  }
});

test.run();
