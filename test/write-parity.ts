/** Writes docs/keras-parity.md: `npm run parity`. */
import { writeFileSync } from "node:fs";
import { parityTable } from "./support/parity.ts";

writeFileSync(new URL("../../docs/keras-parity.md", import.meta.url), parityTable());
