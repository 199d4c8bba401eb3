using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Credits;

/// <summary>A server whose plan <c>pro</c> has a small limit, draws on credits, and allows overage.</summary>
internal sealed class CreditShop : IAsyncDisposable
{
    private static int _gifts;

    private CreditShop(OwnServer own) => Own = own;

    public OwnServer Own { get; }

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static Dictionary<string, string?> Settings(int limit, int maxOverage = 100) => new()
    {
        ["PyResolve:SignUpsPerHour"] = "1000000",
        ["PyResolve:Plans:pro:MigrationsLimit"] = limit.ToString(CultureInfo.InvariantCulture),
        ["PyResolve:Plans:pro:Credits"] = "true",
        ["PyResolve:Plans:pro:Overage:UnitAmount"] = "50",
        ["PyResolve:Plans:pro:Overage:MaxUnits"] = maxOverage.ToString(CultureInfo.InvariantCulture),
    };

    public static async Task<CreditShop> OpenAsync(StorageEngine engine, SharedServers servers, int limit = 2, string? startAt = null) =>
        new(await OwnServer.StartAsync(engine, servers.Postgres, startAt, Settings(limit)));

    /// <summary>An account of the plan.</summary>
    public async Task<TestAccount> SignUpAsync(int credits = 0, int overage = 0)
    {
        var account = await Own.SignUpAsync();
        await Own.Store.ExecuteSqlAsync(
            $"update profiles set plan = 'pro', overage_limit = {overage}, overage_plan = 'pro' where id = '{account.UserId}'");
        if (credits > 0)
            await GiveAsync(account, credits);
        return account;
    }

    public Task<bool> GiveAsync(TestAccount account, int units, string? reference = null, DateTimeOffset? until = null) =>
        Database.WriteAsync(
            session => CreditGrants.AddAsync(
                session,
                new NewCredits(
                    account.UserId,
                    NewCredits.Operator,
                    reference ?? string.Create(CultureInfo.InvariantCulture, $"gift {Interlocked.Increment(ref _gifts)}"),
                    units,
                    until),
                Own.Clock.GetUtcNow(),
                Cancellation),
            Cancellation);

    public Database Database => Own.Server.Services.GetRequiredService<Database>();

    public static async Task<BeyondView> ReadAsync(TestAccount account)
    {
        var quota = await account.Key.GetAsync("/quota");
        return new BeyondView(
            quota["migrations_used"].GetInt64(),
            quota["migrations_held"].GetInt64(),
            quota["migrations_remaining"].GetInt64(),
            quota["credits"].GetInt64(),
            quota["overage_used"].GetInt64());
    }

    /// <summary>Whether months, grants and events say the same.</summary>
    public async Task AddUpAsync()
    {
        (await Own.Store.ReadNumberAsync(
            """
            select count(*) from usage_monthly m
            where m.credits <> (select coalesce(sum(e.credits), 0) from usage_events e where e.user_id = m.user_id and e.month = m.month)
                             + (select coalesce(sum(r.credits), 0) from reservations r where r.user_id = m.user_id and r.month = m.month)
               or m.overage <> (select coalesce(sum(e.overage), 0) from usage_events e where e.user_id = m.user_id and e.month = m.month)
                             + (select coalesce(sum(r.overage), 0) from reservations r where r.user_id = m.user_id and r.month = m.month)
            """)).ShouldBe(0);
        (await Own.Store.ReadNumberAsync(
            """
            select count(*) from (select user_id, sum(drawn) as drawn from credit_grants group by user_id) g
            where g.drawn <> (select sum(m.credits) from usage_monthly m where m.user_id = g.user_id)
            """)).ShouldBe(0);
        // Each for itself: Citus joins no ledger with a table that is not distributed.
        (await ListAsync("select user_id, event_id as id, sum(units) as units from meter_events group by user_id, event_id")).ShouldBe(
            await ListAsync("select user_id, id, overage as units from usage_events where overage > 0"));
    }

    public ValueTask DisposeAsync() => Own.DisposeAsync();

    /// <summary>The billed units of each event of each account, as one text.</summary>
    private Task<object?> ListAsync(string rows) => Own.Store.ReadSqlAsync(
        $"select string_agg(line, ' ' order by line) from (select user_id || ' ' || id || ' ' || units as line from ({rows}) r) l");
}

/// <summary>What <c>GET /quota</c> says.</summary>
internal sealed record BeyondView(long Used, long Held, long Remaining, long Credits, long Overage);
