using PyResolve.Client.Wire;

namespace PyResolve.Server.Quota;

/// <summary>What a caller does with a reservation.</summary>
/// <param name="Commit">What was done under it; <see langword="null"/>: it is given back.</param>
internal sealed record Settlement(Guid UserId, Guid Id, CommitRequest? Commit)
{
    public (Guid UserId, Guid Id) Key => (UserId, Id);
}
