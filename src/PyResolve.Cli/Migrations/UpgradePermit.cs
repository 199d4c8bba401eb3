using PyResolve.Client;

namespace PyResolve.Cli.Migrations;

/// <summary>Asks for the quota of an upgrade, and keeps the decision for <c>status --explain</c>.</summary>
internal static class UpgradePermit
{
    /// <summary>How long the reservation lasts after this program is killed. While it runs, the permit renews it.</summary>
    private static readonly TimeSpan ReservationLifetime = TimeSpan.FromSeconds(90);

    /// <summary>How long an interrupted program waits for the answer to what it has asked.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    public static async Task<QuotaPermit> AcquireAsync(
        PyResolveClient client, UpgradeRequest request, CancellationToken cancellationToken)
    {
        var migration = new MigrationRequest(PackageName.Normalize(request.Library), request.Tier)
        {
            TimeToLive = ReservationLifetime,
            KeepAlive = true,
        };
        var asked = client.Quota.AcquireAsync(migration, CancellationToken.None);
        try
        {
            var permit = await asked.WaitAsync(cancellationToken);
            LastDecision.Save(client, migration, permit);
            return permit;
        }
        catch (OperationCanceledException)
        {
            await ReleaseAsync(asked);
            throw;
        }
    }

    /// <summary>A request that is abandoned may have been granted already: its answer is waited for, and the reservation released.
    /// </summary>
    private static async Task ReleaseAsync(Task<QuotaPermit> asked)
    {
        try
        {
            var permit = await asked.WaitAsync(AnswerTime);
            await permit.DisposeAsync();
        }
        catch (Exception e) when (e is TimeoutException or PyResolveException)
        {
            // What the server may have reserved ends by itself.
        }
    }
}
