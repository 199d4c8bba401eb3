using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Usage;

/// <summary>The body of a batch. An error in one event, even in its JSON, does not affect the others.</summary>
internal sealed class UsageBatch : IBindableFromHttpContext<UsageBatch>, IEndpointParameterMetadataProvider
{
    private const int MaxBody = 4 * 1024 * 1024;
    private const int MaxEvents = 1_000;

    private static readonly JsonTypeInfo<UsageEventRequest> EventType = RequestJson.TypeOf<UsageEventRequest>();

    // Two more levels for the list around the events.
    private static readonly JsonDocumentOptions Strict = JsonBody.Strict with { MaxDepth = JsonBody.Strict.MaxDepth + 2 };
    private static readonly JsonDocumentOptions Lenient = new() { MaxDepth = 1_000 };

    private readonly Item[] _items;

    private UsageBatch(Item[] items)
    {
        _items = items;
        Events = [.. items.Where(item => item.Problem is null).Select(item => item.Event!)];
    }

    public UsageEvent[] Events { get; }

    public static async ValueTask<UsageBatch?> BindAsync(HttpContext context, ParameterInfo parameter) => Read(
        await JsonBody.ReadJsonAsync(context, MaxBody),
        context.Caller().ApiKeyId,
        context.RequestServices.GetRequiredService<TimeProvider>().GetInstant());

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(UsageBatchRequest)));

    private static UsageBatch Read(ReadOnlyMemory<byte> json, Guid? keyId, DateTimeOffset now)
    {
        using var document = Parse(json, out var isStrict);
        if (document.RootElement.ValueKind is not JsonValueKind.Object)
            throw new ProblemException(Problems.Invalid("body", ProblemTexts.NotAnObject));
        if (!isStrict)
            ThrowUnlessStrict(document.RootElement);
        if (!document.RootElement.TryGetProperty("events", out var events)
            || events.ValueKind is not JsonValueKind.Array
            || events.GetArrayLength() is 0 or > MaxEvents)
        {
            throw new ProblemException(Problems.Invalid("events", $"must be a list of 1 to {MaxEvents} events."));
        }

        return new UsageBatch([.. events.EnumerateArray().Select(element => ReadItem(element, isStrict, keyId, now))]);
    }

    public UsageBatchResponse Describe(IReadOnlyList<RecordOutcome> outcomes)
    {
        var next = 0;
        UsageBatchResult[] results =
        [
            .. _items.Select((item, index) => item.Problem is { } problem
                ? CreateResult(index, item.Id, problem)
                : CreateResult(index, item.Event!.Id, outcomes[next++])),
        ];
        return new UsageBatchResponse(
            results,
            Count(UsageBatchStatuses.Recorded),
            Count(UsageBatchStatuses.Duplicate),
            Count(UsageBatchStatuses.Conflict),
            Count(UsageBatchStatuses.Invalid));

        int Count(string status) => results.Count(result => result.Status == status);
    }

    private static UsageBatchResult CreateResult(int index, Guid id, RecordOutcome outcome) => outcome switch
    {
        RecordOutcome.Recorded => new(id, UsageBatchStatuses.Recorded),
        RecordOutcome.Duplicate => new(id, UsageBatchStatuses.Duplicate),
        RecordOutcome.Conflict => CreateResult(index, id, outcome.ToProblem()!) with { Status = UsageBatchStatuses.Conflict },
        _ => CreateResult(index, id, outcome.ToProblem()!),
    };

    private static UsageBatchResult CreateResult(int index, Guid? id, Problem problem) =>
        new(id, UsageBatchStatuses.Invalid) { Index = index, Code = problem.Code, Detail = problem.Detail, Errors = problem.Errors };

    /// <summary>
    /// Parses the body. Where the strict parser fails (a duplicate member, a lone surrogate in a name), each event is checked on its own.
    /// </summary>
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

    private static void ThrowUnlessStrict(JsonElement body)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in body.EnumerateObject())
        {
            if (!IsReadable(() => member.Name))
                throw Malformed("The body is not well-formed JSON: a member's name has half a character (a lone surrogate).");
            if (!names.Add(member.Name))
                throw Malformed($"The body has the member '{member.Name}' twice.");
            if (member.Name != "events" && FindFault(member.Value) is { } fault)
                throw Malformed($"In the body's member '{member.Name}': {fault}");
        }

        static ProblemException Malformed(string detail) => new(Problems.Malformed(detail));
    }

    private static Item ReadItem(JsonElement element, bool isStrict, Guid? keyId, DateTimeOffset now)
    {
        if (!isStrict && FindFault(element) is { } fault)
            return new Item(IdOf(element), null, Problems.Malformed(fault));
        if (element.ValueKind is not JsonValueKind.Object)
            return new Item(null, null, Problems.Invalid("body", ProblemTexts.NotAnObject));
        UsageEventRequest usage;
        try
        {
            usage = element.Deserialize(EventType)!;
        }
        catch (JsonException exception)
        {
            return new Item(IdOf(element), null, JsonBody.WrongType(exception));
        }

        return UsageRules.Check(usage, now) is { } problem
            ? new Item(usage.Id, null, problem)
            : new Item(usage.Id, UsageEvent.From(usage, keyId, now), null);
    }

    /// <returns>What <c>POST /usage</c> would say of the JSON: a member twice, half a character in a name, too many levels.</returns>
    private static string? FindFault(JsonElement element)
    {
        try
        {
            JsonDocument.Parse(element.GetRawText(), JsonBody.Strict).Dispose();
            return null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return ProblemTexts.MalformedJson(exception);
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

    private static Guid? IdOf(JsonElement element)
    {
        if (element.ValueKind is not JsonValueKind.Object)
            return null;
        // Not TryGetProperty, which throws if any member's name has a lone surrogate.
        foreach (var member in element.EnumerateObject())
        {
            if (IsReadable(() => member.Name) && member.NameEquals("id") && member.Value.ValueKind is JsonValueKind.String)
                return Guid.TryParseExact(member.Value.GetRawText().Trim('"'), "D", out var value) ? value : null;
        }

        return null;
    }

    private readonly record struct Item(Guid? Id, UsageEvent? Event, Problem? Problem);
}
