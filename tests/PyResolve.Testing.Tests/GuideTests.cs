// The guide shows tests without cancellation tokens.
#pragma warning disable xUnit1051

using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;

namespace PyResolve.Testing.Tests;

/// <summary>The code of docs/testing.md and of the package's README, word by word.</summary>
public sealed partial class GuideTests
{
    private static readonly string Root = Metadata("Root");

    [Fact]
    public async Task A_used_up_quota_is_explained()
    {
        await using var server = FakePyResolveServer.Start();
        server.Account.UseUpQuota();
        await using var client = server.CreateClient();

        var (exitCode, output) = await Tool.RunAsync(client);

        Assert.Equal(3, exitCode);
        Assert.Contains("Monthly limit reached", output);
    }

    [Fact]
    public async Task A_revoked_key_says_how_to_log_in()
    {
        await using var server = FakePyResolveServer.Start();
        server.Account.RevokeApiKeys();
        await using var client = server.CreateClient();

        var (exitCode, output) = await Tool.RunAsync(client);

        Assert.Equal(1, exitCode);
        Assert.Contains("pyresolve login", output);
    }

    [Fact]
    public async Task Without_a_network_the_tool_fails()
    {
        await using var server = FakePyResolveServer.Start();
        server.IsOffline = true;
        await using var client = server.CreateClient();

        var (exitCode, _) = await Tool.RunAsync(client, MigrationTier.Tier2);

        Assert.NotEqual(0, exitCode);
    }

    [Fact]
    public async Task Work_counts_once_although_an_answer_is_lost()
    {
        await using var server = FakePyResolveServer.Start();
        server.Inject(Fault.DropAnswer, "POST /quota/reservations/*/commit");
        await using var client = server.CreateClient();

        await Tool.RunAsync(client);

        var migration = Assert.Single(server.Account.Events);
        Assert.Equal(("pydantic", 2), (migration.Library, migration.FilesChanged));
        Assert.Equal(1, server.Account.Quota.MigrationsUsed);
    }

    [Fact]
    public async Task A_reservation_of_a_crashed_tool_expires()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();

        var permit = await client.Quota.AcquireAsync(new("pydantic") { TimeToLive = TimeSpan.FromMinutes(10) });
        Assert.Equal("held", server.Account.Holds.Single().State);
        server.Clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal("expired", server.Account.Holds.Single().State);
        await permit.DisposeAsync();
    }

    [Fact]
    public async Task A_test_can_change_a_plan()
    {
        await using var server = FakePyResolveServer.Start();
        server.Plans["free"] = server.Plans["free"] with { MigrationsLimit = QuotaLimit.Of(1) };
        server.Account.Plan = "pro";
        await using var client = server.CreateClient();

        Assert.True((await client.Quota.CheckAsync(MigrationTier.Tier2)).IsAllowed);
        server.Account.Plan = "free";
        Assert.Equal(QuotaLimit.Of(1), (await client.GetQuotaAsync()).MigrationsRemaining);
    }

    [Fact]
    public async Task The_server_migrates_what_a_test_says()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.Migrator = request => new FakeMigration
        {
            Files = new Dictionary<string, string?> { ["app.py"] = request.Files!["app.py"].Replace(".dict()", ".model_dump()") },
            TokensUsed = 1200,
        };
        var files = new Dictionary<string, string> { ["app.py"] = "print(user.dict())\n" };
        var done = await client.MigrateAsync(new() { Library = "pydantic", Target = "2.0", Tier = "tier1", Files = files });

        Assert.Equal("print(user.model_dump())\n", done.Files!["app.py"]);
        Assert.Equal(1, server.Account.Quota.MigrationsUsed);
    }

    [Fact]
    public async Task A_container_uses_the_fake_server()
    {
        await using var server = FakePyResolveServer.Start();
        var services = new ServiceCollection();
        services.AddPyResolveClient();
        services.UseFakePyResolveServer(server);

        await using var provider = services.BuildServiceProvider();
        provider.GetRequiredService<UsageReporter>().Report(new("scan"));
        await provider.GetRequiredService<UsageReporter>().FlushAsync();

        Assert.Equal("scan", server.Account.Events.Single().EventType);
    }

    [Fact]
    public async Task A_person_approves_a_device()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();

        var login = await client.StartDeviceLogInAsync("my-tool");
        server.ApproveDevice(login.UserCode);
        var waiting = client.WaitForDeviceLogInAsync(login);
        server.Clock.Advance(TimeSpan.FromSeconds(login.Interval));

        Assert.Equal(server.Account.Email, (await waiting).User.Email);
    }

    [Theory]
    [InlineData("docs/testing.md")]
    [InlineData("src/PyResolve.Testing/README.md")]
    public void Every_line_of_the_guides_code_runs_here(string page)
    {
        var tests = Lines(File.ReadAllText(Path.Combine(Root, "tests/PyResolve.Testing.Tests/GuideTests.cs")));
        var blocks = CodeBlock().Matches(File.ReadAllText(Path.Combine(Root, page)))
            .Select(match => Lines(match.Groups["code"].Value)).ToList();

        blocks.ShouldNotBeEmpty();
        foreach (var block in blocks)
            tests.Contains(block, StringComparison.Ordinal).ShouldBeTrue($"{page} has code that no test here runs:{block}");
    }

    private static string Metadata(string key) =>
        typeof(GuideTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == key).Value!;

    private static string Lines(string code) =>
        "\n" + string.Join('\n', code.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)) + "\n";

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex CodeBlock();

    /// <summary>The tool that the guide's tests test.</summary>
    private static class Tool
    {
        public static async Task<(int ExitCode, string Output)> RunAsync(
            PyResolveClient pyresolve, MigrationTier tier = MigrationTier.Tier1)
        {
            try
            {
                await using var permit = await pyresolve.Quota.AcquireAsync(new("pydantic", tier));
                if (!permit.IsGranted)
                    return (3, permit.Denial.Message);
                await permit.CompleteAsync(new() { FilesChanged = 2 });
                return (0, "Upgraded pydantic.");
            }
            catch (PyResolveException exception)
            {
                return (1, exception.Message);
            }
        }
    }
}
