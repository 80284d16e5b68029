/** Compute passes joined to one: what reaches the GPU's encoder, in which order. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { joinPasses } from "../../src/backends/gpujs/passes.ts";

/** An encoder that writes down what it is asked to do. */
function recorder() {
  const log: string[] = [];
  const pass = () => {
    log.push("begin");
    return {
      setPipeline: (p: unknown) => void log.push(`pipeline ${p}`),
      setBindGroup: (i: number, g: unknown) => void log.push(`group ${i} ${g}`),
      dispatchWorkgroups: (...n: unknown[]) => void log.push(`dispatch ${n}`),
      end: () => void log.push("end"),
    };
  };
  const encoder = {
    beginComputePass: pass,
    copyBufferToBuffer: (...args: unknown[]) => void log.push(`copy ${args}`),
    finish() {
      log.push("finish");
      return "commands";
    },
  };
  return { log, encoder: joinPasses(encoder) };
}

function kernel(encoder: ReturnType<typeof joinPasses>, pipeline: string, group: string) {
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1, 2, 3);
  pass.end();
}

test("kernels in a row share a pass, and a pipeline is set once for those that follow each other", () => {
  const { log, encoder } = recorder();
  kernel(encoder, "p", "a");
  kernel(encoder, "p", "b");
  kernel(encoder, "q", "c");
  assert.is(encoder.finish(), "commands");
  assert.equal(log, [
    ...["begin", "pipeline p", "group 0 a", "dispatch 1,2,3", "group 0 b", "dispatch 1,2,3"],
    ...["pipeline q", "group 0 c", "dispatch 1,2,3", "end", "finish"],
  ]);
});

test("a copy ends the pass before it, and the next kernel begins one with its pipeline", () => {
  const { log, encoder } = recorder();
  kernel(encoder, "p", "a");
  encoder.copyBufferToBuffer("from", 0, "to");
  kernel(encoder, "p", "b");
  encoder.finish();
  const own = ["pipeline p", "group 0 b", "dispatch 1,2,3", "end", "finish"];
  assert.equal(log.slice(4), ["end", "copy from,0,to", "begin", ...own]);
});

test("commands without a kernel have no pass", () => {
  const { log, encoder } = recorder();
  encoder.copyBufferToBuffer("a", "b");
  encoder.finish();
  assert.equal(log, ["copy a,b", "finish"]);
});

test.run();
