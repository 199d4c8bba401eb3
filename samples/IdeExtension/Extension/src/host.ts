import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import {
  createMessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  type CancellationToken,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import {
  HostFailure,
  protocol,
  type AccountStatus,
  type HostInfo,
  type LogInPrompt,
  type PlanOffer,
  type WebPage,
} from "./protocol";

/** Of the Language Server Protocol. */
const requestCancelled = -32800;

/** What the commands need of the host. */
export interface Host {
  getStatus(): Promise<AccountStatus>;
  logIn(prompt: (prompt: LogInPrompt) => void, cancel?: CancellationToken): Promise<AccountStatus>;
  logOut(): Promise<AccountStatus>;
  getPlans(): Promise<PlanOffer[]>;
  startCheckout(plan: string): Promise<WebPage>;
  openBilling(): Promise<WebPage>;
}

export interface HostSettings {
  dotnet: string;
  /** The host's assembly. */
  assembly: string;
  ide: string;
  log: (line: string) => void;
}

/** The host as a process. It is started by the first request, and again by the next one when it has ended. */
export class HostProcess implements Host {
  private running: Promise<MessageConnection> | undefined;
  private process: ChildProcessWithoutNullStreams | undefined;
  private prompt: ((prompt: LogInPrompt) => void) | undefined;

  constructor(private readonly settings: HostSettings) {}

  getStatus(): Promise<AccountStatus> {
    return this.request("getStatus");
  }

  logIn(prompt: (prompt: LogInPrompt) => void, cancel?: CancellationToken): Promise<AccountStatus> {
    this.prompt = prompt;
    return this.request("logIn", [], cancel);
  }

  logOut(): Promise<AccountStatus> {
    return this.request("logOut");
  }

  getPlans(): Promise<PlanOffer[]> {
    return this.request("getPlans");
  }

  startCheckout(plan: string): Promise<WebPage> {
    return this.request("startCheckout", [plan]);
  }

  openBilling(): Promise<WebPage> {
    return this.request("openBilling");
  }

  /** The host ends when its input does. */
  dispose(): void {
    this.process?.stdin.end();
    this.forget();
  }

  private async request<T>(method: string, parameters: unknown[] = [], cancel?: CancellationToken): Promise<T> {
    const connection = await this.connect();
    try {
      return await (cancel
        ? connection.sendRequest<T>(method, ...parameters, cancel)
        : connection.sendRequest<T>(method, ...parameters));
    } catch (error) {
      throw describe(error);
    }
  }

  private connect(): Promise<MessageConnection> {
    this.running ??= this.start().catch((error: unknown) => {
      this.dispose();
      throw describe(error);
    });
    return this.running;
  }

  private async start(): Promise<MessageConnection> {
    const process = spawn(this.settings.dotnet, [this.settings.assembly], { stdio: "pipe" });
    this.process = process;
    await new Promise<void>((resolve, reject) => {
      process.once("spawn", resolve);
      process.once("error", (error) => {
        reject(new HostFailure(`The host could not be started: ${error.message}.`, "no_host", "Install .NET 10 or later."));
      });
    });
    const ended = new Promise<never>((_, reject) => {
      process.once("exit", (code) => {
        reject(new HostFailure(`The host ended with exit code ${String(code)}.`, "no_host", "Is .NET 10 or later installed?"));
        if (this.process === process) {
          this.forget();
        }
      });
    });
    // It ends some time, when nobody waits for that any more.
    ended.catch(() => undefined);
    process.stdin.on("error", () => undefined);
    process.stderr.on("data", (data: Buffer) => {
      this.settings.log(data.toString("utf8").trimEnd());
    });

    const connection = createMessageConnection(
      new StreamMessageReader(process.stdout),
      new StreamMessageWriter(process.stdin),
    );
    connection.onError(() => undefined);
    connection.onNotification("logInPrompt", (prompt: LogInPrompt) => this.prompt?.(prompt));
    connection.listen();
    const info = await Promise.race([connection.sendRequest<HostInfo>("initialize", this.settings.ide), ended]);
    if (info.protocol !== protocol) {
      const cause = `The host speaks version ${String(info.protocol)} of the protocol, the extension ${String(protocol)}.`;
      throw new HostFailure(cause, "protocol", "Install the extension again.");
    }
    return connection;
  }

  private forget(): void {
    this.running = undefined;
    this.process = undefined;
  }
}

function describe(error: unknown): HostFailure {
  if (error instanceof HostFailure) {
    return error;
  }
  if (error instanceof ResponseError && error.code === requestCancelled) {
    return new HostFailure("Cancelled.", "cancelled", null);
  }
  const data = error instanceof ResponseError ? (error.data as { code?: string; hint?: string | null } | undefined) : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return new HostFailure(message, data?.code ?? "internal", data?.hint ?? null);
}
