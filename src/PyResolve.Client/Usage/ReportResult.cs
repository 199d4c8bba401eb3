using System.Diagnostics.CodeAnalysis;

namespace PyResolve.Client;

/// <summary>Whether an event was taken over.</summary>
public sealed record ReportResult
{
    private ReportResult()
    {
    }

    /// <summary>Whether the event is kept on disk until the server has it. A refused event is lost unless the caller keeps it.</summary>
    [MemberNotNullWhen(false, nameof(Reason), nameof(Refusal))]
    [MemberNotNullWhen(true, nameof(EventId))]
    public bool IsAccepted => EventId is not null;

    /// <summary>Why it was refused, for programs; <see langword="null"/> when it was accepted.</summary>
    public ReportRefusal? Refusal { get; private init; }

    /// <summary>Why it was refused, and what mends it, for people; <see langword="null"/> when it was accepted.</summary>
    public string? Reason { get; private init; }

    /// <summary>The id that the event has on the server; <see langword="null"/> when it was refused.</summary>
    public Guid? EventId { get; private init; }

    internal static ReportResult Accepted(Guid id) => new() { EventId = id };

    internal static ReportResult Refused(ReportRefusal refusal, string reason) => new() { Refusal = refusal, Reason = reason };
}

/// <summary>Why an event was refused.</summary>
public enum ReportRefusal
{
    /// <summary>There is no API key, so that there is no account to report for.</summary>
    NoKey,

    /// <summary>As much waits as may: <see cref="PyResolveClientOptions.OutboxCapacity"/> or <see cref="PyResolveClientOptions.OutboxBytes"/>.</summary>
    Full,

    /// <summary>The folder cannot be written: no room, no permission.</summary>
    NotWritable,

    /// <summary>The event is over 1 MiB, because of its metadata.</summary>
    TooLarge,

    /// <summary>The reporter was disposed of.</summary>
    Disposed,
}
