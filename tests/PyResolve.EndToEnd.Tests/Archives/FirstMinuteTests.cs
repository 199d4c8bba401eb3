using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace PyResolve.EndToEnd.Tests.Archives;

/// <summary>From the archive to a verified key, with two commands and a browser, and no account anywhere.</summary>
[Collection(nameof(ServerArchive)), Trait("Platform", "Linux")]
public sealed partial class FirstMinuteTests(ServerArchive archive)
{
    private const string Email = "ada@example.com";
    private const string Password = "correct horse battery staple";
    private static readonly TimeSpan Minute = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_fresh_machine_has_a_verified_key_within_a_minute_of_init()
    {
        using var machine = await FreshMachine.WithAsync(archive.File);
        var address = $"http://127.0.0.1:{Loopback.FreePort()}";
        var startedAt = Stopwatch.GetTimestamp();

        var made = (await machine.RunAsync(machine.Program, "init", "--operator", Email, "--listen", address)).OrThrow("init");
        var lines = made.Output.Split('\n', StringSplitOptions.TrimEntries);
        var start = lines.Single(line => line.StartsWith(machine.Program, StringComparison.Ordinal));
        var link = new Uri(lines.Single(line => line.Contains("?token=", StringComparison.Ordinal)));
        link.GetLeftPart(UriPartial.Authority).ShouldBe(address);

        using var server = machine.Start(start.Split(' '));
        try
        {
            using var browser = new Browser(new Uri(address));
            await FreshMachine.BecomesReadyAsync(browser.Http, server);
            var reset = await browser.ReadAsync(link.PathAndQuery);
            var fields = new Dictionary<string, string>
            {
                ["token"] = FieldOf(reset, "token"), ["password"] = Password, ["repeated"] = Password,
            };
            (await browser.SendAsync("/reset-password", fields)).ShouldContain("Password changed");
            await browser.SendAsync("/sign-in", new() { ["email"] = Email, ["password"] = Password });
            var key = Key().Match(await browser.SendAsync(
                "/app/keys", new() { ["once"] = FieldOf(await browser.ReadAsync("/app/keys"), "once"), ["name"] = "first" })).Value;

            (await new Caller(browser.Http, "X-API-Key", key).GetAsync("/quota")).Status.ShouldBe(200);
            var elapsed = Stopwatch.GetElapsedTime(startedAt);

            elapsed.ShouldBeLessThan(Minute);
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"A verified key after {elapsed.TotalSeconds:0.0} s."));
            (await browser.ReadAsync("/operator")).ShouldContain(Email);
            (await browser.SendAsync("/reset-password", fields)).ShouldNotContain("Password changed");
        }
        finally
        {
            await StopAsync(server);
        }
    }

    [Fact]
    public async Task The_program_needs_no_file_but_the_library_beside_it_and_writes_none()
    {
        using var machine = await FreshMachine.WithAsync(archive.File);

        Directory.EnumerateFiles(machine.Unpacked).Select(Path.GetFileName).Order(StringComparer.Ordinal).ShouldBe(
            ["LICENSE", "README.md", "libe_sqlite3.so", "pyresolve-server", "pyresolve.env.example", "pyresolve.service"]);
        (await machine.RunAsync(machine.Program, "--version")).OrThrow("--version").Output.Trim().ShouldMatch(@"^\d+\.\d+\.\d+");
        (await machine.RunAsync(machine.Program, "config", "--effective")).OrThrow("config").Output.ShouldContain("PyResolve:SessionDays");
        (await machine.RunAsync(machine.Program, "doctor")).Output.ShouldContain("No store is configured");
        Directory.EnumerateFileSystemEntries(machine.Home).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_migrator_inside_the_server_works_in_the_archive_too()
    {
        using var machine = await FreshMachine.WithAsync(archive.File);
        var code = Path.Combine(machine.Home, "code");
        Directory.CreateDirectory(code);
        await File.WriteAllTextAsync(
            Path.Combine(code, "models.py"), "from pydantic import BaseModel, validator\n\nclass A(BaseModel):\n    @validator('x')\n"
                + "    def check(cls, v):\n        return v\n", Cancellation);

        (await machine.RunAsync(machine.Program, "builtin:pydantic", code)).OrThrow("builtin:pydantic");

        (await File.ReadAllTextAsync(Path.Combine(code, "models.py"), Cancellation)).ShouldContain("field_validator");
    }

    private static async Task StopAsync(Process server)
    {
        if (!server.HasExited)
            (await Command.RunAsync("kill", ["-TERM", $"{server.Id}"], cancellationToken: Cancellation)).OrThrow("kill");
        await server.WaitForExitAsync(Cancellation).WaitAsync(Minute, Cancellation);
        server.ExitCode.ShouldBe(0);
    }

    private static string FieldOf(string page, string name) => WebUtility.HtmlDecode(
        Field().Matches(page).First(field => field.Groups["name"].Value == name).Groups["value"].Value);

    [GeneratedRegex("name=\"(?<name>[a-z]+)\" value=\"(?<value>[^\"]*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Field();

    [GeneratedRegex("pyr_live_[0-9a-f]{48}", RegexOptions.None, 1000)]
    private static partial Regex Key();

    /// <summary>Keeps cookies, sends what forms send, and follows redirects.</summary>
    private sealed class Browser : IDisposable
    {
        public Browser(Uri address)
        {
            Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
            Http.DefaultRequestHeaders.Add("Origin", address.GetLeftPart(UriPartial.Authority));
        }

        public HttpClient Http { get; }

        public Task<string> ReadAsync(string page) => Http.GetStringAsync(new Uri(page, UriKind.Relative), Cancellation);

        public async Task<string> SendAsync(string page, Dictionary<string, string> fields)
        {
            using var form = new FormUrlEncodedContent(fields);
            using var answer = await Http.PostAsync(new Uri(page, UriKind.Relative), form, Cancellation);
            return await answer.Content.ReadAsStringAsync(Cancellation);
        }

        public void Dispose() => Http.Dispose();
    }
}
