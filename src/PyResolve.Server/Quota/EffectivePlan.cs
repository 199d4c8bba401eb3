using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>The plan that counts now. One that ends by time has ended at that instant, whether or not its row says so yet.</summary>
internal static class EffectivePlan
{
    /// <summary>What <see cref="Read"/> reads, of the table <c>profiles p</c>.</summary>
    public static readonly SqlFragment Columns = new("p.plan, p.plan_until, p.plan_then");

    /// <param name="row">A row whose select list has <see cref="Columns"/>.</param>
    /// <param name="first">Where they begin.</param>
    /// <param name="now">The instant to judge at.</param>
    public static string Read(Row row, int first, DateTimeOffset now)
    {
        var plan = row.Text(first);
        // An operator's word, typed as SQL over a plan that was about to end.
        return plan != Plans.Enterprise && row.InstantOrNull(first + 1) <= now ? row.Text(first + 2) : plan;
    }
}
