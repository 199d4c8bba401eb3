import type { CancellationToken } from "vscode-jsonrpc";
import type { Host } from "./host";
import { HostFailure, type AccountStatus, type LogInPrompt, type PlanOffer } from "./protocol";
import { describeFailure, describeStatus, type StatusText } from "./statusText";

/** What the commands need of the IDE. */
export interface Ui {
  show(text: StatusText): void;
  openPage(page: string): void;
  info(message: string): void;
  error(message: string): void;
  choosePlan(plans: PlanOffer[]): Promise<PlanOffer | undefined>;
  /** Runs while the user can see, and cancel, that something is waited for. */
  withProgress<T>(title: string, work: (report: (message: string) => void, cancel: CancellationToken) => Promise<T>): Promise<T>;
}

/** The commands of the extension. None of them throws. */
export class Commands {
  constructor(
    private readonly host: Host,
    private readonly ui: Ui,
  ) {}

  /** In the background: a failure is shown in the status bar alone. */
  async refresh(): Promise<void> {
    try {
      this.show(await this.host.getStatus());
    } catch (error) {
      this.ui.show(describeFailure(sentence(error)));
    }
  }

  async logIn(): Promise<void> {
    await this.run(async () => {
      const status = await this.ui.withProgress("PyResolve: log in", (report, cancel) =>
        this.host.logIn((prompt: LogInPrompt) => {
          report(`Approve the code ${prompt.code} in your browser.`);
          this.ui.openPage(prompt.page);
        }, cancel),
      );
      this.show(status);
      if (status.account?.keySource === "environment") {
        this.ui.info("The key was saved, but PYRESOLVE_API_KEY is set in the environment, and is used instead.");
      } else if (status.account !== null) {
        this.ui.info(`Logged in as ${status.account.email}.`);
      }
    });
  }

  async logOut(): Promise<void> {
    await this.run(async () => {
      const status = await this.host.logOut();
      this.show(status);
      if (status.account !== null) {
        this.ui.info("PYRESOLVE_API_KEY is set in the environment, and is still used.");
      }
    });
  }

  async upgrade(): Promise<void> {
    await this.run(async () => {
      const plans = (await this.host.getPlans()).filter((plan) => plan.price !== null);
      const plan = await this.ui.choosePlan(plans);
      if (plan !== undefined) {
        this.ui.openPage((await this.host.startCheckout(plan.name)).page);
      }
    });
  }

  async openBilling(): Promise<void> {
    await this.run(async () => {
      this.ui.openPage((await this.host.openBilling()).page);
    });
  }

  private async run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isCancelled(error)) {
        this.ui.error(sentence(error));
      }
    }
  }

  private show(status: AccountStatus): void {
    this.ui.show(describeStatus(status));
  }
}

function sentence(error: unknown): string {
  if (error instanceof HostFailure) {
    return error.hint === null ? error.message : `${error.message} ${error.hint}`;
  }
  return error instanceof Error ? error.message : String(error);
}

function isCancelled(error: unknown): boolean {
  return error instanceof HostFailure && error.code === "cancelled";
}
