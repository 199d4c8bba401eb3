using System.Text.RegularExpressions;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.Ledger;

namespace PyResolve.Server.Usage;

internal static partial class UsageRules
{
    private static readonly TimeSpan OldestEvent = TimeSpan.FromDays(35);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    public static Problem? Check(UsageEventRequest usage, DateTimeOffset now)
    {
        var errors = new FieldErrors();
        if (usage.EventType is null)
            errors.Add("event_type", ProblemTexts.IsRequired);
        else if (!EventType().IsMatch(usage.EventType))
            errors.Add("event_type", ProblemTexts.NotAnEventType);
        errors.Text("library", usage.Library, FieldErrors.LongestLibrary);
        errors.Tier("tier", usage.Tier, required: false);
        CheckCounts(errors, usage.FilesChanged, usage.TokensUsed);
        errors.Metadata("metadata", usage.Metadata);
        if (usage.OccurredAt < now - OldestEvent)
            errors.Add("occurred_at", ProblemTexts.TooLongAgo);
        if (usage.OccurredAt > now + ClockTolerance)
            errors.Add("occurred_at", ProblemTexts.TooFarAhead(now));
        if (usage.ReservationId is not null && usage.EventType is not null and not UsageEvent.Migration)
            errors.Add("reservation_id", ProblemTexts.ReservationOfMigrationOnly);
        return errors.Problem;
    }

    public static void CheckCounts(FieldErrors errors, long? filesChanged, long? tokensUsed)
    {
        errors.Range("files_changed", filesChanged, 0, int.MaxValue);
        errors.Range("tokens_used", tokensUsed, 0, int.MaxValue);
    }

    [GeneratedRegex(
        @"\A[a-z][a-z0-9_]{0,63}\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex EventType();
}
