using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>GET /</c>.</summary>
/// <param name="Service">Always <c>PyResolve API</c>.</param>
/// <param name="Version">The server's version.</param>
public sealed record ServiceInfo(string Service, string Version);

/// <summary>The body of <c>GET /health</c> and <c>GET /health/ready</c>.</summary>
/// <param name="Status">Always <c>healthy</c>.</param>
public sealed record HealthStatus(string Status);

/// <summary>The body of <c>GET /plans</c>.</summary>
/// <param name="Data">The plans, smallest first.</param>
public sealed record PlanList(IReadOnlyList<PlanInfo> Data);

/// <summary>A plan: what it allows, and its price.</summary>
/// <param name="Name">Such as <c>free</c> or <c>pro</c>: each server has a catalogue of its own.</param>
/// <param name="MigrationsLimit">Migrations per UTC calendar month.</param>
/// <param name="LlmAllowed">Whether tier2 and tier3 may run.</param>
/// <param name="Price">The list price: that of a month, if there is one; <see langword="null"/> for a plan without a price.</param>
public sealed record PlanInfo(string Name, QuotaLimit MigrationsLimit, bool LlmAllowed, PlanPrice? Price)
{
    /// <summary>The name to show; <see langword="null"/> on a server of an earlier version.</summary>
    public string? Title { get; init; }

    /// <summary>A sentence about the plan.</summary>
    public string? Description { get; init; }

    /// <summary>What the plan has, line by line.</summary>
    public IReadOnlyList<string> Features { get => field ?? []; init; } = [];

    /// <summary>Every price by which the plan is sold; <see cref="Price"/> is the first.</summary>
    public IReadOnlyList<PlanPrice> Prices { get => field ?? []; init; } = [];

    /// <summary>How long an account's first subscription is free; <see langword="null"/>: not at all.</summary>
    public int? TrialDays { get; init; }

    /// <summary>Whether the price is for a seat, and <see cref="MigrationsLimit"/> that of a seat.</summary>
    public bool PerSeat { get; init; }
}

/// <summary>A recurring price.</summary>
/// <param name="Amount">The amount in the currency's minor unit (cents).</param>
/// <param name="Currency">ISO 4217, lower case.</param>
/// <param name="Interval"><c>month</c> or <c>year</c>.</param>
public sealed record PlanPrice(long Amount, string Currency, string Interval)
{
    /// <summary>Whether the amount is for each unit that was used, and charged afterwards.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Metered { get; init; }
}
