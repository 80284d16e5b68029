/**
 * What a run says, from its events: for people, for programs, or nearly nothing. Reporters only consume
 * events. Results go to stdout; messages, which are no results, to stderr.
 */
import type { Verdict } from "../spec/expectation.ts";
import {
  type EndEvent,
  type EpochEvent,
  metricsOf,
  type ProgressEvent,
  type RunEvent,
  type StartEvent,
} from "../train/events.ts";
import {
  finishedLine,
  formatGot,
  formatMetric,
  formatMetrics,
  formatSeconds,
  type Position,
  runningLine,
  stepTime,
} from "./progress.ts";
import { hasColor, isLively, type Paint, painter, print, tell, widthOf } from "./terminal.ts";

export interface Reporter {
  event(event: RunEvent): void;
  /** A message in between, which must not get into a line that is being redrawn. */
  notice(text: string): void;
}

/** One event a line, for programs. */
export const jsonReporter: Reporter = {
  event(event) {
    if (event.event !== "progress") print(JSON.stringify(event));
  },
  notice: tell,
};

/** Only what the run came to. */
export const quietReporter: Reporter = {
  event(event) {
    if (event.event !== "end") return;
    printVerdicts(event.expect);
    if (event.reason !== "finished") tellWhy(event);
  },
  notice: () => {},
};

/** Least time between two drawings of the bar, in ms. */
const redraw = 100;

/** Epochs as Keras shows them: a bar on a terminal, else one line an epoch. */
export class HumanReporter implements Reporter {
  readonly #lively = isLively(process.stdout);
  readonly #paint: Paint = painter(hasColor(process.stdout));
  /** The epoch whose head is printed. */
  #epoch = 0;
  #position: Position = { step: 0, steps: 1, seconds: 0 };
  #drawn = Number.NEGATIVE_INFINITY;
  /** The cursor stands behind a bar. */
  #open = false;

  event(event: RunEvent): void {
    switch (event.event) {
      case "start":
        if (event.resumed) this.notice(resumedAt(event.resumed, event.epochs));
        break;
      case "notice":
        this.notice(`epoch ${event.epoch}: ${event.message}`);
        break;
      case "progress":
        this.#progress(event);
        break;
      case "epoch":
        this.#finishEpoch(event);
        break;
      case "end":
        this.#end(event);
        break;
      default:
        event satisfies never;
    }
  }

  notice(text: string): void {
    this.#leaveBar();
    tell(text);
  }

  #progress(event: ProgressEvent): void {
    const { step, steps, seconds, loss, validating } = event;
    if (!validating) this.#position = { step, steps, seconds };
    if (!this.#lively) return;
    this.#head(event);
    const now = performance.now();
    if (now - this.#drawn < redraw) return;
    this.#drawn = now;
    const tail = validating ? " - validating" : formatMetrics({ loss });
    const line = runningLine(this.#position, tail, widthOf(process.stdout), this.#paint);
    process.stdout.write(`\r\x1b[K${line}`);
    this.#open = true;
  }

  #head({ epoch, epochs }: { readonly epoch: number; readonly epochs: number }): void {
    if (this.#epoch === epoch) return;
    this.#epoch = epoch;
    this.#drawn = Number.NEGATIVE_INFINITY;
    print(`Epoch ${epoch}/${epochs}`);
  }

  #finishEpoch(event: EpochEvent): void {
    const { epoch, epochs } = event;
    const position = this.#position;
    const time = `${formatSeconds(Number(event["seconds"]))}`;
    const metrics = formatMetrics(metricsOf(event));
    if (this.#lively) {
      this.#head(event);
      if (this.#open) process.stdout.write("\r\x1b[K");
      this.#open = false;
      print(finishedLine(position, ` ${time} ${stepTime(position)}${metrics}`, this.#paint));
    } else {
      const { step, steps } = position;
      print(
        `Epoch ${epoch}/${epochs} - ${step}/${steps} - ${time} - ${stepTime(position)}${metrics}`,
      );
    }
  }

  #end(event: EndEvent): void {
    this.#leaveBar();
    if (event.reason === "finished" && event.message !== undefined) tell(event.message);
    printVerdicts(event.expect);
    if (event.reason !== "finished") tellWhy(event);
    const weights = event.model === undefined ? " (no weights: they are not finite)" : "";
    const { best } = event;
    const kept = best
      ? `, weights of epoch ${best.epoch} (${best.metric} ${formatMetric(best.value)})`
      : "";
    tell(`run: ${event.run}${weights}${kept}, ${formatSeconds(event.seconds)}`);
  }

  #leaveBar(): void {
    if (this.#open) process.stdout.write("\n");
    this.#open = false;
  }
}

function resumedAt(
  { epoch, step, steps }: NonNullable<StartEvent["resumed"]>,
  epochs: number,
): string {
  if (epoch > epochs)
    return `all ${epochs} epochs are done already; --set train.epochs=… asks for more`;
  if (step > 0) return `going on after step ${step} of epoch ${epoch}`;
  return `going on with epoch ${epoch}, after ${steps} steps`;
}

function printVerdicts(verdicts: readonly Verdict[]): void {
  const paint = painter(hasColor(process.stdout));
  for (const { metric, want, got, ok } of verdicts) {
    const sign = ok ? paint("green", "✓") : paint("red", "✗");
    print(`${sign} ${metric} ${want}, ${formatGot(metric, got)}`);
  }
}

/** Why a run ended before its time. */
function tellWhy({ reason, message, epochs, model }: EndEvent): void {
  const paint = painter(hasColor(process.stderr));
  if (reason === "interrupted") {
    const done = `${epochs} whole ${epochs === 1 ? "epoch" : "epochs"}`;
    const saved = model === undefined ? "" : `; weights saved in ${model}`;
    tell(`interrupted after ${done}${saved}`);
    return;
  }
  tell(`${paint("red", paint("bold", "error:"))} ${message ?? "the run did not finish"}`);
  const advice = "try a smaller learning rate, or `clipnorm: 1` among the optimizer's options";
  tell(`  ${paint("cyan", "help:")} ${advice}`);
}
