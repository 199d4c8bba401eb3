using System.Text.Json;

namespace PyResolve.Server.Tests.Leases;

/// <summary>The content of leases, and who gets them.</summary>
public sealed class LeaseTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_lease_says_what_was_granted_and_is_signed_by_a_published_key(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();

        var reservation = await account.LeaseAsync(quantity: 3, TimeSpan.FromDays(2));

        reservation.Status.ShouldBe(201);
        var lease = await own.Server.VerifyAsync(reservation["lease"].GetString()!);
        lease.Id.ShouldBe(reservation.Id().ToString());
        lease.Subject.ShouldBe(account.UserId.ToString());
        lease.GetPayloadValue<int>("qty").ShouldBe(3);
        lease.GetPayloadValue<string>("tier").ShouldBe("tier1");
        lease.GetPayloadValue<string>("mch").ShouldBe(LeaseDriver.Machine);
        lease.GetPayloadValue<long>("iat").ShouldBe(own.Clock.GetUtcNow().ToUnixTimeSeconds());
        lease.GetPayloadValue<long>("exp").ShouldBe(reservation["expires_at"].GetDateTimeOffset().ToUnixTimeSeconds());
    }

    [Theory, OnBothEngines]
    public async Task A_reservation_without_a_machine_has_no_lease(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();

        (await account.ReserveAsync())["lease"].ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task Without_a_key_PostgreSQL_gives_no_lease_and_a_reservation_for_a_machine_is_like_any_other()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();

        var reservation = await account.LeaseAsync(quantity: 5);
        await account.ReleaseAsync(reservation.Id());

        reservation["lease"].ValueKind.ShouldBe(JsonValueKind.Null);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
        (await own.Server.Anonymous.GetAsync("/.well-known/jwks.json"))["keys"].GetArrayLength().ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_retry_and_a_read_get_the_same_lease(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var first = await account.LeaseAsync(idempotencyKey: "one");
        own.Clock.Advance(TimeSpan.FromMinutes(1));

        var retry = await account.LeaseAsync(idempotencyKey: "one");
        var look = await account.Key.GetAsync($"/quota/reservations/{first.Id()}");

        var claims = LeaseDriver.Claims(first["lease"].GetString()!).GetRawText();
        LeaseDriver.Claims(retry["lease"].GetString()!).GetRawText().ShouldBe(claims);
        LeaseDriver.Claims(look["lease"].GetString()!).GetRawText().ShouldBe(claims);
    }

    [Theory, OnBothEngines]
    public async Task Another_machine_shares_the_reservation_but_not_the_lease(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var first = await account.LeaseAsync(onceKey: "commit-abc");

        var other = await account.ReserveAsync(onceKey: "commit-abc", machine: "another");
        var same = await account.LeaseAsync(onceKey: "commit-abc");

        (other.Status, other.Id(), other["lease"].ValueKind).ShouldBe((200, first.Id(), JsonValueKind.Null));
        same["lease"].ValueKind.ShouldBe(JsonValueKind.String);
    }

    [Theory, OnBothEngines]
    public async Task A_lease_that_was_returned_or_has_ended_is_not_given_out_again(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var returned = (await account.LeaseAsync(idempotencyKey: "returned")).Id();
        var ended = (await account.LeaseAsync(idempotencyKey: "ended")).Id();
        await account.ReleaseAsync(returned);
        own.Clock.Advance(TimeSpan.FromHours(1));

        foreach (var id in new[] { returned, ended })
            (await account.Key.GetAsync($"/quota/reservations/{id}"))["lease"].ValueKind.ShouldBe(JsonValueKind.Null);
        (await account.LeaseAsync(idempotencyKey: "ended"))["lease"].ValueKind.ShouldBe(JsonValueKind.Null);
    }
}
