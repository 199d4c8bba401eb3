using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>GET /quota</c>: an account's quota this month.</summary>
/// <param name="Plan">The plan's name in the server's catalogue, such as <c>free</c> or <c>pro</c>.</param>
/// <param name="MigrationsUsed">Migrations done this month. May exceed the limit, because work that was done is always recorded.</param>
/// <param name="MigrationsLimit">Migrations a month.</param>
/// <param name="MigrationsRemaining">The limit minus used and held migrations; never negative.</param>
/// <param name="LlmAllowed">Whether tier2 and tier3 may run.</param>
/// <param name="CanMigrate">Whether at least one migration remains, or credits or overage cover one.</param>
/// <param name="MigrationsHeld">Held by reservations that are not settled yet.</param>
/// <param name="Month">The UTC calendar month, as <c>2026-11</c>.</param>
/// <param name="ResetsAt">The first instant of the next month, in UTC.</param>
public sealed record QuotaSnapshot(
    string Plan, long MigrationsUsed, QuotaLimit MigrationsLimit, QuotaLimit MigrationsRemaining, bool LlmAllowed, bool CanMigrate,
    long MigrationsHeld, string Month, DateTimeOffset ResetsAt)
{
    /// <summary>Prepaid migrations that are left for when the plan's are used up; absent where the plan does not draw on credits.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Credits { get; init; }

    /// <summary>Migrations beyond the plan's, used or held this month, that are billed afterwards; absent where the plan has no overage.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? OverageUsed { get; init; }

    /// <summary>How many of them the account allows in a month; absent where the plan has no overage.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? OverageCap { get; init; }
}
