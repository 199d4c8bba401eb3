using PyResolve.Server.Doctor;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Hosting;

namespace PyResolve.Server.Tests.Doctor;

public sealed class ServerDoctorTests(SharedServers servers, AnotherUser anotherUser) : IClassFixture<AnotherUser>
{
    public static TheoryData<string> Faults { get; } = [.. Fault.All.Keys];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_server_without_a_fault_is_found_to_be_healthy(StorageEngine engine)
    {
        await using var server = await FaultyServer.CreateAsync(engine, servers.Postgres);

        var findings = await server.ExamineAsync();

        findings.ShouldNotContain(static finding => finding.State == HealthState.Bad);
        findings.ShouldContain(static finding => finding.State == HealthState.Good && finding.Text.EndsWith("accepts writes."));
        findings.ShouldContain(static finding => finding.State == HealthState.Good && finding.About == "Clock");
        findings.ShouldContain(static finding => finding.State == HealthState.Look && finding.Text.Contains("No mail server is set"));
    }

    [Theory, MemberData(nameof(Faults)), Trait("Needs", "Sessions")]
    public async Task Each_planted_fault_is_named_alone_with_its_fix(string name)
    {
        var fault = Fault.All[name];
        await using var server = await FaultyServer.CreateAsync(fault.Engine, servers.Postgres);
        await fault.PlantAsync(server);

        var findings = await server.ExamineAsync();

        var bad = findings.Where(static finding => finding.State == HealthState.Bad).ToList().ShouldHaveSingleItem();
        bad.Text.ShouldContain(fault.Text);
        $"{bad.Text} {bad.Fix}".ShouldContain(fault.Fix);
    }

    /// <summary>Hosts of servers name their databases so, and encrypt nothing within their private network.</summary>
    [Theory]
    [InlineData("203.0.113.7", true)]
    [InlineData("10.255.255.1", false)]
    public async Task A_database_that_may_be_asked_in_clear_text_is_a_fault_only_outside_private_networks(string host, bool isFault)
    {
        await using var server = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        server.Set("DATABASE_URL", $"postgres://ann@{host}:1/billing?connect_timeout=1");

        var findings = await server.ExamineAsync();

        var found = findings.Single(static finding => finding.Text.Contains("is encrypted"));
        found.State.ShouldBe(isFault ? HealthState.Bad : HealthState.Look);
    }

    [Fact]
    public void Twenty_faults_and_more_are_planted() => Fault.All.Count.ShouldBeGreaterThan(20);

    [Fact]
    public async Task The_command_says_it_for_people_and_for_programs_and_ends_with_0_or_1()
    {
        await using var server = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var wrong = new Dictionary<string, string?>(server.Store.Settings) { ["PYRESOLVE_PUBLIC_URL"] = "billing.example.com" };

        var healthy = await ServerProcess.RunAsync(["doctor"], server.Store.Settings, Cancellation);
        var json = await ServerProcess.RunAsync(["doctor", "--json"], server.Store.Settings, Cancellation);
        var failed = await ServerProcess.RunAsync(["doctor"], wrong, Cancellation);
        var failedJson = await ServerProcess.RunAsync(["doctor", "--json"], wrong, Cancellation);

        (healthy.ExitCode, json.ExitCode, failed.ExitCode, failedJson.ExitCode).ShouldBe((0, 0, 1, 1), healthy.Output + healthy.Error);
        healthy.Output.ShouldContain("ok    Store: The embedded database accepts writes.");
        healthy.Output.ShouldContain("look  Email: No mail server is set");
        healthy.Output.ShouldContain("      Fix: Set PyResolve:Smtp:Host and PyResolve:Smtp:From.");
        json.Output.ShouldStartWith("{\"healthy\":true,\"findings\":[{\"about\":\"Settings\",\"state\":\"ok\",");
        failed.Output.ShouldContain("BAD   Settings: PYRESOLVE_PUBLIC_URL is 'billing.example.com'; it must be a whole URL");
        failed.Output.ShouldContain("Fix: Correct it");
        failedJson.Output.ShouldStartWith("{\"healthy\":false,");
    }

    [Fact, Trait("Platform", "Linux")]
    public async Task Another_user_than_the_servers_is_named_where_the_folder_cannot_be_read()
    {
        await using var server = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        await ChangeModeAsync("000", server.Folder);

        var result = await RunAsAnotherUserAsync(server.Store.Settings);

        await ChangeModeAsync("700", server.Folder);
        result.ExitCode.ShouldBe(1, result.Error);
        result.Output.ShouldContain($"may not write to {server.Folder}.\",\"fix\":\"Run the server and its commands as the folder");
    }

