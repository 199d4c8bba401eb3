using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Webhooks;

/// <summary>
/// Writes the end of plans into profiles: those whose time is up, which matters to readers by SQL only (quotas check the time themselves),
/// and those granted by another Stripe: by the simulator under a real key, or in test mode under a live one.
/// </summary>
internal sealed partial class PlanEnds(
    Database database, Inbox inbox, PlanOverrides overrides, PlanCatalog plans, AuditLog audit, BillingOptions options, TimeProvider time,
    ILogger<PlanEnds> logger)
    : RepeatedWork(Interval, TimeProvider.System)
{
    private const int BatchSize = 200;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly Origin Clock = new("clock", Address: null);

    private readonly string? _origin = options.IsConfigured ? options.Origin : null;

    /// <summary>Ends all plans that are due before the server accepts requests.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        while (await SweepAsync(cancellationToken))
        {
            // The last batch was full.
        }

        await base.StartAsync(cancellationToken);
    }

    protected override void Failed(Exception exception) => Log.Failed(logger, exception.Message);

    protected override Task WorkAsync(CancellationToken cancellationToken) => SweepAsync(cancellationToken);

    /// <returns>Whether there may be more.</returns>
    public async Task<bool> SweepAsync(CancellationToken cancellationToken)
    {
        var due = await ListDueAsync(cancellationToken);
        var ended = 0;
        foreach (var userId in due)
            ended += await EndAsync(userId, cancellationToken) ? 1 : 0;
        return due.Count == BatchSize && ended > 0;
    }

    private Task<List<Guid>> ListDueAsync(CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select p.id from profiles p
        where p.plan_until <= {time.GetInstant()} and {EffectivePlan.EndOfPlan} is not null and p.deleted_at is null
        union
        select id from profiles where plan_origin is not null and (plan <> {PlanCatalog.Enterprise} or plan_by_contract)
          and deleted_at is null
          and plan_origin <> {BillingOrigins.Live}
          and (plan_origin <> {_origin} or ({_origin is null} and plan_origin = {BillingOrigins.Local}))
        limit {BatchSize}
        """,
        static row => row.Uuid(0),
        cancellationToken);

    private Task<bool> EndAsync(Guid userId, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = time.GetInstant();
            var profile = await ProfilePlan.LockAsync(session, userId, cancellationToken);
            if (profile is null or { IsSetByOperator: true })
                return false;
            var isVoid = profile.Origin is { } origin && BillingOrigins.IsVoid(origin, _origin);
            if (!isVoid && !(profile.Until <= now))
                return false;

            var ended = isVoid || !(profile.OverrideUntil <= now)
                ? End(profile.WithoutEndedOverride(now), isVoid)
                : await overrides.ChooseAsync(session, userId, profile, plan: null, until: null, now, cancellationToken);
            await ended.WriteAsync(session, userId, now, cancellationToken);
            if (ended.Plan != profile.Plan)
                await audit.WriteAsync(session, userId, Clock, AuditActions.PlanChanged, plans.NameOf(ended.Plan), cancellationToken);
            // The subscriptions may have changed at Stripe since the last sync.
            var type = isVoid ? "pyresolve.origin_changed" : "pyresolve.plan_ended";
            await inbox.RequestSyncAsync(session, userId, type, cancellationToken);
            return true;
        },
        cancellationToken);

    private static ProfilePlan End(ProfilePlan profile, bool isVoid)
    {
        var (floor, floorUntil) = (profile.Override ?? PlanCatalog.Free, profile.OverrideUntil);
        var plan = isVoid ? floor : profile.Then;
        return plan == floor
            ? profile with
            {
                Plan = plan, Until = floorUntil, Then = floorUntil is null ? floor : PlanCatalog.Free, Origin = null, Seats = null,
                IsByContract = false,
            }
            : profile with { Plan = plan, Until = null, Then = floor, Seats = null, IsByContract = plan == PlanCatalog.Enterprise };
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Plans that ended were not updated; trying again: {Cause}")]
        public static partial void Failed(ILogger logger, string cause);
    }
}
