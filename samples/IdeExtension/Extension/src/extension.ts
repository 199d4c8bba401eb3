import * as path from "node:path";
import * as vscode from "vscode";
import { Commands, type Ui } from "./commands";
import { HostProcess } from "./host";

export function activate(context: vscode.ExtensionContext): void {
  const output = vscode.window.createOutputChannel("PyResolve");
  const item = vscode.window.createStatusBarItem("pyresolve.quota", vscode.StatusBarAlignment.Right);
  item.name = "PyResolve quota";
  const settings = vscode.workspace.getConfiguration("pyresolve");
  const host = new HostProcess({
    dotnet: settings.get("dotnet", "dotnet"),
    assembly: path.join(context.extensionPath, "host", "PyResolve.IdeHost.dll"),
    ide: vscode.env.appName,
    log: (line) => {
      output.appendLine(line);
    },
  });
  const commands = new Commands(host, createUi(item));
  const refresh = (): void => void commands.refresh();
  const timer = setInterval(refresh, settings.get("refreshMinutes", 5) * 60_000);
  context.subscriptions.push(
    output,
    item,
    host,
    { dispose: () => { clearInterval(timer); } },
    // A page that was opened may have changed the plan.
    vscode.window.onDidChangeWindowState((state) => { if (state.focused) refresh(); }),
    vscode.commands.registerCommand("pyresolve.logIn", () => commands.logIn()),
    vscode.commands.registerCommand("pyresolve.logOut", () => commands.logOut()),
    vscode.commands.registerCommand("pyresolve.upgrade", () => commands.upgrade()),
    vscode.commands.registerCommand("pyresolve.openBilling", () => commands.openBilling()),
    vscode.commands.registerCommand("pyresolve.refresh", refresh),
  );
  refresh();
}

function createUi(item: vscode.StatusBarItem): Ui {
  return {
    show: (text) => {
      item.text = text.text;
      item.tooltip = text.tooltip;
      item.command = text.command;
      item.backgroundColor = text.isWarning ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
      item.show();
    },
    openPage: (page) => void vscode.env.openExternal(vscode.Uri.parse(page)),
    info: (message) => void vscode.window.showInformationMessage(message),
    error: (message) => void vscode.window.showErrorMessage(message),
    choosePlan: async (plans) => {
      const items = plans.map((plan) => ({
        label: plan.name,
        description: plan.price ?? "",
        detail: `${plan.limit === null ? "No limit" : `${String(plan.limit)} migrations a month`}${plan.llmAllowed ? ", tier2 and tier3" : ""}`,
        plan,
      }));
      return (await vscode.window.showQuickPick(items, { title: "PyResolve: upgrade", placeHolder: "The plan to buy" }))?.plan;
    },
    withProgress: (title, work) =>
      Promise.resolve(
        vscode.window.withProgress(
          { location: vscode.ProgressLocation.Notification, title, cancellable: true },
          (progress, token) => work((message) => { progress.report({ message }); }, token),
        ),
      ),
  };
}
