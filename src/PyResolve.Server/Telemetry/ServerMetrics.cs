using System.Diagnostics.Metrics;

namespace PyResolve.Server.Telemetry;

/// <summary>What this instance counts. Names are those of OpenTelemetry; Prometheus writes <c>_</c> for each dot.</summary>
internal sealed class ServerMetrics
{
    public const string MeterName = "PyResolve.Server";

    private static readonly string[] KeyResults = ["remembered", "verified", "refused", "throttled"];
    private static readonly string[] GrantOutcomes = ["granted", "repeated", "refused"];
    private static readonly string[] Settlements = ["committed", "released", "refused"];
    private static readonly string[] EventOutcomes = ["recorded", "repeated", "refused"];
    private static readonly string[] SyncOutcomes = ["done", "failed"];
    private static readonly string[] EmailOutcomes = ["sent", "retried", "given_up"];

    private readonly Counter<long> _keyChecks;
    private readonly Counter<long> _reservations;
    private readonly Counter<long> _settlements;
    private readonly Counter<long> _usageEvents;
    private readonly Counter<long> _customerSyncs;
    private readonly Counter<long> _emails;

    public ServerMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _keyChecks = meter.CreateCounter<long>("pyresolve.key.checks", "{check}", "API keys that requests brought, by result.");
        _reservations = meter.CreateCounter<long>("pyresolve.reservations", "{request}", "Requests for a reservation, by outcome.");
        _settlements = meter.CreateCounter<long>("pyresolve.settlements", "{request}", "Requests to end a reservation, by outcome.");
        _usageEvents = meter.CreateCounter<long>("pyresolve.usage.events", "{event}", "Usage events that clients sent, by outcome.");
        _customerSyncs = meter.CreateCounter<long>("pyresolve.stripe.syncs", "{sync}", "Customers compared with Stripe after an event.");
        _emails = meter.CreateCounter<long>("pyresolve.emails", "{email}", "Tries to send an e-mail, by outcome.");
    }

    public void KeyChecked(bool isRemembered, bool isRight, bool isThrottled) => Add(
        _keyChecks, "result", isThrottled ? "throttled" : !isRight ? "refused" : isRemembered ? "remembered" : "verified");

    public void ReservationAsked(bool isGranted, bool isNew) =>
        Add(_reservations, "outcome", !isGranted ? "refused" : isNew ? "granted" : "repeated");

    public void ReservationSettled(bool isCommitted, bool isReleased) =>
        Add(_settlements, "outcome", isCommitted ? "committed" : isReleased ? "released" : "refused");

    public void UsageSent(int recorded, int repeated, int refused)
    {
        Add(_usageEvents, "outcome", "recorded", recorded);
        Add(_usageEvents, "outcome", "repeated", repeated);
        Add(_usageEvents, "outcome", "refused", refused);
    }

    public void CustomerSynced(bool isDone) => Add(_customerSyncs, "outcome", isDone ? "done" : "failed");

    public void EmailSent() => Add(_emails, "outcome", "sent");

    public void EmailRetried() => Add(_emails, "outcome", "retried");

    public void EmailGivenUp() => Add(_emails, "outcome", "given_up");

    /// <summary>Each series exists from the start with 0: a rate over one that appears with 1 would miss the first.</summary>
    public void WriteZeros()
    {
        Write(_keyChecks, "result", KeyResults);
        Write(_reservations, "outcome", GrantOutcomes);
        Write(_settlements, "outcome", Settlements);
        Write(_usageEvents, "outcome", EventOutcomes);
        Write(_customerSyncs, "outcome", SyncOutcomes);
        Write(_emails, "outcome", EmailOutcomes);

        static void Write(Counter<long> counter, string name, string[] values)
        {
            foreach (var value in values)
                counter.Add(0, new KeyValuePair<string, object?>(name, value));
        }
    }

    private static void Add(Counter<long> counter, string name, string value, int count = 1)
    {
        if (count > 0)
            counter.Add(count, new KeyValuePair<string, object?>(name, value));
    }
}
