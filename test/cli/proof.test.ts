/** `nnc runs`, `nnc test`, `nnc lock` and `nnc verify`: what runs came to, and whether they still do. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fast, inFolder, lines, nnc, tinySpec } from "./helpers.ts";

test("runs: listed with what came of them; two of them compared", () =>
  inFolder(async (cwd) => {
    const none = await nnc(["runs"], { cwd });
    assert.equal([none.code, none.stdout], [2, ""]);
    await nnc(["train", "tiny.yaml", ...fast, "-q", "--set", "expect.val_mae=< 0"], { cwd });
    await nnc(["train", "tiny.yaml", ...fast, "-q", "--set", "optimizer.sgd.learning_rate=0.1"], {
      cwd,
    });
    const table = await nnc(["runs"], { cwd });
    assert.is(table.code, 0, table.stderr);
    const [head, first, second] = lines(table.stdout);
    assert.match(head!, /^run +changed +backend +epochs +time +last epoch +result$/);
    assert.match(first!, /^runs\/tiny\/1 .* 3\/3 .* val_loss \d.*val_mae \d.* val_mae < 0 ✗$/);
    assert.match(second!, /^runs\/tiny\/2 .* finished$/);
    const json = lines((await nnc(["runs", "--json"], { cwd })).stdout).map((l) => JSON.parse(l));
    assert.equal(
      json.map((r) => [r.run, r.result, r.epochs, r.parameters, typeof r.metrics.val_mae]),
      [1, 2].map((n) => [`runs/tiny/${n}`, "finished", 3, 2, "number"]),
    );
    const diff = await nnc(["runs", "diff", "runs/tiny/1", "tiny", "--md"], { cwd });
    assert.match(diff.stdout, "| optimizer.sgd.learning_rate | 0.01 | 0.1 |");
    assert.match(diff.stdout, '| expect | {"val_mae":"< 0"} | – |');
    assert.match(diff.stdout, /^\| val_mae \| \d\.\d+ \| \d\.\d+ \| [-+]\d/m);
    const data = JSON.parse(
      (await nnc(["runs", "diff", "tiny", "runs/tiny/1", "--json"], { cwd })).stdout,
    );
    assert.equal(data.runs, ["runs/tiny/2", "runs/tiny/1"]);
    assert.equal(data.spec.find((d: { name: string }) => d.name.includes("rate")).b, 0.01);
    const same = await nnc(["runs", "diff", "tiny", "tiny"], { cwd });
    assert.match(same.stdout, "the specs are the same");
    // Killed while a line was written; damaged; both beside a good one.
    const events = readFileSync(join(cwd, "runs/tiny/1/events.jsonl"), "utf8");
    writeFileSync(join(cwd, "runs/tiny/1/events.jsonl"), events.slice(0, -200));
    mkdirSync(join(cwd, "runs/tiny/3"));
    writeFileSync(join(cwd, "runs/tiny/3/events.jsonl"), "{}\nno json\n");
    const some = await nnc(["runs"], { cwd });
    assert.is(some.code, 2);
    assert.match(some.stdout, /tiny\/1 .* unfinished\nruns\/tiny\/2/);
    assert.match(some.stderr, "events.jsonl:2 is damaged");
  }));

const expecting = (what: string) => `${tinySpec}expect: { ${what} }\n`;

test("test: a table, JUnit, Markdown; exit code 1 for what fails, 2 for what cannot be run", () =>
  inFolder(
    async (cwd) => {
      const args = ["test", "good.yaml", "bad.yaml", ...fast];
      const { code, stdout } = await nnc([...args, "--junit", "out.xml", "--md"], { cwd });
      assert.is(code, 1, stdout);
      assert.match(stdout, /^\| good\.yaml \| ✓ passed \| .* parameters 2, got 2\b(?!\.)/m);
      assert.match(stdout, /^\| bad\.yaml \| ✗ failed \| .*✗ best_val_loss <= 0, got \d/m);
      assert.match(stdout, "1 passed, 1 failed in");
      const xml = readFileSync(join(cwd, "out.xml"), "utf8");
      assert.match(xml, /<testsuites name="nnc" tests="5" failures="1" errors="0"/);
      assert.match(
        xml,
        /name="best_val_loss &lt;= 0">\s*<failure message="best_val_loss &lt;= 0, got/,
      );
      const broken = await nnc(["test", "broken.yaml", ...fast], { cwd });
      assert.is(broken.code, 2);
      assert.match(broken.stderr, "broken.yaml:4:14");
      const gone = await nnc(["test", "none.yaml"], { cwd });
      assert.is(gone.code, 2);
    },
    {
      "good.yaml": expecting('parameters: 2, seconds: "< 100"'),
      "bad.yaml": expecting('best_val_loss: "<= 0"'),
      "broken.yaml": tinySpec.replace("units", "unit"),
    },
  ));

test("test --update: what failed, or was not expected, is recorded and passes", () =>
  inFolder(
    async (cwd) => {
      const args = ["test", "bad.yaml", "new.yaml", ...fast];
      const { code, stdout } = await nnc([...args, "--update"], { cwd });
      assert.is(code, 0, stdout);
      assert.match(
        readFileSync(join(cwd, "bad.yaml"), "utf8"),
        /expect: \{ val_mae: "<= \d\.\d+" \}\n$/,
      );
      assert.match(
        readFileSync(join(cwd, "new.yaml"), "utf8"),
        /expect: \{ val_loss: "~ \d\.\d+", val_mae: /,
      );
      const again = await nnc([...args, "--json"], { cwd });
      assert.is(again.code, 0);
      const results = lines(again.stdout).map((line) => JSON.parse(line));
      assert.equal(
        results.map((r) => [r.spec, r.status, r.expect.length]),
        [
          ["bad.yaml", "passed", 1],
          ["new.yaml", "passed", 2],
        ],
      );
    },
    { "bad.yaml": expecting('val_mae: "<= 0"'), "new.yaml": tinySpec },
  ));

test("expect: the best of all epochs, parameters; an unknown name is refused with the nearest", () =>
  inFolder(
    async (cwd) => {
      const { code, stdout, stderr } = await nnc(["train", "best.yaml", ...fast, "--json"], {
        cwd,
      });
      assert.is(code, 0, stderr);
      const events = lines(stdout).map((line) => JSON.parse(line));
      const losses = events.filter((e) => e.event === "epoch").map((e) => e.val_loss);
      const [best, parameters] = events.at(-1).expect;
      assert.is(best.got, Math.min(...losses));
      assert.ok(best.got < losses.at(-1), "the last epoch is not the best");
      assert.is(parameters.got, 2);
      const wrong = await nnc(["train", "best.yaml", "--set", "expect.best_val_los=1"], { cwd });
      assert.is(wrong.code, 2);
      assert.match(wrong.stderr, "did you mean `best_val_loss`?");
    },
    {
      // Too large a step: the loss goes up and down.
      "best.yaml": expecting('best_val_loss: "< 100", parameters: 2').replace("0.01", "0.9"),
    },
  ));

test("lock and verify: the same bits, or the first step, or what has changed", () =>
  inFolder(async (cwd) => {
    const set = ["--set", "train.epochs=2", "--seed", "7"];
    const locked = await nnc(["lock", "tiny.yaml", ...fast, ...set, "-q"], { cwd });
    assert.equal(locked, {
      code: 0,
      stdout: "wrote tiny.lock.json: 2 epochs, 6 steps\n",
      stderr: "",
    });
    assert.is((await nnc(["lock", "tiny.yaml"], { cwd })).code, 2, "it is not overwritten");
    const same = await nnc(["verify", "tiny.yaml", "-q"], { cwd });
    assert.equal(same, { code: 0, stdout: "", stderr: "" });
    const file = join(cwd, "tiny.lock.json");
    const text = readFileSync(file, "utf8");
    const lock = JSON.parse(text);
    assert.is(lock.epochs[0].steps.length, 3 * 8);
    assert.equal(Object.keys(lock.epochs[1].weights), ["dense/kernel", "dense/bias"]);
    lock.epochs[1].steps = `${lock.epochs[1].steps.slice(0, 8)}${"0".repeat(16)}`;
    writeFileSync(file, JSON.stringify(lock));
    const other = await nnc(["verify", "tiny.lock.json"], { cwd });
    assert.is(other.code, 1);
    assert.match(other.stdout, "✗ epoch 2, step 2: the weights differ after it");
    writeFileSync(file, text);
    const csv = readFileSync(join(cwd, "tiny.csv"), "utf8");
    writeFileSync(join(cwd, "tiny.csv"), csv.replace("0.5,2", "0.5,3"));
    writeFileSync(join(cwd, "tiny.yaml"), tinySpec.replace("0.01", "0.02"));
    const changed = await nnc(["verify", "tiny.yaml", "--json"], { cwd });
    assert.is(changed.code, 1);
    const found = JSON.parse(changed.stdout);
    assert.match(found.changed[0], "optimizer.sgd.learning_rate was 0.01, and is 0.02");
    assert.match(found.changed[1], "the data has changed");
    writeFileSync(file, "{}");
    const damaged = await nnc(["verify", "tiny.yaml"], { cwd });
    assert.is(damaged.code, 2);
    assert.match(damaged.stderr, "tiny.lock.json is no lock");
  }));

test.run();
