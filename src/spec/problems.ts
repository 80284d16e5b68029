/** From zod's issues to problems in the words of the spec's user. */
import type { z } from "zod";
import { describeIssue, headline, type IssueParams } from "../nn/issues.ts";
import type { Problem } from "../support/errors.ts";

/** @param owner what the value is, for messages */
export function problemsFrom(error: z.ZodError, value: unknown, owner: string): readonly Problem[] {
  return error.issues.map((issue): Problem => {
    const params: IssueParams =
      issue.code === "custom" && issue.params ? issue.params : describeIssue(issue, value);
    return {
      path: issue.path.map((p) => (typeof p === "symbol" ? String(p) : p)),
      message: issue.code === "custom" ? issue.message : headline(issue, owner),
      ...params,
    };
  });
}
