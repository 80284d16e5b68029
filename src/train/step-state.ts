/** The state of one step's graph: its updates, and the first values of what it introduces. */
import { type Shape, sizeOf, type Tensor, type Update, variable } from "../ir/graph.ts";

export interface FirstValue {
  readonly size: number;
  readonly initial: number;
  /** When it starts anew. */
  readonly each: "run" | "pass";
}

export class StepState {
  readonly updates: Update[] = [];
  readonly states = new Map<string, FirstValue>();

  /** A variable that starts full of `initial`. */
  array(name: string, shape: Shape, initial: number, dtype: "f32" | "i32" = "f32"): Tensor {
    this.states.set(name, { size: sizeOf(shape), initial, each: "run" });
    return variable({ name, shape, dtype });
  }
  /** A variable that is 0 whenever a pass over the data begins. */
  ofPass(name: string, shape: Shape = [], dtype: "f32" | "i32" = "f32"): Tensor {
    this.states.set(name, { size: sizeOf(shape), initial: 0, each: "pass" });
    return variable({ name, shape, dtype });
  }
  scalar(name: string, dtype: "f32" | "i32" = "f32", initial = 0): Tensor {
    return this.array(name, [], initial, dtype);
  }
  update(target: Tensor, value: Tensor): void {
    this.updates.push({ variable: target as Update["variable"], value });
  }
}
