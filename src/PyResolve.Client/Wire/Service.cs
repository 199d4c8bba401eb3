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
/// <param name="Name"><c>free</c>, <c>pro</c>, <c>unlimited</c> or <c>enterprise</c>.</param>
/// <param name="MigrationsLimit">Migrations per UTC calendar month.</param>
/// <param name="LlmAllowed">Whether tier2 and tier3 may run.</param>
/// <param name="Price">The list price; <see langword="null"/> for a plan without one.</param>
public sealed record PlanInfo(string Name, QuotaLimit MigrationsLimit, bool LlmAllowed, PlanPrice? Price);

/// <summary>A recurring price.</summary>
/// <param name="Amount">The amount in the currency's minor unit (cents).</param>
/// <param name="Currency">ISO 4217, lower case.</param>
/// <param name="Interval"><c>month</c> or <c>year</c>.</param>
public sealed record PlanPrice(long Amount, string Currency, string Interval);
