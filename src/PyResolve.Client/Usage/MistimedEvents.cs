using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Events that the server refuses for their time, because this machine's clock is wrong.</summary>
internal static class MistimedEvents
{
    /// <summary>The server takes nothing older.</summary>
    private static readonly TimeSpan TakenBack = TimeSpan.FromDays(35);

    /// <summary>The server takes 5 minutes; its answers tell the time to the second.</summary>
    private static readonly TimeSpan TakenAhead = TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether an event has waited for longer than the server takes. Its time of report alone does not tell: the clock may have been wrong then.
    /// Nor does this machine's clock, until the server's is known.
    /// </summary>
    public static bool IsTooOld(StoredEvent stored, ServerClock serverClock, DateTimeOffset now) =>
        serverClock.IsKnown
        && stored.ReportedAt < now - TakenBack
        && (JsonSerializer.Deserialize(stored.Json, WireJson.Requests.UsageEventRequest)?.OccurredAt ?? stored.ReportedAt) < serverClock.Now - TakenBack;

    /// <summary>The event at the time that the server's clock had then; <see langword="null"/> if its time is not what is wrong with it.</summary>
    public static StoredEvent? Correct(StoredEvent stored, ServerClock serverClock)
    {
        var usage = JsonSerializer.Deserialize(stored.Json, WireJson.Requests.UsageEventRequest);
        var now = serverClock.Now;
        if (usage?.OccurredAt is not { } occurredAt || IsTaken(occurredAt, now))
            return null;
        var then = occurredAt + serverClock.Skew;
        var corrected = then < now ? then : now;
        return IsTaken(corrected, now)
            ? stored with { Json = JsonSerializer.SerializeToUtf8Bytes(usage with { OccurredAt = corrected }, WireJson.Requests.UsageEventRequest) }
            : null;
    }

    private static bool IsTaken(DateTimeOffset occurredAt, DateTimeOffset now) => occurredAt >= now - TakenBack && occurredAt <= now + TakenAhead;
}
