/**
 * The C compiler of this machine: found, asked what the processor can do, and run. Shared objects are kept in
 * a cache under the hash of everything they depend on, written aside and renamed, so that two processes never
 * see half a file.
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../support/cache-folder.ts";
import { RunError } from "../../support/errors.ts";
import { digest, keyOf, recall, remember } from "../../support/kept.ts";
import type { Target } from "./target.ts";

/** Loaded when a process is started: what is in the cache needs none, and Node takes 10 ms for it. */
async function run(command: string, args: readonly string[], options: { maxBuffer?: number } = {}) {
  const { execFile } = await import("node:child_process");
  return promisify(execFile)(command, [...args], options);
}

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
  "-fPIC",
  "-w",
];

/** The compiler from $CC, cc, gcc or clang, whichever answers first. */
export async function findToolchain(): Promise<Toolchain | undefined> {
  const candidates = [process.env["CC"], "cc", "gcc", "clang"].filter(
    (c) => c !== undefined && c !== "",
  );
  for (const command of candidates as string[]) {
    const answer = await answerOf(command);
    if (answer) return { command, version: answer.version, target: describeTarget(answer.macros) };
  }
  return undefined;
}

/** What a compiler says of itself and of the processor. */
interface Answer {
  readonly version: string;
  readonly macros: readonly string[];
}

/** Asking takes two processes: what a compiler has said is kept as long as its file, flags and processor are the same. */
async function answerOf(command: string): Promise<Answer | undefined> {
  const file = programFile(command);
  const { size, mtimeMs } = (file && statSync(file, { throwIfNoEntry: false })) || {};
  const key = keyOf(`${file} ${size} ${mtimeMs}`, allFlags().join(" "), processor());
  const known = file === undefined ? undefined : recall<Answer>("compiler", key);
  if (known) return known;
  try {
    const [text, { stdout }] = await Promise.all([
      predefined(command),
      run(command, ["--version"]),
    ]);
    const macros = vectorMacros.filter((name) => text.includes(`#define ${name} `));
    const answer = { version: stdout.split("\n")[0]!, macros };
    if (file !== undefined) remember("compiler", key, answer);
    return answer;
  } catch {
    // The next candidate may do.
    return undefined;
  }
}

/** The file that a command runs, as the shell would find it. */
function programFile(command: string): string | undefined {
  const folders = command.includes("/") ? [""] : (process.env["PATH"]?.split(delimiter) ?? []);
  for (const folder of folders) {
    const path = join(folder, command);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return realpathSync(path);
  }
  return undefined;
}

const processor = () => cpus()[0]?.model ?? "";

/** The macros that tell which vector instructions our flags, and those of the environment, allow. */
async function predefined(command: string): Promise<string> {
  const machine = allFlags().filter((f) => f.startsWith("-m"));
  const { stdout } = await run(command, [...machine, "-dM", "-E", "-x", "c", "/dev/null"]);
  return stdout;
}

const vectorMacros = ["__AVX512F__", "__AVX2__", "__FMA__", "__aarch64__", "__SSE2__"] as const;

function describeTarget(macros: readonly string[]): Toolchain["target"] {
  const has = (name: (typeof vectorMacros)[number]) => macros.includes(name);
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
  /** Its name in the cache, if it is there. */
  readonly name: string | undefined;
  readonly cached: boolean;
  /** Removes what cannot stay: an object that could not be put into the cache. */
  readonly release: () => void;
}

/** All that a compiled file depends on beside its source. */
export const builtFor = ({ version }: Toolchain): string =>
  [version, allFlags().join(" "), processor()].join("\0");

/**
 * Compiles a file, or finds it compiled.
 * @param parts of the file that compilers of their own can take, side by side
 * @throws RunError with the compiler's first complaint
 */
