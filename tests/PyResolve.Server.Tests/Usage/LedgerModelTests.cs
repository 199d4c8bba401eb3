using System.Data.Common;
using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Tests.Usage;

/// <summary>Events end the same however they are grouped: compared with a simple model.</summary>
[Trait("Category", "Proof")]
public sealed class LedgerModelTests(SharedServers servers)
{
    private static readonly DateTimeOffset Now = new(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);

    private static readonly Gen<Sent> AnyEvent =
        from account in Gen.Choose(0, 1)
        from id in Gen.Choose(0, 9)
        from payload in Gen.Choose(0, 1)
        // Few units and an unknown reservation, so that some events are late, duplicate or invalid.
        from reservation in Gen.Elements<int?>(null, null, 0, 0, 1, 2, LedgerModel.ReservationsPerAccount)
        from tier in Gen.Elements("tier1", "tier1", "tier2")
        from endsGroup in Gen.Choose(0, 3)
        from key in Gen.Choose(0, 2)
        select new Sent(account, id, payload, reservation, tier, endsGroup == 0, key);

    [Theory, OnEveryEngine]
    public async Task Groups_of_events_end_as_single_ones_do(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var database = own.Server.Services.GetRequiredService<Database>();
        var runs = Scale.Pick(60, 2_000);

        Prop.ForAll(Gen.ArrayOf(AnyEvent, 40).ToArbitrary(), events => HoldsFor(database, events))
            .Check(Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(runs));

        (await own.Store.CountDifferencesAsync()).ShouldBe(0);
        (await own.Store.ReadNumberAsync(
            """
            select count(*) from usage_monthly m
            where held <> (
                select coalesce(sum(remaining), 0)
                from reservations r
                where r.user_id = m.user_id and r.month = m.month and state = 'held')
            """)).ShouldBe(0);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBeGreaterThan(0);
        Proofs.Report(
            "Groups of events",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{engine}: {runs:N0} random sequences of 40 events in random groups ended as in the model."));
    }

    // FsCheck's properties are synchronous.
    private static bool HoldsFor(Database database, Sent[] events) => RunAsync(database, events).GetAwaiter().GetResult();

    private static async Task<bool> RunAsync(Database database, Sent[] events)
    {
        var model = new LedgerModel(Now);
        await database.WriteAsync(session => model.WriteReservationsAsync(session), CancellationToken.None);

        var group = new List<Sent>();
        var outcomes = new List<RecordOutcome>();
        foreach (var sent in events)
        {
            group.Add(sent);
            if (!sent.EndsGroup && sent != events[^1])
                continue;
            outcomes.AddRange(await RecordAsync(database, [.. group.Select(model.ToPendingEvent)]));
            group.Clear();
        }

        var expected = events.Take(outcomes.Count).Select(model.Record).ToList();
        outcomes.ShouldBe(expected);
        await database.ReadAsync(async session => await model.ShouldBeStoredAsync(session), CancellationToken.None);
        return true;
    }

    /// <summary>Retries as the ledger does when an id was not new.</summary>
    private static async Task<IReadOnlyList<RecordOutcome>> RecordAsync(Database database, List<PendingUsageEvent> events)
    {
        try
        {
            return await WriteAsync(presumesNew: true);
        }
        catch (DbException exception) when (database.IsRefusal(exception))
        {
            return await WriteAsync(presumesNew: false);
        }

        Task<IReadOnlyList<RecordOutcome>> WriteAsync(bool presumesNew) => database.WriteAsync(
            session => LedgerWriter.RecordAsync(session, events, static (_, _) => [], presumesNew, CancellationToken.None),
            CancellationToken.None);
    }

    /// <param name="Account">One of two.</param>
    /// <param name="Id">Of few, so that they repeat.</param>
    /// <param name="Payload">Which of two.</param>
    /// <param name="Reservation">Which of the account's reservations it names, if it does.</param>
    /// <param name="Tier">The reservations are all of tier1.</param>
    /// <param name="EndsGroup">Whether the transaction ends after it.</param>
    /// <param name="Key">Which of two keys sends it, or a session. A retry may come with another.</param>
    internal sealed record Sent(int Account, int Id, int Payload, int? Reservation, string Tier, bool EndsGroup, int Key);
}
