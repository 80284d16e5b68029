/**
 * One process at a time works on a run's folder. The lock is a file that names its owner; that of a process
 * which is no longer there counts for nothing, so that a run that was killed can be resumed.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";
import { UsageError } from "../support/errors.ts";
import { opening, removeIfPossible, type Then } from "./files.ts";

const ownerSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** When the process began, as the system counts it; numbers of processes are used again. */
  began: z.string().nullable(),
});
type Owner = z.output<typeof ownerSchema>;

/**
 * @param then what can be done where the disk is full
 * @returns what gives the folder free again
 */
export function lockFolder(folder: string, file: string, then?: Then): () => void {
  const own: Owner = { pid: process.pid, host: hostname(), began: beginOf(process.pid) };
  const prepared = `${file}.${own.pid}`;
  return opening(file, then, () => {
    try {
      // A link appears with its content, all at once, and only where there is none yet.
      writeFileSync(prepared, JSON.stringify(own));
      while (!linked(prepared, file)) takeAway(folder, file, `${prepared}.old`);
    } finally {
      rmSync(prepared, { force: true });
    }
    // A lock that cannot be removed is soon that of a process which is gone, in nobody's way.
    return () => removeIfPossible(file);
  });
}

function linked(prepared: string, file: string): boolean {
  try {
    linkSync(prepared, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock of a process that is gone. */
function takeAway(folder: string, file: string, aside: string): void {
  const text = textOf(file);
  if (text === undefined) return;
  refuseLiving(folder, file, text);
  // Of several who find the same dead owner one moves its lock away; who moves a newer one puts it back.
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (textOf(aside) !== text) linked(aside, file);
  rmSync(aside, { force: true });
}

function refuseLiving(folder: string, file: string, text: string): void {
  const owner = ownerSchema.safeParse(parsed(text)).data;
  if (!owner || !isAlive(owner)) return;
  const elsewhere = owner.host === hostname() ? "" : ` on ${owner.host}`;
  throw new UsageError(
    `another nnc is training in ${folder} (process ${owner.pid}${elsewhere})`,
    elsewhere === ""
      ? "wait for it, stop it, or choose another folder with --out"
      : `if it is no longer there, remove ${file}`,
  );
}

/** A process of another machine cannot be seen from here, and counts as alive. */
function isAlive({ pid, host, began }: Owner): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return began === null || beginOf(pid) === began;
}

/**
 * From Linux's `/proc/<pid>/stat`: field 22, in ticks since the machine began, unless the process (field 3)
 * has ended and only its parent has not heard of it. Null where there is no such file.
 */
function beginOf(pid: number): string | null {
  const text = textOf(`/proc/${pid}/stat`);
  if (text === undefined) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return ["Z", "X"].includes(fields[0]!) ? null : (fields[19] ?? null);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
