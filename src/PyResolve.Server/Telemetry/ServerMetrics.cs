using System.Diagnostics.Metrics;

namespace PyResolve.Server.Telemetry;

/// <summary>The metrics that this instance counts. Names are those of OpenTelemetry; Prometheus writes <c>_</c> for each dot.</summary>
internal sealed class ServerMetrics
{
    public const string MeterName = "PyResolve.Server";

    private readonly Tally _keyChecks;
    private readonly Tally _reservations;
    private readonly Tally _settlements;
    private readonly Tally _usageEvents;
    private readonly Tally _customerSyncs;
    private readonly Tally _emails;

    public ServerMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _keyChecks = new(
            meter.CreateCounter<long>("pyresolve.key.checks", "{check}", "API keys that requests brought, by result."),
            "result", "remembered", "verified", "refused", "throttled");
        _reservations = new(
            meter.CreateCounter<long>("pyresolve.reservations", "{request}", "Requests for a reservation, by outcome."),
            "outcome", "granted", "repeated", "refused");
        _settlements = new(
            meter.CreateCounter<long>("pyresolve.settlements", "{request}", "Requests to end a reservation, by outcome."),
            "outcome", "committed", "released", "refused");
        _usageEvents = new(
            meter.CreateCounter<long>("pyresolve.usage.events", "{event}", "Usage events that clients sent, by outcome."),
            "outcome", "recorded", "repeated", "refused");
        _customerSyncs = new(
            meter.CreateCounter<long>("pyresolve.stripe.syncs", "{sync}", "Customers compared with Stripe after an event."),
            "outcome", "done", "failed");
        _emails = new(
            meter.CreateCounter<long>("pyresolve.emails", "{email}", "Tries to send an email, by outcome."),
            "outcome", "sent", "retried", "given_up");
    }

    public void KeyChecked(bool isRemembered, bool isRight, bool isThrottled) =>
        _keyChecks.Add(isThrottled ? "throttled" : !isRight ? "refused" : isRemembered ? "remembered" : "verified");

    public void ReservationAsked(bool isGranted, bool isNew) => _reservations.Add(!isGranted ? "refused" : isNew ? "granted" : "repeated");

    public void ReservationSettled(bool isCommitted, bool isReleased) =>
        _settlements.Add(isCommitted ? "committed" : isReleased ? "released" : "refused");

    public void UsageSent(int recorded, int repeated, int refused)
    {
        _usageEvents.Add("recorded", recorded);
        _usageEvents.Add("repeated", repeated);
        _usageEvents.Add("refused", refused);
    }

    public void CustomerSynced(bool isDone) => _customerSyncs.Add(isDone ? "done" : "failed");

    public void EmailSent() => _emails.Add("sent");

    public void EmailRetried() => _emails.Add("retried");

    public void EmailGivenUp() => _emails.Add("given_up");

    /// <summary>Writes a 0 to each series at the start: a rate over one that appears with 1 would miss the first.</summary>
    public void WriteZeros()
    {
        foreach (var tally in new[] { _keyChecks, _reservations, _settlements, _usageEvents, _customerSyncs, _emails })
            tally.WriteZeros();
    }

    /// <summary>A counter with one label, whose values are known.</summary>
    private sealed class Tally(Counter<long> counter, string label, params string[] values)
    {
        public void Add(string value, int count = 1)
        {
            if (count > 0)
                counter.Add(count, new KeyValuePair<string, object?>(label, value));
        }

        public void WriteZeros()
        {
            foreach (var value in values)
                counter.Add(0, new KeyValuePair<string, object?>(label, value));
        }
    }
}
