using System.Globalization;
using System.Text.RegularExpressions;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>
/// The README's way from nothing to a paid upgrade, in a terminal, against a real server in Development, which simulates Stripe. Only what
/// cannot be the same each time is replaced: addresses, the home, the key, the page's id, and the month.
/// </summary>
[Trait("Platform", "Linux")]
public sealed partial class ReadmeTests : IAsyncLifetime
{
    private const int Columns = 100;
    private const string Prompt = "$ pyresolve ";

    private static readonly string Readme = File.ReadAllText(Approved.PathOf("src/PyResolve.Cli/README.md")).ReplaceLineEndings("\n");

    private readonly CliDriver _cli = new CliDriver().WithFile("models.py", Block("python"));
    private ServerProcess _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development" }, TestContext.Current.CancellationToken);
        _cli.Environment["PYRESOLVE_API_URL"] = _server.Address.OriginalString;
    }

    [Fact]
    public async Task A_new_user_gets_from_nothing_to_a_paid_upgrade_with_the_four_commands_of_the_README()
    {
        var transcript = Block("console");
        var actual = "";

        foreach (var command in transcript.Split('\n').Where(static line => line.StartsWith(Prompt, StringComparison.Ordinal)))
        {
            var screen = await RunAsync(command[Prompt.Length..]);
            actual += $"{command}\n{screen}";
            if (PayPage.Match(screen) is { Success: true } page)
                await PayAsync(page.Value);
        }

        Normalize(actual).ShouldBe(transcript);
        _cli.Read("models.py").ShouldContain("return user.model_dump()");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    private static string Block(string language) =>
        Regex.Match(Readme, $"```{language}\n(.*?)```", RegexOptions.Singleline, TimeSpan.FromSeconds(1)).Groups[1].Value;

    private async Task<string> RunAsync(string arguments)
    {
        await using var terminal = _cli.StartInTerminal(Columns, [.. CommandWords.Split(arguments)]);
        string[] questions = arguments.StartsWith("signup", StringComparison.Ordinal) ? ["New password:", "The same again:"] : [];
        foreach (var question in questions)
        {
            await terminal.ShowsAsync(question);
            terminal.Type($"{TestAccount.Password}\r");
        }

        var result = await terminal.WaitForExitAsync();
        result.ExitCode.ShouldBe(0, result.Screen);
        return (result with { Screen = Progress.Replace(result.Screen, "") }).Text;
    }

    private async Task PayAsync(string page)
    {
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("card", "works")]);
        (await _server.Http.PostAsync(page, form, TestContext.Current.CancellationToken)).StatusCode
            .ShouldBe(System.Net.HttpStatusCode.SeeOther);
        await Eventually.IsTrueAsync(
            async () => (await _cli.RunAsync("status", "--json")).Json().GetProperty("plan").GetString() == "pro",
            TimeSpan.FromSeconds(30),
            TestContext.Current.CancellationToken);
    }

    private string Normalize(string transcript)
    {
        var now = TimeProvider.System.GetUtcNow();
        var replaced = PayPage.Replace(transcript, "https://checkout.stripe.com/c/pay/cs_live_a1B2c3D4e5")
            .Replace(_server.Address.OriginalString, "https://api.pyresolve.dev", StringComparison.Ordinal)
            .Replace(_cli.Home, "/home/ada/.pyresolve", StringComparison.Ordinal)
            .Replace(now.AddMonths(1).ToString("yyyy-MM-01", CultureInfo.InvariantCulture), "2026-12-01", StringComparison.Ordinal)
            .Replace(now.ToString("(yyyy-MM)", CultureInfo.InvariantCulture), "(2026-11)", StringComparison.Ordinal);
        return TrailingSpace.Replace(KeyPrefix.Replace(replaced, "pyr_live_0a1b2c3d4e5"), "");
    }

    // The screen has \n for every \r.
    [GeneratedRegex("\e\\[\\?7l\n[^\n]*?\e\\[K\e\\[\\?7h|\n\e\\[K", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Progress { get; }

    [GeneratedRegex(@"http://[0-9.:]+/c/pay/\w+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PayPage { get; }

    [GeneratedRegex("pyr_live_[0-9a-f]{11}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyPrefix { get; }

    [GeneratedRegex(" +$", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TrailingSpace { get; }
}
