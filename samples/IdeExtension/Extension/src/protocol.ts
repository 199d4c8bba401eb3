/** What the host answers: see Host/Messages.cs. */
export const protocol = 1;

export interface HostInfo {
  protocol: number;
  version: string;
}

export interface AccountStatus {
  server: string;
  /** null when nobody is logged in. */
  account: AccountDetails | null;
}

export interface AccountDetails {
  email: string;
  plan: string;
  quota: QuotaDetails;
  keySource: "environment" | "config_file";
}

export interface QuotaDetails {
  used: number;
  held: number;
  /** null when there is no limit. */
  limit: number | null;
  remaining: number | null;
  llmAllowed: boolean;
  resetsAt: string;
}

export interface LogInPrompt {
  page: string;
  code: string;
}

export interface PlanOffer {
  name: string;
  limit: number | null;
  llmAllowed: boolean;
  /** null for a plan that is not sold. */
  price: string | null;
}

export interface WebPage {
  page: string;
}

/** The host's answer was an error. */
export class HostFailure extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly hint: string | null,
  ) {
    super(message);
  }
}
