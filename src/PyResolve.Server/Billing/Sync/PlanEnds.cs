using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Writes down that a plan has ended by time, for those who read the profile by SQL (quotas judge it as they read), and that what another
/// Stripe granted counts for nothing: the simulator's grants under a real key, those of test mode under a live one.
/// </summary>
internal sealed partial class PlanEnds(
    Database database, Inbox inbox, AuditLog audit, BillingOptions options, TimeProvider time, ILogger<PlanEnds> logger) : BackgroundService, IHostedLifecycleService
{
    private const int BatchSize = 200;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly Origin Clock = new("clock", Address: null);

    private readonly string? _origin = options.IsConfigured ? options.Origin : null;

    /// <summary>Before the first request is taken: all of them.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        while (await SweepAsync(cancellationToken))
        {
            // There may be more.
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, TimeProvider.System);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(stoppingToken);
                await SweepAsync(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Log.PutOff(logger, exception.Message);
            }
        }
    }

    /// <returns>Whether there may be more of them.</returns>
    private async Task<bool> SweepAsync(CancellationToken cancellationToken)
    {
        var over = await ListOverAsync(cancellationToken);
        var ended = 0;
        foreach (var userId in over)
            ended += await EndAsync(userId, cancellationToken) ? 1 : 0;
        return over.Count == BatchSize && ended > 0;
    }

    private Task<List<Guid>> ListOverAsync(CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select id from profiles where plan_until <= {time.GetInstant()} and plan <> {PlanCatalog.Enterprise} and deleted_at is null
        union
        select id from profiles where plan_origin is not null and plan <> {PlanCatalog.Enterprise} and deleted_at is null
          and plan_origin <> {BillingOrigins.Live} and (plan_origin <> {_origin} or ({_origin is null} and plan_origin = {BillingOrigins.Local}))
        limit {BatchSize}
        """,
        static row => row.Uuid(0),
        cancellationToken);

    private Task<bool> EndAsync(Guid userId, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = time.GetInstant();
            var profile = await ProfilePlan.LockAsync(session, userId, cancellationToken);
            if (profile is null or { IsOperators: true })
                return false;
            var isForeign = profile.Origin is { } origin && BillingOrigins.IsWorthless(origin, _origin);
            if (!isForeign && !(profile.Until <= now))
                return false;

            var floor = profile.Override ?? PlanCatalog.Free;
            var plan = isForeign ? floor : profile.Then;
            await new ProfilePlan(plan, Until: null, Then: floor, plan == floor ? null : profile.Origin, profile.Override)
                .WriteAsync(session, userId, now, cancellationToken);
            if (plan != profile.Plan)
                await audit.WriteAsync(session, userId, Clock, AuditActions.PlanChanged, plan, cancellationToken);
            // There may be more to it than was foreseen when it was last looked at.
            await inbox.AskForSyncAsync(session, userId, isForeign ? "pyresolve.origin_changed" : "pyresolve.plan_ended", cancellationToken);
            return true;
        },
        cancellationToken);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Plans that ended were not written down; trying again in a second: {Cause}")]
        public static partial void PutOff(ILogger logger, string cause);
    }
}
