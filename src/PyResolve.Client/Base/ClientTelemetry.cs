using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;

namespace PyResolve.Client;

/// <summary>Reports the pending events of one outbox. Called when the metrics are collected.</summary>
internal sealed record PendingUsage(Func<long> Count, Func<TimeSpan> OldestAge);

internal static class ClientTelemetry
{
    public const string Name = "PyResolve.Client";

    // Before its users: static members are initialized in this order.
    public static string Version { get; } =
        typeof(ClientTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static readonly Meter Meter = new(Name, Version);
    private static readonly List<PendingUsage> Pending = [];
    private static readonly Gate PendingGate = new();

    public static ActivitySource Activities { get; } = new(Name, Version);

    public static Counter<long> Requests { get; } = CreateCounter("requests", "{request}", "API calls. A call and its retries count once.");

    public static Counter<long> Retries { get; } = CreateCounter("retries", "{request}", "Requests that were sent again.");

    public static Counter<long> Outages { get; } = CreateCounter("outages", "{outage}", "Times that the server became unreachable.");

    public static Counter<long> Denials { get; } = CreateCounter("quota.denials", "{permit}", "Permits that were denied.");

    public static Counter<long> UsageNotQueued { get; } = CreateCounter(
        "usage.refused", "{event}", "Usage events that were not accepted into the outbox.");

    public static Counter<long> UsageSent { get; } = CreateCounter("usage.sent", "{event}", "Usage events that the server has recorded.");

    public static Counter<long> UsageDiscarded { get; } = CreateCounter(
        "usage.rejected", "{event}", "Usage events that were moved aside and will not be sent.");

    public static ObservableUpDownCounter<long> UsagePending { get; } = Meter.CreateObservableUpDownCounter(
        "pyresolve.client.usage.pending",
        static () => Observed().Sum(static usage => usage.Count()), "{event}", "Usage events that wait in this process's outbox.");

    public static ObservableGauge<double> UsageOldestAge { get; } = Meter.CreateObservableGauge(
        "pyresolve.client.usage.oldest_age",
        static () => Observed().Select(static usage => usage.OldestAge().TotalSeconds).DefaultIfEmpty().Max(), "s",
        "Age of the oldest pending usage event.");

    public static void Observe(PendingUsage usage)
    {
        lock (PendingGate)
            Pending.Add(usage);
    }

    public static void Forget(PendingUsage usage)
    {
        lock (PendingGate)
            Pending.Remove(usage);
    }

    private static Counter<long> CreateCounter(string name, string unit, string description) =>
        Meter.CreateCounter<long>("pyresolve.client." + name, unit, description);

    private static PendingUsage[] Observed()
    {
        lock (PendingGate)
            return [.. Pending];
    }
}
