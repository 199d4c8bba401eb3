namespace PyResolve.TestKit;

/// <summary><c>GET /quota</c> of a plan with a limit.</summary>
public sealed record QuotaView(long Used, long Held, long Remaining);

public static class QuotaDriver
{
    public static Task<Answer> ReserveAsync(
        this TestAccount account,
        int? quantity = null,
        string tier = "tier1",
        int? ttlSeconds = null,
        string? onceKey = null,
        string? idempotencyKey = null,
        string? machine = null)
    {
        var body = new Dictionary<string, object> { ["tier"] = tier, ["library"] = "pydantic" };
        if (quantity is not null)
            body["quantity"] = quantity;
        if (ttlSeconds is not null)
            body["ttl_seconds"] = ttlSeconds;
        if (onceKey is not null)
            body["once_key"] = onceKey;
        if (machine is not null)
            body["machine"] = machine;
        return account.Key.PostAsync("/quota/reservations", body, idempotencyKey);
    }

    public static Task<Answer> ExtendAsync(this TestAccount account, Guid id, int ttlSeconds) =>
        account.Key.SendAsync(HttpMethod.Patch, $"/quota/reservations/{id}", new { ttl_seconds = ttlSeconds });

    public static Task<Answer> CommitAsync(this TestAccount account, Guid id, object? body = null) =>
        account.Key.PostAsync($"/quota/reservations/{id}/commit", body);

    public static Task<Answer> ReleaseAsync(this TestAccount account, Guid id) => account.Key.DeleteAsync($"/quota/reservations/{id}");

    /// <summary>Sends an event that takes one unit of a reservation.</summary>
    public static Task<Answer> SpendAsync(this TestAccount account, Guid id, string tier = "tier1") =>
        account.Key.PostAsync("/usage", new { event_type = "migration", tier, reservation_id = id });

    public static async Task<QuotaView> QuotaAsync(this TestAccount account)
    {
        var quota = (await account.Key.GetAsync("/quota")).Body;
        return new QuotaView(
            quota.GetProperty("migrations_used").GetInt64(),
            quota.GetProperty("migrations_held").GetInt64(),
            quota.GetProperty("migrations_remaining").GetInt64());
    }

    /// <summary>Opens connections to the server and the store, so that the following requests really run concurrently.</summary>
    public static async Task WarmUpAsync(this TestAccount account) =>
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => account.Key.GetAsync("/quota")));

    public static Guid Id(this Answer answer) => answer["id"].GetGuid();

    public static async Task<TestAccount> SignUpAsync(this SharedServers servers, StorageEngine engine) =>
        await TestAccount.SignUpAsync((await servers.OnAsync(engine)).Http);

    public static async Task<long> ReadNumberAsync(this TestStore store, string sql) =>
        Convert.ToInt64(await store.ReadSqlAsync(sql), System.Globalization.CultureInfo.InvariantCulture);
}
