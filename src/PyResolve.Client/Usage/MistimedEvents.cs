using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Events that the server rejects for their time, because this machine's clock is wrong.</summary>
internal static class MistimedEvents
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(35); // The server accepts nothing older.

    /// <summary>The server accepts 5 minutes; its answers have the time in whole seconds.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(5);

    /// <summary>Whether an event has waited for longer than the server accepts. The time of its report does not show it, because the clock
    /// may have been wrong then; nor does this machine's clock, until the server's time is known.</summary>
    public static bool IsTooOld(StoredEvent stored, ServerClock serverClock, DateTimeOffset now) =>
        serverClock.IsKnown
        && stored.ReportedAt < now - MaxAge
        && (Parse(stored)?.OccurredAt ?? stored.ReportedAt) < serverClock.Now - MaxAge;

    /// <summary>The event with the server's time; <see langword="null"/> if its time is not the reason for the rejection.</summary>
    public static StoredEvent? Correct(StoredEvent stored, ServerClock serverClock)
    {
        var usage = Parse(stored);
        var now = serverClock.Now;
        if (usage?.OccurredAt is not { } occurredAt || IsAccepted(occurredAt, now))
            return null;
        var shifted = occurredAt + serverClock.Skew;
        var corrected = shifted < now ? shifted : now;
        return IsAccepted(corrected, now)
            ? stored with
            {
                Json = JsonSerializer.SerializeToUtf8Bytes(usage with { OccurredAt = corrected }, WireJson.Requests.UsageEventRequest),
            }
            : null;
    }

    private static UsageEventRequest? Parse(StoredEvent stored) =>
        JsonSerializer.Deserialize(stored.Json, WireJson.Requests.UsageEventRequest);

    private static bool IsAccepted(DateTimeOffset occurredAt, DateTimeOffset now) =>
        occurredAt >= now - MaxAge && occurredAt <= now + MaxAhead;
}
