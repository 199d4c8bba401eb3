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
        var causes = CausesAt(time.GetInstant());
        var look = Changes(causes[0]);
        foreach (var cause in causes.Skip(1))
            look = $"{new SqlPart(look)} union all {new SqlPart(Changes(cause))}";
        var found = await database.ListAsync(
            look, static row => (Kind: row.Text(0), UserId: row.Uuid(1), Subject: row.Text(2), IsNew: row.Boolean(3)), cancellationToken);

        var queued = 0;
        foreach (var one in found.Where(static one => one.IsNew))
        {
            if (!await QueueAsync(one.UserId, one.Kind, one.Subject, cancellationToken))
                continue;
            queued++;
            outbox.Wake();
        }

        foreach (var cause in causes.Where(cause => found.Exists(one => one.Kind == cause.Kind && !one.IsNew)))
            await database.ExecuteAsync($"delete from billing_letters where {new SqlPart(HasPassed(cause))}", cancellationToken);
        return queued;
    }

    private List<Cause> CausesAt(DateTimeOffset now)
    {
        List<Cause> causes =
        [
            new(
                GivenPlanEnding,
                $"""
                select p.id as user_id, 'set-plan' as subject from profiles p
                where p.plan_until > {now} and p.plan_until <= {now + Notice} and p.plan_override_until = p.plan_until
                  and p.plan_then <> p.plan
                """),
        ];
        if (options.IsConfigured)
            causes.AddRange(
            [
                new(PaymentFailed, OfSubscriptions($"c.status = {"past_due"}")),
                new(
                    TrialEnding,
                    OfSubscriptions($"c.trial_ends_at > {now} and c.trial_ends_at <= {now + Notice} and not c.cancelling")),
                new(
                    PlanEnding,
                    OfSubscriptions(
                        $"c.cancelling and c.status <> {"past_due"} and c.plan_until > {now} and c.plan_until <= {now + Notice}")),
            ]);
        return causes;
    }

    private Sql OfSubscriptions(Sql areDue) =>
        $"""
        select c.user_id, c.subscription_id as subject from billing_customers c
        where c.origin = {_origin} and c.unlinked_at is null and c.subscription_id is not null and ({new SqlPart(areDue)})
        """;

    /// <summary>Lists what has no email yet (<c>is_new</c>), and of the emails whose cause has passed at most one.</summary>
    private static Sql Changes(Cause cause) =>
        $"""
        select * from (
            select {cause.Kind} as kind, d.user_id, d.subject, {true} as is_new from ({new SqlPart(cause.Due)}) d
            join profiles a on a.id = d.user_id
            where a.deleted_at is null
              and not exists (
                select 1 from billing_letters l where l.user_id = d.user_id and l.kind = {cause.Kind} and l.subject = d.subject)
            limit {BatchSize}) missing
        union all
        select * from (
            select kind, user_id, subject, {false} as is_new from billing_letters where {new SqlPart(HasPassed(cause))} limit 1) passed
        """;

    /// <summary>An email may be sent again once its cause has passed.</summary>
    private static Sql HasPassed(Cause cause) =>
        $"""
        kind = {cause.Kind} and not exists (
            select 1 from ({new SqlPart(cause.Due)}) d
            where d.user_id = billing_letters.user_id and d.subject = billing_letters.subject)
        """;

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

    /// <summary>A kind of email, and a query of the accounts that are to have it now, with what it is about.</summary>
    private sealed record Cause(string Kind, Sql Due);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Billing emails were not queued; trying again: {Cause}")]
        public static partial void Failed(ILogger logger, string cause);
    }
}
