using System.Diagnostics.CodeAnalysis;

namespace PyResolve.Client;

/// <summary>Whether a usage event was accepted.</summary>
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

    /// <summary>Why it was refused and how to fix that, for people; <see langword="null"/> when it was accepted.</summary>
    public string? Reason { get; private init; }

    /// <summary>The event's id on the server; <see langword="null"/> when it was refused.</summary>
    public Guid? EventId { get; private init; }

    internal static ReportResult Accepted(Guid id) => new() { EventId = id };

    internal static ReportResult Refused(ReportRefusal refusal, string reason) => new() { Refusal = refusal, Reason = reason };
}

/// <summary>Why a usage event was refused.</summary>
public enum ReportRefusal
{
    /// <summary>There is no API key, and so no account to report for.</summary>
    NoKey,

    /// <summary>The outbox is full, by <c>OutboxCapacity</c> or <c>OutboxBytes</c>.</summary>
    Full,

    /// <summary>The outbox cannot be written: no space, no permission.</summary>
    NotWritable,

    /// <summary>The event is larger than 1 MiB, because of its metadata.</summary>
    TooLarge,

    /// <summary>The reporter has been disposed of.</summary>
    Disposed,

    /// <summary>The client is switched off: <see cref="PyResolveClientOptions.Enabled"/> is false.</summary>
    Disabled,
}
