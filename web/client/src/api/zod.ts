/** zod without its compiler, which would need `unsafe-eval` and be refused by our Content-Security-Policy. */
import * as z from "zod";

z.config({ jitless: true }); // before any schema is made: a schema looks at it once

export { z };
