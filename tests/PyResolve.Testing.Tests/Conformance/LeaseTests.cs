using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PyResolve.Testing.Tests.Conformance;

public sealed class LeaseTests(SharedServers servers)
{
    private const string Machine = "laptop-7f3a";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnEveryServer]
    public async Task A_reservation_for_a_machine_has_a_lease_that_the_published_key_verifies(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);

        var held = await ReserveAsync(client);

        var (header, claims) = Verify(
            held.Lease.ShouldNotBeNull(), (await client.GetLeaseKeysAsync(Cancellation)).Keys.ShouldHaveSingleItem());
        header.GetProperty("typ").GetString().ShouldBe("pyr-lease+jwt");
        header.GetProperty("alg").GetString().ShouldBe("ES256");
        var now = subject.Clock.GetUtcNow().ToUnixTimeSeconds();
        var expected = JsonSerializer.SerializeToElement(new
        {
            iss = subject.Address.AbsoluteUri.TrimEnd('/'), sub = account.UserId, jti = held.Id, qty = 3, tier = "tier1", mch = Machine,
            iat = now, exp = now + 3600,
        });
        JsonElement.DeepEquals(claims, expected).ShouldBeTrue(claims.GetRawText());
    }

    [Theory, OnEveryServer]
    public async Task The_same_lease_is_returned_again_only_to_its_machine_and_only_while_held(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var held = await ReserveAsync(client);

        Payload((await client.GetReservationAsync(held.Id, Cancellation)).Lease).ShouldBe(Payload(held.Lease));
        Payload((await ReserveAsync(client)).Lease).ShouldBe(Payload(held.Lease));
        var other = await client.CreateReservationAsync(
            new() { Tier = "tier1", Quantity = 3, TtlSeconds = 3600, Machine = "another", OnceKey = "work" },
            cancellationToken: Cancellation);
        (other.Id, other.Lease).ShouldBe((held.Id, null));
        (await client.CreateReservationAsync(new() { Tier = "tier1" }, cancellationToken: Cancellation)).Lease.ShouldBeNull();
    }

    [Theory, OnEveryServer]
    public async Task A_released_lease_is_held_until_it_ends(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var held = await ReserveAsync(client);

        (await client.ReleaseReservationAsync(held.Id, Cancellation)).Quota.MigrationsHeld.ShouldBe(3);
        (await client.GetReservationAsync(held.Id, Cancellation)).ShouldSatisfyAllConditions(
            read => (read.State, read.Remaining, read.Lease).ShouldBe((ReservationStates.Released, 3, null)));
        subject.Advance(TimeSpan.FromHours(1));

        var quota = await client.GetQuotaAsync(Cancellation);
        (quota.MigrationsUsed, quota.MigrationsHeld).ShouldBe((0, 0));
    }

    [Theory, OnEveryServer]
    public async Task Unsettled_units_of_a_lease_count_as_used_and_are_refunded_by_settlement(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var held = await ReserveAsync(client);
        await SpendAsync(client, held);
        subject.Advance(TimeSpan.FromHours(1));
        var ended = await client.GetQuotaAsync(Cancellation);

        await SpendAsync(client, held);
        var spent = await client.GetQuotaAsync(Cancellation);
        var released = await client.ReleaseReservationAsync(held.Id, Cancellation);

        (ended.MigrationsUsed, ended.MigrationsHeld, spent.MigrationsUsed, released.Quota.MigrationsUsed).ShouldBe((3, 0, 3, 2));
        (await client.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.ShouldAllBe(usage => !usage.Late);
    }

    [Theory, OnEveryServer]
    public async Task After_35_days_the_unsettled_units_of_a_lease_stay_used(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var held = await ReserveAsync(client);

        subject.Advance(TimeSpan.FromHours(1) + TimeSpan.FromDays(35) + TimeSpan.FromSeconds(1));

        (await Should.ThrowAsync<PyResolveException>(client.ReleaseReservationAsync(held.Id, Cancellation))).Code
            .ShouldBe(ProblemCodes.Conflict);
        (await client.GetReservationAsync(held.Id, Cancellation)).State.ShouldBe(ReservationStates.Expired);
    }

    private static Task<Reservation> ReserveAsync(PyResolveClient client) => client.CreateReservationAsync(
        new() { Tier = "tier1", Quantity = 3, TtlSeconds = 3600, Machine = Machine, OnceKey = "work" }, cancellationToken: Cancellation);

    private static Task<UsageRecorded> SpendAsync(PyResolveClient client, Reservation held) =>
        client.RecordUsageAsync(new() { EventType = "migration", Tier = "tier1", ReservationId = held.Id }, Cancellation);

    private static string? Payload(string? lease) => lease?.Split('.')[1];

    private static (JsonElement Header, JsonElement Claims) Verify(string lease, LeasePublicKey key)
    {
        var parts = lease.Split('.');
        using var verifier = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new() { X = Base64Url.DecodeFromChars(key.X), Y = Base64Url.DecodeFromChars(key.Y) },
        });
        var signed = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
        verifier.VerifyData(signed, Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256).ShouldBeTrue();
        var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0])).RootElement;
        header.GetProperty("kid").GetString().ShouldBe(key.Kid);
        return (header, JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1])).RootElement);
    }
}
