using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>GET /usage</c>: the totals of one month. Totals, days and libraries are read at one moment.</summary>
/// <param name="Month">The UTC month, as <c>2026-11</c>. Events count in the month in which their reservation was granted.</param>
/// <param name="Migrations">Migrations of any tier, or without a tier.</param>
/// <param name="Tier1Migrations">Migrations of <c>tier1</c>.</param>
/// <param name="LlmMigrations">Migrations of <c>tier2</c> and <c>tier3</c>.</param>
/// <param name="TotalTokens">LLM tokens of events of all types, not only of migrations.</param>
/// <param name="TotalFilesChanged">Files changed by events of all types, not only by migrations.</param>
/// <param name="ByDay">The days with usage, earliest first. The day of an event may be outside the month.</param>
/// <param name="ByLibrary">The libraries with most migrations first: at most 100 and the one for migrations without a library, then one for
/// all others together.</param>
/// <param name="Quota">The account's current quota, independent of the requested month.</param>
public sealed record UsageStatistics(
    string Month, long Migrations, long Tier1Migrations, long LlmMigrations, long TotalTokens, long TotalFilesChanged,
    IReadOnlyList<DailyUsage> ByDay, IReadOnlyList<LibraryUsage> ByLibrary, QuotaSnapshot Quota)
{
    /// <summary>The API keys with most migrations first: at most 100, then one for all other keys together, then one for migrations without
    /// a key. Empty from a server that does not know it yet.</summary>
    public IReadOnlyList<KeyUsage> ByKey { get; init; } = [];
}

/// <summary>The migrations that one API key reported, or several together, or none.</summary>
/// <param name="KeyId">The key's id; <see langword="null"/> for other keys together, and for migrations reported by a session or before the
/// server stored keys.</param>
/// <param name="Prefix">The key's first 20 characters; <see langword="null"/> where <paramref name="KeyId"/> is.</param>
/// <param name="Name">The key's name; <c>other</c> when <see cref="Keys"/> is set; <see langword="null"/> for migrations without a
/// key.</param>
/// <param name="Migrations">Migrations of any tier, or without a tier.</param>
public sealed record KeyUsage(Guid? KeyId, string? Prefix, string? Name, long Migrations)
{
    /// <summary>How many keys this entry stands for: set on one entry when there are more than 100 keys.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Keys { get; init; }
}

/// <summary>The usage of one day.</summary>
/// <param name="Date">The UTC calendar day, as <c>2026-11-23</c>.</param>
/// <param name="Migrations">Migrations of any tier, or without a tier.</param>
/// <param name="Tokens">LLM tokens of events of all types, not only of migrations.</param>
public sealed record DailyUsage(string Date, long Migrations, long Tokens);

/// <summary>The migrations of one library, or of several together.</summary>
/// <param name="Library">The library; <see langword="null"/> if none was named; <c>other</c> when <see cref="Libraries"/> is set.</param>
/// <param name="Migrations">Migrations of any tier, or without a tier.</param>
public sealed record LibraryUsage(string? Library, long Migrations)
{
    /// <summary>How many libraries this entry stands for: set on the last entry when there are more than 100 libraries.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Libraries { get; init; }
}

/// <summary>The body of <c>GET /usage/history</c>.</summary>
/// <param name="Data">One entry per month, the current one first; months without usage have zeros.</param>
public sealed record UsageHistory(IReadOnlyList<MonthlyUsage> Data);

/// <summary>The totals of one month.</summary>
/// <param name="Month">The UTC calendar month, as <c>2026-11</c>.</param>
/// <param name="Migrations">Migrations of any tier, or without a tier.</param>
/// <param name="Tier1Migrations">Migrations of <c>tier1</c>.</param>
/// <param name="LlmMigrations">Migrations of <c>tier2</c> and <c>tier3</c>.</param>
/// <param name="TotalTokens">LLM tokens of events of all types, not only of migrations.</param>
/// <param name="TotalFilesChanged">Files changed by events of all types, not only by migrations.</param>
public sealed record MonthlyUsage(
    string Month, long Migrations, long Tier1Migrations, long LlmMigrations, long TotalTokens, long TotalFilesChanged);

/// <summary>The body of <c>GET /usage/events</c>.</summary>
/// <param name="Data">The newest month first, then the last recorded first. A shorter page need not be the last.</param>
/// <param name="NextCursor">The cursor of the next page; <see langword="null"/> at the end.</param>
public sealed record UsageEventPage(IReadOnlyList<RecordedUsageEvent> Data, string? NextCursor);

/// <summary>A recorded usage event.</summary>
/// <param name="Id">The event's id, unique within the account.</param>
/// <param name="EventType"><c>migration</c>, <c>scan</c>, <c>llm_call</c>, or a tool's own type.</param>
/// <param name="Library">The library, if there is one.</param>
/// <param name="Tier"><c>tier1</c>, <c>tier2</c>, <c>tier3</c>, or <see langword="null"/>.</param>
/// <param name="Quantity">How many migrations it counts as; more than 1 for a committed reservation of several.</param>
/// <param name="FilesChanged">Files changed.</param>
/// <param name="TokensUsed">Tokens used.</param>
/// <param name="Metadata">A JSON object.</param>
/// <param name="Month">The month that it counts in, as <c>2026-11</c>.</param>
/// <param name="OccurredAt">When it happened.</param>
/// <param name="RecordedAt">When it arrived.</param>
/// <param name="ReservationId">The reservation that it spent, if it named one.</param>
/// <param name="Late">Whether it arrived after its reservation had expired, been released or been used up.</param>
public sealed record RecordedUsageEvent(
    Guid Id, string EventType, string? Library, string? Tier, int Quantity, int FilesChanged, int TokensUsed, JsonElement Metadata,
    string Month, DateTimeOffset OccurredAt, DateTimeOffset RecordedAt, Guid? ReservationId, bool Late)
{
    /// <summary>The API key that reported it; <see langword="null"/> for a session, and for events from before the server stored
    /// keys.</summary>
    public Guid? KeyId { get; init; }

    /// <summary>Of the quantity, those that prepaid credits covered; absent where the plan's quota covered all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Credits { get; init; }

    /// <summary>Of the quantity, those that are billed as overage; absent where the plan's quota covered all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Overage { get; init; }
}
