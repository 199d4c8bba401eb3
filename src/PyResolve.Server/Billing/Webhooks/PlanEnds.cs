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

    private readonly LookSchedule _looks = new(TimeSpan.FromSeconds(30), () => database.Writes, time);
    private readonly string? _origin = options.IsConfigured ? options.Origin : null;

    /// <summary>Ends all plans that are due before the server accepts requests.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        while (await SweepAsync(cancellationToken) <= time.GetInstant())
        {
            // Until a sweep ends none.
        }

        await base.StartAsync(cancellationToken);
    }

    protected override void Failed(Exception exception) => Log.Failed(logger, exception.Message);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        if (_looks.TryBegin())
            _looks.End(await SweepAsync(cancellationToken));
    }

    /// <returns>When to sweep again: now where plans were ended, for there may be more, else when the next ends; null: none does.</returns>
    public async Task<DateTimeOffset?> SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var listed = await ListAsync(now, cancellationToken);
        var ended = 0;
        foreach (var userId in listed.Where(one => one.EndsAt <= now).Select(static one => one.UserId).Distinct())
            ended += await EndAsync(userId, cancellationToken) ? 1 : 0;
        return ended > 0 ? now : listed.Find(one => one.EndsAt > now)?.EndsAt;
    }

    /// <summary>Lists plans that are due, the first that is not, and plans that another Stripe granted, which are due now.</summary>
    private Task<List<PlanEnd>> ListAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        Sql ending = $"""
            select p.id, p.plan_until as ends_at from profiles p
            where {EffectivePlan.EndOfPlan} is not null and p.deleted_at is null
            """;
        return database.ListAsync(
            $"""
            select * from ({new SqlPart(ending)} and p.plan_until <= {now} limit {BatchSize}) due
            union all
            select * from ({new SqlPart(ending)} and p.plan_until > {now} order by p.plan_until limit 1) first_not_due
            union all
            select * from (
                select id, {now} as ends_at from profiles
                where plan_origin is not null and (plan <> {PlanCatalog.Enterprise} or plan_by_contract)
                  and deleted_at is null
                  and plan_origin <> {BillingOrigins.Live}
                  and (plan_origin <> {_origin} or ({_origin is null} and plan_origin = {BillingOrigins.Local}))
                limit {BatchSize}) granted_elsewhere
            """,
            static row => new PlanEnd(row.Uuid(0), row.Instant(1)),
            cancellationToken);
    }

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

    private sealed record PlanEnd(Guid UserId, DateTimeOffset EndsAt);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Plans that ended were not updated; trying again: {Cause}")]
        public static partial void Failed(ILogger logger, string cause);
    }
}
