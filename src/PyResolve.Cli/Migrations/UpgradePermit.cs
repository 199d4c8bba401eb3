using PyResolve.Client;

namespace PyResolve.Cli.Migrations;

/// <summary>Asks for the quota of an upgrade, and keeps the decision for <c>status --explain</c>.</summary>
internal static class UpgradePermit
{
    /// <summary>How long the reservation lasts after this program is killed. While it runs, the permit renews it.</summary>
    private static readonly TimeSpan ReservationLifetime = TimeSpan.FromSeconds(90);

    public static async Task<QuotaPermit> AcquireAsync(
        PyResolveClient client, UpgradeRequest request, CancellationToken cancellationToken)
    {
        var migration = new MigrationRequest(PackageName.Normalize(request.Library), request.Tier)
        {
            TimeToLive = ReservationLifetime,
            KeepAlive = true,
        };
        var permit = await client.Quota.AcquireAsync(migration, cancellationToken);
        LastDecision.Save(client, migration, permit);
        return permit;
    }
}
