import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Commands } from "../src/commands";
import { HostFailure } from "../src/protocol";
import { FakeHost, FakeUi, loggedIn } from "./fakes";

function create(): { host: FakeHost; ui: FakeUi; commands: Commands } {
  const host = new FakeHost();
  const ui = new FakeUi();
  return { host, ui, commands: new Commands(host, ui) };
}

describe("the commands", () => {
  it("log in with the browser, and show the account", async () => {
    const { host, ui, commands } = create();
    host.status = loggedIn(5);

    await commands.logIn();

    assert.deepEqual(ui.pages, ["https://api.example/device?code=ABCD-EFGH"]);
    assert.deepEqual(ui.progress, ["PyResolve: log in", "Approve the code ABCD-EFGH in your browser."]);
    assert.deepEqual(ui.infos, ["Logged in as ada@example.com."]);
    assert.equal(ui.shown[0]?.text, "$(rocket) PyResolve: free, 5 left");
  });

  it("say when a key of the environment stays in use", async () => {
    const { host, ui, commands } = create();
    host.status = loggedIn(5, "environment");

    await commands.logIn();

    assert.match(ui.infos[0] ?? "", /PYRESOLVE_API_KEY is set in the environment/);
  });

  it("are silent when a login is cancelled", async () => {
    const { host, ui, commands } = create();
    host.status = new HostFailure("Cancelled.", "cancelled", null);

    await commands.logIn();

    assert.deepEqual([ui.errors, ui.shown], [[], []]);
  });

  it("offer the plans that are sold, and open the page where the chosen one is bought", async () => {
    const { host, ui, commands } = create();

    await commands.upgrade();

    assert.deepEqual(ui.offered, ["pro"]);
    assert.equal(host.plan, "pro");
    assert.deepEqual(ui.pages, ["https://pay.example/1"]);
  });

  it("buy nothing when no plan is chosen", async () => {
    const { host, ui, commands } = create();
    ui.chooses = false;

    await commands.upgrade();

    assert.deepEqual([host.plan, ui.pages], [undefined, []]);
  });

  it("say what to do when there is no bill to open", async () => {
    const { host, ui, commands } = create();
    host.page = new HostFailure("No billing account.", "no_billing_account", "Subscribe first.");

    await commands.openBilling();

    assert.deepEqual(ui.errors, ["No billing account. Subscribe first."]);
  });

  it("show a failure of the background in the status bar alone", async () => {
    const { host, ui, commands } = create();
    host.status = new HostFailure("The server is out of reach.", "unreachable", null);

    await commands.refresh();

    assert.deepEqual(ui.errors, []);
    assert.equal(ui.shown[0]?.tooltip, "The server is out of reach.");
  });
});
