/** `nnc schema`: the JSON Schema of specs. */
import { specJsonSchema } from "../spec/json-schema.ts";
import { print } from "./terminal.ts";

export function schema(): void {
  print(JSON.stringify(specJsonSchema(), null, 2));
}
