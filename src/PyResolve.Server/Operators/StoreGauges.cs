using System.Diagnostics.Metrics;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server.Operators;

/// <summary>
/// Gauges of the work that waits in the store, which every instance sees alike. Read every 20 seconds, and not when a collector
/// asks, so that collectors cost the store nothing.
/// </summary>
internal sealed partial class StoreGauges : RepeatedWork
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    private readonly BacklogReader _backlogs;
    private readonly StoreReadiness _store;
    private readonly ServerMetrics _metrics;
    private readonly SecurityLog _refusals;
    private readonly ILogger<StoreGauges> _logger;

    private volatile Figures? _figures;

    public StoreGauges(
        IMeterFactory meters, ServerMetrics metrics, SecurityLog refusals, BacklogReader backlogs, StoreReadiness store, TimeProvider time,
        ILogger<StoreGauges> logger)
        : base(Interval, time)
    {
        (_backlogs, _store, _metrics, _refusals, _logger) = (backlogs, store, metrics, refusals, logger);
        var meter = meters.Create(ServerMetrics.MeterName);
        Gauge("pyresolve.store.ready", null, "1 where the store accepts writes, else 0.", static now => now.IsReady ? 1 : 0);
        Gauge("pyresolve.stripe.events.waiting", "{event}", "Stripe events waiting.", static now => now.Backlog?.WaitingEvents);
        Gauge(
            "pyresolve.stripe.events.oldest", "s", "Age of the oldest waiting Stripe event.",
            static now => now.Backlog?.OldestEventSeconds);
        Gauge("pyresolve.stripe.events.dead", "{event}", "Stripe events that will not be retried.", static now => now.Backlog?.DeadEvents);
        Gauge("pyresolve.emails.waiting", "{email}", "Emails waiting.", static now => now.Backlog?.WaitingEmails);
        Gauge("pyresolve.emails.oldest", "s", "Age of the oldest waiting email.", static now => now.Backlog?.OldestEmailSeconds);

        // Nothing is reported before it is read.
        void Gauge(string name, string? unit, string text, Func<Figures, double?> value) => meter.CreateObservableGauge<double>(
            name, () => _figures is { } figures && value(figures) is { } read ? [new Measurement<double>(read)] : [], unit, text);
    }

    // After what collects has started, which is the first of the services.
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _metrics.WriteZeros();
        _refusals.WriteZeros();
        return base.StartAsync(cancellationToken);
    }

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        var isReady = await _store.FindProblemAsync(cancellationToken) is null;
        if (!isReady)
        {
            NotReady();
            return;
        }

        var now = Time.GetInstant();
        var (events, dead, emails) = await _backlogs.ReadAsync(cancellationToken);
        _figures = new Figures(
            IsReady: true,
            new Waiting(events.Count, events.AgeAt(now).TotalSeconds, dead.Count, emails.Count, emails.AgeAt(now).TotalSeconds));
    }

    protected override void Failed(Exception exception)
    {
        NotReady();
        Log.NotRead(_logger, exception.Message);
    }

    /// <summary>Marks the store as not ready. The last figures of the backlog stay: they are what is known.</summary>
    private void NotReady() => _figures = new Figures(IsReady: false, _figures?.Backlog);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Backlog metrics were not read: {Cause}")]
        public static partial void NotRead(ILogger logger, string cause);
    }

    /// <param name="IsReady">Whether the store accepts writes.</param>
    /// <param name="Backlog">null: it was never read.</param>
    private sealed record Figures(bool IsReady, Waiting? Backlog);

    private sealed record Waiting(
        long WaitingEvents, double OldestEventSeconds, long DeadEvents, long WaitingEmails, double OldestEmailSeconds);
}
