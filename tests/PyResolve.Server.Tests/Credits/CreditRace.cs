namespace PyResolve.Server.Tests.Credits;

/// <summary>One account on one server, or on PostgreSQL on two.</summary>
internal sealed class CreditRace : IAsyncDisposable
{
    private readonly TestAccount[] _doors;
    private readonly TestServer? _second;
    private int _granted;
    private int _refused;
    private int _committed;

    private CreditRace(CreditShop shop, TestAccount account, TestServer? second)
    {
        (Shop, Account, _second) = (shop, account, second);
        _doors = second is null ? [account] : [account, account.On(second.Http)];
    }

    public CreditShop Shop { get; }

    public TestAccount Account { get; }

    public int Granted => _granted;

    public int Refused => _refused;

    public int Committed => _committed;

    public static async Task<CreditRace> StartAsync(
        StorageEngine engine, SharedServers servers, int limit, int[] credits, int overage)
    {
        var shop = await CreditShop.OpenAsync(engine, servers, limit);
        var account = await shop.SignUpAsync(overage: overage);
        foreach (var units in credits)
            await shop.GiveAsync(account, units);
        var second = engine is not StorageEngine.Sqlite
            ? await TestServer.StartAsync(shop.Own.Store, CreditShop.Settings(limit), shop.Own.Clock)
            : null;
        return new CreditRace(shop, account, second);
    }

    public TestAccount Door(int client) => _doors[client % _doors.Length];

    public async Task WorkAsync(TestAccount account, Random random)
    {
        for (var round = 0; round < Scale.Pick(10, 100); round++)
        {
            var quantity = random.Next(1, 6);
            var held = await account.ReserveAsync(quantity);
            if (held.Status == 402)
            {
                Interlocked.Increment(ref _refused);
                continue;
            }

            held.Status.ShouldBe(201, held.Text);
            Interlocked.Increment(ref _granted);
            if (random.Next(4) == 0)
            {
                var used = random.Next(1, quantity + 1);
                (await account.CommitAsync(held.Id(), new { quantity = used })).Status.ShouldBe(200);
                Interlocked.Add(ref _committed, used);
            }
            else
            {
                (await account.ReleaseAsync(held.Id())).Status.ShouldBe(200);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_second is not null)
            await _second.DisposeAsync();
        await Shop.DisposeAsync();
    }
}
