import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeFailure, describeStatus } from "../src/statusText";
import { loggedIn, loggedOut } from "./fakes";

describe("the status bar", () => {
  it("shows the plan and what is left, and a click opens the bill", () => {
    const shown = describeStatus(loggedIn(3));

    assert.equal(shown.text, "$(rocket) PyResolve: free, 3 left");
    assert.equal(shown.command, "pyresolve.openBilling");
    assert.equal(
      shown.tooltip,
      "ada@example.com at https://api.example/\n2 of 5 used\ntier2 and tier3 are not included.\nThe quota resets on 2026-12-01.",
    );
  });

  it("warns when nothing is left, and a click upgrades", () => {
    const shown = describeStatus(loggedIn(0));

    assert.equal(shown.text, "$(warning) PyResolve: free, 0 left");
    assert.equal(shown.isWarning, true);
    assert.equal(shown.command, "pyresolve.upgrade");
  });

  it("knows plans without a limit", () => {
    assert.equal(describeStatus(loggedIn(null)).text, "$(rocket) PyResolve: unlimited, no limit");
  });

  it("offers to log in when nobody is", () => {
    assert.equal(describeStatus(loggedOut).command, "pyresolve.logIn");
  });

  it("says why the quota is not known, and a click asks again", () => {
    const shown = describeFailure("The server is out of reach.");

    assert.equal(shown.tooltip, "The server is out of reach.");
    assert.equal(shown.command, "pyresolve.refresh");
  });
});
