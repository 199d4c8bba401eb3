using System.Runtime.InteropServices;

namespace PyResolve.Server.Quota;

/// <summary>The units of an account in a month.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct QuotaUnits(long Used, long Held)
{
    /// <summary>How many of the used and held units credits cover.</summary>
    public long CoveredByCredits { get; init; }

    /// <summary>How many of the used and held units are overage.</summary>
    public long Overage { get; init; }

    public long CreditsLeft { get; init; }

    /// <summary>The most overage in a month.</summary>
    public long OverageLimit { get; init; }

    /// <summary>Units left of the plan's limit. Units covered by credits or overage do not count against it.</summary>
    public long PlanLeft(long limit) => Math.Max(0, limit + CoveredByCredits + Overage - Used - Held);

    public bool HasBeyond => CreditsLeft > 0 || OverageLimit > Overage;
}
