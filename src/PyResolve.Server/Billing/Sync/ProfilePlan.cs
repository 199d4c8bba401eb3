using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>The plan in a profile: quotas are checked against it, and operators read and write it by SQL.</summary>
/// <param name="Until">When <paramref name="Then"/> takes its place.</param>
/// <param name="Origin">Which Stripe granted it; null where none did.</param>
/// <param name="Override">Set by an operator: the plan is never less.</param>
/// <param name="OverrideUntil">When what the operator set ends; null: it does not.</param>
internal sealed record ProfilePlan(
    string Plan, DateTimeOffset? Until, string Then, string? Origin, string? Override, DateTimeOffset? OverrideUntil = null)
{
    public const int ColumnCount = 8;

    public static readonly SqlFragment Columns = new(
        "plan, plan_until, plan_then, plan_origin, plan_override, plan_override_until, plan_seats, plan_by_contract");

    /// <summary>How many seats are paid for; null: the plan has none, or no subscription gives it.</summary>
    public long? Seats { get; init; }

    /// <summary>Whether a subscription gives the enterprise plan, which then ends with it.</summary>
    public bool IsByContract { get; init; }

    /// <summary>
    /// Whether an operator gave the enterprise plan, perhaps by SQL, without a contract at Stripe. It stays until an operator changes it,
    /// or until the end that an operator gave it.
    /// </summary>
    public bool IsSetByOperator => Plan == PlanCatalog.Enterprise && !IsByContract
        && !(Override == Plan && OverrideUntil is not null && OverrideUntil == Until);

    public static ProfilePlan FromState(
        BillingState state, string? overriding, DateTimeOffset? overridingUntil, string origin, PlanCatalog plans)
    {
        var plan = plans.Greater(state.Plan, overriding);
        // What is in force when the plan ends: the subscription, or what the operator set.
        var isByOperator = plan == overriding
            && !(state.Plan == plan && overridingUntil is not null && !(state.PlanUntil <= overridingUntil));
        var (until, then) = isByOperator
            ? (overridingUntil, state.PlanUntil <= overridingUntil ? state.PlanThen : state.Plan)
            : (state.PlanUntil, plans.Greater(state.PlanThen, overridingUntil <= state.PlanUntil ? null : overriding));
        return new ProfilePlan(
            plan,
            until,
            until is null ? plans.Greater(state.PlanThen, overriding) : then,
            state.Plan == PlanCatalog.Free ? null : origin,
            overriding,
            overriding is null ? null : overridingUntil)
        {
            Seats = plan == state.Plan && plans[plan].PerSeat ? state.Quantity : null,
            IsByContract = !isByOperator && plan == PlanCatalog.Enterprise,
        };
    }

    public ProfilePlan WithoutEndedOverride(DateTimeOffset now) =>
        OverrideUntil <= now ? this with { Override = null, OverrideUntil = null } : this;

    /// <summary>
    /// Whether the profile has what <paramref name="state"/> grants, or a plan that Stripe at <paramref name="origin"/> may not change: one
    /// set by an operator, or, outside live mode, one granted by live mode.
    /// </summary>
    public bool Matches(BillingState state, string origin, PlanCatalog plans) =>
        IsSetByOperator
        || (Origin == BillingOrigins.Live && origin != BillingOrigins.Live)
        || this == FromState(state, Override, OverrideUntil, origin, plans);

    /// <summary>Locks the profile and reads its plan. Every change of an account's billing does this first.</summary>
    public static Task<ProfilePlan?> LockAsync(Session session, Guid userId, CancellationToken cancellationToken) => session.FirstAsync(
        $"select {Columns} from profiles where id = {userId} and deleted_at is null {session.Engine.ForUpdate}",
        static row => Read(row, 0),
        cancellationToken);

    public static ProfilePlan Read(Row row, int firstColumn) => new(
        row.Text(firstColumn),
        row.InstantOrNull(firstColumn + 1),
        row.Text(firstColumn + 2),
        row.TextOrNull(firstColumn + 3),
        row.TextOrNull(firstColumn + 4),
        row.InstantOrNull(firstColumn + 5))
    {
        Seats = row.Int64OrNull(firstColumn + 6),
        IsByContract = row.Boolean(firstColumn + 7),
    };

    public Task WriteAsync(Session session, Guid userId, DateTimeOffset now, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        update profiles
        set plan = {Plan}, plan_until = {Until}, plan_then = {Then}, plan_origin = {Origin}, plan_override = {Override},
            plan_override_until = {OverrideUntil}, plan_seats = {Seats}, plan_by_contract = {IsByContract}, updated_at = {now}
        where id = {userId}
        """,
        cancellationToken);
}
