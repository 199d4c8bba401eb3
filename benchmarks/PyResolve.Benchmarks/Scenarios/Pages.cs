using System.Diagnostics;
using System.Globalization;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>How long a page takes and how large it is, where its account has many keys and events, and the store many accounts.</summary>
internal static class Pages
{
    private const int WarmUps = 20;
    private const int RequestsARound = 20;
    private const double MostMilliseconds = 15;
    private const double MostKilobytes = 60;

    private static readonly string[] Paths =
    [
        "/pricing", "/app", "/app/usage", "/app/usage?by=library", "/app/usage?by=key", "/app/usage/events",
        "/app/usage/events?library=library-7", "/app/usage/events?tier=tier2", "/app/keys", "/app/keys?state=all", "/app/settings",
        "/app/audit", "/app/plan", "/app/invoices", "/app/alerts",
    ];

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        var (tables, goals) = (new List<Table>(), new List<Goal>());
        await using var unused = new PostgresFixture();
        await using (var embedded = await TestStore.CreateAsync(StorageEngine.Sqlite, unused))
            await MeasureAsync("SQLite", embedded, bench, tables, goals, cancellationToken);
        await using (var store = TestStore.On((await bench.CreateStoreAsync(cancellationToken)).ConnectionString))
            await MeasureAsync("PostgreSQL", store, bench, tables, goals, cancellationToken);
        return new ScenarioResult(tables, goals);
    }

    private static async Task MeasureAsync(
        string engine, TestStore store, Bench bench, List<Table> tables, List<Goal> goals, CancellationToken cancellationToken)
    {
        await using var server = await bench.StartServerAsync(store, cancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);
        await FilledStore.FillAsync(store, account.UserId, bench.Effort.Keys, cancellationToken);
        await FilledStore.CountAsync(server, cancellationToken);
        var cookie = await SignInAsync(server, account.Email, cancellationToken);

        var pages = Paths.Select(static path => new MeasuredPage(path)).ToList();
        foreach (var page in pages)
            await page.RequestAsync(server.Http, cookie, WarmUps, cancellationToken);
        pages.ForEach(static page => page.Milliseconds.Clear());
        for (var round = 0; round < bench.Effort.Rounds; round++)
        {
            foreach (var page in pages)
                await page.RequestAsync(server.Http, cookie, RequestsARound, cancellationToken);
        }

        tables.Add(new Table(
            [$"{engine}, one request at a time", "KB", "median ms", "95 % ms"], [.. pages.Select(static page => page.Row)]));
        var slowest = pages.MaxBy(static page => page.At(0.95))!;
        var largest = pages.MaxBy(static page => page.Bytes)!;
        goals.Add(new Goal(
            $"{engine}: 95 of 100 requests of every page within {MostMilliseconds} ms",
            $"{slowest.At(0.95).ToString("0.0", CultureInfo.InvariantCulture)} ms at most, `{slowest.Path}`",
            slowest.At(0.95) <= MostMilliseconds));
        goals.Add(new Goal(
            $"{engine}: every page at most {MostKilobytes} KB",
            $"{largest.Kilobytes} KB at most, `{largest.Path}`",
            largest.Bytes <= MostKilobytes * 1_000));
    }

    private static async Task<string> SignInAsync(ServerProcess server, string email, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/sign-in", UriKind.Relative))
        {
            Content = new FormUrlEncodedContent([new("email", email), new("password", TestAccount.Password)]),
        };
        request.Headers.Add("Origin", server.Address.GetLeftPart(UriPartial.Authority));
        using var answer = await server.Http.SendAsync(request, cancellationToken);
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private sealed class MeasuredPage(string path)
    {
        public string Path => path;

        public List<double> Milliseconds { get; } = [];

        public int Bytes { get; private set; }

        public string Kilobytes => (Bytes / 1000.0).ToString("0.0", CultureInfo.InvariantCulture);

        public IReadOnlyList<string> Row => [$"`{path}`", Kilobytes, Text(0.5), Text(0.95)];

        public double At(double part) => Milliseconds.Order().ElementAt((int)((Milliseconds.Count - 1) * part));

        public async Task RequestAsync(HttpClient http, string cookie, int count, CancellationToken cancellationToken)
        {
            for (var request = 0; request < count; request++)
            {
                using var message = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
                message.Headers.TryAddWithoutValidation("Cookie", cookie);
                var startedAt = Stopwatch.GetTimestamp();
                using var answer = await http.SendAsync(message, cancellationToken);
                Bytes = (await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync(cancellationToken)).Length;
                Milliseconds.Add(Stopwatch.GetElapsedTime(startedAt).TotalMilliseconds);
            }
        }

        private string Text(double part) => At(part).ToString("0.0", CultureInfo.InvariantCulture);
    }
}
