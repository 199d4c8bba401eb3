using PyResolve.Client.Wire;

namespace PyResolve;

/// <summary>The usage event of a committed reservation. Compiled into the server and into PyResolve.Testing.</summary>
internal static class CommittedUsage
{
    public static UsageEventRequest Of(CommitRequest commit, Guid reservationId, string? tier, string? library) => new()
    {
        EventType = "migration",
        Library = commit.Library ?? library,
        Tier = tier,
        FilesChanged = commit.FilesChanged,
        TokensUsed = commit.TokensUsed,
        Metadata = commit.Metadata,
        ReservationId = reservationId,
        Id = commit.Id,
    };
}
