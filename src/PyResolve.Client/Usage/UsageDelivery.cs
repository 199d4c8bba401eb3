using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>What became of an event that was sent: recorded; refused for good, and why; or worth another try, and why.</summary>
internal readonly record struct Verdict(bool IsFinal, PyResolveException? Failure)
{
    public static Verdict Recorded { get; } = new(IsFinal: true, Failure: null);

    public static Verdict Rejected(PyResolveException failure) => new(IsFinal: true, failure);

    public static Verdict TryAgain(PyResolveException failure) => new(IsFinal: false, failure);
}

/// <summary>
/// Sends events, many in one request where the server takes batches. Each has an id of its own, so that sending one again stores it once.
/// </summary>
internal sealed class UsageDelivery(ApiTransport transport)
{
    /// <summary>The server takes 1,000.</summary>
    public const int MostAtOnce = 500;

    private const int MostSideBySide = 8;
    private bool _serverTakesBatches = true;

    /// <summary>One verdict for each event, in order. Throws for cancellation alone.</summary>
    public async Task<IReadOnlyList<Verdict>> SendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        if (events.Count == 1 || !_serverTakesBatches)
            return await SendOneByOneAsync(events, cancellationToken).ConfigureAwait(false);
        try
        {
            var answer = await transport.SendOnceAsync(ApiRequest.Post("/usage/batch").With(Body(events)), cancellationToken).ConfigureAwait(false);
            return answer.Read(body => Verdicts(body, events.Count));
        }
        catch (PyResolveException exception) when (exception is { Status: 404 or 405, Code: not PyResolveErrorCodes.UnexpectedAnswer })
        {
            // A server from before there were batches.
            _serverTakesBatches = false;
        }
        catch (PyResolveException exception) when (IsAboutTheEvents(exception))
        {
            // Something is wrong with one of them: each gets its own verdict.
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var again = Verdict.TryAgain(Describe(exception));
            return [.. events.Select(_ => again)];
        }

        return await SendOneByOneAsync(events, cancellationToken).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<Verdict>> SendOneByOneAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        var verdicts = new List<Verdict>(events.Count);
        for (var i = 0; i < events.Count; i += MostSideBySide)
        {
            var sending = events.Skip(i).Take(MostSideBySide).Select(stored => SendAsync(stored, cancellationToken));
            verdicts.AddRange(await Task.WhenAll(sending).ConfigureAwait(false));
            if (verdicts.Find(static verdict => !verdict.IsFinal) is { Failure: { } } again)
            {
                verdicts.AddRange(events.Skip(verdicts.Count).Select(_ => again));
                break;
            }
        }

        return verdicts;
    }

    private async Task<Verdict> SendAsync(StoredEvent stored, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await transport.SendOnceAsync(ApiRequest.Post("/usage").With(stored.Json), cancellationToken).ConfigureAwait(false);
            answer.Read(WireJson.Default.UsageRecorded, static recorded => recorded.Status is not null);
            return Verdict.Recorded;
        }
        catch (PyResolveException exception) when (IsAboutTheEvents(exception))
        {
            return Verdict.Rejected(exception);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return Verdict.TryAgain(Describe(exception));
        }
    }

    /// <summary>A refusal that waiting does not mend. A refused key (401, 403) or a wrong address (404) is not one: the events wait until that is mended.</summary>
    private static bool IsAboutTheEvents(PyResolveException exception) =>
        exception is { Status: 400 or 409 or 413 or 422, Code: not PyResolveErrorCodes.UnexpectedAnswer };

    /// <summary>A message handler of the host's may throw anything; the loop outlives it.</summary>
    private static PyResolveException Describe(Exception exception) => exception as PyResolveException
        ?? new(PyResolveErrorCodes.Unreachable, $"Cannot send usage: {Redaction.Line(exception.Message)}", exception);

    private static byte[] Body(IReadOnlyList<StoredEvent> events)
    {
        using var body = new MemoryStream();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("events");
            foreach (var stored in events)
                writer.WriteRawValue(stored.Json, skipInputValidation: true);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return body.ToArray();
    }

    private static List<Verdict>? Verdicts(JsonElement body, int count)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("results", out var results)
            || results.ValueKind != JsonValueKind.Array || results.GetArrayLength() != count)
        {
            return null;
        }

        var verdicts = new List<Verdict>(count);
        foreach (var result in results.EnumerateArray())
        {
            if (result.ValueKind != JsonValueKind.Object || Text(result, "status") is not { } status)
                return null;
            verdicts.Add(status is "recorded" or "duplicate" ? Verdict.Recorded : Verdict.Rejected(Refusal(status, Text(result, "code"))));
        }

        return verdicts;
    }

    private static PyResolveException Refusal(string status, string? code)
    {
        code = Redaction.Line(code ?? status)!;
        var reason = status == "conflict"
            ? "Another usage event has this id already. Use a new id for each event."
            : $"The server refused the event as {Redaction.Line(status)} ({code}).";
        return new(code, reason) { Status = status == "conflict" ? 409 : 422 };
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
