using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>GET /usage</c>: one month, as the ledger adds it up. Totals, days and libraries are of one and the same moment.</summary>
/// <param name="Month">The UTC calendar month, as <c>2026-11</c>. An event that names a hold counts in the month in which that was granted.</param>
/// <param name="Migrations">Migrations of any tier, or of none.</param>
/// <param name="Tier1Migrations">Those of <c>tier1</c>.</param>
/// <param name="LlmMigrations">Those of <c>tier2</c> and <c>tier3</c>.</param>
/// <param name="TotalTokens">Tokens of every event, whatever its type.</param>
/// <param name="TotalFilesChanged">Files of every event, whatever its type.</param>
/// <param name="ByDay">The days on which something was used, earliest first. The day is that on which it happened, so it may lie outside the month.</param>
/// <param name="ByLibrary">Most migrations first: at most 100 libraries, then one entry for all others together.</param>
/// <param name="Quota">Where the account stands now, whichever month was asked for.</param>
public sealed record UsageStatistics(
    string Month,
    long Migrations,
    long Tier1Migrations,
    long LlmMigrations,
    long TotalTokens,
    long TotalFilesChanged,
    IReadOnlyList<DailyUsage> ByDay,
    IReadOnlyList<LibraryUsage> ByLibrary,
    QuotaSnapshot Quota);

/// <summary>What was used on one day.</summary>
/// <param name="Date">The UTC calendar day, as <c>2026-11-23</c>.</param>
/// <param name="Migrations">Migrations of any tier, or of none.</param>
/// <param name="Tokens">Tokens of every event, whatever its type.</param>
public sealed record DailyUsage(string Date, long Migrations, long Tokens);

/// <summary>The migrations of one library, or of many together.</summary>
/// <param name="Library">As it was reported; <see langword="null"/>: migrations that named none; <c>other</c> where <see cref="Libraries"/> is given.</param>
/// <param name="Migrations">Migrations of any tier, or of none.</param>
public sealed record LibraryUsage(string? Library, long Migrations)
{
    /// <summary>On the last entry only, and only where there are more than 100 libraries: how many it stands for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Libraries { get; init; }
}

/// <summary>The body of <c>GET /usage/history</c>.</summary>
/// <param name="Data">One entry a month, this month first; a month in which nothing was used is there with zeros.</param>
public sealed record UsageHistory(IReadOnlyList<MonthlyUsage> Data);

/// <summary>The totals of one month.</summary>
/// <param name="Month">The UTC calendar month, as <c>2026-11</c>.</param>
/// <param name="Migrations">Migrations of any tier, or of none.</param>
/// <param name="Tier1Migrations">Those of <c>tier1</c>.</param>
/// <param name="LlmMigrations">Those of <c>tier2</c> and <c>tier3</c>.</param>
/// <param name="TotalTokens">Tokens of every event, whatever its type.</param>
/// <param name="TotalFilesChanged">Files of every event, whatever its type.</param>
public sealed record MonthlyUsage(
    string Month, long Migrations, long Tier1Migrations, long LlmMigrations, long TotalTokens, long TotalFilesChanged);

/// <summary>The body of <c>GET /usage/events</c>.</summary>
/// <param name="Data">The newest month first, and within a month what was recorded last. May be shorter than was asked for, and not the end.</param>
/// <param name="NextCursor">Asks for the events after these; <see langword="null"/> at the end.</param>
public sealed record UsageEventPage(IReadOnlyList<RecordedUsageEvent> Data, string? NextCursor);

/// <summary>A usage event as it stands in the ledger.</summary>
/// <param name="Id">Unique within the account.</param>
/// <param name="EventType"><c>migration</c>, <c>scan</c>, <c>llm_call</c>, or a tool's own word.</param>
/// <param name="Library">The library, if one was named.</param>
/// <param name="Tier"><c>tier1</c>, <c>tier2</c>, <c>tier3</c>, or <see langword="null"/>.</param>
/// <param name="Quantity">How many it counts as; more than 1 for a committed hold of several migrations.</param>
/// <param name="FilesChanged">Files changed.</param>
/// <param name="TokensUsed">Tokens used.</param>
/// <param name="Metadata">A JSON object.</param>
/// <param name="Month">The month that it counts in, as <c>2026-11</c>.</param>
/// <param name="OccurredAt">When it happened.</param>
/// <param name="RecordedAt">When it arrived.</param>
/// <param name="ReservationId">The hold that it spent, if it named one.</param>
/// <param name="Late">Whether it came after its hold had expired, been given back or been used up.</param>
public sealed record RecordedUsageEvent(
    Guid Id,
    string EventType,
    string? Library,
    string? Tier,
    int Quantity,
    int FilesChanged,
    int TokensUsed,
    JsonElement Metadata,
    string Month,
    DateTimeOffset OccurredAt,
    DateTimeOffset RecordedAt,
    Guid? ReservationId,
    bool Late);
