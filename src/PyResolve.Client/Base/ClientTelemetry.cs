using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;

namespace PyResolve.Client;

/// <summary>Usage events that wait in one outbox, read when the gauges are.</summary>
internal sealed record PendingUsage(Func<long> Count, Func<TimeSpan> OldestAge);

internal static class ClientTelemetry
{
    public const string Name = "PyResolve.Client";

    private static readonly Meter Meter = new(Name, Version);
    private static readonly List<PendingUsage> Pending = [];
    private static readonly Gate PendingGate = new();

    public static string Version { get; } =
        typeof(ClientTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static ActivitySource Activities { get; } = new(Name, Version);

    public static Counter<long> Requests { get; } = Count("requests", "{request}", "Calls of the server's routes, with their retries.");

    public static Counter<long> Retries { get; } = Count("retries", "{request}", "Requests that were sent again.");

    public static Counter<long> Outages { get; } = Count("outages", "{outage}", "Times that the server was found out of reach.");

    public static Counter<long> Denials { get; } = Count("quota.denials", "{permit}", "Permits that were denied.");

    public static Counter<long> UsageRefused { get; } = Count("usage.refused", "{event}", "Usage events that were not accepted.");

    public static Counter<long> UsageSent { get; } = Count("usage.sent", "{event}", "Usage events that the server has recorded.");

    public static Counter<long> UsageRejected { get; } = Count("usage.rejected", "{event}", "Usage events that will never be sent.");

    public static ObservableUpDownCounter<long> UsagePending { get; } = Meter.CreateObservableUpDownCounter(
        "pyresolve.client.usage.pending",
        static () => Observed().Sum(static usage => usage.Count()), "{event}", "Usage events that wait in this process's outbox.");

    public static ObservableGauge<double> UsageOldestAge { get; } = Meter.CreateObservableGauge(
        "pyresolve.client.usage.oldest_age",
        static () => Observed().Select(static usage => usage.OldestAge().TotalSeconds).DefaultIfEmpty().Max(), "s",
        "For how long the oldest of them has waited.");

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

    private static Counter<long> Count(string name, string unit, string description) =>
        Meter.CreateCounter<long>("pyresolve.client." + name, unit, description);

    private static PendingUsage[] Observed()
    {
        lock (PendingGate)
            return [.. Pending];
    }
}
