using Npgsql;

namespace PyResolve.Server.Tests.Credits;

/// <summary>Every transaction locks credits in the order in which they end, so that two of them never wait for each other.</summary>
public sealed class CreditLockTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Late_events_lock_the_credits_that_end_first_before_the_others()
    {
        await using var shop = await CreditShop.OpenAsync(StorageEngine.Postgres, servers, limit: 0);
        var account = await shop.SignUpAsync();
        // The earlier reservation drew on the credits that are drawn last by now.
        var earlier = await ReserveAndReleaseAsync(shop, account, "endless", until: null);
        var later = await ReserveAndReleaseAsync(shop, account, "ends", shop.Own.Clock.GetUtcNow().AddDays(1));
        await using var other = new NpgsqlConnection(shop.Own.Store.ConnectionString);
        await other.OpenAsync(Cancellation);
        await using var transaction = await other.BeginTransactionAsync(Cancellation);
        (await CountAsync(other, "reference = 'ends' for update")).ShouldBe(1);

        var recording = account.Key.PostAsync("/usage/batch", new { events = new[] { Event(earlier), Event(later) } });
        await Eventually.IsTrueAsync(async () => await IsWaitingAsync(other), cancellationToken: Cancellation);

        (await CountAsync(other, "reference = 'endless' for update skip locked")).ShouldBe(1);
        await transaction.RollbackAsync(Cancellation);
        (await recording)["recorded"].GetInt64().ShouldBe(2);
        (await CreditShop.ReadAsync(account)).Credits.ShouldBe(2);
    }

    private static async Task<Guid> ReserveAndReleaseAsync(CreditShop shop, TestAccount account, string credits, DateTimeOffset? until)
    {
        await shop.GiveAsync(account, 2, credits, until);
        var held = await account.ReserveAsync(quantity: 2);
        held.Status.ShouldBe(201, held.Text);
        shop.Own.Clock.Advance(TimeSpan.FromSeconds(1));
        (await account.ReleaseAsync(held.Id())).Status.ShouldBe(200);
        return held.Id();
    }

    private static object Event(Guid reservation) => new { event_type = "migration", tier = "tier1", reservation_id = reservation };

    private static async Task<int> CountAsync(NpgsqlConnection connection, string where)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The texts stand in this file.
        command.CommandText = $"select id from credit_grants where {where}";
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        var count = 0;
        while (await reader.ReadAsync(Cancellation))
            count++;
        return count;
    }

    private static async Task<bool> IsWaitingAsync(NpgsqlConnection connection)
    {
        await using var command = connection.CreateCommand();
        command.CommandText =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        return (long)(await command.ExecuteScalarAsync(Cancellation))! > 0;
    }
}
