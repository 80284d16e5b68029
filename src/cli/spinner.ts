/** A spinner on stderr while something takes its time; nothing where it could not turn. */
import { hasColor, isLively } from "./terminal.ts";

export async function during<T>(
  text: string,
  silent: boolean,
  action: () => T | Promise<T>,
): Promise<T> {
  if (silent || !isLively(process.stderr)) return action();
  const { default: ora } = await import("ora");
  const spinner = ora({
    text,
    stream: process.stderr,
    color: hasColor(process.stderr) ? "cyan" : false,
    // Its ways to hide the cursor and to swallow input would get between Ctrl-C and us.
    hideCursor: false,
    discardStdin: false,
  }).start();
  try {
    return await action();
  } finally {
    spinner.stop();
  }
}
