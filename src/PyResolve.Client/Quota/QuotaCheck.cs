using System.Diagnostics.CodeAnalysis;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>A look at the quota. Nothing is held: only a <see cref="QuotaPermit"/> promises that a migration may run.</summary>
public sealed record QuotaCheck
{
    /// <summary>Whether a permit would have been granted just now.</summary>
    [MemberNotNullWhen(false, nameof(Denial))]
    public bool IsAllowed => Denial is null;

    /// <summary>Why not; <see langword="null"/> when it is allowed.</summary>
    public QuotaDenial? Denial { get; init; }

    /// <summary>Where the account stands; <see langword="null"/> without a key.</summary>
    public QuotaSnapshot? Quota { get; init; }
}
