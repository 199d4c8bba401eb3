using PyResolve.Server.Storage;

namespace PyResolve.Server.Plans;

/// <summary>The plan that an account has now. A plan with an end has ended then, whether or not the row has been updated.</summary>
internal readonly record struct EffectivePlan(string Name, DateTimeOffset? Until, string Then, long? Seats)
{
    public const int ColumnCount = 4;

    // The enterprise plan ends only with its contract at Stripe, or where the operator who set it said when: one who sets it by SQL may
    // leave the end of the plan before it in the row.
    private const string End =
        "case when p.plan <> 'enterprise' or p.plan_by_contract or (p.plan_override = p.plan and p.plan_override_until = p.plan_until) "
        + "then p.plan_until end";

    /// <summary>SQL for when the plan of the profile <c>p</c> ends; null: it does not.</summary>
    public static readonly SqlFragment EndOfPlan = new(End);

    public static readonly SqlFragment Columns = new($"p.plan, {End}, p.plan_then, p.plan_seats");

    public static EffectivePlan Read(Row row, int first) =>
        new(row.Text(first), row.InstantOrNull(first + 1), row.Text(first + 2), row.Int64OrNull(first + 3));

    public static string Read(Row row, int first, DateTimeOffset now) => Read(row, first).At(now);

    /// <summary>SQL for the plan in force of the profile <c>p</c>.</summary>
    public static SqlPart NameAt(DateTimeOffset now)
    {
        Sql name = $"case when {EndOfPlan} <= {now} then p.plan_then else p.plan end";
        return new SqlPart(name);
    }

    public string At(DateTimeOffset now) => Until <= now ? Then : Name;
}
