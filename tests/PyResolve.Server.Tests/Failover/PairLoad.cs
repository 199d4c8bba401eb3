using PyResolve.Server.Tests.Quota;
using PyResolve.Server.Tests.Usage;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// Clients of two servers of one store: events that are sent again until they are answered, reservations likewise, and a probe for each
/// server that sends nothing twice.
/// </summary>
internal sealed class PairLoad : IAsyncDisposable
{
    private const int ClientsOfEach = 4;

    private readonly LedgerLoad[] _ledgers;
    private readonly TestAccount _account;
    private readonly PersistentClient[] _clients;
    private readonly Probe[] _probes;
    private readonly CancellationTokenSource _over = new();
    private readonly Task _reserving;
    private bool _isStopped;

    private PairLoad(LedgerLoad[] ledgers, TestAccount[] account, Probe[] probes)
    {
        (_ledgers, _account, _probes) = (ledgers, account[0], probes);
        _clients =
        [
            .. Enumerable.Range(0, account.Length * ClientsOfEach)
                .Select(seed => new PersistentClient(account[seed % account.Length], new Random(seed))),
        ];
        _reserving = Task.WhenAll(_clients.Select(client => client.WorkAsync(_over.Token)));
    }

    public int Events => _ledgers.Sum(ledger => ledger.Acknowledged.Count) + _probes.Sum(probe => probe.Acknowledged.Count);

    public int Reservations => _clients.Sum(client => client.Granted);

    /// <summary>How many events of the probes were answered 503.</summary>
    public int Refusals => _probes.Sum(probe => probe.Refusals);

    public static async Task<PairLoad> StartAsync(TestStore store, HttpClient first, HttpClient second)
    {
        var account = await TestAccount.SignUpAsync(first);
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        return new PairLoad(
            [await LedgerLoad.StartAsync(first), await LedgerLoad.StartAsync(second)],
            [account, account.On(second)],
            [new Probe(await TestAccount.SignUpAsync(first)), new Probe(await TestAccount.SignUpAsync(second))]);
    }

    /// <summary>Waits for this many more answers from each server, and for some reservations.</summary>
    public async Task PassesAsync(int answers, CancellationToken cancellationToken)
    {
        var goal = Reservations + (answers / 10);
        await Task.WhenAll(_ledgers.Select(ledger => ledger.PassesAsync(answers, cancellationToken)));
        await Eventually.IsTrueAsync(
            () => Reservations >= goal || _reserving.IsFaulted, TimeSpan.FromSeconds(60), cancellationToken);
    }

    /// <summary>Waits until both servers have acknowledged an event that was sent after the instant.</summary>
    public async Task<TimeSpan> ServesAsync(long since, CancellationToken cancellationToken) =>
        (await Task.WhenAll(_probes.Select(probe => probe.ServesAsync(since, cancellationToken)))).Max();

    public async Task StopAsync()
    {
        if (_isStopped)
            return;
        _isStopped = true;
        await _over.CancelAsync();
        await Task.WhenAll([_reserving, .. _ledgers.Select(ledger => ledger.StopAsync())]);
        foreach (var probe in _probes)
            await probe.DisposeAsync();
    }

    public async Task CheckAsync(TestStore store)
    {
        _probes.SelectMany(probe => probe.Failures).ShouldBeEmpty();
        var stored = ((string)(await store.ReadSqlAsync(
            $"select string_agg(cast(id as text), ',') from usage_events where user_id <> '{_account.UserId}'"))!)
            .Split(',').Select(id => Guid.ParseExact(id, "D")).ToList();
        var acknowledged = _ledgers.SelectMany(ledger => ledger.Acknowledged).Concat(_probes.SelectMany(probe => probe.Acknowledged));
        stored.ShouldBeUnique();
        acknowledged.Except(stored).ShouldBeEmpty();
        (await store.CountDifferencesAsync()).ShouldBe(0);

        var (used, held, of) = (_clients.Sum(client => client.Used), _clients.Sum(client => client.Held), $"user_id = '{_account.UserId}'");
        await Eventually.HoldsAsync(async () =>
            (await store.ReadNumberAsync($"select sum(held) from usage_monthly where {of}")).ShouldBe(held));
        (await store.ReadNumberAsync($"select sum(remaining) from reservations where {of}")).ShouldBe(held);
        (await store.ReadNumberAsync($"select count(*) from reservations where {of}")).ShouldBe(Reservations);
        (await store.ReadNumberAsync($"select sum(quantity) from usage_events where {of}")).ShouldBe(used);
        (await store.ReadNumberAsync($"select sum(migrations) from usage_monthly where {of}")).ShouldBe(used);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var ledger in _ledgers)
            await ledger.DisposeAsync();
        _over.Dispose();
    }
}
