using PyResolve.Server.Tests.Hosting;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Failover;

/// <summary>Work that was done for a reservation which the store has lost since is recorded, flagged late, and never refused.</summary>
public sealed class LostReservationTests(SharedServers servers)
{
    private const string Lineage =
        """
        concat_ws(' ', (select system_identifier from pg_control_system())::text, left(pg_walfile_name(pg_current_wal_lsn()), 8),
                  (select oid from pg_database where datname = current_database())::text, to_regclass('key_epoch')::oid::text)
        """;

    private static readonly Dictionary<string, string?> Logged = new() { ["Logging:LogLevel:PyResolve.Server.Storage"] = "Information" };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_commit_of_a_lost_reservation_is_recorded_once_and_late(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = NewId(own);
        await LoseAsync(own, engine);

        var committed = await account.CommitAsync(id, new { quantity = 2, tokens_used = 7 });
        var again = await account.CommitAsync(id, new { quantity = 2, tokens_used = 7 });

        committed.Status.ShouldBe(200, committed.Text);
        committed["state"].GetString().ShouldBe("committed");
        again.Status.ShouldBe(200, again.Text);
        again["usage_event_id"].GetGuid().ShouldBe(committed["usage_event_id"].GetGuid());
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late and quantity = 2")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Events_that_name_a_lost_reservation_are_recorded_late(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = NewId(own);
        await LoseAsync(own, engine);

        (await account.SpendAsync(id)).Status.ShouldBe(200);
        var batch = await account.Key.PostAsync("/usage/batch", new
        {
            events = new[] { new { event_type = "migration", tier = "tier1", reservation_id = id } },
        });

        batch["recorded"].GetInt32().ShouldBe(1, batch.Text);
        (await account.QuotaAsync()).Used.ShouldBe(2);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(2);
    }

    /// <summary>The SDK keeps what it commits where the answer does not come, and reports it later with what it knows.</summary>
    [Theory, OnBothEngines]
    public async Task The_event_of_a_commit_whose_answer_was_lost_is_a_duplicate(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var (id, eventId) = (NewId(own), NewId(own));
        await LoseAsync(own, engine);
        (await account.CommitAsync(id, new { id = eventId })).Status.ShouldBe(200);

        var batch = await account.Key.PostAsync("/usage/batch", new
        {
            events = new[] { new { id = eventId, event_type = "migration", tier = "tier1", library = "pydantic", reservation_id = id } },
        });

        batch["duplicates"].GetInt32().ShouldBe(1, batch.Text);
        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_reservation_that_cannot_have_been_lost_is_not_found(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var before = NewId(own);
        (await account.CommitAsync(before)).ShouldBeProblem(404, "not_found");
        await LoseAsync(own, engine);
        own.Clock.Advance(TimeSpan.FromMinutes(1));

        // Made after the loss, long before it, and by nobody.
        foreach (var id in new[] { NewId(own), Guid.CreateVersion7(own.Clock.GetUtcNow() - TimeSpan.FromDays(60)), Guid.Empty })
        {
            (await account.CommitAsync(id)).ShouldBeProblem(404, "not_found");
            (await account.SpendAsync(id)).Status.ShouldBe(422);
        }

        // Nothing is held for it, so there is nothing to give back.
        (await account.ReleaseAsync(before)).ShouldBeProblem(404, "not_found");
    }

    [Fact]
    public async Task Work_that_arrives_at_once_after_a_failover_is_recorded_whole()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();
        Guid[] ids = [.. Enumerable.Range(0, 32).Select(_ => NewId(own))];
        own.Clock.Advance(TimeSpan.FromMinutes(1));
        await own.Store.ExecuteSqlAsync("update store_history set lineage = 'the old primary'");

        // Only one of them notes that another server answers.
        var answers = await Task.WhenAll(ids.Select((id, i) => i % 2 == 0 ? account.CommitAsync(id) : account.SpendAsync(id)));

        answers.ShouldAllBe(answer => answer.Status == 200);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(ids.Length);
    }

    /// <summary>Another server may have noted it, before this one made its last reservations on the old primary.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(Lineage)]
    public async Task A_failover_is_noticed_whatever_the_new_primary_knows(string known)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = NewId(own);
        await Eventually.IsTrueAsync(
            async () => await own.Store.ReadNumberAsync("select count(*) from store_history where lineage <> ''") == 1,
            cancellationToken: Cancellation);
        own.Clock.Advance(TimeSpan.FromMinutes(1));

        // A table of another identity, as in a database that was restored.
        await own.Store.ExecuteSqlAsync(
            $"""
            alter table key_epoch rename to lost_epoch;
            create table key_epoch (like lost_epoch including all);
            insert into key_epoch select * from lost_epoch;
            update store_history set lineage = {(known.Length == 0 ? "''" : known)};
            """);

        (await account.CommitAsync(id)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task An_embedded_database_has_no_failovers_that_go_unnoticed()
    {
        using var logs = new TestLogs();
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: Logged, replace: logs.AddTo);

        (await (await own.SignUpAsync()).CommitAsync(NewId(own))).ShouldBeProblem(404, "not_found");

        logs.Lines.ShouldNotContain(static line => line.Contains("timeline"));
    }

    [Fact]
    public async Task A_database_that_does_not_tell_its_timeline_is_named_once()
    {
        using var logs = new TestLogs();
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await store.ExecuteSqlAsync("alter function pg_control_system() rename to not_for_customers");
        await using var server = await TestServer.StartAsync(store, Logged, replace: logs.AddTo);
        var account = await TestAccount.SignUpAsync(server.Http);

        (await account.CommitAsync(Guid.CreateVersion7(server.Clock.GetUtcNow()))).ShouldBeProblem(404, "not_found");
        (await account.CommitAsync(Guid.CreateVersion7(server.Clock.GetUtcNow()))).ShouldBeProblem(404, "not_found");

        logs.Lines.Where(static line => line.Contains("does not tell its timeline")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task What_a_failover_lost_is_committed_on_the_new_primary()
    {
        await using var pair = await ReplicatedPair.StartAsync(isSynchronous: false, Cancellation);
        await using var server = await ServerProcess.StartAsync(pair.Environment, Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        await Eventually.IsTrueAsync(
            async () => await pair.OnStandby.ReadNumberAsync($"select count(*) from api_keys where user_id = '{account.UserId}'") == 1,
            cancellationToken: Cancellation);
        await pair.Standby.KillAsync();
        var lost = (await account.ReserveAsync(quantity: 2)).Id();

        await pair.Primary.KillAsync();
        await pair.Standby.RestartAsync(Cancellation);
        await pair.PromoteAsync();

        Answer? committed = null;
        await Eventually.IsTrueAsync(
            async () => (committed = await account.CommitAsync(lost, new { quantity = 2 })).Status != 503, cancellationToken: Cancellation);
        committed!.Status.ShouldBe(200, committed.Text);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
    }

    /// <summary>As a store that was restored from a backup of an hour ago.</summary>
    private static async Task LoseAsync(OwnServer own, StorageEngine engine)
    {
        own.Clock.Advance(TimeSpan.FromMinutes(1));
        var now = own.Clock.GetUtcNow();
        var noticed = engine is StorageEngine.Postgres ? $"'{now:O}'" : $"{now.ToUnixTimeMilliseconds()}000";
        await own.Store.ExecuteSqlAsync($"insert into store_losses (noticed_at) values ({noticed})");
    }

    /// <summary>An id as reservations have it, that the store does not have.</summary>
    private static Guid NewId(OwnServer own) => Guid.CreateVersion7(own.Clock.GetUtcNow());
}
