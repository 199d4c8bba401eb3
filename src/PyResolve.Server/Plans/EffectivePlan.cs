using PyResolve.Server.Storage;

namespace PyResolve.Server.Plans;

/// <summary>A plan with an end has ended then, whether or not the row has been updated.</summary>
internal readonly record struct EffectivePlan(string Name, DateTimeOffset? Until, string Then)
{
    public static readonly SqlFragment Columns = new("p.plan, p.plan_until, p.plan_then");

    public static EffectivePlan Read(Row row, int first) => new(row.Text(first), row.InstantOrNull(first + 1), row.Text(first + 2));

    public static string Read(Row row, int first, DateTimeOffset now) => Read(row, first).At(now);

    /// <summary>The plan that counts of the profile <c>p</c>.</summary>
    public static SqlPart NameAt(DateTimeOffset now)
    {
        Sql name = $"case when p.plan <> {PlanCatalog.Enterprise} and p.plan_until <= {now} then p.plan_then else p.plan end";
        return new SqlPart(name);
    }

    // An operator may set the enterprise plan by SQL, and leave the end of the plan before it in the row.
    public string At(DateTimeOffset now) => Name != PlanCatalog.Enterprise && Until <= now ? Then : Name;
}
