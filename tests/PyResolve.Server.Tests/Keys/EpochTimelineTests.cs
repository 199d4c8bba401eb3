using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Keys;

/// <summary>A failover or a restore takes back the last changes, and the next ones get their numbers again.</summary>
public sealed class EpochTimelineTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_key_that_is_revoked_under_a_number_that_was_seen_before_is_refused(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (account, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        (await other.Session.SendAsync(HttpMethod.Patch, "/me", new { name = "Changed" })).Status.ShouldBe(200);
        await RememberAsync(own.Server, account);

        // The change of the other account is lost, and the revocation gets its number. No poll sees what is between.
        await own.Store.ExecuteSqlAsync(
            $"""
            begin;
            delete from key_changes where epoch = (select epoch from key_epoch);
            update key_epoch set epoch = epoch - 1;
            update api_keys set revoked_at = {Now(engine)} where user_id = '{account.UserId}';
            commit;
            """);

        await RefusedWithinASecondAsync(account);
    }

    [Theory, OnBothEngines]
    public async Task A_key_that_is_revoked_among_changes_beyond_the_number_that_was_seen_is_refused(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (account, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        (await other.Session.SendAsync(HttpMethod.Patch, "/me", new { name = "Changed" })).Status.ShouldBe(200);
        await RememberAsync(own.Server, account);

        await own.Store.ExecuteSqlAsync(
            $"""
            begin;
            delete from key_changes where epoch = (select epoch from key_epoch);
            update key_epoch set epoch = epoch - 1;
            update api_keys set revoked_at = {Now(engine)} where user_id = '{account.UserId}';
            update profiles set name = 'One' where id = '{other.UserId}';
            update profiles set name = 'Two' where id = '{other.UserId}';
            update profiles set name = 'Three' where id = '{other.UserId}';
            commit;
            """);

        await RefusedWithinASecondAsync(account);
    }

    [Fact]
    public async Task A_key_that_a_restored_database_does_not_have_is_forgotten()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();
        await RememberAsync(own.Server, account);

        // As pg_restore --clean --single-transaction: the tables are made anew, with the epoch of the backup.
        await own.Store.ExecuteSqlAsync(
            $"""
            begin;
            alter table api_keys disable trigger user;
            delete from api_keys where user_id = '{account.UserId}';
            alter table api_keys enable trigger user;
            create table restored (like key_epoch including all);
            insert into restored select * from key_epoch;
            drop table key_epoch;
            alter table restored rename to key_epoch;
            commit;
            """);

        await RefusedWithinASecondAsync(account);
    }

    [Fact]
    public async Task A_key_that_was_revoked_after_a_failover_to_a_standby_that_lagged_is_refused()
    {
        await using var primary = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var address = new MovableAddress(primary.Port);
        var database = new Npgsql.NpgsqlConnectionStringBuilder(await primary.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await TestServer.StartAsync(
            TestStore.On(new Npgsql.NpgsqlConnectionStringBuilder(database.ConnectionString) { Port = address.Port }.ConnectionString));
        var account = await TestAccount.SignUpAsync(server.Http);
        await using var standby = await primary.StartStandbyAsync(Cancellation);
        await using var onStandby = TestStore.On(
            new Npgsql.NpgsqlConnectionStringBuilder(database.ConnectionString) { Port = standby.Port }.ConnectionString);
        await Eventually.IsTrueAsync(
            async () => await onStandby.ReadNumberAsync($"select count(*) from api_keys where user_id = '{account.UserId}'") == 1,
            cancellationToken: Cancellation);
        // Lost in the failover.
        await onStandby.ReadSqlAsync("select pg_wal_replay_pause()");
        (await account.Session.SendAsync(HttpMethod.Patch, "/me", new { name = "Changed" })).Status.ShouldBe(200);
        await RememberAsync(server, account);

        await primary.KillAsync();
        Npgsql.NpgsqlConnection.ClearAllPools();
        await onStandby.ReadSqlAsync("select pg_promote(true, 60)");
        await onStandby.ExecuteSqlAsync($"update api_keys set revoked_at = now() where user_id = '{account.UserId}'");
        address.MoveTo(standby.Port);

        await Eventually.IsTrueAsync(
            async () => (await account.Key.GetAsync("/me")).Status is 401, TimeSpan.FromSeconds(10), Cancellation);
        for (var i = 0; i < 50; i++)
            (await account.Key.GetAsync("/me")).Status.ShouldBe(401);
    }

    [Theory, OnBothEngines]
    public async Task A_revoked_key_stays_revoked(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync($"update api_keys set revoked_at = {Now(engine)} where user_id = '{account.UserId}'");

        await Should.ThrowAsync<System.Data.Common.DbException>(
            () => own.Store.ExecuteSqlAsync($"update api_keys set revoked_at = null where user_id = '{account.UserId}'"));
        // Again, as an operator who is not sure.
        await own.Store.ExecuteSqlAsync($"update api_keys set revoked_at = {Now(engine)} where user_id = '{account.UserId}'");

        (await account.Key.GetAsync("/me")).Status.ShouldBe(401);
    }

    [Fact]
    public async Task A_bulk_change_of_profiles_takes_one_number_and_time_in_proportion_to_its_rows()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        await own.Store.ExecuteSqlAsync(
            "insert into profiles (email) select 'bulk' || n || '@example.com' from generate_series(1, 40000) n");
        var account = await own.SignUpAsync();
        await RememberAsync(own.Server, account);
        var before = await own.Store.ReadNumberAsync("select epoch from key_epoch");

        var startedAt = Stopwatch.GetTimestamp();
        await own.Store.ExecuteSqlAsync("update profiles set name = 'Everybody'");
        var took = Stopwatch.GetElapsedTime(startedAt);

        (await own.Store.ReadNumberAsync("select epoch from key_epoch")).ShouldBe(before + 1);
        // With a number a row it took 12 s and more.
        took.ShouldBeLessThan(TimeSpan.FromSeconds(8));
        await Eventually.IsTrueAsync(
            async () => (await account.Key.GetAsync("/me"))["email"].GetString() == account.Email, cancellationToken: Cancellation);
        await own.Store.ExecuteSqlAsync("update profiles set name = 'Few' where email like 'bulk1_@example.com'");
        (await own.Store.ReadNumberAsync("select epoch from key_epoch")).ShouldBe(before + 11);
        (await own.Store.ReadNumberAsync($"select count(user_id) from key_changes where epoch > {before + 1}")).ShouldBe(10);
        await own.Store.ExecuteSqlAsync("update profiles set updated_at = now()");
        await own.Store.ExecuteSqlAsync("update api_keys set last_used_at = now()");
        (await own.Store.ReadNumberAsync("select epoch from key_epoch")).ShouldBe(before + 11);
    }

    private static string Now(StorageEngine engine) => engine is StorageEngine.Postgres ? "now()" : "unixepoch() * 1000000";

    /// <summary>The last change has been polled, and the key is in memory.</summary>
    private static async Task RememberAsync(TestServer server, TestAccount account)
    {
        var (database, keys) = (server.Services.GetRequiredService<Database>(), server.Services.GetRequiredService<VerifiedKeyCache>());
        var last = await database.ReadAsync(
            static session => session.NumberAsync($"select epoch from key_epoch", Cancellation), Cancellation);
        await Eventually.IsTrueAsync(() => keys.Epoch == last, cancellationToken: Cancellation);

        (await account.Key.GetAsync("/me")).Status.ShouldBe(200);
        var digest = KeyDigest.Of(account.ApiKey);
        await Eventually.IsTrueAsync(() => keys.Find(digest) is not null, cancellationToken: Cancellation);
    }

    private static async Task RefusedWithinASecondAsync(TestAccount account)
    {
        await Eventually.IsTrueAsync(
            async () => (await account.Key.GetAsync("/me")).Status == 401, TimeSpan.FromSeconds(1.5), Cancellation);
        for (var i = 0; i < 20; i++)
            (await account.Key.GetAsync("/me")).Status.ShouldBe(401);
    }
}
