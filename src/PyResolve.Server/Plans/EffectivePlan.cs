using PyResolve.Server.Storage;

namespace PyResolve.Server.Plans;

/// <summary>A profile's plan as its row has it. One that ends by time has ended at that instant, whether or not the row says so yet.</summary>
internal readonly record struct EffectivePlan(string Name, DateTimeOffset? Until, string Then)
{
    /// <summary>What <see cref="Read(Row, int)"/> reads, of the table <c>profiles p</c>.</summary>
    public static readonly SqlFragment Columns = new("p.plan, p.plan_until, p.plan_then");

    /// <param name="row">A row whose select list has <see cref="Columns"/>.</param>
    /// <param name="first">Where they begin.</param>
    public static EffectivePlan Read(Row row, int first) => new(row.Text(first), row.InstantOrNull(first + 1), row.Text(first + 2));

    /// <summary>The name of the plan that counts at <paramref name="now"/>.</summary>
    public static string Read(Row row, int first, DateTimeOffset now) => Read(row, first).At(now);

    /// <summary>The name of the plan that counts at <paramref name="now"/>.</summary>
    // An operator's word, typed as SQL over a plan that was about to end, stands.
    public string At(DateTimeOffset now) => Name != PlanCatalog.Enterprise && Until <= now ? Then : Name;
}
