using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>How many grants, extensions or settlements wait, and share a transaction.</summary>
internal static class ReservationGroups
{
    public static GroupLimits Limits { get; } = new(
        QueueItems: 16_384, QueueBytes: 64 * 1024 * 1024, GroupItems: 512, GroupBytes: 4 * 1024 * 1024);
}
