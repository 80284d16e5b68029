/** Texts that are no YAML, or YAML that is no spec. */
import { type BrokenSpec, broken, text } from "./case.ts";

const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, ⟦*c⟧, *c, *c]
e: [*d, *d]
`;

export const yamlCases: readonly BrokenSpec[] = [
  text("a tab", "train:\n⟦\t⟧epochs: 1\n", /tab/, /spaces/),
  broken("duplicate keys", { "⟦loss⟧": "mae" }, /written twice/, /keep one/),
  text("an unclosed bracket", "model: ⟦[⟧flatten, dense\nloss: mse\n", /never closed/),
  text("an unclosed quote", 'name: ⟦"⟧mlp\nloss: mse\n', /quote/),
  text("indentation", "train:\n    epochs: 1\n  ⟦batch_size: 2⟧\n", /indentation/),
  text("an alias bomb", bomb, /grow too large/),
  text("an unknown alias", "data: mnist\nloss: ⟦*mse⟧\n", /no anchor/),
  text("a merge key", "a: &a { x: 1 }\nb:\n  ⟦<<⟧: *a\n", /merge keys/),
  text("no space after the colon", "train:\n  ⟦epochs:3⟧\n", /space is missing/),
  text("a comparison without quotes", "expect: { loss: ⟦>= 0.1⟧ }\n", /quotes/),
  text("an empty file", "", /the spec is empty/, /nnc init/),
  text("only comments", "⟦#⟧ to do\n", /only comments/),
  text("a list at the top", "⟦-⟧ flatten\n- dense: { units: 1 }\n", /the spec is a list/, /model:/),
  text("a single value", "⟦hello⟧\n", /single value/),
  text("two documents", "data: mnist\n⟦---⟧\ndata: mnist\n", /second YAML document/),
];
