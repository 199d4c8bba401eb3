import type { AccountStatus } from "./protocol";

/** What the status bar shows. */
export interface StatusText {
  text: string;
  tooltip: string;
  /** Run by a click. */
  command: string;
  isWarning: boolean;
}

export function describeStatus(status: AccountStatus): StatusText {
  const account = status.account;
  if (account === null) {
    return {
      text: "$(key) PyResolve: log in",
      tooltip: `Not logged in at ${status.server}. Migrations of tier1 run, and are not counted.`,
      command: "pyresolve.logIn",
      isWarning: false,
    };
  }

  const { used, held, limit, remaining, llmAllowed, resetsAt } = account.quota;
  const left = remaining === null ? "no limit" : `${String(remaining)} left`;
  const isUsedUp = remaining === 0;
  const usage = limit === null ? `${String(used)} used` : `${String(used)} of ${String(limit)} used`;
  return {
    text: `$(${isUsedUp ? "warning" : "rocket"}) PyResolve: ${account.plan}, ${left}`,
    tooltip: [
      `${account.email} at ${status.server}`,
      held > 0 ? `${usage}, ${String(held)} held` : usage,
      llmAllowed ? "tier2 and tier3 are included." : "tier2 and tier3 are not included.",
      `The quota resets on ${resetsAt.slice(0, 10)}.`,
    ].join("\n"),
    command: isUsedUp ? "pyresolve.upgrade" : "pyresolve.openBilling",
    isWarning: isUsedUp,
  };
}

export function describeFailure(message: string): StatusText {
  return { text: "$(warning) PyResolve", tooltip: message, command: "pyresolve.refresh", isWarning: false };
}
