/** How many steps a backend is given at once: enough to be quick, few enough to be stopped and to show progress. */

/** Backends like whole tens of steps, unless these take longer than anyone waits for a stop (seconds). */
export const ten = 10;
const patience = 1;
/**
 * State goes to a GPU and back at every call: a call of few steps tells little of how long ten of them take, and
 * portions so many times longer share that price among more steps.
 */
const patienceWithGpu = 5;
const longerWithGpu = 4;

export interface PortionLimits {
  /** What a portion should take at most, in seconds; some times more on a GPU. */
  readonly moment: number;
  /** Most steps of a portion; absent: any number. */
  readonly longest?: number;
  readonly onGpu: boolean;
}

export class Portions {
  readonly #limits: PortionLimits;
  /** The steps to be given next. */
  next: number;

  constructor(limits: PortionLimits) {
    this.#limits = limits;
    this.next = this.#atMost(ten);
  }

  /** Tells how long so many steps took, in seconds. */
  took(count: number, seconds: number): void {
    const perStep = seconds / count;
    const { moment, onGpu } = this.#limits;
    const fitting = Math.floor(((onGpu ? longerWithGpu : 1) * moment) / perStep);
    const singly = perStep * ten > (onGpu ? patienceWithGpu : patience);
    this.next = this.#atMost(
      singly ? Math.max(1, fitting) : Math.max(1, Math.floor(fitting / ten)) * ten,
    );
  }

  readonly #atMost = (steps: number) =>
    Math.min(steps, this.#limits.longest ?? Number.POSITIVE_INFINITY);
}