    [Fact, Trait("Platform", "Linux")]
    public async Task Another_user_than_the_servers_is_named_where_a_key_cannot_be_read()
    {
        await using var server = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var key = Path.Combine(server.Folder, "lease-key.pem");
        await File.WriteAllTextAsync(key, "", Cancellation);
        await ChangeModeAsync("000", key);
        await ChangeModeAsync("755", server.Folder);

        var result = await RunAsAnotherUserAsync(server.Store.Settings);

        result.ExitCode.ShouldBe(1, result.Error);
        result.Output.ShouldContain("lacks a right: ");
        result.Output.ShouldContain("lease-key.pem");
        result.Output.ShouldContain("Run the server and its commands as the user that owns the folder and the files in it");
    }

    [Fact, Trait("Platform", "Linux")]
    public async Task A_folder_that_the_first_start_cannot_make_is_named()
    {
        var parent = Directory.CreateTempSubdirectory("pyresolve-parent-");
        await ChangeModeAsync("555", parent.FullName);
        var folder = Path.Combine(parent.FullName, "billing", "data");

        var result = await RunAsAnotherUserAsync(new Dictionary<string, string?> { ["DATABASE_URL"] = null, ["PYRESOLVE_DATA"] = folder });

        await ChangeModeAsync("755", parent.FullName);
        parent.Delete(recursive: true);
        result.ExitCode.ShouldBe(1, result.Error);
        result.Output.ShouldContain($"{folder} does not exist, and ");
        result.Output.ShouldContain($" cannot make it in {parent.FullName}: ");
        result.Output.ShouldContain("\"fix\":\"Make it as root: install -d -o ");
    }

    [Fact]
    public async Task A_check_that_fails_in_a_way_of_its_own_is_a_finding_and_the_others_go_on()
    {
        await using var server = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        server.Replace = static services => services.Replace(ServiceDescriptor.Singleton<IEmailTransport>(new BrokenTransport()));

        var findings = await server.ExamineAsync();

        var bad = findings.Where(static finding => finding.State == HealthState.Bad).ToList().ShouldHaveSingleItem();
        bad.ShouldBe(new Finding(
            "Email", HealthState.Bad, "This could not be checked to its end: No check expects this.",
            "Correct what it names, then run doctor again."));
        findings[^1].About.ShouldBe("Stripe");
    }

    [Theory]
    [InlineData("", "There is no database in ")]
    [InlineData("mistyped", " does not exist yet.")]
    public async Task A_folder_without_a_database_stays_so(string child, string text)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var folder = store.Settings["PYRESOLVE_DATA"]!;
        var settings = new Dictionary<string, string?>(store.Settings) { ["PYRESOLVE_DATA"] = Path.Combine(folder, child) };

        var result = await ServerProcess.RunAsync(["doctor"], settings, Cancellation);

        result.OrThrow("doctor").Output.ShouldContain(text);
        result.Output.ShouldContain("If this server has run before, PYRESOLVE_DATA names another folder than its own.");
        Directory.EnumerateFileSystemEntries(folder).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_full_disk_is_named()
    {
        await using var server = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        // The kernel refuses every byte of a file. The runtime would write its own code to one.
        var script = "trap '' XFSZ; ulimit -f 0; exec dotnet \"$0\" doctor";
        var environment = new Dictionary<string, string?>(server.Store.Settings) { ["DOTNET_EnableWriteXorExecute"] = "0" };

        var result = await Command.RunAsync(
            "/bin/sh", ["-c", script, typeof(ServerApp).Assembly.Location], environment, cancellationToken: Cancellation);

        result.ExitCode.ShouldBe(1, result.Error);
        result.Output.ShouldContain($"BAD   Folder: {server.Folder} does not take what is written");
        result.Output.ShouldContain("Fix: Make room on its disk");
    }

    private static async Task ChangeModeAsync(string mode, string path) =>
        (await Command.RunAsync("chmod", [mode, path], cancellationToken: Cancellation)).OrThrow("chmod");

    private Task<CommandResult> RunAsAnotherUserAsync(IReadOnlyDictionary<string, string?> environment) =>
        anotherUser.RunAsync(["doctor", "--json"], environment, Cancellation);

    private sealed class BrokenTransport : IEmailTransport
    {
        public string Name => "a mail server";

        public string Fix => "";

        public Task SendAsync(EmailMessage message, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task CheckAsync(CancellationToken cancellationToken) => throw new NotSupportedException("No check expects this.");
    }
}
