/** The catalogue of layers. A new layer is one definition in a file here and its name in this list. */
import { activation, dense, input } from "./core.ts";
import type { Layer } from "./layer.ts";
import { dropout } from "./regularization.ts";
import { flatten, reshape } from "./shape.ts";

export const layers: readonly Layer[] = [input, dense, activation, flatten, reshape, dropout];
