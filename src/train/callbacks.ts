/**
 * The callbacks of a run at work: each is asked after an epoch, and what it asks for is done here. What they
 * remember, and the best weights so far, go into checkpoints.
 */
import type { Action, Memory } from "../nn/callbacks/callback.ts";
import type { CallbackSpec } from "../spec/callbacks.ts";
import type { Best, Checkpoint } from "./checkpoint.ts";
import type { NoticeEvent } from "./events.ts";
import type { Ending } from "./loop.ts";
import type { RunFolder } from "./run-folder.ts";
import type { Session } from "./session.ts";

export interface BestWeights {
  readonly about: Best;
  readonly values: ReadonlyMap<string, Float32Array>;
}

export class Callbacks {
  readonly #session: Session;
  readonly #folder: RunFolder;
  readonly #specs: readonly CallbackSpec[];
  #memories: readonly Memory[];
  #best: BestWeights | undefined;
  #ending: Ending | undefined;

  /** @param memories from a checkpoint, in the spec's order; undefined for one that begins anew */
  constructor(
    session: Session,
    folder: RunFolder,
    from: { readonly memories: readonly (Memory | undefined)[]; readonly best?: BestWeights },
  ) {
    this.#session = session;
    this.#folder = folder;
    this.#specs = session.plan.spec.callbacks;
    this.#memories = this.#specs.map((c, i) => from.memories[i] ?? c.definition.begin);
    this.#best = from.best;
  }

  get memories(): readonly Memory[] {
    return this.#memories;
  }
  get best(): BestWeights | undefined {
    return this.#best;
  }

  /** Whether a callback has found that the run came to nothing. */
  get failed(): boolean {
    return this.#ending?.reason === "diverged";
  }

  /** Why the run shall end, if a callback says so. */
  ending(seconds: number): Ending | undefined {
    if (this.#ending) return this.#ending;
    for (const { definition, options } of this.#specs) {
      const message = definition.ending?.(seconds, options);
      if (message !== undefined) this.#ending = { reason: "finished", message };
    }
    return this.#ending;
  }

  /** @returns what is worth telling */
  async epochEnd(
    epoch: number,
    metrics: Readonly<Record<string, number>>,
  ): Promise<readonly NoticeEvent[]> {
    const time = Date.now() / 1000;
    const learningRate = await this.#session.learningRate();
    const notices: NoticeEvent[] = [];
    const memories: Memory[] = [];
    const keeper = this.#specs.find((c) => c.keepsBest);
    for (const [i, spec] of this.#specs.entries()) {
      const { definition, options, watched } = spec;
      const value = watched ? metrics[watched.metric]! : Number.NaN;
      const better = watched?.better ?? "lower";
      const report = { epoch, metrics, value, better, learningRate, time };
      const before = this.#memories[i]!;
      const { memory, actions } = definition.epochEnd?.(report, before, options) ?? {
        memory: before,
        actions: [],
      };
      memories.push(memory);
      for (const action of actions) {
        if (action.action === "keep weights" && spec !== keeper) continue;
        const message = await this.#do(action, { epoch, value, metric: watched?.metric ?? "" });
        if (message !== undefined)
          notices.push({ event: "notice", epoch, message: `${definition.name}: ${message}` });
      }
    }
    this.#memories = memories;
    return notices;
  }

  /** @returns what is worth telling */
  async #do(action: Action, now: Best): Promise<string | undefined> {
    switch (action.action) {
      case "stop":
        this.#ending ??= { reason: "finished", message: action.why };
        return undefined;
      case "fail":
        this.#ending = { reason: "diverged", message: action.why };
        return undefined;
      case "set learning rate":
        this.#session.setLearningRate(action.value);
        return `the learning rate is ${Number(action.value.toPrecision(6))} from now on`;
      case "keep weights":
        this.#best = { about: now, values: await this.#session.weights() };
        return undefined;
      case "save weights": {
        const values = await this.#session.weights();
        this.#folder.writeWeights(action.file, this.#session.plan.weights, values);
        return undefined;
      }
      case "append":
        this.#folder.log(action.file, action.content);
        return undefined;
      default:
        return action satisfies never;
    }
  }
}

/** What callbacks knew, of those that are as they were. */
export function callbacksOf(
  { saved, bestWeights }: Checkpoint,
  specs: readonly CallbackSpec[],
  same: (index: number) => boolean,
): { readonly memories: readonly (Memory | undefined)[]; readonly best?: BestWeights } {
  const memories = specs.map((_, i) => (same(i) ? saved.callbacks[i] : undefined));
  const kept = specs.some((c, i) => c.keepsBest && same(i));
  const { best } = saved;
  return {
    memories,
    ...(kept && best && bestWeights ? { best: { about: best, values: bestWeights } } : {}),
  };
}
