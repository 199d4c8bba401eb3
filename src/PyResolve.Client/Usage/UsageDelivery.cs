using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>The result of sending an event: recorded, rejected (final, with a failure), or to be sent again (not final).</summary>
internal readonly record struct DeliveryOutcome(bool IsFinal, PyResolveException? Failure)
{
    public static DeliveryOutcome Recorded { get; } = new(IsFinal: true, Failure: null);

    public static DeliveryOutcome Rejected(PyResolveException failure) => new(IsFinal: true, failure);

    public static DeliveryOutcome TryAgain(PyResolveException failure) => new(IsFinal: false, failure);
}

/// <summary>Sends events, in batches if the server supports them. Each has an id, so that it is stored once if sent twice.</summary>
internal sealed class UsageDelivery(ApiTransport transport)
{
    public const int LargestBatch = 500; // The server accepts 1,000.

    private const int MaxParallel = 8;
    private bool _serverTakesBatches = true;

    /// <returns>One outcome for each event, in order. Only cancellation throws.</returns>
    public async Task<IReadOnlyList<DeliveryOutcome>> SendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        if (events.Count == 1 || !_serverTakesBatches)
            return await SendOneByOneAsync(events, cancellationToken).ConfigureAwait(false);
        try
        {
            var answer = await transport.SendOnceAsync(
                (ApiRequest.Post("/usage/batch") with { IsRepeatable = true }).With(Body(events)),
                WireJson.Default.UsageBatchResponse, body => body.Results?.Count == events.Count && body.Results.All(IsComplete),
                cancellationToken).ConfigureAwait(false);
            return [.. answer.Results.Select(Read)];
        }
        catch (PyResolveException exception) when (exception is { Status: 404 or 405, Code: not PyResolveErrorCodes.UnexpectedAnswer })
        {
            // An older server, without batches.
            _serverTakesBatches = false;
        }
        catch (PyResolveException exception) when (IsRejection(exception))
        {
            // One of the events is invalid: sent one by one, each gets its own outcome.
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var again = DeliveryOutcome.TryAgain(Describe(exception));
            return [.. events.Select(_ => again)];
        }

        return await SendOneByOneAsync(events, cancellationToken).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<DeliveryOutcome>> SendOneByOneAsync(
        IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        var outcomes = new List<DeliveryOutcome>(events.Count);
        for (var i = 0; i < events.Count; i += MaxParallel)
        {
            var sending = events.Skip(i).Take(MaxParallel).Select(stored => SendAsync(stored, cancellationToken));
            outcomes.AddRange(await Task.WhenAll(sending).ConfigureAwait(false));
            if (outcomes.Find(static outcome => !outcome.IsFinal) is { Failure: { } } again)
            {
                outcomes.AddRange(events.Skip(outcomes.Count).Select(_ => again));
                break;
            }
        }

        return outcomes;
    }

    private async Task<DeliveryOutcome> SendAsync(StoredEvent stored, CancellationToken cancellationToken)
    {
        try
        {
            await transport.SendOnceAsync(
                (ApiRequest.Post("/usage") with { IsRepeatable = true }).With(stored.Json),
                WireJson.Default.UsageRecorded, static recorded => recorded.Status is not null, cancellationToken).ConfigureAwait(false);
            return DeliveryOutcome.Recorded;
        }
        catch (PyResolveException exception) when (IsRejection(exception))
        {
            return DeliveryOutcome.Rejected(exception);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return DeliveryOutcome.TryAgain(Describe(exception));
        }
    }

    /// <summary>Whether the events are invalid. After 401, 403 (key) or 404 (address) they wait until the problem is fixed.</summary>
    private static bool IsRejection(PyResolveException exception) =>
        exception is { Status: 400 or 409 or 413 or 422, Code: not PyResolveErrorCodes.UnexpectedAnswer };

    /// <summary>A message handler of the host may throw any exception; sending continues after it.</summary>
    public static PyResolveException Describe(Exception exception) => exception as PyResolveException
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

    private static bool IsComplete(UsageBatchResult? result) => result?.Status is not null;

    private static DeliveryOutcome Read(UsageBatchResult result)
    {
        if (result.Status is UsageBatchStatuses.Recorded or UsageBatchStatuses.Duplicate)
            return DeliveryOutcome.Recorded;
        var isConflict = result.Status == UsageBatchStatuses.Conflict;
        var code = Redaction.Line(result.Code) ?? (isConflict ? ProblemCodes.Conflict : ProblemCodes.Invalid);
        return isConflict
            ? DeliveryOutcome.Rejected(
                new(code, "Another usage event has this id already.", "Use a new id for each event.") { Status = 409 })
            : DeliveryOutcome.Rejected(new(code, Reason(result, code)) { Status = 422 });
    }

    private static string Reason(UsageBatchResult result, string code)
    {
        var broken = result.Errors?
            .Where(static error => error.Value is { Count: > 0 })
            .Select(static error => $"{error.Key} {error.Value[0]}")
            .ToList();
        return broken is { Count: > 0 }
            ? $"The event breaks a rule: {Redaction.Line(string.Join(" ", broken))}"
            : $"The server rejected the event as {Redaction.Line(result.Status)} ({code}).";
    }
}
