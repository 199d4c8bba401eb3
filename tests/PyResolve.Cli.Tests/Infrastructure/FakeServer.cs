using System.Text.Json;
using System.Text.RegularExpressions;
using PyResolve.Testing;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>A fake server on loopback, in November 2026, whose account has used 2 of 5 migrations.</summary>
internal static partial class FakeServer
{
    /// <summary>A key that no server knows.</summary>
    public const string UnknownKey = "pyr_live_fedcba9876543210fedcba9876543210fedcba9876543210";

    public const string CommitRoute = "POST /quota/reservations/*/commit";

    public const string ReleaseRoute = "DELETE /quota/reservations/*";

    public static FakePyResolveServer Start()
    {
        var startAt = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
        var server = FakePyResolveServer.Start(new() { ListenOnLoopback = true, StartAt = startAt });
        server.Account.MigrationsUsed = 2;
        return server;
    }

    extension(FakePyResolveServer server)
    {
        public string Address => server.Url.AbsoluteUri.TrimEnd('/');

        /// <summary>The routes that were requested, in order, with an asterisk for each id.</summary>
        public IReadOnlyList<string> Routes => [.. server.Requests.Select(request => Id.Replace(request.ToString(), "*"))];

        public void FailAlways(string route, int status) => server.Inject(Fault.Status(status), route, int.MaxValue);
    }

    public static JsonElement Json(this FakeRequest request) => JsonDocument.Parse(request.Body).RootElement;

    public static string? ApiKey(this FakeRequest request) => request.Header("X-API-Key");

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Id { get; }
}
