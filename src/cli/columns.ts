/** Rows of words as aligned columns, without lines between them. */

/** What makes a cell a number for the eye: it is set to the right. */
const numeric = /^[-+]?[\d.,]+(e[-+]?\d+)?( ?[%a-zA-Z]{1,2})?$/;

/** @param rows the first is the head; all as long as it */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const count = rows[0]?.length ?? 0;
  const body = rows.slice(1);
  const about = Array.from({ length: count }, (_, c) => {
    const cells = body.map((row) => row[c]!).filter((cell) => cell !== "" && cell !== "–");
    return {
      width: Math.max(...rows.map((row) => row[c]!.length)),
      right: cells.length > 0 && cells.every((cell) => numeric.test(cell)),
    };
  });
  return rows.map((row) =>
    row
      .map((cell, c) => {
        const { width, right } = about[c]!;
        return right ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