export async function build(source: string, toolchain: Toolchain, parts = 1): Promise<Built> {
  const hash = keyOf(source, builtFor(toolchain));
  const folder = cacheFolder();
  const name = `${hash}.so`;
  const found = findBuilt(name);
  if (found) return found;
  const own = scratchFolder(folder);
  const scratch = await compiled(source, toolchain, parts, own).catch((error: unknown) => {
    // A cache that is full costs time, not the run.
    if (!isFull(error) || dirname(own) === tmpdir()) throw complaint(error, toolchain);
    return compiled(source, toolchain, parts, elsewhere()).catch((again: unknown) => {
      throw complaint(again, toolchain);
    });
  });
  return keep(join(scratch, object), name, scratch);
}

const object = "program.so";

/** @returns the folder, which has the object in it then; it is gone if there was an error */
async function compiled(
  source: string,
  { command }: Toolchain,
  parts: number,
  scratch: string,
): Promise<string> {
  try {
    writeFileSync(join(scratch, "program.c"), source);
    await compileParts(command, scratch, parts, join(scratch, object));
    return scratch;
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
}

const said = (error: unknown) => String((error as { stderr?: string }).stderr ?? error);

/** Our own writing says it by a code, the compiler and its linker in words. */
const isFull = (error: unknown) =>
  ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "") ||
  /no space left|quota exceeded|final link failed|bus error/i.test(said(error));

function complaint(error: unknown, { command }: Toolchain): RunError {
  const lines = said(error).split("\n");
  const first = lines.find((l) => l.includes("error")) ?? lines[0];
  return new RunError(
    `${command} did not compile the program: ${first}`,
    isFull(error)
      ? "make room, or set NNC_CACHE to a folder that has some"
      : "--backend webasm needs no compiler",
  );
}

/** From `program.c` to a shared object; parts are compiled side by side, as many as there are processors. */
async function compileParts(
  command: string,
  folder: string,
  parts: number,
  object: string,
): Promise<void> {
  const source = join(folder, "program.c");
  const libraries = ["-lm", "-lpthread"];
  const call = (args: readonly string[]) => run(command, [...args], { maxBuffer: 1 << 24 });
  if (parts === 1) {
    await call([...allFlags(), "-shared", "-o", object, source, ...libraries]);
    return;
  }
  const objects = Array.from({ length: parts }, (_, i) => join(folder, `part${i}.o`));
  const waiting = [...objects.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      await call([...allFlags(), `-DPART=${next[0]}`, "-c", "-o", next[1], source]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  await call([...allFlags(), "-shared", "-o", object, ...objects, ...libraries]);
}

/** A shared object of the cache by its name, if it is there and whole. */
export function findBuilt(name: string): Built | undefined {
  const path = join(cacheFolder(), name);
  return isWhole(path) ? { path, name, cached: true, release: () => {} } : undefined;
}

/** Nothing in a shared object says that it was cut short or damaged: its digest lies beside it. */
function isWhole(path: string): boolean {
  try {
    return readFileSync(`${path}.sha256`, "utf8") === digest(readFileSync(path));
  } catch {
    return false;
  }
}

function keep(temporary: string, name: string, scratch: string): Built {
  const path = join(cacheFolder(), name);
  try {
    writeFileSync(join(scratch, "sha256"), digest(readFileSync(temporary)));
    renameSync(temporary, path);
    renameSync(join(scratch, "sha256"), `${path}.sha256`);
    rmSync(scratch, { recursive: true, force: true });
    return { path, name, cached: false, release: () => {} };
  } catch {
    // A cache that cannot be written to costs time, not the run.
    return {
      path: temporary,
      name: undefined,
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
    return elsewhere();
  }
}

const elsewhere = (): string => mkdtempSync(join(tmpdir(), "nnc-"));

/** No compilation takes as long, in ms: what is older belongs to a process that was killed. */
const abandoned = 3600e3;

function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder).filter((f) => f.startsWith("build-"))) {
    const path = join(folder, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > abandoned) rmSync(path, { recursive: true, force: true });
  }
}
