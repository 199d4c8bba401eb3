using System.Diagnostics;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Migrations;

/// <summary>A migrator that works against the server harms nothing, costs nothing, and leaves nothing behind.</summary>
public sealed class HostileMigratorTests
{
    private const string Secret = "a-secret-of-the-server";

    /// <summary>How long the children sleep: found in the list of processes.</summary>
    private const string Sleep = "98765.4321";

    private static (string Library, string Script)[] Scripts(string data) =>
    [
        ("forks", "f() { f | f & }; f; sleep " + Sleep),
        ("environments", Try("grep -qa \"a-secret-of-the[-]server\" /proc/[0-9]*/environ")),
        ("data", Try($"cat {data}/*")),
        ("data-list", Try($"ls {data}")),
        ("memory-of-others", Try("cat /proc/[0-9]*/maps | grep -q PyResolve.Server.dll")),
        ("killer", "kill -9 $(cd /proc; echo [0-9]*); true"),
        ("outside", "echo x > \"$1/../../outside\"; echo x > \"$1/../../../outside\"; ls \"$1/../..\" > \"$1/list.txt\"; true"),
        ("link", "rm \"$1/a.py\"; ln -s /etc/passwd \"$1/a.py\""),
        ("folder-link", "ln -s /etc \"$1/etc\""),
        ("hard-link", "ln \"$1/a.py\" \"$1/b.py\""),
        ("pipe", "mkfifo \"$1/b.py\""),
        ("output", "yes"),
        ("channel", "yes > \"$PYRESOLVE_MIGRATOR_CHANNEL\""),
        ("stubborn", "trap \"\" TERM INT HUP; while true; do sleep " + Sleep + "; done"),
        ("daemon", "setsid sh -c \"sleep " + Sleep + " & sleep " + Sleep + "\" < /dev/null > /dev/null 2>&1 & echo b >> \"$1/a.py\""),
        ("clean-daemon", "env -i setsid sleep " + Sleep + " < /dev/null > /dev/null 2>&1 & sleep 0.2; echo b >> \"$1/a.py\""),
        ("memory", "tail /dev/zero"),
        ("disk", "while true; do head -c 8M /dev/zero >> \"$1/$$\"; done"),
        ("files", "i=0; while true; do i=$((i+1)); mkdir \"$1/$i\"; done"),
        ("binary", "head -c 100 /dev/zero | tr \"\\\\000\" \"\\\\377\" > \"$1/a.py\""),
        ("unreadable", "chmod 0 \"$1/a.py\"; mkdir \"$1/sub\"; chmod 0 \"$1/sub\""),
    ];

    [Fact]
    public async Task A_hostile_migrator_harms_nothing()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var data = new TemporaryFolder();
        var settings = new Dictionary<string, string?>
        {
            ["PYRESOLVE_DATA"] = data.Path,
            ["PYRESOLVE_TEST_SECRET"] = Secret,
            ["PyResolve__Migrate__Seconds"] = "4",
            ["PyResolve__Migrate__OutputKilobytes"] = "256",
            ["PyResolve__Migrate__DiskMegabytes"] = "64",
            ["PyResolve__Migrate__MemoryMegabytes"] = "256",
            ["PyResolve__Migrate__Bubblewrap"] = "false",
        };
        // Only a server that runs as root has migrators that are another user's; others need bubblewrap or a wrapper (docs/migrate.md).
        var scripts = Scripts(data.Path)
            .Where(static one => Environment.IsPrivilegedProcess
                || one.Library is not ("data" or "data-list" or "memory-of-others" or "killer"))
            .ToList();
        foreach (var (library, script) in scripts)
            settings[$"PyResolve__Migrators__{library}__tier1"] = MigrateDriver.Command(script);
        await using var server = await ServerProcess.StartAsync(settings, cancellation);

        foreach (var (library, _) in scripts)
        {
            var account = await TestAccount.SignUpAsync(server.Http);
            var answer = await account.Key.MigrateAsync(library);
            if (library is "daemon" or "clean-daemon")
                answer.Status.ShouldBe(200, $"{library}: {answer.Text}");
            else if (library is "environments" or "data" or "data-list" or "memory-of-others")
                answer["files"].GetRawText().ShouldBe("""{"read.txt":"no\n"}""", library);
            else if (library is "outside")
                answer.Text.ShouldNotContain(Secret, customMessage: library);
            else if (library is not "unreadable")
                answer.ShouldBeProblem(422, "migration_failed", library);
            MigrateDriver.Sleepers(Sleep).ShouldBeEmpty(library);
            (await account.QuotaAsync()).Held.ShouldBe(0, library);
        }

        var folders = Path.Combine(Path.GetTempPath(), "pyresolve-migrations");
        Directory.GetFiles(folders, "outside", SearchOption.AllDirectories).ShouldBeEmpty();
        (await TestAccount.SignUpAsync(server.Http)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_killed_server_ends_its_migrators_and_the_next_start_removes_their_folders()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var folder = new TemporaryFolder();
        var settings = new Dictionary<string, string?>
        {
            ["PyResolve__Migrate__Folder"] = folder.Path,
            ["PyResolve__Migrators__slow__tier1"] = MigrateDriver.Command($"setsid sleep {Sleep}9 & sleep {Sleep}9"),
        };
        await using var server = await ServerProcess.StartAsync(settings, cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        (await account.Key.MigrateLaterAsync("slow")).Status.ShouldBe(202);
        await Eventually.IsTrueAsync(() => MigrateDriver.Sleepers(Sleep + "9").Count == 2, cancellationToken: cancellation);

        using (var process = Process.GetProcessById(server.ProcessId))
            process.Kill();
        await server.KillAsync();
        await server.RestartAsync(cancellation);

        await Eventually.IsTrueAsync(() => MigrateDriver.Sleepers(Sleep + "9").Count == 0, cancellationToken: cancellation);
        Directory.GetDirectories(folder.Path).Select(Path.GetFileName).ShouldBe(["users"]);
        (await account.QuotaAsync()).Held.ShouldBe(1);
        // What is held then comes back by itself: 300 seconds for the migrator, and a minute.
        var held = (await account.Key.GetAsync("/quota/reservations"))["data"].EnumerateArray().ShouldHaveSingleItem();
        (held.GetProperty("expires_at").GetDateTimeOffset() - TimeProvider.System.GetUtcNow())
            .ShouldBeInRange(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(6));
    }

    /// <summary>A migrator that says in a file whether it could do something.</summary>
    private static string Try(string command) => $"if {command} > /dev/null 2>&1; then echo yes; else echo no; fi > \"$1/read.txt\"";

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("pyresolve-migrate-test-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
