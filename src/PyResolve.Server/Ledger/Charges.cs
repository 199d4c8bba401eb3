using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>An event whose units the plan's quota does not all cover. <c>Plan</c>: at which the reservation was granted.</summary>
internal sealed record Charge(Guid UserId, Guid EventId, string Plan, UnitSources Sources, DateTimeOffset At);

/// <summary>Writes charges, in the transaction that stores the events, after them.</summary>
internal static class Charges
{
    public static IEnumerable<Sql> Write(Session session, IReadOnlyList<Charge> charges)
    {
        if (charges.Count == 0)
            yield break;
        foreach (var update in session.ByAccount(charges, static charge => charge.UserId, Update))
            yield return update;
        List<Charge> metered = [.. charges.Where(static charge => charge.Sources.Overage > 0)];
        if (metered.Count == 0)
            yield break;
        yield return
            $"""
            insert into meter_events (identifier, user_id, event_id, plan, units, created_at, due_at)
            select cast(c.id as text), c.user_id, c.id, c.plan, c.overage, c.at, c.at
            from {Metered(session, metered)}
            where true
            on conflict do nothing
            """;
        // Only an event whose id another account has used is missing now: Stripe knows each identifier once for all customers.
        yield return
            $"""
            insert into meter_events (identifier, user_id, event_id, plan, units, created_at, due_at)
            select cast(c.id as text) || ':' || cast(c.user_id as text), c.user_id, c.id, c.plan, c.overage, c.at, c.at
            from {Metered(session, metered)}
            where not exists (select 1 from meter_events m where m.user_id = c.user_id and m.event_id = c.id)
            """;

        Sql Update(IReadOnlyList<Charge> some, OneAccount account) =>
            $"""
            update usage_events
            set credits = c.credits, overage = c.overage
            from {Rows(session, some).With("credits", static charge => (long)charge.Sources.Credits)}
            where usage_events.user_id = c.user_id and usage_events.id = c.id{account.And("usage_events.user_id")}
            """;
    }

    private static SqlRows<Charge> Metered(Session session, List<Charge> charges) => Rows(session, charges)
        .With("plan", static charge => charge.Plan)
        .With("at", static charge => charge.At);

    private static SqlRows<Charge> Rows(Session session, IReadOnlyList<Charge> charges) => session.Rows("c", charges)
        .With("user_id", static charge => charge.UserId)
        .With("id", static charge => charge.EventId)
        .With("overage", static charge => (long)charge.Sources.Overage);
}
