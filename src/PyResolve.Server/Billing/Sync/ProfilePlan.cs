using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>The plan as it stands in a profile, where quotas are judged by it, and SQL typed by hand reads it.</summary>
/// <param name="Until">When it gives way to <paramref name="Then"/>.</param>
/// <param name="Origin">Which Stripe granted it; <see langword="null"/> where none did.</param>
/// <param name="Override">What an operator set: never less than this.</param>
internal sealed record ProfilePlan(string Plan, DateTimeOffset? Until, string Then, string? Origin, string? Override)
{
    /// <summary>Subscriptions never grant it, so an operator did, if only by SQL: it stays until an operator takes it away.</summary>
    public bool IsOperators => Plan == Plans.Enterprise;

    /// <summary>What subscriptions grant, never below what an operator set.</summary>
    public static ProfilePlan Of(Standing standing, string? overriding, string origin)
    {
        var plan = Plans.Greater(standing.Plan, overriding);
        return new ProfilePlan(
            plan,
            plan == overriding ? null : standing.PlanUntil,
            Plans.Greater(standing.PlanThen, overriding),
            standing.Plan == Plans.Free ? null : origin,
            overriding);
    }

    /// <summary>Locks the profile first: whoever changes an account's billing does.</summary>
    public static Task<ProfilePlan?> LockAsync(Session session, Guid userId, CancellationToken cancellationToken) => session.FirstAsync(
        $"select plan, plan_until, plan_then, plan_origin, plan_override from profiles where id = {userId} and deleted_at is null {session.Engine.ForUpdate}",
        static row => new ProfilePlan(row.Text(0), row.InstantOrNull(1), row.Text(2), row.TextOrNull(3), row.TextOrNull(4)),
        cancellationToken);

    public Task WriteAsync(Session session, Guid userId, DateTimeOffset now, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        update profiles
        set plan = {Plan}, plan_until = {Until}, plan_then = {Then}, plan_origin = {Origin}, plan_override = {Override}, updated_at = {now}
        where id = {userId}
        """,
        cancellationToken);
}
