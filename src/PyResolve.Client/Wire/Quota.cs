namespace PyResolve.Client.Wire;

/// <summary>The body of <c>GET /quota</c>: where an account stands this month.</summary>
/// <param name="Plan"><c>free</c>, <c>pro</c>, <c>unlimited</c> or <c>enterprise</c>.</param>
/// <param name="MigrationsUsed">Migrations done this month. May exceed the limit: work that has happened is always recorded.</param>
/// <param name="MigrationsLimit">Migrations a month.</param>
/// <param name="MigrationsRemaining">The limit less what is used and held; never negative.</param>
/// <param name="LlmAllowed">Whether tier2 and tier3 may run.</param>
/// <param name="CanMigrate">Whether at least one migration remains.</param>
/// <param name="MigrationsHeld">Held by reservations that are neither committed nor given back.</param>
/// <param name="Month">The UTC calendar month, as <c>2026-11</c>.</param>
/// <param name="ResetsAt">The first instant of the next month, UTC.</param>
public sealed record QuotaSnapshot(
    string Plan,
    long MigrationsUsed,
    QuotaLimit MigrationsLimit,
    QuotaLimit MigrationsRemaining,
    bool LlmAllowed,
    bool CanMigrate,
    long MigrationsHeld,
    string Month,
    DateTimeOffset ResetsAt);
