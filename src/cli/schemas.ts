/**
 * How zod checks, set before any schema is made. It would compile a function for every object's schema, which pays
 * where thousands are checked; a command checks one spec.
 */
import { z } from "zod";

z.config({ jitless: true });
