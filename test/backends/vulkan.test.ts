/** Where a Vulkan driver may be found, without asking one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mayHaveVulkan } from "../../src/backends/gpujs/vulkan.ts";
import { ruledOut } from "../../src/backends/index.ts";

const folder = mkdtempSync(join(tmpdir(), "nnc-vulkan-"));
test.after(() => rmSync(folder, { recursive: true }));

test("other systems are asked", () => {
  assert.is(mayHaveVulkan("darwin", {}), true);
  assert.is(mayHaveVulkan("win32", {}), true);
});

test("a driver that the environment names is asked", () => {
  assert.is(mayHaveVulkan("linux", { VK_DRIVER_FILES: "/opt/driver.json" }), true);
});

test("a manifest in a folder of the loader's is enough, an empty folder is not", () => {
  const share = join(folder, "share");
  const env = { XDG_DATA_DIRS: share, HOME: folder };
  mkdirSync(join(share, "vulkan/icd.d"), { recursive: true });
  const elsewhere = mayHaveVulkan("linux", { HOME: folder });
  assert.is(mayHaveVulkan("linux", env), elsewhere);
  writeFileSync(join(share, "vulkan/icd.d/some.json"), "{}");
  assert.is(mayHaveVulkan("linux", env), true);
});

test("only what needs a driver is ruled out without one", async () => {
  assert.is((await ruledOut["webgpu"]!()) === undefined, mayHaveVulkan());
  assert.is(ruledOut["webasm"], undefined);
});

test.run();
