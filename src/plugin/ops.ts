/** The ops that layers, losses and optimizers are made of, as `op` of `nnc/plugin`. */
export { broadcastTo } from "../ops/broadcast.ts";
export { contract, einsum } from "../ops/contract.ts";
export { convolve, convolveTransposed } from "../ops/convolve.ts";
export { scan } from "../ops/loop.ts";
export {
  abs,
  add,
  clip,
  cos,
  div,
  equal,
  erf,
  exp,
  float,
  floor,
  greater,
  integer,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  power,
  relu,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
  where,
} from "../ops/pointwise.ts";
export { argmax, logSumExp, max, mean, sum, unitLength } from "../ops/reduce.ts";
export { scatterAdd, take } from "../ops/take.ts";
export {
  concatenate,
  fill,
  flip,
  iota,
  pad,
  place,
  reshape,
  slice,
  transpose,
} from "../ops/view.ts";
export { fold, windows } from "../ops/window.ts";
