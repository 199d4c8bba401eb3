using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Emails;

/// <summary>
/// Queues the emails that are due: once for each failed payment, ending trial and ending plan, on all instances, and without Stripe for
/// plans that an operator gave. They follow from what is stored, so that it does not matter how a change was noticed.
/// </summary>
internal sealed partial class BillingEmails(
    Database database, EmailOutbox outbox, BillingOptions options, TimeProvider time, ILogger<BillingEmails> logger)
    : RepeatedWork(Interval, TimeProvider.System)
{
    public const string PaymentFailed = "payment_failed";
    public const string TrialEnding = "trial_ending";
    public const string PlanEnding = "plan_ending";
    public const string GivenPlanEnding = "given_plan_ending";

    private const int BatchSize = 200;

    /// <summary>How long before a trial or a plan ends its email is sent.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromDays(3);

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly string _origin = options.Origin;

    protected override void Failed(Exception exception) => Log.Failed(logger, exception.Message);

    protected override Task WorkAsync(CancellationToken cancellationToken) =>
        outbox.IsEnabled ? QueueAsync(cancellationToken) : Task.CompletedTask;

    /// <returns>How many emails were queued.</returns>
    public async Task<int> QueueAsync(CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var queued = await QueueAsync(
            GivenPlanEnding,
            $"""
            select p.id as user_id, 'set-plan' as subject from profiles p
            where p.plan_until > {now} and p.plan_until <= {now + Notice} and p.plan_override_until = p.plan_until
              and p.plan_then <> p.plan
            """,
            cancellationToken);
        if (!options.IsConfigured)
            return queued;
        queued += await QueueAsync(PaymentFailed, OfSubscriptions($"c.status = {"past_due"}"), cancellationToken);
        queued += await QueueAsync(
            TrialEnding,
            OfSubscriptions($"c.trial_ends_at > {now} and c.trial_ends_at <= {now + Notice} and not c.cancelling"),
            cancellationToken);
        queued += await QueueAsync(
            PlanEnding,
            OfSubscriptions(
                $"c.cancelling and c.status <> {"past_due"} and c.plan_until > {now} and c.plan_until <= {now + Notice}"),
            cancellationToken);
        return queued;
    }

    private Sql OfSubscriptions(Sql areDue) =>
        $"""
        select c.user_id, c.subscription_id as subject from billing_customers c
        where c.origin = {_origin} and c.unlinked_at is null and c.subscription_id is not null and ({new SqlPart(areDue)})
        """;

    /// <summary>An email is about a subscription, or a plan of the operator's; it may be sent again once its cause has passed.</summary>
    private async Task<int> QueueAsync(string kind, Sql due, CancellationToken cancellationToken)
    {
        var found = await database.ListAsync(
            $"""
            select d.user_id, d.subject from ({new SqlPart(due)}) d
            join profiles a on a.id = d.user_id
            where a.deleted_at is null
              and not exists (
                select 1 from billing_letters l where l.user_id = d.user_id and l.kind = {kind} and l.subject = d.subject)
            limit {BatchSize}
            """,
            static row => (UserId: row.Uuid(0), Subject: row.Text(1)),
            cancellationToken);
        var queued = 0;
        foreach (var (userId, subject) in found)
            queued += await QueueAsync(userId, kind, subject, cancellationToken) ? 1 : 0;
        await database.ExecuteAsync(
            $"""
            delete from billing_letters
            where kind = {kind} and not exists (
                select 1 from ({new SqlPart(due)}) d
                where d.user_id = billing_letters.user_id and d.subject = billing_letters.subject)
            """,
            cancellationToken);
        if (queued > 0)
            outbox.Wake();
        return queued;
    }

    private Task<bool> QueueAsync(Guid userId, string kind, string subject, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var isFirst = await session.ExecuteAsync(
                $"""
                insert into billing_letters (user_id, kind, subject, queued_at) values ({userId}, {kind}, {subject}, {time.GetInstant()})
                on conflict do nothing
                """,
                cancellationToken) == 1;
            if (isFirst)
                await outbox.AddAsync(session, new QueuedEmail(kind) { UserId = userId, Detail = subject }, cancellationToken);
            return isFirst;
        },
        cancellationToken);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Billing emails were not queued; trying again: {Cause}")]
        public static partial void Failed(ILogger logger, string cause);
    }
}
