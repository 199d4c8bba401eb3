using PyResolve.Server.Leases;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Decides holds for many requests in one transaction. The accounts' rows are locked first: on any number of instances, the holds of one
/// account are decided one after the other, a retry waits for the first answer, and a change of plan counts from the next hold on.
/// </summary>
internal sealed class HoldGroup : IAsyncDisposable
{
    /// <summary>In how many groups a request may take part before it is told to come again.</summary>
    private const int MostTries = 8;

    /// <summary>A request for a hold takes about half a kilobyte.</summary>
    private static readonly GroupLimits Limits = new(QueueItems: 16_384, QueueBytes: 64 * 1024 * 1024, GroupItems: 512, GroupBytes: 4 * 1024 * 1024);

    private readonly Database _database;
    private readonly PlanCatalog _plans;
    private readonly LeaseSigner _leases;
    private readonly TimeProvider _time;
    private readonly GroupCommit<HoldItem, HoldOutcome> _group;

    public HoldGroup(Database database, PlanCatalog plans, LeaseSigner leases, TimeProvider time)
    {
        (_database, _plans, _leases, _time) = (database, plans, leases, time);
        _group = new GroupCommit<HoldItem, HoldOutcome>(Limits, FlushAsync);
    }

    /// <exception cref="OverloadedException">So many of the account's holds are due that they could not all be settled before this one was refused.</exception>
    public async Task<HoldOutcome> DecideAsync(HoldItem item, CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt <= MostTries; attempt++)
        {
            var outcome = (await _group.SubmitAsync(item.UserId, [item], BytesOf(item), cancellationToken))[0];
            if (outcome is not HoldOutcome.PutOff putOff)
                return outcome;
            // Behind the others: what one account let lapse is not settled at the cost of their turns.
            item = item with { Due = putOff.Due };
        }

        throw new OverloadedException("Holds of this account that have expired are still being given back. Nothing was stored: try again shortly.");
    }

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private static long BytesOf(HoldItem item) =>
        512 + (2 * ((item.Wanted.Library?.Length ?? 0) + (item.Wanted.Machine?.Length ?? 0) + (item.Wanted.OnceKey?.Length ?? 0) + (item.IdempotencyKey?.Length ?? 0)));

    private Task<IReadOnlyList<HoldOutcome>> FlushAsync(IReadOnlyList<HoldItem> items) =>
        _database.WriteAsync(session => new HoldTransaction(session, items, _plans, GivesLeases(items), _time).DecideAsync(CancellationToken.None), CancellationToken.None);

    private bool GivesLeases(IReadOnlyList<HoldItem> items) => items.Any(static item => item.Wanted.Machine is not null) && _leases.CanSign;
}
