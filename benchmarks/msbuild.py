#!/usr/bin/env python3
"""Measures what the gate of PyResolve.MSBuild adds to a build that has nothing to do: a gate that is up to date, and one that asks the server.

Usage: benchmarks/msbuild.py [--rounds 30] [--feed <folder>] [--output docs/performance.md]

Packs the package first, unless --feed names a folder that has it, and makes a project with it. Each round builds that project once in
each way, in one order and then in the other; rows are compared within a round."""
import argparse
import datetime
import http.server
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import local_server

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- benchmark: msbuild -->", "<!-- end of msbuild -->"
KEY = "pyr_live_" + "0123456789abcdef" * 3
QUOTA = {"plan": "pro", "migrations_used": 2, "migrations_limit": 100, "migrations_remaining": 98, "llm_allowed": True, "can_migrate": True,
         "migrations_held": 0, "month": "2026-11", "resets_at": "2026-12-01T00:00:00Z"}
RESERVATION = {"id": "01930000-0000-7000-8000-000000000001", "state": "held", "quantity": 1, "remaining": 1, "tier": "tier2",
               "library": "pydantic", "month": "2026-11", "expires_at": "2099-01-01T00:00:00Z", "lease": None, "quota": QUOTA}
COMMIT = {"id": RESERVATION["id"], "state": "committed", "usage_event_id": RESERVATION["id"], "remaining": 0, "quota": QUOTA}

OFF, CURRENT, ASKS = "without the gate (`PyResolveSkip=true`)", "the gate is up to date", "the gate asks the server"


class Ledger(http.server.BaseHTTPRequestHandler):
    """Grants and settles, at once."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_commit = self.path.endswith("/commit")
        body = json.dumps(COMMIT if is_commit else RESERVATION).encode()
        self.send_response(200 if is_commit else 201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def make_project(folder, feed):
    version = next(re.fullmatch(r"PyResolve\.MSBuild\.(\d.*)\.nupkg", file.name).group(1) for file in feed.glob("PyResolve.MSBuild.*.nupkg"))
    (folder / "nuget.config").write_text(
        f'<configuration><packageSources><add key="packed" value="{feed.resolve()}" /></packageSources></configuration>')
    (folder / "Directory.Build.props").write_text("<Project />")
    (folder / "Code.cs").write_text("public static class Code;\n")
    (folder / "App.csproj").write_text(f"""<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageReference Include="PyResolve.MSBuild" Version="{version}" PrivateAssets="all" /></ItemGroup>
  <ItemGroup><PyResolveMigration Include="pydantic" TargetVersion="2.0" Tier="tier2" /></ItemGroup>
</Project>
""")
    return folder / "obj/PyResolve.MSBuild.stamp"


def build(folder, environment, *options):
    start = time.perf_counter()
    subprocess.run(["dotnet", "build", "--no-restore", "-v:q", "-nodeReuse:false", *options], cwd=folder, env=environment, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1e3


def measure(folder, stamp, environment, rounds):
    def ask():
        stamp.unlink(missing_ok=True)
        return build(folder, environment, "-p:PyResolveEnforce=true")

    ways = {
        OFF: lambda: build(folder, environment, "-p:PyResolveEnforce=true", "-p:PyResolveSkip=true"),
        ASKS: ask,
        # After one that has asked, or has left the stamp.
        CURRENT: lambda: build(folder, environment, "-p:PyResolveEnforce=true"),
    }
    for way in ways.values():
        way()
    samples = {name: [] for name in ways}
    for turn in range(rounds):
        for name in list(ways) if turn % 2 == 0 else reversed(ways):
            samples[name].append(ways[name]())
    return samples


def spread(values, digits=1):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def overhead(samples, name):
    return [100 * (a / b - 1) for a, b in zip(samples[name], samples[OFF])]


def report(samples, rounds, load):
    lines = [
        f"Measured on {datetime.date.today()}: {os.cpu_count()} cores; medians (lowest–highest) of {rounds} builds each, in turn. "
        + (f"Other work ran on the machine (load average {load:.1f} before): only the ratios are meaningful." if load > 0.5 else ""),
        "",
        "| a build of one project that is up to date | ms | more than without, % |",
        "|---|--:|--:|",
        f"| {OFF} | {spread(samples[OFF], 0)} | |",
    ]
    lines += [f"| {name} | {spread(samples[name], 0)} | {spread(overhead(samples, name))} |" for name in (CURRENT, ASKS)]
    lines.append("")
    for name, limit, text in ((CURRENT, 3, "A gate that is up to date"), (ASKS, 15, "A gate that asks the server")):
        median = statistics.median(overhead(samples, name))
        lines.append(f"- {text} adds at most {limit} %: **{median:.1f} %** (median of the rounds), {'met' if median <= limit else 'missed'}.")
    return "\n".join(line.rstrip() for line in lines)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--feed", type=pathlib.Path)
    options.add_argument("--output", default=str(ROOT / "docs/performance.md"))
    chosen = options.parse_args()
    load = os.getloadavg()[0]
    child, address = local_server.start(Ledger)
    try:
        with tempfile.TemporaryDirectory() as work:
            folder = pathlib.Path(work, "project")
            folder.mkdir()
            feed = chosen.feed or pathlib.Path(work, "feed")
            if chosen.feed is None:
                subprocess.run(["dotnet", "pack", ROOT / "src/PyResolve.MSBuild", "--output", feed, "-v:q", "-p:RunAnalyzers=false"], check=True)
            environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYRESOLVE_", "MSBUILD"))} | {
                "PYRESOLVE_API_URL": address, "PYRESOLVE_API_KEY": KEY, "PYRESOLVE_HOME": str(folder / "home"), "NO_PROXY": "*",
                "DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1", "NUGET_PACKAGES": str(pathlib.Path(work, "packages")),
            }
            stamp = make_project(folder, feed)
            commit = folder / ".git"
            commit.mkdir()
            (commit / "HEAD").write_text("0123456789abcdef0123456789abcdef01234567\n")
            (commit / "config").write_text('[remote "origin"]\n\turl = https://example.com/acme/shop\n')
            subprocess.run(["dotnet", "restore"], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
            samples = measure(folder, stamp, environment, chosen.rounds)
    finally:
        local_server.stop(child)
    table = report(samples, chosen.rounds, load)
    print(table)
    page = pathlib.Path(chosen.output)
    text = page.read_text(encoding="utf-8")
    if BEGIN in text:
        before, rest = text.split(BEGIN, 1)
        page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
