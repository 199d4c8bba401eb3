using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>The plan as it stands in a profile, where quotas are judged by it, and SQL typed by hand reads it.</summary>
/// <param name="Until">When it gives way to <paramref name="Then"/>.</param>
/// <param name="Origin">Which Stripe granted it; <see langword="null"/> where none did.</param>
/// <param name="Override">What an operator set: never less than this.</param>
internal sealed record ProfilePlan(string Plan, DateTimeOffset? Until, string Then, string? Origin, string? Override)
{
    public static readonly SqlFragment Columns = new("plan, plan_until, plan_then, plan_origin, plan_override");

    /// <summary>Subscriptions never grant it, so an operator did, if only by SQL: it stays until an operator takes it away.</summary>
    public bool IsOperators => Plan == PlanCatalog.Enterprise;

    /// <summary>What subscriptions grant, never below what an operator set.</summary>
    public static ProfilePlan Of(Standing standing, string? overriding, string origin)
    {
        var plan = PlanCatalog.Greater(standing.Plan, overriding);
        return new ProfilePlan(
            plan,
            plan == overriding ? null : standing.PlanUntil,
            PlanCatalog.Greater(standing.PlanThen, overriding),
            standing.Plan == PlanCatalog.Free ? null : origin,
            overriding);
    }

    /// <summary>
    /// Whether the profile says what <paramref name="standing"/> grants, or something that Stripe at <paramref name="origin"/> may not touch: what
    /// an operator typed, and, but for live mode, what live mode granted.
    /// </summary>
    public bool Follows(Standing standing, string origin) =>
        IsOperators || (Origin == BillingOrigins.Live && origin != BillingOrigins.Live) || this == Of(standing, Override, origin);

    /// <summary>Locks the profile first: whoever changes an account's billing does.</summary>
    public static Task<ProfilePlan?> LockAsync(Session session, Guid userId, CancellationToken cancellationToken) => session.FirstAsync(
        $"select {Columns} from profiles where id = {userId} and deleted_at is null {session.Engine.ForUpdate}", static row => Read(row, 0), cancellationToken);

    /// <param name="row">With <see cref="Columns"/>.</param>
    /// <param name="first">Where they begin.</param>
    public static ProfilePlan Read(Row row, int first) => new(
        row.Text(first), row.InstantOrNull(first + 1), row.Text(first + 2), row.TextOrNull(first + 3), row.TextOrNull(first + 4));

    public Task WriteAsync(Session session, Guid userId, DateTimeOffset now, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        update profiles
        set plan = {Plan}, plan_until = {Until}, plan_then = {Then}, plan_origin = {Origin}, plan_override = {Override}, updated_at = {now}
        where id = {userId}
        """,
        cancellationToken);
}
