/** Data so large that the index of an element is no longer exact as a float. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/compiler/compile.ts";
import { variable } from "../../src/ir/graph.ts";
import { float } from "../../src/ops/pointwise.ts";
import { take } from "../../src/ops/take.ts";
import { reshape } from "../../src/ops/view.ts";
import { workingBackends } from "../support/backends.ts";

const [count, side] = [100_000, 15];
const size = side * side;
/** As it is, and with memory behind its end, as files are read: then native takes it where it is. */
const data = Uint8Array.from({ length: count * size }, (_, i) => (i * 7919) % 251);
const withRoom = new Uint8Array(data.length + 256).subarray(0, data.length);
withRoom.set(data);
const rows = Int32Array.of(0, 99_999, 87_654, 75_001);

for (const backend of await workingBackends()) {
  const rowsOf = async (values: Uint8Array) => {
    const shape = [count, side, side];
    const x = variable({ name: "x", kind: "data", constant: true, shape, dtype: "u8" });
    const which = variable({ name: "rows", kind: "data", shape: [rows.length], dtype: "i32" });
    const value = reshape(float(take(x, which)), [rows.length * size, 1]);
    const out = variable({ name: "out", shape: value.type.shape });
    const program = compile(
      [{ name: "test", updates: [{ variable: out, value }] }],
      backend.traits,
    );
    const executable = await backend.compile(program, new Map([["x", values]]), {});
    executable.write("rows", rows);
    await executable.run("test", 1);
    const got = await executable.read("out");
    const want = [...rows].flatMap((r) => [...data.slice(r * size, (r + 1) * size)]);
    const wrong = want.filter((v, i) => got[i] !== v).length;
    assert.is(wrong, 0, `${wrong} of ${want.length} are wrong`);
    assert.ok(Buffer.from(await executable.read("x")).equals(data), "the data has changed");
    await executable.dispose();
  };
  test(`rows at the end of large data, split along the way, on ${backend.name}`, () =>
    rowsOf(data));
  test(`the same of data with memory behind it on ${backend.name}`, () => rowsOf(withRoom));
}

test.run();
