using FsCheck;
using FsCheck.Fluent;

namespace PyResolve.Client.Tests.Leases;

/// <summary>In any order of taking, releasing and completing, no more units are taken or spent than were leased.</summary>
public sealed class LeaseLedgerPropertyTests
{
    private const int Leased = 5;

    private static readonly Gen<(int Kind, int Number)[]> Steps =
        Gen.Choose(0, 3).SelectMany(kind => Gen.Choose(0, 6).Select(number => (kind, number))).ArrayOf(14);

    [Fact]
    public async Task The_ledger_grants_exactly_what_a_count_would()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(Leased);
        var fresh = File.ReadAllBytes(server.Home.LeaseFiles().Single());

        Prop.ForAll(Steps.ToArbitrary(), steps => Task.Run(() => HoldsAsync(server, fresh, steps)).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(TestKit.Scale.Pick(30, 500)));
    }

    private static async Task<bool> HoldsAsync(LeasingServer server, byte[] fresh, (int Kind, int Number)[] steps)
    {
        File.WriteAllBytes(server.Home.LeaseFiles().Single(), fresh);
        var client = server.ClientWithoutNetwork();
        var permits = new List<(QuotaPermit Permit, int Units)>();
        var spent = 0;
        foreach (var (kind, number) in steps)
        {
            if (kind <= 1)
            {
                var units = 1 + (number % 3);
                var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2) { Quantity = units });
                if (permit.IsGranted != (spent + permits.Sum(static held => held.Units) + units <= Leased))
                    return false;
                if (permit.IsGranted)
                    permits.Add((permit, units));
            }
            else if (permits.Count > 0)
            {
                var (permit, units) = permits[number % permits.Count];
                permits.RemoveAt(number % permits.Count);
                if (kind == 2)
                {
                    var done = 1 + (number % units);
                    await permit.CompleteAsync(new() { Quantity = done });
                    spent += done;
                }

                await permit.DisposeAsync();
            }
            else
            {
                // Another process continues.
                await client.DisposeAsync();
                client = server.ClientWithoutNetwork();
            }
        }

        await client.DisposeAsync();
        return LeaseFile.Load(server.Home.LeaseFiles().Single())!.Taken == spent + permits.Sum(static held => held.Units);
    }
}
