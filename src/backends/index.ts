/**
 * Every backend, loaded only when it is asked for, and the choice of `auto`. A new backend is a module that
 * exports a `Backend` and a line here; the order is that in which `nnc backends` lists them.
 */
import type { Backend } from "../ir/program.ts";
import { UsageError } from "../support/errors.ts";
import { oneOf, suggest } from "../support/suggest.ts";

const loaders: Readonly<Record<string, () => Promise<Backend>>> = {
  native: async () => (await import("./native/index.ts")).native,
  webgpu: async () => (await import("./gpujs/index.ts")).webgpu,
  headlessgl: async () => (await import("./gpujs/index.ts")).headlessgl,
  webasm: async () => (await import("./gpujs/index.ts")).webasm,
  js: async () => (await import("./gpujs/index.ts")).js,
  reference: async () => (await import("./reference.ts")).reference,
};

/** Why `auto` need not ask a backend, nor load it, where that is plain to see. */
export const ruledOut: Readonly<Record<string, () => Promise<string | undefined>>> = {
  async webgpu() {
    const [{ mayHaveVulkan }, { noDriver }] = await Promise.all([
      import("./gpujs/vulkan.ts"),
      import("./gpujs/webgpu-report.ts"),
    ]);
    return mayHaveVulkan() ? undefined : noDriver;
  },
};

export const backendNames: readonly string[] = Object.keys(loaders);

export async function loadBackend(name: string): Promise<Backend> {
  const load = loaders[name];
  if (load) return load();
  const near = suggest(name, [...backendNames, "auto"]);
  throw new UsageError(
    `there is no backend "${name}"; expected ${oneOf(["auto", ...backendNames])}`,
    near ? `did you mean \`${near}\`?` : "`nnc backends` says which of them work here",
  );
}

export interface Choice {
  readonly backend: Backend;
  readonly device: string;
  /** Why this one, in a clause. */
  readonly why: string;
}

/** @throws UsageError if the backend asked for does not work here, saying why and what to install */
export async function chooseBackend(name: string): Promise<Choice> {
  if (name === "auto") return chooseAutomatically();
  const backend = await loadBackend(name);
  const found = await backend.probe();
  if (!found.ok)
    throw new UsageError(`backend ${name} does not work here: ${found.reason}`, found.fix);
  return { backend, device: found.device, why: "as asked for" };
}

/** A real GPU, else native code, else WebAssembly, which works everywhere. */
async function chooseAutomatically(): Promise<Choice> {
  const refused: string[] = [];
  const ask = async (name: string) => {
    const reason = await ruledOut[name]?.();
    if (reason !== undefined) return reason;
    const backend = await loadBackend(name);
    return { backend, found: await backend.probe() };
  };
  // The first two answer side by side: both ask other processes.
  const asked = new Map(["webgpu", "native"].map((name) => [name, ask(name)]));
  for (const name of ["webgpu", "native", "webasm"]) {
    const answer = await (asked.get(name) ?? ask(name));
    if (typeof answer === "string") {
      refused.push(`${name}: ${answer}`);
      continue;
    }
    const { backend, found } = answer;
    if (found.ok && !found.software) {
      const why = refused.length > 0 ? refused.join("; ") : "a GPU answers";
      return { backend, device: found.device, why };
    }
    refused.push(
      found.ok ? "the only GPU here is imitated by software" : `${name}: ${found.reason}`,
    );
  }
  throw new UsageError("no backend works here", "`nnc backends` says what each needs");
}
