/** The frame of every invocation: runs the command, reports what went wrong, sets the exit code, ends. */
import "./schemas.ts";
import { CommanderError } from "commander";
import { exitStatus } from "./exit-status.ts";
import { buildProgram } from "./program.ts";

/** How long what a library left open (a GPU, a worker) may hold up the end of the process, in ms. */
const grace = 500;

export async function main(args: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", endQuietly);
  let failing = false;
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, async (error: unknown) => {
      // What fails while a failure is reported must not be reported again, for ever.
      if (failing) process.exit(exitStatus.failed);
      failing = true;
      await finish(await report(error));
    });
  }
  let code: number = exitStatus.fine;
  const program = buildProgram((status) => {
    code = status;
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    code = await report(error);
  }
  await finish(code);
}

/** Says what is wrong, and gives the exit code it means. Help and version are ends of commander's, not errors. */
async function report(error: unknown): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return exitStatus.fine;
  // The words for problems need the spec's reader, which a command without problems may not.
  return (await import("./failure.ts")).reportFailure(error);
}

/** Lets the process end by itself once everything is written, and makes it end if it does not. */
async function finish(code: number): Promise<void> {
  process.exitCode = code;
  await Promise.all([process.stdout, process.stderr].map(flushed));
  setTimeout(() => process.exit(code), grace).unref();
}

const flushed = (stream: NodeJS.WriteStream) =>
  new Promise<void>((done) => {
    if (stream.destroyed || !stream.writable) done();
    else stream.write("", () => done());
  });

/** The reader has gone (`nnc … | head`): there is nobody left to tell anything. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? exitStatus.fine);
  throw error;
}
