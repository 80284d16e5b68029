/** The state of one step's graph: its updates, and the first values of what it introduces. */
import { type Shape, sizeOf, type Tensor, type Update, variable } from "../ir/graph.ts";

export interface FirstValue {
  readonly size: number;
  readonly initial: number;
}

export class StepState {
  readonly updates: Update[] = [];
  readonly states = new Map<string, FirstValue>();

  /** A variable that starts full of `initial`. */
  array(name: string, shape: Shape, initial: number, dtype: "f32" | "i32" = "f32"): Tensor {
    this.states.set(name, { size: sizeOf(shape), initial });
    return variable({ name, shape, dtype });
  }
  scalar(name: string, dtype: "f32" | "i32" = "f32", initial = 0): Tensor {
    return this.array(name, [], initial, dtype);
  }
  update(target: Tensor, value: Tensor): void {
    this.updates.push({ variable: target as Update["variable"], value });
  }
}
