/** Callbacks, by Keras's names (https://keras.io/api/callbacks/). */
import { named } from "../definition.ts";
import type { Callback } from "./callback.ts";
import { endings } from "./ending.ts";
import { logs } from "./logs.ts";
import { watchers } from "./watching.ts";

export const callbacks: readonly Callback[] = [...watchers, ...endings, ...logs];

/** The spec's reference to a callback. */
export const callbackOption = () => named<Callback>("callback", () => callbacks);
