/** Text built line by line with the indentation kept: for generated code. */
export class CodePrinter {
  readonly #lines: string[] = [];
  #depth = 0;

  line(text = ""): this {
    this.#lines.push(text === "" ? "" : "  ".repeat(this.#depth) + text);
    return this;
  }

  lines(texts: Iterable<string>): this {
    for (const text of texts) this.line(text);
    return this;
  }

  /** `head {`, the body one level deeper, `}`. */
  block(head: string, body: () => void, tail = "}"): this {
    this.line(head === "" ? "{" : `${head} {`);
    this.#depth++;
    body();
    this.#depth--;
    return this.line(tail);
  }

  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}
