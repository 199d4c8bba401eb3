using System.Collections.Concurrent;
using System.Text.Json;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>A scripted server that makes one reservation per idempotency key, and one charge per event id.</summary>
public sealed class Ledger
{
    private readonly ConcurrentDictionary<string, Guid> _reservations = new();
    private readonly ConcurrentDictionary<Guid, int> _charges = new();
    private readonly ConcurrentQueue<Guid> _inOrder = new();
    private readonly ConcurrentDictionary<Guid, string> _payloads = new();
    private readonly ConcurrentDictionary<Guid, bool> _released = new();
    private int _contradictions;

    public int Reservations => _reservations.Count;

    public int Charges => _charges.Count;

    /// <summary>The events of <c>POST /usage</c> and <c>/usage/batch</c>, in the order of their first arrival.</summary>
    public IReadOnlyList<Guid> InOrder => [.. _inOrder];

    /// <summary>Events that arrived again with the same id and another payload.</summary>
    public int Contradictions => _contradictions;

    public int Released => _released.Count;

    public static async Task<(ScriptedServer Server, Ledger Ledger)> StartAsync(Unreliable? unreliable = null)
    {
        var ledger = new Ledger();
        return (await ledger.StartServerAsync(unreliable), ledger);
    }

    /// <summary>Another server of the same service.</summary>
    public async Task<ScriptedServer> StartServerAsync(Unreliable? unreliable = null)
    {
        var server = await ScriptedServer.StartAsync();
        server.On("POST /quota/reservations", Reserve);
        server.On("POST /quota/reservations/*/commit", Commit);
        server.On("DELETE /quota/reservations/*", Release);
        server.On("POST /usage", unreliable?.Around(Record) ?? Record);
        server.On("POST /usage/batch", unreliable?.Around(RecordBatch) ?? RecordBatch);
        return server;
    }

    private Answer Reserve(ReceivedRequest request)
    {
        var key = request.Header("Idempotency-Key") ?? $"none-{_reservations.Count}";
        var id = _reservations.GetOrAdd(key, static _ => Guid.CreateVersion7());
        return Answer.Json(201, $$"""
            {"id":"{{id}}","state":"held","quantity":1,"remaining":1,"tier":"tier1","library":"pydantic","month":"2026-11",
             "expires_at":"2026-11-23T12:00:00Z","lease":null,"quota":{{Answer.QuotaBody(Charges)}}}
            """);
    }

    private Answer Commit(ReceivedRequest request)
    {
        var id = JsonDocument.Parse(request.Body).RootElement.GetProperty("id").GetGuid();
        _charges.TryAdd(id, 1);
        return Answer.Json(200, $$"""
            {"id":"{{request.Path.Split('/')[3]}}","state":"committed","usage_event_id":"{{id}}","remaining":0,"quota":{{Answer.QuotaBody(Charges)}}}
            """);
    }

    private Answer Release(ReceivedRequest request)
    {
        var id = Guid.Parse(request.Path.Split('/')[3]);
        _released.TryAdd(id, true);
        return Answer.Json(200, $$"""{"id":"{{id}}","state":"released","quota":{{Answer.QuotaBody(Charges)}}}""");
    }

    private Answer Record(ReceivedRequest request)
    {
        Charge(JsonDocument.Parse(request.Body).RootElement);
        return Answer.Json(200, """{"status":"recorded"}""");
    }

    private Answer RecordBatch(ReceivedRequest request)
    {
        var events = JsonDocument.Parse(request.Body).RootElement.GetProperty("events").EnumerateArray();
        var results = events.Select(
            usage => $$"""{"id":{{usage.GetProperty("id").GetRawText()}},"status":"{{(Charge(usage) ? "recorded" : "duplicate")}}"}""");
        return Answer.Json(200, $$"""{"results":[{{string.Join(',', results)}}]}""");
    }

    private bool Charge(JsonElement usage)
    {
        var id = usage.GetProperty("id").GetGuid();
        if (_payloads.GetOrAdd(id, usage.GetRawText()) != usage.GetRawText())
            Interlocked.Increment(ref _contradictions);
        if (!_charges.TryAdd(id, 1))
            return false;
        _inOrder.Enqueue(id);
        return true;
    }
}
