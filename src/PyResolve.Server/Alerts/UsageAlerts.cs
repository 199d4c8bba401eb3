using PyResolve.Server.Email;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Alerts;

/// <summary>
/// Emails about a month whose migrations reach a share of its quota. They are queued by the transaction that records the usage: none is
/// lost with a crash, and none is queued twice. Thread-safe.
/// </summary>
internal sealed class UsageAlerts(PlanCatalog plans, EmailOutbox outbox, TimeProvider time)
{
    /// <summary>Of the id of an email: what the rows of a month have in common before the three digits of the rule.</summary>
    private static readonly SqlFragment Shared = new("1, 33");

    // A name that the catalogue does not know counts as the plan without payment.
    private readonly (string Name, long? Limit, bool PerSeat)[] _plans =
        [.. plans.All.Select(static plan => (plan.Name, plan.MigrationsLimit, plan.PerSeat))];

    private readonly long? _otherLimit = plans.WithoutPayment.MigrationsLimit;

    /// <summary>The last statements of a transaction that has changed, and so locked, what these accounts used in these months.</summary>
    public IEnumerable<Sql> Write(Session session, IEnumerable<(Guid UserId, string Month)> changed)
    {
        if (!outbox.IsEnabled || !Array.Exists(_plans, static plan => plan.Limit > 0))
            return [];
        var now = time.GetInstant();
        var month = now.ToMonth();
        // A month that is over has no quota left to warn about.
        var months = changed.Where(key => string.CompareOrdinal(key.Month, month) >= 0)
            .Distinct()
            .Select(key => new ChangedMonth(key.UserId, key.Month, Ids.Create(now)))
            .ToList();
        return months.Count == 0 ? [] :
        [
            .. session.ByAccount(months, static one => one.UserId, (some, account) => Reach(session, some, account, now)),
            Queue(session, months, now),
        ];
    }

    private Sql Reach(Session session, IReadOnlyList<ChangedMonth> months, OneAccount account, DateTimeOffset now)
    {
        List<Guid> accounts = [.. months.Select(static month => month.UserId).Distinct()];
        Sql planLimit =
            $"""
            case
                when l.name is null then {_otherLimit}
                when l.per_seat and {EffectivePlan.EndOfPlan} <= {now} then l.plan_limit
                when l.per_seat then l.plan_limit * coalesce(p.plan_seats, 1)
                else l.plan_limit
            end
            """;
        var limit = new SqlPart(planLimit);
        return
            $"""
            insert into usage_alerts (user_id, month, percent, used, plan_limit, reached_at, letter_id)
            select m.user_id, m.month, r.percent, m.migrations + m.lapsed, {limit} + m.extra, {now},
                   {session.Engine.IdOf($"substr(cast(c.letter_id as text), {Shared.Text}) || substr(cast(1000 + r.percent as text), 2)")}
            from {Rows(session, "c", months)}
            join usage_monthly m on m.user_id = c.user_id and m.month = c.month{account.And("m.user_id")}
            join profiles p on p.id = c.user_id and p.deleted_at is null{account.And("p.id")}
            left join {session.Rows("l", _plans)
                .With("name", static plan => plan.Name)
                .With("plan_limit", static plan => plan.Limit)
                .With("per_seat", static plan => plan.PerSeat)}
              on l.name = {EffectivePlan.NameAt(now)}
            join (
                select a.user_id, d.percent
                from {session.Rows("a", accounts).With("user_id", static id => id)}
                join {session.Rows("d", AlertRules.Defaults).With("percent", static percent => (long)percent)} on true
                where not exists (select 1 from alert_rules o where o.user_id = a.user_id and o.percent = d.percent)
                union all
                select o.user_id, o.percent
                from alert_rules o
                where o.is_on and o.user_id in (select b.user_id from {session.Rows("b", accounts).With("user_id", static id => id)})) r
              on r.user_id = m.user_id
            where {limit} > 0 and (m.migrations + m.lapsed) * 100 >= r.percent * ({limit} + m.extra)
            on conflict do nothing
            """;
    }

    // Only what the statement before has added has an id of this transaction. The account is in the detail, and not in its own column:
    // that has a foreign key, which would lock the profile after the rollup.
    private static Sql Queue(Session session, List<ChangedMonth> months, DateTimeOffset now) =>
        $"""
        insert into letters (id, kind, detail, created_at, due_at)
        select s.letter_id, {EmailKinds.UsageAlert},
               cast(s.user_id as text) || ' ' || s.month || ' ' || s.percent || ' ' || s.used || ' ' || s.plan_limit, {now}, {now}
        from {Rows(session, "c", months)}
        join usage_alerts s on s.user_id = c.user_id and s.month = c.month
        where substr(cast(s.letter_id as text), {Shared}) = substr(cast(c.letter_id as text), {Shared})
        """;

    private static SqlRows<ChangedMonth> Rows(Session session, string name, IReadOnlyList<ChangedMonth> months) => session
        .Rows(name, months)
        .With("user_id", static month => month.UserId)
        .With("month", static month => month.Month)
        .With("letter_id", static month => month.EmailId);

    private readonly record struct ChangedMonth(Guid UserId, string Month, Guid EmailId);
}
