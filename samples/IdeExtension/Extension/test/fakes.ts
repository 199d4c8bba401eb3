import { CancellationToken } from "vscode-jsonrpc";
import type { Ui } from "../src/commands";
import type { Host } from "../src/host";
import type { AccountStatus, LogInPrompt, PlanOffer, WebPage } from "../src/protocol";
import type { StatusText } from "../src/statusText";

export const loggedOut: AccountStatus = { server: "https://api.example/", account: null };

export function loggedIn(remaining: number | null, keySource: "environment" | "config_file" = "config_file"): AccountStatus {
  const limit = remaining === null ? null : 5;
  return {
    server: "https://api.example/",
    account: {
      email: "ada@example.com",
      plan: remaining === null ? "unlimited" : "free",
      keySource,
      quota: {
        used: limit === null ? 12 : limit - (remaining ?? 0),
        held: 0,
        limit,
        remaining,
        llmAllowed: limit === null,
        resetsAt: "2026-12-01T00:00:00Z",
      },
    },
  };
}

export class FakeHost implements Host {
  status: AccountStatus | Error = loggedOut;
  page: WebPage | Error = { page: "https://pay.example/1" };
  plan: string | undefined;

  getStatus(): Promise<AccountStatus> {
    return settle(this.status);
  }

  logIn(prompt: (prompt: LogInPrompt) => void): Promise<AccountStatus> {
    prompt({ page: "https://api.example/device?code=ABCD-EFGH", code: "ABCD-EFGH" });
    return settle(this.status);
  }

  logOut(): Promise<AccountStatus> {
    return settle(this.status);
  }

  getPlans(): Promise<PlanOffer[]> {
    return settle([
      { name: "free", limit: 5, llmAllowed: false, price: null },
      { name: "pro", limit: 50, llmAllowed: true, price: "19.00 USD a month" },
    ]);
  }

  startCheckout(plan: string): Promise<WebPage> {
    this.plan = plan;
    return settle(this.page);
  }

  openBilling(): Promise<WebPage> {
    return settle(this.page);
  }
}

export class FakeUi implements Ui {
  readonly shown: StatusText[] = [];
  readonly pages: string[] = [];
  readonly infos: string[] = [];
  readonly errors: string[] = [];
  readonly progress: string[] = [];
  offered: string[] = [];

  /** Whether the user chooses the first plan, or none. */
  chooses = true;

  show(text: StatusText): void {
    this.shown.push(text);
  }

  openPage(page: string): void {
    this.pages.push(page);
  }

  info(message: string): void {
    this.infos.push(message);
  }

  error(message: string): void {
    this.errors.push(message);
  }

  choosePlan(plans: PlanOffer[]): Promise<PlanOffer | undefined> {
    this.offered = plans.map((plan) => plan.name);
    return Promise.resolve(this.chooses ? plans[0] : undefined);
  }

  withProgress<T>(title: string, work: (report: (message: string) => void, cancel: CancellationToken) => Promise<T>): Promise<T> {
    this.progress.push(title);
    return work((message) => this.progress.push(message), CancellationToken.None);
  }
}

function settle<T>(value: T | Error): Promise<T> {
  return value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
}
