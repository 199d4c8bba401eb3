using System.Globalization;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Storage;

/// <summary>What a server that nobody uses asks of its database.</summary>
public sealed partial class IdleCostTests
{
    private const double Bound = 5;

    // In less, what is done every half minute counts for too much or for nothing.
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(Scale.Pick(1, 5));

    private static readonly string[] Looks =
    [
        "from key_epoch", "from stripe_events e", "from billing_jobs", "from meter_events", "min(due_at) from letters", "from reservations",
        "p.plan_until as ends_at", "from billing_letters", "update write_checks", "count(*), min(created_at) from letters",
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>With everything that works in the background: Stripe, here the simulated one, overage, email and metrics.</summary>
    [Trait("Category", "Proof")]
    [Fact]
    public async Task An_idle_server_sends_at_most_five_statements_a_second()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        var url = PostgresAddress.ToUrl(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>
            {
                ["DATABASE_URL"] = url,
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["PyResolve__EmailFolder"] = Path.GetTempPath(),
                ["PyResolve__Plans__pro__Overage__UnitAmount"] = "50",
                ["PyResolve__Plans__pro__Overage__MaxUnits"] = "100",
                ["PYRESOLVE_METRICS_URLS"] = "http://127.0.0.1:0",
            },
            Cancellation);
        // Once a reservation was granted, and ended, there is nothing left to wait for.
        var account = await TestAccount.SignUpAsync(server.Http);
        (await account.ReserveAsync(ttlSeconds: 1)).Status.ShouldBe(201);
        await postgres.ConfigureAsync("log_statement", "all");
        await Task.Delay(TimeSpan.FromSeconds(5), Cancellation);

        var before = postgres.Log.Length;
        await Task.Delay(Window, Cancellation);
        var log = postgres.Log[before..];
        var perSecond = Statement().Count(log) / Window.TotalSeconds;

        Proofs.Report("Idle servers", string.Create(
            CultureInfo.InvariantCulture,
            $"A server that nobody uses sends {perSecond:0.00} statements a second to PostgreSQL, over {Window.TotalSeconds:0} s."));
        perSecond.ShouldBeInRange(3, Bound);
        // All of them have worked.
        foreach (var part in Looks)
            log.ShouldContain(part);
    }

    [GeneratedRegex("LOG:  (execute |statement: )", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Statement();
}
