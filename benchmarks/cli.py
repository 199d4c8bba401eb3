#!/usr/bin/env python3
"""Measures whole processes of the command line: its start, and `status` against the first client, which is Python.

Usage: benchmarks/cli.py [--rounds 30] [--program <path>] [--output docs/performance.md]

Publishes the native program first, unless --program names one. Each round runs every program once, in one order and then in the other;
rows are compared within a round. Needs a C compiler, and Python with click, httpx and toml, as the tests do."""
import argparse
import datetime
import http.server
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import local_server

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEED = ROOT / "tests/PyResolve.SeedCli.Tests/SeedCli/run.py"
BEGIN, END = "<!-- benchmark: cli -->", "<!-- end of cli -->"
KEY = "pyr_live_" + "0123456789abcdef" * 3
ACCOUNT = json.dumps({
    "user_id": "01930000-0000-7000-8000-000000000001", "email": "ada@example.com", "plan": "free",
    "quota": {"plan": "free", "migrations_used": 2, "migrations_limit": 5, "migrations_remaining": 3, "llm_allowed": False,
              "can_migrate": True}}).encode()


class Account(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ACCOUNT)))
        self.end_headers()
        self.wfile.write(ACCOUNT)

    def log_message(self, *_):
        pass


EMPTY = "int main(void) { return 0; }"

# Python is too large to start programs itself: a program's peak memory includes that of the process it was started from.
LAUNCHER = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    extern char **environ;
    struct timespec start, end;
    struct rusage usage;
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (posix_spawn(&child, arguments[1], &actions, NULL, arguments + 1, environ) != 0 || wait4(child, &status, 0, &usage) != child)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%f %f %ld\n",
        (end.tv_sec - start.tv_sec) * 1e3 + (end.tv_nsec - start.tv_nsec) / 1e6,
        (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3,
        usage.ru_maxrss);
    return status != 0;
}
"""


def compile_program(folder, name, source):
    program = os.path.join(folder, name)
    subprocess.run(["cc", "-O2", "-x", "c", "-", "-o", program], input=source.encode(), check=True)
    return program


def find_python():
    for python in ("/usr/bin/python3", "python3"):
        if subprocess.run([python, "-c", "import click, httpx, toml"], stderr=subprocess.DEVNULL).returncode == 0:
            return subprocess.check_output([python, "-c", "import sys; print(sys.executable)"], text=True).strip()
    sys.exit("No Python here has click, httpx and toml: apt-get install python3-click python3-httpx python3-toml.")


def run(launcher, arguments, environment):
    """Milliseconds from the start to the end, of CPU time, and the peak of resident memory in MiB."""
    elapsed, cpu, kibibytes = subprocess.check_output([launcher, *arguments], env=environment, text=True).split()
    return float(elapsed), float(cpu), int(kibibytes) / 1024


def spread(values, digits=1):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def measure(launcher, programs, environment, rounds):
    for arguments in programs.values():
        run(launcher, arguments, environment)
    samples = {name: [] for name in programs}
    for turn in range(rounds):
        for name in list(programs) if turn % 2 == 0 else reversed(programs):
            samples[name].append(run(launcher, programs[name], environment))
    return samples


def ratios(samples, over, under):
    return [a[0] / b[0] for a, b in zip(samples[over], samples[under])]


def goal(text, is_met, measured):
    return f"- {text}: **{measured}**, {'met' if is_met else 'missed'}."


def report(samples, size, rounds, load):
    version = ratios(samples, "pyresolve --version", "an empty native program")
    status = ratios(samples, "pyresolve status", "status of the first client (Python)")
    memory = [sample[2] for sample in samples["pyresolve status"]]
    lines = [
        f"Measured on {datetime.date.today()}: {os.cpu_count()} cores; medians (lowest–highest) of {rounds} whole processes each, "
        "in turn. " + (f"Other work ran on the machine (load average {load:.1f} before): only the ratios are meaningful." if load > 0.5 else ""),
        "",
        "|  | ms | CPU ms | peak memory MiB |",
        "|---|--:|--:|--:|",
    ]
    lines += [f"| {name} | " + " | ".join(spread(column) for column in zip(*taken)) + " |" for name, taken in samples.items()]
    lines += [
        "",
        goal("`--version` takes at most 4 times as long as an empty native program", statistics.median(version) <= 4,
             f"{spread(version)} times"),
        goal("`status` takes at most a tenth of the first client's time", statistics.median(status) <= 0.1, spread(status, 3)),
        goal("`status` peaks below 30 MB of memory", max(memory) * 1.048576 < 30, f"{max(memory) * 1.048576:.1f} MB at most"),
        goal("The program is smaller than 15 MB", size < 15_000_000, f"{size / 1e6:.1f} MB"),
    ]
    return "\n".join(line.rstrip() for line in lines)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--program")
    options.add_argument("--output", default=str(ROOT / "docs/performance.md"))
    chosen = options.parse_args()
    program = chosen.program or ROOT / subprocess.check_output([ROOT / ".ci/native"], text=True).strip()
    program = str(pathlib.Path(program).resolve())
    load = os.getloadavg()[0]
    child, address = local_server.start(Account)
    try:
        with tempfile.TemporaryDirectory() as home:
            environment = {
                "PATH": os.environ["PATH"], "HOME": home, "PYRESOLVE_API_URL": address, "PYRESOLVE_API_KEY": KEY, "NO_PROXY": "*",
                "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1",
            }
            samples = measure(compile_program(home, "launcher", LAUNCHER), {
                "an empty native program": [compile_program(home, "empty", EMPTY)],
                "pyresolve --version": [program, "--version"],
                "pyresolve status": [program, "status"],
                "status of the first client (Python)": [find_python(), str(SEED), "status"],
            }, environment, chosen.rounds)
    finally:
        local_server.stop(child)
    table = report(samples, os.path.getsize(program), chosen.rounds, load)
    print(table)
    page = pathlib.Path(chosen.output)
    text = page.read_text(encoding="utf-8")
    if BEGIN in text:
        before, rest = text.split(BEGIN, 1)
        page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
