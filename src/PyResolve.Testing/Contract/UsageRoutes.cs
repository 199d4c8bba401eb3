using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class UsageRoutes
{
    private const int LargestBatch = 4 * 1024 * 1024;
    private const int MostEvents = 1_000;
    private static readonly TimeSpan OldestEvent = TimeSpan.FromDays(35);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public static FakeAnswer Record(Call call)
    {
        Guid? idempotencyKey = call.Request.Header("Idempotency-Key") switch
        {
            null => null,
            var text when Guid.TryParseExact(text, "D", out var key) => key,
            _ => throw new ProblemException(
                Problems.Malformed("Idempotency-Key must be a UUID here, such as 019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90.")),
        };
        var usage = call.Body<UsageEventRequest>();
        if (idempotencyKey is not null && usage.Id is not null && idempotencyKey != usage.Id)
            throw new ProblemException(Problems.Malformed(ProblemTexts.TwoIds));
        Record(call, usage with { Id = usage.Id ?? idempotencyKey });
        return FakeAnswer.Json(new("recorded"), WireJson.Default.UsageRecorded);
    }

    public static FakeAnswer RecordBatch(Call call)
    {
        using var document = call.Document(LargestBatch, Strict);
        if (document.RootElement.ValueKind is not JsonValueKind.Object)
            throw new ProblemException(Problems.Invalid("body", ProblemTexts.NotAnObject));
        if (!document.RootElement.TryGetProperty("events", out var events) || events.ValueKind is not JsonValueKind.Array
            || events.GetArrayLength() is 0 or > MostEvents)
            throw new ProblemException(Problems.Invalid("events", $"must be a list of 1 to {MostEvents} events."));

        UsageBatchResult[] results = [.. events.EnumerateArray().Select((element, index) => RecordOne(call, element, index))];
        int Count(string status) => results.Count(result => result.Status == status);
        return FakeAnswer.Json(
            new(
                results,
                Count(UsageBatchStatuses.Recorded),
                Count(UsageBatchStatuses.Duplicate),
                Count(UsageBatchStatuses.Conflict),
                Count(UsageBatchStatuses.Invalid)),
            WireJson.Default.UsageBatchResponse);
    }

    private static UsageBatchResult RecordOne(Call call, JsonElement element, int index)
    {
        UsageEventRequest? usage = null;
        try
        {
            usage = Call.Read<UsageEventRequest>(element);
            usage = usage with { Id = usage.Id ?? Ids.Create() };
            return new(usage.Id, Record(call, usage) ? UsageBatchStatuses.Recorded : UsageBatchStatuses.Duplicate);
        }
        catch (ProblemException exception) when (exception.Problem.Code == ProblemCodes.Conflict)
        {
            return Refused(usage!.Id, UsageBatchStatuses.Conflict, exception.Problem, index);
        }
        catch (ProblemException exception)
        {
            var id = element.ValueKind is JsonValueKind.Object && element.TryGetProperty("id", out var sent)
                && sent.ValueKind is JsonValueKind.String && sent.TryGetGuid(out var given) ? given : (Guid?)null;
            return Refused(id, UsageBatchStatuses.Invalid, exception.Problem, index);
        }
    }

    private static UsageBatchResult Refused(Guid? id, string status, Problem problem, int index) =>
        new(id, status) { Index = index, Code = problem.Code, Detail = problem.Detail, Errors = problem.Errors };

    /// <returns>Whether it is new: the same event sent again is not.</returns>
    private static bool Record(Call call, UsageEventRequest usage)
    {
        CheckFields(usage, call.Now);
        var account = call.Account;
        account.ExpireDue(call.Now);
        var reservation = usage.ReservationId is { } named
            ? account.Reservations.Find(reservation => reservation.Id == named)
                ?? throw new ProblemException(Problems.Invalid("reservation_id", ProblemTexts.ReservationNotFound))
            : null;
        if (reservation is not null && reservation.Tier != usage.Tier)
            throw new ProblemException(Problems.Invalid("tier", ProblemTexts.NotOfReservation));

        var recorded = LedgerEvent.From(usage, call.Caller.Key?.Id, quantity: 1, reservation, call.Now);
        if (account.Events.Find(earlier => earlier.Event.Id == usage.Id) is { } earlier)
        {
            return earlier.Payload == recorded.Payload
                ? false
                : throw new ProblemException(Problems.Conflict(ProblemTexts.EventIdTaken));
        }

        account.Events.Add(recorded);
        reservation?.Spend(recorded.Event.Id);
        return true;
    }

    private static void CheckFields(UsageEventRequest usage, DateTimeOffset now)
    {
        var rules = new FieldErrors();
        if (usage.EventType is null)
            rules.Add("event_type", ProblemTexts.IsRequired);
        else if (!IsEventType(usage.EventType))
            rules.Add("event_type", ProblemTexts.NotAnEventType);
        rules.Text("library", usage.Library, FieldErrors.LongestLibrary);
        rules.Tier("tier", usage.Tier, required: false);
        rules.Counts(usage.FilesChanged, usage.TokensUsed);
        rules.Metadata("metadata", usage.Metadata);
        if (usage.OccurredAt < now - OldestEvent)
            rules.Add("occurred_at", ProblemTexts.TooLongAgo);
        if (usage.OccurredAt > now + ClockTolerance)
            rules.Add("occurred_at", ProblemTexts.TooFarAhead(now));
        if (usage.ReservationId is not null && usage.EventType is not null and not LedgerEvent.Migration)
            rules.Add("reservation_id", ProblemTexts.ReservationOfMigrationOnly);
        rules.ThrowIfAny();
    }

    private static bool IsEventType(string text) =>
        text is { Length: > 0 and <= 64 } && text[0] is >= 'a' and <= 'z'
        && text.All(static character => character is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_');
}
