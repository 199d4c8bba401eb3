using PyResolve.Server.Storage;

namespace PyResolve.Server.Plans;

/// <summary>A plan with an end has ended then, whether or not the row has been updated.</summary>
internal readonly record struct EffectivePlan(string Name, DateTimeOffset? Until, string Then)
{
    /// <summary>
    /// The enterprise plan ends only where the operator who set it said when: one who sets it by SQL may leave the end of the plan before
    /// it in the row.
    /// </summary>
    public static readonly SqlFragment Columns = new(
        """
        p.plan,
        case when p.plan <> 'enterprise' or (p.plan_override = p.plan and p.plan_override_until = p.plan_until) then p.plan_until end,
        p.plan_then
        """);

    public static EffectivePlan Read(Row row, int first) => new(row.Text(first), row.InstantOrNull(first + 1), row.Text(first + 2));

    public static string Read(Row row, int first, DateTimeOffset now) => Read(row, first).At(now);

    public string At(DateTimeOffset now) => Until <= now ? Then : Name;
}
