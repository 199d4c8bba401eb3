using PyResolve.MSBuild.Tests.Infrastructure;

namespace PyResolve.MSBuild.Tests;

/// <summary>The worker as a native program, and as one that .NET runs where the native one cannot.</summary>
public sealed class NativeWorkerTests(PackedGate gate, GateServer server)
{
    [Fact]
    public async Task A_machine_that_the_package_has_a_native_worker_for_runs_it()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration(more: "Path=\"models\"")
            .WithFile("models/user.py", MigratorTests.Models);
        var native = (await project.DotNetAsync("msbuild", "-getProperty:_PyResolveNativeWorker")).OrThrow("dotnet msbuild").Output.Trim();

        var build = await project.BuildInCiAsync(
            "-p:PyResolveRun=true", $"-p:_PyResolveNativeWorker={native}", "-p:PyResolveGateWorker=missing.dll");

        native.ShouldEndWith($"tools/native/{PackedGate.NativeWorkerHere}");
        build.ExitCode.ShouldBe(0, build.Output);
        build.Output.ShouldContain("pydantic 2.0 (tier1) is charged");
    }

    [Theory]
    [InlineData("exit 127", true)]
    [InlineData("exit 0", true)]
    [InlineData("", false)]
    public async Task A_native_worker_that_cannot_run_leaves_the_gate_to_the_portable_one(string script, bool isExecutable)
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration(more: "Path=\"models\"")
            .WithFile("models/user.py", MigratorTests.Models).WithFile("worker", $"#!/bin/sh\n{script}\n");
        var worker = Path.Combine(project.Folder, "worker");
        if (isExecutable && !OperatingSystem.IsWindows())
            File.SetUnixFileMode(worker, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var build = await project.BuildInCiAsync("-p:PyResolveRun=true", $"-p:_PyResolveNativeWorker={worker}");

        build.ExitCode.ShouldBe(0, build.Output);
        build.Output.ShouldContain("pydantic 2.0 (tier1) is charged");
        (await account.UsedAsync()).ShouldBe(1);
    }
}
