/** How many steps are given to a backend at once, as it tells how long they took. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Portions } from "../../src/train/portions.ts";

test("steps fill a moment in whole tens, up to the longest portion", () => {
  const portions = new Portions({ moment: 0.25, longest: 50, onGpu: false });
  assert.is(portions.next, 10);
  portions.took(10, 0.07);
  assert.is(portions.next, 30);
  portions.took(30, 0.003);
  assert.is(portions.next, 50);
});

test("slow steps are given ten at a time, and one at a time where ten would take longer than anyone waits", () => {
  const portions = new Portions({ moment: 0.25, onGpu: false });
  portions.took(10, 0.9);
  assert.is(portions.next, 10);
  portions.took(10, 1.5);
  assert.is(portions.next, 1);
  portions.took(1, 0.12);
  assert.is(portions.next, 2);
});

test("an epoch of few steps is one portion at most", () => {
  assert.is(new Portions({ moment: 0.25, longest: 3, onGpu: true }).next, 3);
});

test("on a GPU a call that took long does not end calls of ten: compiling and moving state are in its time", () => {
  const portions = new Portions({ moment: 0.25, longest: 50, onGpu: true });
  portions.took(10, 2.5);
  assert.is(portions.next, 10);
  portions.took(10, 0.04);
  assert.is(portions.next, 50);
});

test.run();
