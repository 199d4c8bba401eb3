namespace PyResolve.Client.Tests.Leases;

/// <summary>The file of a lease after power cuts, disk failures and long use.</summary>
public sealed class LeaseFileTests
{
    private static readonly MigrationRequest Tier2 = new("pydantic", MigrationTier.Tier2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(35)]
    public async Task An_incomplete_record_after_a_power_cut_does_not_count(int bytes)
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(2);
        var file = server.Home.LeaseFiles().Single();
        await TakeAsync(server, expected: true);
        File.WriteAllBytes(file, [.. File.ReadAllBytes(file), .. Enumerable.Repeat((byte)7, bytes)]);

        await TakeAsync(server, expected: true);
        await TakeAsync(server, expected: false);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(-60)]
    public async Task A_damaged_ledger_grants_nothing(int fromEnd)
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var file = server.Home.LeaseFiles().Single();
        await TakeAsync(server, expected: true);
        var bytes = File.ReadAllBytes(file);
        bytes[^-fromEnd] ^= 1;
        File.WriteAllBytes(file, bytes);

        (await TakeAsync(server, expected: false)).ShouldContain("is damaged");
    }

    [Fact]
    public async Task Settling_on_a_damaged_ledger_does_not_overwrite_the_damage()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var file = server.Home.LeaseFiles().Single();
        await using (var offline = server.ClientWithoutNetwork())
        {
            await using var permit = await offline.Quota.AcquireAsync(Tier2, Cancellation);
            var bytes = File.ReadAllBytes(file);
            bytes[^1] ^= 1;
            File.WriteAllBytes(file, bytes);
            await permit.CompleteAsync(new(), Cancellation);
            permit.IsSettled.ShouldBeTrue();
        }

        (await TakeAsync(server, expected: false)).ShouldContain("is damaged");
        server.Clock.Advance(TimeSpan.FromDays(9));
        await server.ReconnectAsync();
        (server.Events.Count, server.Home.LeaseFiles().Count).ShouldBe((1, 0));
    }

    [Fact]
    public async Task A_large_ledger_is_compacted_to_what_still_counts()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var path = server.Home.LeaseFiles().Single();
        await TakeAsync(server, expected: true);
        using (var stream = new FileStream(path, FileMode.Append))
        {
            for (var i = 0; i < 4_000; i++)
            {
                var permit = Guid.CreateVersion7();
                stream.Write(new LedgerRecord(LedgerEntry.Taken, permit, 1, server.Clock.GetUtcNow()).ToBytes());
                stream.Write(new LedgerRecord(LedgerEntry.Settled, permit, 0, server.Clock.GetUtcNow()).ToBytes());
            }
        }

        var (size, before) = (new FileInfo(path).Length, LeaseFile.Load(path)!);
        await TakeAsync(server, expected: true);

        var after = LeaseFile.Load(path)!;
        new FileInfo(path).Length.ShouldBeLessThan(size / 100);
        (after.Token, after.Taken, after.HasOpenPermits, after.IsDamaged, after.LastSeen >= before.LastSeen)
            .ShouldBe((before.Token, 2, true, false, true));
        await TakeAsync(server, expected: true);
        await TakeAsync(server, expected: false);
    }

    private static async Task<string> TakeAsync(LeasingServer server, bool expected)
    {
        await using var offline = server.ClientWithoutNetwork();
        var permit = await offline.Quota.AcquireAsync(Tier2, Cancellation);
        permit.IsGranted.ShouldBe(expected);
        return permit.Denial?.Message ?? "";
    }
}
