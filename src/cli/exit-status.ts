/** What the exit codes mean. */
export const exitStatus = { fine: 0, failed: 1, usage: 2, interrupted: 130 } as const;
