using System.Runtime.InteropServices;

namespace PyResolve.Server.Quota;

/// <summary>The units of an account in a month.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct QuotaUnits(long Used, long Held)
{
    /// <summary>Of the used and held units.</summary>
    public long CoveredByCredits { get; init; }

    /// <summary>Of the used and held units.</summary>
    public long Overage { get; init; }

    public long CreditsLeft { get; init; }

    /// <summary>The most overage in a month.</summary>
    public long OverageLimit { get; init; }

    /// <summary>Of a plan's limit: units that credits and overage cover use none of it.</summary>
    public long PlanLeft(long limit) => Math.Max(0, limit + CoveredByCredits + Overage - Used - Held);

    public bool HasBeyond => CreditsLeft > 0 || OverageLimit > Overage;
}
