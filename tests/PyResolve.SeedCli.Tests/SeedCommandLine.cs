namespace PyResolve.SeedCli.Tests;

/// <summary>The seed's command line: one process for each command, with a separate home folder for each test.</summary>
internal sealed class SeedCommandLine(Uri server) : IDisposable
{
    private const int Refused = 3;

    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "SeedCli", "run.py");

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("pyresolve-seed-");

    /// <summary><c>PYRESOLVE_API_KEY</c>; null: not set.</summary>
    public string? EnvironmentKey { get; init; }

    /// <summary><c>~/.pyresolve/config.toml</c>.</summary>
    public string ConfigFile => Path.Combine(_home.FullName, ".pyresolve", "config.toml");

    /// <summary>With the account's key in the environment.</summary>
    public static SeedCommandLine For(TestAccount account) => new(account.Http.BaseAddress!) { EnvironmentKey = account.ApiKey };

    /// <returns>Its output, without the last line break.</returns>
    public Task<string> LogInAsync(string key) => PrintAsync(["login", "--key", key]);

    /// <summary>Types the key when asked.</summary>
    public Task<string> LogInAtThePromptAsync(string key) => PrintAsync(["login"], key + "\n");

    public Task<string> LogOutAsync() => PrintAsync(["logout"]);

    public Task<string> StatusAsync() => PrintAsync(["status"]);

    public async Task<QuotaCheck> CheckQuotaAsync(string tier)
    {
        var ended = await RunAsync(["check-quota", tier]);
        return ended.ExitCode == Refused
            ? new QuotaCheck(MayMigrate: false, Printed(ended))
            : new QuotaCheck(MayMigrate: true, Printed(ended.OrThrow("The seed's quota check")));
    }

    public Task<string> LogUsageAsync(string library = "pydantic", string tier = "tier1", int filesChanged = 1) =>
        PrintAsync(["log-usage", library, tier, $"{filesChanged}"]);

    public void Dispose() => _home.Delete(recursive: true);

    private async Task<string> PrintAsync(string[] arguments, string input = "") =>
        Printed((await RunAsync(arguments, input)).OrThrow($"The seed's {arguments[0]}"));

    private async Task<CommandResult> RunAsync(string[] arguments, string input = "") => await Command.RunAsync(
        await PythonInterpreter.FindAsync(),
        [Program, .. arguments],
        new Dictionary<string, string?>
        {
            ["HOME"] = _home.FullName,
            ["PYRESOLVE_API_URL"] = server.ToString().TrimEnd('/'),
            ["PYRESOLVE_API_KEY"] = EnvironmentKey,
            ["PYTHONUTF8"] = "1",
            ["PYTHONDONTWRITEBYTECODE"] = "1",
            // httpx would send loopback requests through the machine's proxy too.
            ["NO_PROXY"] = "*",
            ["no_proxy"] = "*",
        },
        input,
        cancellationToken: TestContext.Current.CancellationToken);

    private static string Printed(CommandResult ended) => ended.Output.TrimEnd('\n');
}

/// <summary>The result and the output of <c>check_quota_before_migration</c>.</summary>
internal sealed record QuotaCheck(bool MayMigrate, string Output);
