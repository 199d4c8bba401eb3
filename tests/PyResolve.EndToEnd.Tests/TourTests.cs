using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace PyResolve.EndToEnd.Tests;

public sealed partial class TourTests : IDisposable
{
    private static readonly string Tour =
        typeof(TourTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(m => m.Key == "Tour").Value!;

    private static readonly string DotNet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    private readonly string _temporary = Directory.CreateTempSubdirectory("pyresolve-tour-test-").FullName;

    /// <summary>Settings of a developer, none of which may reach the tour.</summary>
    private Dictionary<string, string?> DeveloperSettings => new()
    {
        ["TMPDIR"] = _temporary,
        ["PYRESOLVE_API_KEY"] = "pyr_live_wrong",
        ["PYRESOLVE_API_URL"] = "http://127.0.0.1:9",
        ["PYRESOLVE_HOME"] = "/nowhere",
        ["PYRESOLVE_SIGNUP"] = "closed",
        ["DATABASE_URL"] = "postgres://nobody@127.0.0.1:9/none",
        ["ASPNETCORE_ENVIRONMENT"] = "Staging",
        ["PORT"] = "none",
        ["STRIPE_SECRET_KEY"] = "sk_live_wrong",
        ["HTTP_PROXY"] = "http://127.0.0.1:9",
        ["http_proxy"] = "http://127.0.0.1:9",
    };

    [Fact]
    public async Task The_tour_runs_into_the_limit_subscribes_cancels_and_deletes_its_files()
    {
        var result = await Command.RunAsync(DotNet, [Tour], DeveloperSettings, cancellationToken: TestContext.Current.CancellationToken);

        result.ExitCode.ShouldBe(0, result.Output + result.Error);
        result.Error.ShouldBeEmpty();
        result.Output.ShouldContain("hobby: 5 migrations a month, without payment");
        result.Output.ShouldContain("crew: 50 migrations a month, 15.00 eur a month");
        result.Output.ShouldContain("It says: Subscribe to Shipshape Crew");
        result.Output.ShouldContain("✓ Authenticated as ada@example.com");
        result.Output.ShouldContain("Migrations: 0/5 used, 5 remaining");
        Count(result.Output, "✓ Upgraded pydantic to 2.0: ").ShouldBe(6);
        result.Output.ShouldContain("+ from pydantic import BaseModel, ConfigDict, Field, field_validator");
        result.Output.ShouldContain("✓ Nothing to change");
        result.Output.ShouldContain("✗ Monthly limit reached (5 migrations");
        result.Output.ShouldContain("Migrations: 5/5 used, 0 remaining");
        result.Output.ShouldContain("Migrations: 5/50 used, 45 remaining");
        result.Output.ShouldContain("Still crew, which is paid for until ");
        result.Output.ShouldContain("Migrations: 6/5 used, 0 remaining");
        LinesInReadme().Except(WithoutChance(result.Output).Split('\n')).ShouldBeEmpty();
        Directory.GetFileSystemEntries(_temporary).Where(IsTheTours).ShouldBeEmpty();
    }

    [Fact]
    public async Task With_keep_the_server_answers_until_the_tour_is_interrupted()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var tour = Start("--keep");
        var address = await AddressOfAsync(tour);

        (await http.GetStringAsync(
            new Uri(address, "/health"), TestContext.Current.CancellationToken)).ShouldBe("""{"status":"healthy"}""");
        (await Command.RunAsync("kill", ["-INT", $"{tour.Id}"], cancellationToken: TestContext.Current.CancellationToken)).OrThrow("kill");
        await tour.WaitForExitAsync(TestContext.Current.CancellationToken);

        tour.ExitCode.ShouldBe(0);
        await Should.ThrowAsync<HttpRequestException>(
            () => http.GetStringAsync(new Uri(address, "/health"), TestContext.Current.CancellationToken));
        Directory.GetFileSystemEntries(_temporary).Where(IsTheTours).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_server_that_dies_during_the_tour_fails_it_and_its_last_lines_are_printed()
    {
        using var tour = Start();
        while (await tour.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line
            && !line.StartsWith("3. ", StringComparison.Ordinal))
        {
        }

        (await Command.RunAsync(
            "kill", ["-KILL", ServerOf(tour)], cancellationToken: TestContext.Current.CancellationToken)).OrThrow("kill");
        var output = tour.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await tour.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await tour.WaitForExitAsync(TestContext.Current.CancellationToken);

        tour.ExitCode.ShouldBe(1, await output);
        error.ShouldContain("✗ The tour failed in step ");
        error.ShouldMatch(@"\| \S+Z info: ");
        Directory.GetFileSystemEntries(_temporary).Where(IsTheTours).ShouldBeEmpty();
    }

    public void Dispose() => Directory.Delete(_temporary, recursive: true);

    /// <summary>What the README shows of the tour. It leaves out some lines.</summary>
    private static IEnumerable<string> LinesInReadme()
    {
        var readme = File.ReadAllText(Repository.PathOf("README.md"));
        var shown = readme[readme.IndexOf("4. Upgrade a service", StringComparison.Ordinal)..];
        return WithoutChance(shown[..shown.IndexOf("```", StringComparison.Ordinal)]).Split('\n').Where(static line => line.Trim() != "…");
    }

    /// <summary>A text without what differs from run to run: ports, ids, times and days.</summary>
    private static string WithoutChance(string text) => Chance.Replace(text, "~");

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private static bool IsTheTours(string path) => Path.GetFileName(path).StartsWith("pyresolve-tour-", StringComparison.Ordinal);

    private Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(DotNet, [Tour, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in DeveloperSettings)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>The process id of the tour's server.</summary>
    private static string ServerOf(Process tour) => Directory.EnumerateDirectories("/proc")
        .Select(folder => Path.GetFileName(folder))
        .Where(id => int.TryParse(id, out _))
        .Single(id => IsServerOf(tour, id));

    private static bool IsServerOf(Process tour, string id)
    {
        try
        {
            var parent = File.ReadLines($"/proc/{id}/status").Single(l => l.StartsWith("PPid:", StringComparison.Ordinal))[5..].Trim();
            return parent == $"{tour.Id}" && File.ReadAllText($"/proc/{id}/cmdline").Contains("PyResolve.Server", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // The process has ended.
            return false;
        }
    }

    private static async Task<Uri> AddressOfAsync(Process tour)
    {
        while (await tour.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (StaysUp.Match(line) is { Success: true } match)
                return new Uri(match.Groups["address"].Value);
        }
        throw new InvalidOperationException($"The tour ended with exit code {tour.ExitCode}.");
    }

    [GeneratedRegex(
        @"(?<=127\.0\.0\.1:)\d+|(?<=cs_test_)\w+|\d+\.\d+(?= s later)|\d{4}-\d\d-\d\d",
        RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Chance { get; }

    [GeneratedRegex("The server stays up at (?<address>http://[^ ]+) until", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex StaysUp { get; }
}
