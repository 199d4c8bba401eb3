using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>Records every span and every measurement of the client.</summary>
public sealed class RecordedTelemetry : IDisposable
{
    private const string Name = "PyResolve.Client";

    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly ConcurrentQueue<(string Instrument, double Value, KeyValuePair<string, object?>[] Tags)> _counts = new();
    private readonly ConcurrentDictionary<string, double> _observed = new();
    private readonly ActivityListener _activities;
    private readonly MeterListener _meters = new();

    public RecordedTelemetry()
    {
        _activities = new()
        {
            ShouldListenTo = static source => source.Name == Name,
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_activities);
        _meters.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == Name)
                listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        _meters.Start();
    }

    public IReadOnlyList<Activity> Spans => [.. _spans];

    /// <summary>All recorded data, in one text.</summary>
    public string Text => string.Join(
        '\n',
        _spans.Select(static span => $"{span.DisplayName} {span.StatusDescription} {string.Join(' ', span.TagObjects)}")
            .Concat(_counts.Select(static count => $"{count.Instrument} {string.Join(' ', count.Tags)}")));

    /// <summary>The sum of a counter, optionally with a tag.</summary>
    public double Sum(string instrument, string? tag = null, object? value = null) =>
        _counts.Where(count => count.Instrument == instrument && (tag is null || count.Tags.Contains(new(tag, value))))
            .Sum(static count => count.Value);

    /// <summary>The current value of an observable instrument.</summary>
    public double Observe(string instrument)
    {
        _meters.RecordObservableInstruments();
        return _observed.TryGetValue(instrument, out var value) ? value : throw new InvalidOperationException(
            $"{instrument} says nothing. {_observed.Count.ToString(CultureInfo.InvariantCulture)} do.");
    }

    public void Dispose()
    {
        _activities.Dispose();
        _meters.Dispose();
    }

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (instrument.IsObservable)
            _observed[instrument.Name] = value;
        else
            _counts.Enqueue((instrument.Name, value, tags.ToArray()));
    }
}
