using Npgsql;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Usage;

/// <summary>Requests stored in one transaction do not affect each other's outcome.</summary>
public sealed class UsageGroupTests(SharedServers servers)
{
    private static readonly object[] Whole = [.. Enumerable.Repeat(new { event_type = "migration" }, 1_000)];

    [Theory, OnEveryEngine]
    public async Task An_event_that_the_database_rejects_does_not_fail_others(StorageEngine engine)
    {
        // Logged for each, as expected.
        var quiet = new Dictionary<string, string?> { ["Logging:LogLevel:PyResolve.Server.Usage"] = "None" };
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: quiet);
        var (sender, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        await own.Store.ExecuteSqlAsync(engine is not StorageEngine.Sqlite
            ? "alter table usage_events add constraint poison check (library <> 'poison')"
            : "create trigger poison before insert on usage_events when new.library = 'poison' begin select raise(abort, 'poison'); end");
        var poison = new { event_type = "migration", library = "poison" };

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => i % 6 == 0
            ? sender.Key.PostAsync("/usage", poison)
            : other.Key.PostAsync("/usage", new { event_type = "migration", library = "pydantic" })));
        var batch = await sender.Key.PostAsync(
            "/usage/batch", new { events = new object[] { new { event_type = "migration" }, poison, new { event_type = "migration" } } });

        for (var i = 0; i < answers.Length; i++)
        {
            if (i % 6 == 0)
                answers[i].ShouldBeProblem(422, "invalid");
            else
                answers[i].Status.ShouldBe(200, answers[i].Text);
        }

        batch["results"].EnumerateArray().Select(result => result.GetProperty("status").GetString())
            .ShouldBe(["recorded", "invalid", "recorded"]);
        (await other.QuotaAsync()).Used.ShouldBe(50);
        (await sender.QuotaAsync()).Used.ShouldBe(2);
        (await own.Store.CountDifferencesAsync()).ShouldBe(0);
    }

    /// <summary>As Citus does, which copies rows that a select gives.</summary>
    [Fact]
    public async Task An_event_sent_again_is_a_duplicate_also_where_the_database_calls_it_an_internal_error()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();
        var usage = new { event_type = "migration", id = Guid.CreateVersion7() };
        (await account.Key.PostAsync("/usage", usage)).Status.ShouldBe(200);
        await own.Store.ExecuteSqlAsync(
            """
            create sequence attempts_seen;
            create function refuse_once() returns trigger language plpgsql as $$
            begin
                if nextval('attempts_seen') = 1 then
                    raise exception 'duplicate key value violates unique constraint' using errcode = 'XX000';
                end if;
                return new;
            end $$;
            create trigger refused_once before insert on usage_events for each row execute function refuse_once();
            """);

        var again = await account.Key.PostAsync("/usage", usage);

        again.Status.ShouldBe(200, again.Text);
        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task An_event_sent_many_times_at_once_counts_once_and_the_others_count(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (sender, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        var repeated = new { event_type = "migration", id = Guid.CreateVersion7() };

        // At first the server presumes that ids are new; after the first duplicate it looks them up.
        for (var round = 0; round < 2; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => i % 2 == 0
                ? sender.Key.PostAsync("/usage", repeated)
                : other.Key.PostAsync("/usage", new { event_type = "migration", library = "pydantic" })));
            answers.ShouldAllBe(answer => answer.Status == 200);
        }

        ((await sender.QuotaAsync()).Used, (await other.QuotaAsync()).Used).ShouldBe((1, 40));
        (await own.Store.CountDifferencesAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task An_account_that_fills_its_quarter_of_the_queue_is_refused_and_others_are_not()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var (busy, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        await using var stuck = new NpgsqlConnection(own.Store.ConnectionString);
        await stuck.OpenAsync(cancellation);
        await using var transaction = await stuck.BeginTransactionAsync(cancellation);
        await using (var command = new NpgsqlCommand("lock table usage_events in exclusive mode", stuck, transaction))
            await command.ExecuteNonQueryAsync(cancellation);

        // 16 of a thousand fit.
        var batches = Enumerable.Range(0, 20).Select(_ => busy.Key.PostAsync("/usage/batch", new { events = Whole })).ToList();
        await Eventually.IsTrueAsync(() => batches.Count(batch => batch.IsCompleted) == 4, cancellationToken: cancellation);
        var single = other.Key.PostAsync("/usage", new { event_type = "migration" });
        await transaction.RollbackAsync(cancellation);

        (await single).Status.ShouldBe(200);
        var answers = await Task.WhenAll(batches);
        answers.Count(answer => answer.Status == 200).ShouldBe(16);
        foreach (var refused in answers.Where(answer => answer.Status != 200))
        {
            refused.ShouldBeProblem(503, "unavailable").Detail!.ShouldContain("Nothing was stored");
            refused.Headers.RetryAfter.ShouldNotBeNull().Delta.ShouldBe(TimeSpan.FromSeconds(1));
        }

        (await busy.QuotaAsync()).Used.ShouldBe(16_000);
    }
}
