using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>
/// Where the ledger is distributed by account, each statement about it names one. All statements are checked that tests on
/// <see cref="StorageEngine.Citus"/> run; here is what the check takes and refuses.
/// </summary>
public sealed class LedgerStatementTests(SharedServers servers)
{
    [Theory]
    [InlineData("select month from usage_monthly where user_id = $1 and month = $2")]
    [InlineData("select e.id from usage_events e join reservations r on r.id = e.reservation_id and r.user_id = $1 where e.user_id = $1")]
    [InlineData("select id from reservations where user_id = $1 and (month = $2 or remaining > 0) order by id for update")]
    [InlineData("update usage_monthly set held = c.held from unnest($1) as c(held) where usage_monthly.user_id = $2")]
    [InlineData("insert into usage_daily (user_id, month) values ($1, $2), ($3, $4) on conflict (user_id, month) do nothing")]
    [InlineData("select id from profiles where id = $1 for update")]
    [InlineData("select month from usage_daily where user_id = $1 union select month from usage_keys where user_id = $1")]
    public void A_statement_that_names_its_account_is_taken(string statement) =>
        LedgerStatements.FindFault(statement).ShouldBeNull();

    [Theory]
    [InlineData("select sum(migrations) from usage_monthly where month = $1")]
    [InlineData("select id from reservations where (user_id, id) in (select k.user_id, k.id from k) for update")]
    [InlineData("select id from reservations where user_id = $1 or month = $2")]
    [InlineData("select month from usage_daily where user_id = $1 union select month from usage_keys")]
    [InlineData("select e.id from usage_events e join reservations r on r.id = e.reservation_id where e.user_id = $1")]
    [InlineData("select id from profiles p where exists (select 1 from usage_events e where e.user_id = p.id)")]
    [InlineData("insert into usage_daily (user_id, month) select a.user_id, a.month from unnest($1, $2) as a(user_id, month)")]
    [InlineData("update usage_events set late = true where id = $1")]
    [InlineData("delete from credit_grants using profiles p where p.id = credit_grants.user_id")]
    [InlineData("select 1 from profiles p, usage_events where usage_events.user_id = $1")]
    [InlineData("select user_id, id from reservations where state = 'held' order by expires_at limit 200 for update skip locked")]
    public void A_statement_that_does_not_is_refused(string statement) =>
        LedgerStatements.FindFault(statement).ShouldNotBeNull();

    [Fact]
    public async Task A_test_on_Citus_fails_where_a_statement_names_no_account()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Citus, servers.Postgres);
        var database = own.Server.Services.GetRequiredService<Database>();

        var broken = await Should.ThrowAsync<InvalidOperationException>(() => database.ExecuteAsync(
            $"update usage_monthly set extra = 0 where month = {"2026-11"}", TestContext.Current.CancellationToken));

        broken.Message.ShouldStartWith("It uses usage_monthly without naming an account");
    }

    [Fact]
    public async Task Each_table_of_the_ledger_has_its_account_first_in_its_key()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);

        foreach (var table in LedgerTables.Names)
        {
            var first = await own.Store.ReadSqlAsync(
                $"""
                select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
                where i.indrelid = '{table}'::regclass and i.indisprimary
                """);
            first.ShouldBe(LedgerTables.Account, table);
        }
    }

    [Fact]
    public async Task On_plain_PostgreSQL_the_server_speaks_plainly()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);

        own.Server.Services.GetRequiredService<Database>().Engine.ShouldBeOfType<PostgresEngine>();
    }
}
