/** Callbacks that only end a run. */
import { z } from "zod";
import { type Callback, defineCallback } from "./callback.ts";

const unit = (what: string) => z.number().positive().optional().describe(what);

const terminateOnNan = defineCallback({
  name: "terminate_on_nan",
  doc: "Ends the run when a metric is no finite number; the training loss always does so",
  options: {},
  begin: {},
  epochEnd({ metrics, epoch }, memory) {
    const broken = Object.keys(metrics).filter((name) => !Number.isFinite(metrics[name]));
    const why = `terminate_on_nan: ${broken.join(", ")} is no finite number in epoch ${epoch}`;
    return { memory, actions: broken.length > 0 ? [{ action: "fail", why }] : [] };
  },
});

const timeLimit = defineCallback({
  name: "time_limit",
  doc: "Ends the run after so much time of training; what was saved can be resumed",
  options: {
    hours: unit("Hours; units add up."),
    minutes: unit("Minutes."),
    seconds: unit("Seconds."),
  },
  check(o) {
    if (Object.values(o).some((value) => value !== undefined)) return undefined;
    return {
      path: [],
      message: "time_limit needs a time",
      expected: "hours, minutes or seconds",
      received: "none",
      fix: "write `time_limit: { minutes: 30 }`",
    };
  },
  begin: {},
  ending(seconds, { hours = 0, minutes = 0, seconds: more = 0 }) {
    const limit = 3600 * hours + 60 * minutes + more;
    if (seconds < limit) return undefined;
    return `time_limit: ${limit === 1 ? "1 second of training is" : `${limit} seconds of training are`} over`;
  },
});

export const endings: readonly Callback[] = [terminateOnNan, timeLimit];
