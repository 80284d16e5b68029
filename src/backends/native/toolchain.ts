/**
 * The C compiler of this machine: found, asked what the processor can do, and run. Shared objects are kept in
 * a cache under the hash of everything they depend on, written aside and renamed, so that two processes never
 * see half a file.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../support/cache-folder.ts";
import { RunError } from "../../support/errors.ts";
import type { Target } from "./target.ts";

const run = promisify(execFile);

export interface Toolchain {
  readonly command: string;
  readonly version: string;
  readonly target: Omit<Target, "threads">;
}

/** No -ffast-math: it removes the roundings that exp relies on. */
const flags = [
  "-O2",
  "-ftree-vectorize",
  "-march=native",
  "-std=gnu11",
  "-fno-math-errno",
  "-fno-trapping-math",
  "-ffp-contract=fast",
  "-fwrapv",
  "-shared",
  "-fPIC",
  "-w",
];

/** The compiler from $CC, cc, gcc or clang, whichever answers first. */
export async function findToolchain(): Promise<Toolchain | undefined> {
  const candidates = [process.env["CC"], "cc", "gcc", "clang"].filter(
    (c) => c !== undefined && c !== "",
  );
  for (const command of candidates as string[]) {
    try {
      const [macros, { stdout }] = await Promise.all([
        predefined(command),
        run(command, ["--version"]),
      ]);
      return { command, version: stdout.split("\n")[0]!, target: describeTarget(macros) };
    } catch {
      // The next candidate may do.
    }
  }
  return undefined;
}

/** The macros that tell which vector instructions our flags, and those of the environment, allow. */
async function predefined(command: string): Promise<string> {
  const machine = allFlags().filter((f) => f.startsWith("-m"));
  const { stdout } = await run(command, [...machine, "-dM", "-E", "-x", "c", "/dev/null"]);
  return stdout;
}

function describeTarget(macros: string): Toolchain["target"] {
  const has = (name: string) => macros.includes(`#define ${name} `);
  const { l1, l2 } = cacheSizes();
  const common = { fmaPerCycle: 2, loadsPerCycle: 2, fmaLatency: 4, l1, l2 };
  if (has("__AVX512F__")) return { ...common, width: 16, registers: 32 };
  if (has("__AVX2__") && has("__FMA__")) return { ...common, width: 8, registers: 16 };
  if (has("__aarch64__")) return { ...common, width: 4, registers: 32 };
  if (has("__SSE2__")) return { ...common, width: 4, registers: 16 };
  return { ...common, width: 1, registers: 16 };
}

/** Sizes in bytes from Linux's own description, else what is usual. */
function cacheSizes(): { l1: number; l2: number } {
  const read = (index: number, fallback: number) => {
    try {
      const text = readFileSync(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`, "utf8");
      const size = Number.parseInt(text, 10) * (text.includes("M") ? 1 << 20 : 1 << 10);
      return size > 0 ? size : fallback;
    } catch {
      return fallback;
    }
  };
  return { l1: read(0, 32 << 10), l2: read(2, 512 << 10) };
}

/** Further flags from the environment, such as `-fsanitize=address`, or `-march=haswell` for narrower vectors. */
const allFlags = (): readonly string[] => [
  ...flags,
  ...(process.env["NNC_CFLAGS"]?.split(/\s+/).filter((f) => f !== "") ?? []),
];

export interface Built {
  readonly path: string;
  readonly cached: boolean;
  /** Removes what cannot stay: an object that could not be put into the cache. */
  readonly release: () => void;
}

/** Compiles a file, or finds it compiled. @throws RunError with the compiler's first complaint */
export async function build(source: string, toolchain: Toolchain): Promise<Built> {
  const key = [source, toolchain.version, allFlags().join(" "), cpus()[0]?.model ?? ""].join("\0");
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 32);
  const folder = cacheFolder();
  const path = join(folder, `${hash}.so`);
  if (isWhole(path)) return { path, cached: true, release: () => {} };
  const scratch = scratchFolder(folder);
  const temporary = join(scratch, "program.so");
  try {
    writeFileSync(join(scratch, "program.c"), source);
    const args = [...allFlags(), "-o", temporary, join(scratch, "program.c"), "-lm", "-lpthread"];
    await run(toolchain.command, args, { maxBuffer: 1 << 24 });
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    const text = String((error as { stderr?: string }).stderr ?? error);
    const first = text.split("\n").find((l) => l.includes("error")) ?? text.split("\n")[0];
    throw new RunError(
      `${toolchain.command} did not compile the program: ${first}`,
      "--backend webasm needs no compiler",
    );
  }
  return keep(temporary, path, scratch);
}

/** A shared object ends with its section headers: a file that was cut short does not say so anywhere else. */
function isWhole(path: string): boolean {
  try {
    const size = Number(readFileSync(`${path}.size`, "utf8"));
    return statSync(path).size === size;
  } catch {
    return false;
  }
}

function keep(temporary: string, path: string, scratch: string): Built {
  try {
    writeFileSync(join(scratch, "size"), String(statSync(temporary).size));
    renameSync(temporary, path);
    renameSync(join(scratch, "size"), `${path}.size`);
    rmSync(scratch, { recursive: true, force: true });
    return { path, cached: false, release: () => {} };
  } catch {
    // A cache that cannot be written to costs time, not the run.
    return {
      path: temporary,
      cached: false,
      release: () => rmSync(scratch, { recursive: true, force: true }),
    };
  }
}

/** In the cache's own folder, so that renaming stays on one disk; elsewhere if that cannot be written. */
function scratchFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    removeLeftovers(folder);
    return mkdtempSync(join(folder, "build-"));
  } catch {
    return mkdtempSync(join(tmpdir(), "nnc-"));
  }
}

/** No compilation takes as long, in ms: what is older belongs to a process that was killed. */
const abandoned = 3600e3;

function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder).filter((f) => f.startsWith("build-"))) {
    const path = join(folder, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > abandoned) rmSync(path, { recursive: true, force: true });
  }
}
