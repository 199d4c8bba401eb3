using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Http;
using PyResolve.Server.Tests.Usage;

namespace PyResolve.Server.Tests.Statistics;

/// <summary>Which key reserved and used what.</summary>
public sealed class KeyUsageTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task Events_and_reservations_name_the_key_that_sent_them(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var created = await account.Session.PostAsync("/auth/api-keys", new { name = "CI" });
        var other = new Caller(account.Http, "X-API-Key", created["api_key"].GetString());
        var first = await account.KeyIdAsync();

        var reservation = await account.ReserveAsync();
        (await other.PostAsync($"/quota/reservations/{reservation.Id()}/commit", new { })).Status.ShouldBe(200);
        (await account.Session.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);
        (await other.PostAsync("/usage/batch", new { events = new[] { new { event_type = "llm_call" } } })).Status.ShouldBe(200);
        var held = await account.Session.PostAsync("/quota/reservations", new { tier = "tier1" });

        reservation["key_id"].GetGuid().ShouldBe(first);
        (await other.GetAsync($"/quota/reservations/{reservation.Id()}"))["key_id"].GetGuid().ShouldBe(first);
        held["key_id"].ValueKind.ShouldBe(JsonValueKind.Null);
        var events = (await account.Key.GetAsync("/usage/events"))["data"].EnumerateArray().ToDictionary(
            usage => usage.GetProperty("event_type").GetString()!, usage => usage.GetProperty("key_id").ToString());
        events["migration"].ShouldBe($"{created.Id()}");
        events["llm_call"].ShouldBe($"{created.Id()}");
        events["scan"].ShouldBeEmpty();
    }

    [Theory, OnEveryEngine]
    public async Task Migrations_of_a_month_are_added_up_by_key_most_first_and_the_rest_last(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var created = await account.Session.PostAsync("/auth/api-keys", new { name = "CI" });
        var other = new Caller(account.Http, "X-API-Key", created["api_key"].GetString());
        await account.ReportAsync();
        for (var i = 0; i < 2; i++)
            await other.PostAsync("/usage", new { event_type = "migration" });
        await account.Session.PostAsync("/usage/batch", new { events = new[] { new { event_type = "migration" } } });
        await account.Session.DeleteAsync($"/auth/api-keys/{created.Id()}");

        var keys = (await account.Key.GetAsync("/usage"))["by_key"];

        keys.GetRawText().ShouldBe(
            $$"""[{"key_id":"{{created.Id()}}","prefix":"{{created["prefix"].GetString()}}","name":"CI","migrations":2},"""
            + $$"""{"key_id":"{{await account.KeyIdAsync()}}","prefix":"{{account.ApiKey[..20]}}","name":"Default","migrations":1},"""
            + """{"key_id":null,"prefix":null,"name":null,"migrations":1}]""");
        (await account.Key.GetAsync("/usage?month=2026-10"))["by_key"].GetArrayLength().ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_store_from_before_days_of_keys_gets_them_from_its_events(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync();
        await account.ReportAsync(occurredAt: "2026-11-02T23:59:59Z");
        await account.ReportAsync(type: "scan");
        await account.Session.PostAsync("/usage", new { event_type = "migration" });
        await own.Store.ExecuteSqlAsync("drop table usage_key_days");
        await own.Store.ExecuteSqlAsync("alter table api_keys drop column made_by");

        await own.Store.ExecuteSqlAsync(await SchemaFileAsync(engine, "0017_keys_by_day.sql"));

        (await own.Store.ReadNumberAsync("select count(*) from usage_key_days")).ShouldBe(2);
        (await own.Store.CountDifferencesAsync()).ShouldBe(0);
    }

    /// <summary>An answer may have been lost, and the key rotated since.</summary>
    [Theory, OnEveryEngine]
    public async Task A_retry_with_another_key_is_the_same_event_and_counts_for_the_first_key(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var usage = new { event_type = "migration", id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()) };
        var reserve = new { tier = "tier1" };
        (await account.Key.PostAsync("/usage", usage)).Status.ShouldBe(200);
        var reserved = await account.Key.PostAsync("/quota/reservations", reserve, "once");

        (await account.Session.PostAsync("/usage", usage)).Status.ShouldBe(200);
        var again = await account.Session.PostAsync("/quota/reservations", reserve, "once");

        (again["id"].GetGuid(), again["key_id"].GetGuid()).ShouldBe((reserved["id"].GetGuid(), await account.KeyIdAsync()));
        var key = (await account.Key.GetAsync("/usage"))["by_key"].EnumerateArray().Single();
        (key.GetProperty("name").GetString(), key.GetProperty("migrations").GetInt64()).ShouldBe(("Default", 1));
    }

    [Theory, OnEveryEngine]
    public async Task Beyond_a_hundred_keys_the_rest_is_one_entry(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var rows = Enumerable.Range(1, 103).Select(
            number => $"('{account.UserId}', '2026-11', '019ab3c2-7d1e-7c4a-9f0b-{number:000000000000}', {Math.Max(2, 105 - number)})");
        await own.Store.ExecuteSqlAsync(
            $"insert into usage_keys (user_id, month, key_id, migrations) values {string.Join(',', rows)}");
        await own.Store.ExecuteSqlAsync(
            "insert into usage_monthly (user_id, month, migrations) "
            + "select user_id, month, sum(migrations) + 7 from usage_keys group by 1, 2");

        var keys = (await account.Key.GetAsync("/usage"))["by_key"].EnumerateArray().ToList();

        keys.Count.ShouldBe(102);
        keys[0].GetProperty("migrations").GetInt64().ShouldBe(104);
        keys[100].GetRawText().ShouldBe("""{"key_id":null,"prefix":null,"name":"other","migrations":9,"keys":3}""");
        keys[101].GetRawText().ShouldBe("""{"key_id":null,"prefix":null,"name":null,"migrations":7}""");
    }

    private static async Task<string> SchemaFileAsync(StorageEngine engine, string name)
    {
        var assembly = typeof(SchemaMigrator).Assembly;
        var ending = $"{engine.ToString().ToLowerInvariant()}/{name}";
        var resource = assembly.GetManifestResourceNames().Single(
            file => file.Replace('\\', '/').EndsWith(ending, StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
