using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Letters;

/// <summary>
/// Queues the emails that are due: once for each failed payment, ending trial and ending plan, on all instances. They follow from what is
/// stored, so that it does not matter how a change was noticed.
/// </summary>
internal sealed partial class BillingLetters(
    Database database, EmailOutbox outbox, BillingOptions options, TimeProvider time, ILogger<BillingLetters> logger)
    : RepeatedWork(Interval, TimeProvider.System)
{
    public const string PaymentFailed = "payment_failed";
    public const string TrialEnding = "trial_ending";
    public const string PlanEnding = "plan_ending";

    private const int BatchSize = 200;

    /// <summary>How long before a trial or a plan ends its email is sent.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromDays(3);

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly string _origin = options.Origin;

    protected override void Failed(Exception exception) => Log.Failed(logger, exception.Message);

    protected override Task WorkAsync(CancellationToken cancellationToken) =>
        outbox.IsEnabled ? OrderAsync(cancellationToken) : Task.CompletedTask;

    /// <returns>How many emails were queued.</returns>
    public async Task<int> OrderAsync(CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var ordered = 0;
        ordered += await OrderAsync(PaymentFailed, $"c.status = {"past_due"}", cancellationToken);
        ordered += await OrderAsync(
            TrialEnding, $"c.trial_ends_at > {now} and c.trial_ends_at <= {now + Notice} and not c.cancelling", cancellationToken);
        ordered += await OrderAsync(
            PlanEnding,
            $"c.cancelling and c.status <> {"past_due"} and c.plan_until > {now} and c.plan_until <= {now + Notice}",
            cancellationToken);
        return ordered;
    }

    /// <summary>An email is about a subscription; it may be sent again once its cause has passed.</summary>
    private async Task<int> OrderAsync(string kind, Sql isDue, CancellationToken cancellationToken)
    {
        var due = await database.ListAsync(
            $"""
            select c.user_id, c.subscription_id from billing_customers c
            join profiles p on p.id = c.user_id
            where c.origin = {_origin} and c.unlinked_at is null and c.subscription_id is not null and p.deleted_at is null
              and ({new SqlPart(isDue)})
              and not exists (
                select 1 from billing_letters l where l.user_id = c.user_id and l.kind = {kind} and l.subject = c.subscription_id)
            limit {BatchSize}
            """,
            static row => (UserId: row.Uuid(0), Subject: row.Text(1)),
            cancellationToken);
        var ordered = 0;
        foreach (var (userId, subject) in due)
            ordered += await OrderAsync(userId, kind, subject, cancellationToken) ? 1 : 0;
        await database.ExecuteAsync(
            $"""
            delete from billing_letters
            where kind = {kind} and not exists (
                select 1 from billing_customers c
                where c.user_id = billing_letters.user_id and c.subscription_id = billing_letters.subject and c.origin = {_origin}
                  and ({new SqlPart(isDue)}))
            """,
            cancellationToken);
        if (ordered > 0)
            outbox.Wake();
        return ordered;
    }

    private Task<bool> OrderAsync(Guid userId, string kind, string subject, CancellationToken cancellationToken) => database.WriteAsync(
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
