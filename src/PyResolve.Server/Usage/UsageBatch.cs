using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.Ledger;

namespace PyResolve.Server.Usage;

/// <summary>A batch as it was sent: what is wrong with one event is that event's alone, down to its JSON.</summary>
internal sealed class UsageBatch
{
    public const int LargestBody = 4 * 1024 * 1024;
    private const int MostEvents = 1_000;

    /// <summary>The list around an event adds two levels.</summary>
    private static readonly JsonDocumentOptions Strict = JsonBody.Strict with { MaxDepth = JsonBody.Strict.MaxDepth + 2 };
    private static readonly JsonDocumentOptions Lenient = new() { MaxDepth = 1_000 };

    private readonly Item[] _items;

    private UsageBatch(Item[] items)
    {
        _items = items;
        Records = [.. items.Where(item => item.Problem is null).Select(item => item.Record!)];
    }

    /// <summary>The events that may be recorded, in their order.</summary>
    public UsageRecord[] Records { get; }

    /// <exception cref="ProblemException">It is no batch at all.</exception>
    public static UsageBatch Read(ReadOnlyMemory<byte> json, DateTimeOffset now)
    {
        using var document = Parse(json, out var isStrict);
        if (document.RootElement.ValueKind is not JsonValueKind.Object)
            throw new ProblemException(Problems.Invalid("body", "must be a JSON object."));
        if (!isStrict)
            ThrowUnlessStrict(document.RootElement);
        if (!document.RootElement.TryGetProperty("events", out var events) || events.ValueKind is not JsonValueKind.Array || events.GetArrayLength() is 0 or > MostEvents)
            throw new ProblemException(Problems.Invalid("events", $"must be a list of 1 to {MostEvents} events."));
        return new UsageBatch([.. events.EnumerateArray().Select(element => ReadItem(element, isStrict, now))]);
    }

    /// <param name="outcomes">How each of <see cref="Records"/> ended.</param>
    public UsageBatchResponse Describe(IReadOnlyList<RecordOutcome> outcomes)
    {
        var results = new UsageBatchResult[_items.Length];
        var (recorded, duplicates, conflicts, judged) = (0, 0, 0, 0);
        for (var i = 0; i < results.Length; i++)
        {
            var (id, record, problem) = _items[i];
            if (problem is not null)
            {
                results[i] = Invalid(id, problem);
                continue;
            }

            switch (outcomes[judged++])
            {
                case RecordOutcome.Recorded:
                    recorded++;
                    results[i] = new UsageBatchResult(record!.Id, UsageBatchStatuses.Recorded);
                    break;
                case RecordOutcome.Duplicate:
                    duplicates++;
                    results[i] = new UsageBatchResult(record!.Id, UsageBatchStatuses.Duplicate);
                    break;
                case RecordOutcome.Conflict:
                    conflicts++;
                    results[i] = new UsageBatchResult(record!.Id, UsageBatchStatuses.Conflict) { Code = ProblemCodes.Conflict };
                    break;
                case var refused:
                    results[i] = Invalid(record!.Id, refused.ToProblem()!);
                    break;
            }
        }

        return new UsageBatchResponse(results, recorded, duplicates, conflicts, results.Length - recorded - duplicates - conflicts);
    }

    /// <summary>A member given twice, or half a character in a name, is looked for again event by event where there is any.</summary>
    private static JsonDocument Parse(ReadOnlyMemory<byte> json, out bool isStrict)
    {
        try
        {
            isStrict = true;
            return JsonDocument.Parse(json, Strict);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            isStrict = false;
            return JsonBody.Parse(json, Lenient);
        }
    }

    /// <summary>The members around the events are the whole batch's.</summary>
    private static void ThrowUnlessStrict(JsonElement body)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in body.EnumerateObject())
        {
            if (!IsReadable(() => member.Name))
                throw new ProblemException(Problems.Malformed("The body is not well-formed JSON: a member's name has half a character (a lone surrogate)."));
            if (!names.Add(member.Name))
                throw new ProblemException(Problems.Malformed($"The body has the member '{member.Name}' twice."));
            if (member.Name != "events" && !IsStrict(member.Value))
                throw new ProblemException(Problems.Malformed($"The body's member '{member.Name}' has a member twice, half a character in a name, or too many levels."));
        }
    }

    private static Item ReadItem(JsonElement element, bool isStrict, DateTimeOffset now)
    {
        if (!isStrict && !IsStrict(element))
            return new Item(IdOf(element), null, Problems.Malformed("The event has a member twice, half a character in a name, or too many levels."));
        if (element.ValueKind is not JsonValueKind.Object)
            return new Item(null, null, Problems.Invalid("body", "must be a JSON object."));
        UsageEventRequest usage;
        try
        {
            usage = element.Deserialize(WireJson.Default.UsageEventRequest)!;
        }
        catch (JsonException exception)
        {
            return new Item(IdOf(element), null, JsonBody.WrongType(exception));
        }

        return UsageRules.Check(usage, now) is { } problem
            ? new Item(usage.Id, null, problem)
            : new Item(usage.Id, UsageRecord.From(usage, now), null);
    }

    private static bool IsStrict(JsonElement element)
    {
        try
        {
            JsonDocument.Parse(element.GetRawText(), JsonBody.Strict).Dispose();
            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsReadable(Func<string?> read)
    {
        try
        {
            read();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The id of an event that cannot be read as a whole.</summary>
    private static Guid? IdOf(JsonElement element)
    {
        if (element.ValueKind is not JsonValueKind.Object)
            return null;
        // Member by member: a look-up by name throws where another member's name has half a character.
        foreach (var member in element.EnumerateObject())
        {
            if (IsReadable(() => member.Name) && member.NameEquals("id") && member.Value.ValueKind is JsonValueKind.String)
                return Guid.TryParseExact(member.Value.GetRawText().Trim('"'), "D", out var value) ? value : null;
        }

        return null;
    }

    private static UsageBatchResult Invalid(Guid? id, Problem problem) =>
        new(id, UsageBatchStatuses.Invalid) { Code = problem.Code, Errors = problem.Errors };

    /// <param name="Id">As it was sent, if it was.</param>
    /// <param name="Record">Unless there is a problem.</param>
    /// <param name="Problem">What <c>POST /usage</c> would answer.</param>
    private readonly record struct Item(Guid? Id, UsageRecord? Record, Problem? Problem);
}
