/** Ctrl-C and SIGTERM: the first asks the run to stop and save, the second ends the process at once. */
import { exitStatus } from "./exit-status.ts";

/**
 * Signals this close together are one: `npx` passes on to us what the terminal has sent us already.
 * In milliseconds.
 */
const together = 400;

export interface Interrupt {
  /** Whether the run shall end. */
  readonly requested: () => boolean;
  /** Leaves signals to the system again. */
  readonly release: () => void;
}

/** @param first called at the first signal */
export function onInterrupt(first: () => void): Interrupt {
  let since: number | undefined;
  const handle = () => {
    if (since === undefined) {
      since = performance.now();
      first();
    } else if (performance.now() - since > together) process.exit(exitStatus.interrupted);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, handle);
  return {
    requested: () => since !== undefined,
    release: () => {
      for (const signal of signals) process.off(signal, handle);
    },
  };
}
