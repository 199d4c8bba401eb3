using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;

namespace PyResolve.Client;

/// <summary>Usage events that wait in one outbox, read when the gauges are.</summary>
internal sealed class PendingUsage(Func<long> count, Func<TimeSpan> oldestAge)
{
    public long Count() => count();

    public TimeSpan OldestAge() => oldestAge();
}

/// <summary>What the client tells whoever listens: one <see cref="ActivitySource"/> and one <see cref="Meter"/>. Without a listener it costs next to nothing.</summary>
internal static class ClientTelemetry
{
    public const string Name = "PyResolve.Client";

    private static readonly Meter Meter = new(Name, Version);
    private static readonly List<PendingUsage> Pending = [];
    private static readonly Gate PendingGate = new();

    /// <summary>This package's.</summary>
    public static string Version { get; } =
        typeof(ClientTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static ActivitySource Activities { get; } = new(Name, Version);

    public static Counter<long> Requests { get; } = Meter.CreateCounter<long>("pyresolve.client.requests", "{request}", "Calls of the server's routes; retries are part of their call.");

    public static Counter<long> Retries { get; } = Meter.CreateCounter<long>("pyresolve.client.retries", "{request}", "Requests that were sent again.");

    public static Counter<long> Outages { get; } = Meter.CreateCounter<long>("pyresolve.client.outages", "{outage}", "Times that the server was found out of reach.");

    public static Counter<long> Denials { get; } = Meter.CreateCounter<long>("pyresolve.client.quota.denials", "{permit}", "Permits that were denied.");

    public static Counter<long> UsageRefused { get; } = Meter.CreateCounter<long>("pyresolve.client.usage.refused", "{event}", "Usage events that were not taken over.");

    public static Counter<long> UsageSent { get; } = Meter.CreateCounter<long>("pyresolve.client.usage.sent", "{event}", "Usage events that the server has recorded.");

    public static Counter<long> UsageRejected { get; } = Meter.CreateCounter<long>("pyresolve.client.usage.rejected", "{event}", "Usage events that will never be sent.");

    public static ObservableUpDownCounter<long> UsagePending { get; } = Meter.CreateObservableUpDownCounter(
        "pyresolve.client.usage.pending", static () => Observed().Sum(static usage => usage.Count()), "{event}", "Usage events that wait in this process's outbox.");

    public static ObservableGauge<double> UsageOldestAge { get; } = Meter.CreateObservableGauge(
        "pyresolve.client.usage.oldest_age", static () => Observed().Select(static usage => usage.OldestAge().TotalSeconds).DefaultIfEmpty().Max(), "s",
        "For how long the oldest of them has waited.");

    /// <summary>Includes these events in the gauges, until they are forgotten.</summary>
    public static void Observe(PendingUsage usage)
    {
        lock (PendingGate)
        {
            if (!Pending.Contains(usage))
                Pending.Add(usage);
        }
    }

    public static void Forget(PendingUsage usage)
    {
        lock (PendingGate)
            Pending.Remove(usage);
    }

    private static PendingUsage[] Observed()
    {
        lock (PendingGate)
            return [.. Pending];
    }
}
