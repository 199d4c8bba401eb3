using System.Diagnostics.CodeAnalysis;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>A check of the quota, which reserves nothing: only a <see cref="QuotaPermit"/> guarantees that a migration may run.</summary>
public sealed record QuotaCheck
{
    /// <summary>Whether a permit for one migration would have been granted at the time of the check.</summary>
    [MemberNotNullWhen(false, nameof(Denial))]
    public bool IsAllowed => Denial is null;

    /// <summary>Why not; <see langword="null"/> when it is allowed.</summary>
    public QuotaDenial? Denial { get; init; }

    /// <summary>The account's quota; <see langword="null"/> without a key, or when the server was not reached.</summary>
    public QuotaSnapshot? Quota { get; init; }
}
