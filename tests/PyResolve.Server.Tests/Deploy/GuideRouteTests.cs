using System.Text.RegularExpressions;
using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Operators;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Deploy;

/// <summary>The routes that guides for operators name, and that probes under deploy/ ask, are routes of the server.</summary>
public sealed partial class GuideRouteTests(SharedServers servers)
{
    private static readonly string[] Guides =
    [
        "docs/containers.md", "docs/high-availability.md", "docs/hosting.md", "docs/install.md", "docs/monitoring.md", "docs/operators.md",
        "docs/scaling.md", "docs/troubleshooting.md", "docs/upgrading.md",
    ];

    public static TheoryData<string> Files =>
    [
        .. Guides,
        .. Directory.EnumerateFiles(Path.Combine(Guide.Root, "deploy"), "*", SearchOption.AllDirectories)
            .Select(static file => Path.GetRelativePath(Guide.Root, file).Replace('\\', '/'))
            .Where(static file => RoutesOf(file).Any()),
    ];

    [Theory, MemberData(nameof(Files))]
    public async Task Every_route_that_a_file_names_is_answered(string file)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support);

        foreach (var (method, path) in RoutesOf(file))
        {
            // For others than operators their pages do not exist.
            var answer = path.StartsWith("/operator", StringComparison.Ordinal)
                ? await person.GetAsync(path)
                : await own.Server.Anonymous.SendAsync(method, path);

            answer.Status.ShouldNotBeOneOf([404, 405], $"{file}: {method} {path}");
        }
    }

    [Fact]
    public async Task A_route_that_there_is_not_would_be_noticed()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        (await own.Server.Anonymous.GetAsync("/health/live")).Status.ShouldBe(404);
        foreach (var file in (string[])[
            "docs/monitoring.md", "deploy/hosts/fly.toml", "deploy/hosts/railway.json", "deploy/hosts/render.yaml",
            "deploy/kubernetes/deployment.yaml"])
            RoutesOf(file).ShouldContain((HttpMethod.Get, "/health/ready"), file);
    }

    private static IEnumerable<(HttpMethod Method, string Path)> RoutesOf(string file) =>
        Route().Matches(File.ReadAllText(Path.Combine(Guide.Root, file)))
            .Select(static match => (
                match.Groups["method"] is { Length: > 0 } method ? HttpMethod.Parse(method.Value) : HttpMethod.Get,
                // A sentence may end after it.
                match.Groups["path"].Value.TrimEnd('.')))
            .Distinct();

    /// <summary>After a method, as the path of a probe, at the server's own port, or one of health and of the operator's pages.</summary>
    [GeneratedRegex(
        @"\b(?<method>GET|POST|PUT|PATCH|DELETE) (?<path>/[a-z0-9/._-]*)"
        + @"|[Pp]ath""?( =|:) ""?(?<path>/health[a-z/]*)|localhost:8000(?<path>/[a-z/]+)|`(?<path>/(health|operator)[a-z/]*)`",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Route();
}
