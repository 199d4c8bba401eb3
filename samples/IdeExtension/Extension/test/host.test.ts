import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { describe, it } from "node:test";
import { HostProcess } from "../src/host";
import { HostFailure } from "../src/protocol";

const assembly = path.join(__dirname, "../../host/PyResolve.IdeHost.dll");

function start(dotnet = "dotnet"): HostProcess {
  return new HostProcess({ dotnet, assembly, ide: "the tests", log: () => undefined });
}

describe("the host", () => {
  it("answers over its standard input and output, and ends with the extension", async (test) => {
    const server = createServer((_, response) => response.writeHead(401).end());
    server.listen(0, "127.0.0.1");
    const host = start();
    test.after(() => {
      host.dispose();
      server.close();
    });
    await once(server, "listening");
    process.env["PYRESOLVE_API_URL"] = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    process.env["PYRESOLVE_HOME"] = path.join(__dirname, "no-such-home");
    delete process.env["PYRESOLVE_API_KEY"];

    const status = await host.getStatus();

    assert.deepEqual(status, { server: process.env["PYRESOLVE_API_URL"], account: null });
    await assert.rejects(host.openBilling(), (error: unknown) => error instanceof HostFailure && error.code === "login_required");
  });

  it("says what to install when there is no dotnet", async () => {
    const host = start("no-such-dotnet");

    await assert.rejects(host.getStatus(), (error: unknown) => error instanceof HostFailure && error.hint === "Install .NET 10 or later.");
  });
});
