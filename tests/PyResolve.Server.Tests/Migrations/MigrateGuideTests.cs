using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Migrations;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Migrations;

/// <summary>The commands, the settings and the defaults of docs/migrate.md, word by word but for the server's address.</summary>
public sealed partial class MigrateGuideTests(SharedServers servers) : IAsyncLifetime
{
    private const string Page = "migrate.md";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-migrate-guide-");
    private ServerProcess _server = null!;
    private TestAccount _account = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var migrator = Path.Combine(_folder.FullName, "my-llm-migrator");
        await File.WriteAllTextAsync(
            migrator,
            "#!/bin/sh\necho \"{\\\"type\\\":\\\"tokens\\\",\\\"used\\\":${#MY_LLM_KEY}}\" > \"$PYRESOLVE_MIGRATOR_CHANNEL\"\n"
            + "echo \"# to $2\" >> \"$3/app.py\"\n",
            Cancellation);
        // A server that runs as root runs migrators as another user.
        foreach (var path in (string[])[migrator, _folder.FullName])
            (await Command.RunAsync("chmod", ["755", path], cancellationToken: Cancellation)).OrThrow("chmod");
        var settings = Guide.Block(Page, "ini", "PyResolve__Migrators").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split('=', 2)).ToDictionary(static pair => pair[0], static pair => (string?)pair[1].Trim('"'));
        // The program of this test is in the folder for temporary files, which that sandbox hides.
        settings["PyResolve__Migrate__Bubblewrap"] = "false";
        settings["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}";
        _server = await ServerProcess.StartAsync(settings, Cancellation);
        _account = await TestAccount.SignUpAsync(_server.Http);
    }

    [Fact]
    public async Task The_request_of_the_page_is_answered_as_it_shows()
    {
        var answer = await RunAsync(Guide.Block(Page, "sh", "-d '{"));

        var shown = MemberName().Matches(Guide.Block(Page, "json", "\"state\"")).Select(static match => match.Groups["name"].Value);
        shown.ShouldBeSubsetOf([.. answer.EnumerateObject().Select(static member => member.Name), "app.py"]);
        answer.GetProperty("state").GetString().ShouldBe("done");
        // Its two streams, in the order in which their lines arrived.
        answer.GetProperty("log").GetString()!.Split('\n').ShouldBe(
            ["app.py: .dict()", "Rewrote 1 of 1 Python file, 1 change.", ""], ignoreOrder: true);
        answer.GetProperty("files").GetProperty("app.py").GetString()!.ShouldContain("return user.model_dump()");
        (await _account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Fact]
    public async Task The_archive_of_the_page_is_taken()
    {
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "app"));
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "app/models.py"), MigrateDriver.Before, Cancellation);

        var answer = await RunAsync(Guide.Block(Page, "sh", "tar c app"));

        answer.GetProperty("files").GetProperty("app/models.py").GetString()!.ShouldContain("user.model_dump()");
    }

    [Fact]
    public async Task The_migrator_of_the_page_gets_its_arguments_and_its_variable()
    {
        await _server.RunAsync(["accounts", "set-plan", _account.Email, "pro"], Cancellation);

        var answer = await _account.Key.MigrateAsync(tier: "tier2", files: new Dictionary<string, string> { ["app.py"] = "" });

        answer.Status.ShouldBe(200, answer.Text);
        answer["files"].GetProperty("app.py").GetString().ShouldBe("# to 2.0\n");
        answer["tokens_used"].GetInt64().ShouldBePositive();
    }

    [Fact]
    public async Task The_defaults_of_the_page_are_those_of_the_server()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var options = own.Server.Services.GetRequiredService<MigrationOptions>();

        var documented = File.ReadLines(Guide.PathOf(Page)).Select(static line => Setting().Match(line))
            .Where(static match => match.Success)
            .ToDictionary(
                static match => match.Groups["name"].Value,
                static match => int.Parse(match.Groups["default"].Value, NumberStyles.None, CultureInfo.InvariantCulture));

        documented.ShouldBe(
            new Dictionary<string, int>
            {
                ["Seconds"] = (int)options.TimeLimit.TotalSeconds,
                ["MemoryMegabytes"] = options.MemoryMegabytes,
                ["Processes"] = options.Processes,
                ["OutputKilobytes"] = options.OutputBytes / 1_024,
                ["DiskMegabytes"] = options.DiskMegabytes,
                ["ConcurrentPerAccount"] = options.ConcurrentPerAccount,
                ["FirstUserId"] = options.FirstUserId,
            },
            ignoreOrder: true);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<JsonElement> RunAsync(string commands)
    {
        var here = commands.Replace("https://api.example.com", _server.Address.OriginalString, StringComparison.Ordinal);
        var environment = new Dictionary<string, string?> { ["PYRESOLVE_API_KEY"] = _account.ApiKey };
        var result = await Command.RunAsync(
            "/bin/sh", ["-euc", here], environment, workingDirectory: _folder.FullName, cancellationToken: Cancellation);
        return JsonDocument.Parse(result.OrThrow(commands).Output).RootElement;
    }

    [GeneratedRegex("\"(?<name>[a-z_.]+)\":", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex MemberName();

    [GeneratedRegex(@"^\| `PyResolve:Migrate:(?<name>\w+)` \|[^|]*\| (?<default>[0-9]+) \|$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Setting();
}
