using System.Globalization;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Storage;

/// <summary>What a server that nobody uses asks of its database.</summary>
public sealed partial class IdleCostTests
{
    private const double Bound = 5;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(Scale.Pick(20, 60));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>With everything that works in the background: Stripe, here the simulated one, and email.</summary>
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
            },
            Cancellation);
        // Once a reservation was granted, and ended, there is nothing left to wait for.
        var account = await TestAccount.SignUpAsync(server.Http);
        (await account.ReserveAsync(ttlSeconds: 1)).Status.ShouldBe(201);
        await postgres.ConfigureAsync("log_statement", "all");
        await Task.Delay(TimeSpan.FromSeconds(5), Cancellation);

        var before = Count(postgres.Log);
        await Task.Delay(Window, Cancellation);
        var perSecond = (Count(postgres.Log) - before) / Window.TotalSeconds;

        Proofs.Report("Idle servers", string.Create(
            CultureInfo.InvariantCulture,
            $"A server that nobody uses sends {perSecond:0.0} statements a second to PostgreSQL, over {Window.TotalSeconds:0} s."));
        perSecond.ShouldBeInRange(1, Bound);
    }

    private static int Count(string log) => Statement().Count(log);

    [GeneratedRegex("LOG:  (execute |statement: )", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Statement();
}
