/**
 * Whether a Vulkan driver may be installed, seen without starting one. On Linux a driver has a manifest in one of the
 * folders that the Vulkan loader searches (its LoaderDriverInterface.md, "Driver Discovery on Linux").
 */
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where the loader of some distributions looks beside the standard's folders. */
const others = [
  "/run/opengl-driver/share",
  "/usr/lib/x86_64-linux-gnu/GL",
  "/etc",
  "/usr/local/etc",
];

/** Elsewhere than on Linux the system always has a driver of some kind. */
export function mayHaveVulkan(platform = process.platform, env = process.env): boolean {
  if (platform !== "linux") return true;
  const named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"];
  if (named.some((name) => env[name])) return true;
  const home = env["HOME"] ?? homedir();
  const listed = (list: string | undefined, fallback: string) => (list || fallback).split(":");
  const folders = [
    ...listed(env["XDG_CONFIG_HOME"], join(home, ".config")),
    ...listed(env["XDG_CONFIG_DIRS"], "/etc/xdg"),
    ...listed(env["XDG_DATA_HOME"], join(home, ".local/share")),
    ...listed(env["XDG_DATA_DIRS"], "/usr/local/share:/usr/share"),
    ...["/usr/local/share", "/usr/share", ...others],
  ];
  return folders.some((folder) => hasFiles(join(folder, "vulkan/icd.d")));
}

function hasFiles(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
