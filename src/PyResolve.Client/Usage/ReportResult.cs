using System.Diagnostics.CodeAnalysis;

namespace PyResolve.Client;

/// <summary>Whether an event was taken over.</summary>
public sealed record ReportResult
{
    private ReportResult()
    {
    }

    /// <summary>Whether the event now waits to be sent. A refused event is lost unless the caller keeps it.</summary>
    [MemberNotNullWhen(false, nameof(Reason))]
    [MemberNotNullWhen(true, nameof(EventId))]
    public bool IsAccepted => EventId is not null;

    /// <summary>Why it was refused, and what mends it; <see langword="null"/> when it was accepted.</summary>
    public string? Reason { get; private init; }

    /// <summary>The id that the event has on the server; <see langword="null"/> when it was refused.</summary>
    public Guid? EventId { get; private init; }

    internal static ReportResult Accepted(Guid id) => new() { EventId = id };

    internal static ReportResult Refused(string reason) => new() { Reason = reason };
}
